"""The command line on groups, pull requests, history and rollback: direct, and the same over HTTP."""

import re
import shlex
from dataclasses import replace

import pytest

from failover_api.core.planning.request import MoveRequest
from failover_api.edges.cli.moves import CommandTarget
from tests.support.shell import Cli, answering
from tests.support.stage import FILES, PLEX, RADARR, SERVICES, SONARR, Stage, deployment, entry

GROUP = "groups:\n  media: [plex, sonarr, radarr]\n"


@pytest.fixture
def grouped(cli: Cli) -> Cli:
    cli.stage.declare(SERVICES, top=GROUP)
    return cli


@pytest.fixture
def reviewed(cli: Cli) -> Cli:
    cli.stage.declare(SERVICES, top=f"policy: pull_request\n{GROUP}")
    return cli


def columns(text: str) -> list[list[str]]:
    """Each line's cells: what stands two spaces or more apart."""
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]


# Groups


def test_a_group_is_a_small_table(grouped: Cli) -> None:
    grouped("promote", "sonarr")
    out = grouped("promote", "--group", "media", "--reason", "k3s-w1 is down").stdout
    assert columns(out)[1:5] == [
        ["SERVICE", "FROM", "TO"],
        ["plex", "primary", "backup"],
        ["sonarr", "backup", "backup"],
        ["radarr", "primary", "backup"],
    ]
    assert f"commit {grouped.stage.sandbox.head(repository=grouped.stage.repository)}" in out
    assert "Reason: k3s-w1 is down" in grouped.stage.messages[0]
    grouped("demote", "--group", "media", "--yes")
    assert {path: grouped.stage.read(path) for path in FILES} == FILES


def test_a_groups_dry_run_shows_every_diff_and_writes_nothing(grouped: Cli) -> None:
    out = grouped("promote", "--group", "media", "--dry-run").stdout
    for path in FILES.keys() - {"README.md"}:
        assert f"\n+++ b/{path}\n" in out
    assert not grouped.stage.writes


def test_one_that_is_refused_can_be_skipped(grouped: Cli) -> None:
    grouped.stage.replace(SONARR, "role: primary", "role: maintenance")
    assert "sonarr: " in grouped("promote", "--group", "media", code=3).stderr
    out = grouped("promote", "--group", "media", "--skip-refused").stdout
    (left_out,) = [row for row in columns(out) if row[0] == "sonarr"]
    assert left_out[1].startswith("left out: ")
    assert f"{SONARR}:12" in left_out[1]
    assert len(grouped.stage.moves) == 1


def test_all_that_are_refused_are_told_with_the_line_that_moves_the_others(grouped: Cli) -> None:
    grouped.stage.replace(SONARR, "role: primary", "role: maintenance")
    grouped.stage.commit({RADARR: None}, "Gone")
    words = ("promote", "--group", "media", "--reason", "it's down")
    body = grouped.json(*words, code=3)
    assert [one["service"] for one in body["refused"]] == ["sonarr", "radarr"]
    told = grouped(*words, code=3).stderr
    assert f"\n  sonarr: {SONARR}:12" in told
    assert "\n  radarr: no Deployment" in told
    line = "failover promote --group media --skip-refused --reason 'it'\"'\"'s down'"
    assert told.endswith(f"To move the others: {line}\n")
    grouped(*shlex.split(line)[1:])
    assert len(grouped.stage.moves) == 1


def test_no_line_to_paste_is_the_one_that_was_refused(grouped: Cli) -> None:
    grouped.stage.replace(SONARR, "role: primary", "role: maintenance")
    words = ("promote", "--group", "media", "--skip-refused", "--idempotency-key", "k")
    assert "To move" not in grouped(*words).stderr
    target, refused = CommandTarget("promote", "media", is_group=True), {"refused": [{"service": "sonarr"}]}
    asked = MoveRequest(by="maria", skip_refused=True)
    assert target.hint(asked, refused) == ""
    assert target.hint(replace(asked, skip_refused=False), refused) == (
        "To move the others: failover promote --group media --skip-refused"
    )


def test_an_open_pull_request_is_not_skipped_and_what_to_do_is_said(reviewed: Cli) -> None:
    reviewed.stage.replace(SONARR, "role: primary", "role: backup")
    reviewed("demote", "sonarr")
    reviewed.stage.replace(SONARR, "role: backup", "role: backup # a person")
    words = ("promote", "--group", "media", "--skip-refused", "--yes")
    told = reviewed(*words, code=3).stderr
    assert told.endswith(
        "An open pull request is not left out by --skip-refused: merge or close it first, or add --supersede to have "
        "it closed.\n"
    )
    assert "To move the others" not in told
    reviewed(*words, "--supersede")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("promote",), "a SERVICE or a --group"),
        (("demote",), "a SERVICE or a --group"),
        (("promote", "sonarr", "--group", "media"), "a SERVICE or a --group"),
        (("demote", "sonarr", "--skip-refused"), "--skip-refused goes with --group"),
        (("rollback",), "SERVICE"),
        (("rollback", "--group", "media"), "--group"),
        (("rollback", "sonarr", "--force"), "--force"),
        (("rollback", "sonarr", "--skip-refused"), "--skip-refused"),
        (("history",), "SERVICE"),
        (("history", "sonarr", "--limit", "0"), "--limit"),
        (("history", "sonarr", "--limit", "101"), "--limit"),
    ],
)
def test_what_is_asked_wrongly_is_usage(grouped: Cli, words: tuple[str, ...], said: str) -> None:
    assert said in grouped(*words, code=2).stderr
    assert not grouped.stage.requests


def test_an_unknown_group_is_exit_2(grouped: Cli) -> None:
    assert grouped.json("promote", "--group", "nosuch", code=2)["type"].endswith(":unknown-group")


def test_who_interrupts_a_groups_move_is_told_where_to_look() -> None:
    assert "`failover list`" in CommandTarget("promote", "media", is_group=True).where_to_look
    assert "`failover status sonarr`" in CommandTarget("rollback", "sonarr").where_to_look


def test_an_empty_name_is_no_group(grouped: Cli) -> None:
    grouped("promote", "--group", "", code=2)
    assert not grouped.stage.requests


# Pull requests


def test_a_proposal_is_exit_0_and_shows_where_it_is(reviewed: Cli) -> None:
    out = reviewed("promote", "sonarr").stdout
    (pull,) = reviewed.stage.pulls()
    line = f"pull request #{pull['number']} is open: {pull['html_url']}"
    assert line in out.splitlines()
    again = reviewed("promote", "sonarr").stdout
    assert line in again.splitlines()
    assert f"  {line}" in reviewed("status", "sonarr").stdout.splitlines()
    listed = reviewed("list", "-o", "wide").stdout.splitlines()
    assert [row.split("\t")[-1] for row in listed[:2]] == ["PULL-REQUEST", pull["html_url"]]
    assert len(reviewed.stage.pulls("all")) == 1


def test_the_other_way_is_exit_3_and_supersedes_when_asked_to(reviewed: Cli) -> None:
    reviewed.stage.replace(SONARR, "role: primary", "role: backup")
    reviewed("promote", "sonarr")
    (first,) = reviewed.stage.pulls()
    assert first["html_url"] in reviewed("demote", "sonarr", code=3).stderr
    reviewed("demote", "sonarr", "--supersede")
    (second,) = reviewed.stage.pulls()
    assert second["number"] != first["number"]


def test_a_warning_is_on_standard_error(reviewed: Cli) -> None:
    reviewed.stage.declare(SERVICES, top="policy: pull_request\npull_request: {reviewers: [nobody-here]}")
    done = reviewed("promote", "sonarr")
    assert done.stderr.startswith("warning: reviewers: ")
    assert "warning" not in done.stdout
    assert len(done.stderr.splitlines()) == 1


def test_every_part_of_a_group_is_shown(cli: Cli) -> None:
    cli.stage.commit({"README.md": "a branch\n"}, "Branch off", "staging")
    services = entry("sonarr") + entry("radarr", "media", "branch: staging") + PLEX + "    policy: pull_request\n"
    cli.stage.declare(services, top=GROUP)
    out = cli("promote", "--group", "media").stdout
    assert out.count("\ncommit ") == 3
    assert out.count("\npull request #") == 1


# History and rollback


def test_history_is_a_table_newest_first(cli: Cli) -> None:
    cli("promote", "sonarr", "--reason", "k3s-w1 is down")
    edit = cli.stage.replace(SONARR, "sonarr:1.0", "sonarr:1.1", "Update sonarr")
    cli("rollback", "sonarr", "--reason", "a false alarm")
    rows = columns(cli("history", "sonarr", "--limit", "3").stdout)
    assert rows[0] == ["TIME", "ACTION", "FROM", "TO", "BY", "REASON", "COMMIT"]
    head = cli.stage.sandbox.head(repository=cli.stage.repository)
    assert [row[1:4] for row in rows[1:]] == [
        ["rollback", "backup", "primary"],
        ["edit", "maria", "Update sonarr"],
        ["promote", "primary", "backup"],
    ]
    assert rows[1][5:] == ["a false alarm", head[:7]]
    assert rows[2][4:] == [edit[:7]]
    assert rows[3][5] == "k3s-w1 is down"
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", row[0]) for row in rows[1:])


def test_a_page_says_how_to_go_on(cli: Cli) -> None:
    for number in range(3):
        cli.stage.commit({SONARR: FILES[SONARR] + b"# %d\n" % number}, f"Edit {number}")
    first = cli("history", "sonarr", "--limit", "2")
    assert ("Edit 2" in first.stdout, "Edit 0" in first.stdout) == (True, False)
    cursor = first.stderr.split("--cursor ")[1].strip()
    second = cli("history", "sonarr", "--limit", "2", "--cursor", cursor)
    assert ("Edit 1" in second.stdout, "Edit 0" in second.stdout, second.stderr) == (False, True, "")
    assert "cursor" in cli("history", "sonarr", "--cursor", "x", code=2).stderr


def test_status_tells_the_last_move(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTOR", "octocat")
    assert "last move" not in cli("status", "sonarr").stdout
    cli("promote", "sonarr", "--reason", "k3s-w1 is down")
    line = cli("status", "sonarr").stdout.splitlines()[-1]
    assert re.fullmatch(
        r"  last move: [-0-9]{10} [0-9:]{5} UTC  promote primary -> backup, by octocat: k3s-w1 is down", line
    )


def test_a_rollback_puts_back_what_was(cli: Cli) -> None:
    assert "nothing-to-roll-back" in cli.json("rollback", "sonarr", code=3)["type"]
    cli("promote", "sonarr")
    moved = cli.stage.read(SONARR)
    assert '+            claimName: "pvc-sonarr"' in cli("rollback", "sonarr", "--dry-run").stdout
    assert cli.stage.read(SONARR) == moved
    cli("rollback", "sonarr")
    assert cli.stage.read(SONARR) == FILES[SONARR]
    cli.stage.replace(SONARR, "role: primary", "role: k3s-w3")
    assert "somebody changed it since" in cli("rollback", "sonarr", code=3).stderr


def test_the_same_key_is_the_first_outcome(cli: Cli) -> None:
    first = cli.json("promote", "sonarr", "--idempotency-key", "alert-1")
    cli("demote", "sonarr")
    assert cli.json("promote", "sonarr", "--idempotency-key", "alert-1") == first
    reused = cli.json("demote", "sonarr", "--idempotency-key", "alert-1", code=3)
    assert reused["type"].endswith(":idempotency-key-reused")
    for key in ("", "clé", "a" * 256):
        assert "Idempotency-Key" in cli("promote", "sonarr", "--idempotency-key", key, code=2).stderr
    assert len(cli.stage.moves) == 2


# Where there is little room


def test_a_history_on_a_narrow_terminal_is_lines(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("promote", "sonarr", "--reason", "k3s-w1 is down")
    monkeypatch.setenv("COLUMNS", "45")
    lines = cli("history", "sonarr").stdout.splitlines()
    assert re.fullmatch(r"[-0-9]{10} [0-9:]{5} UTC  promote primary -> backup, by \S+: k3s-w1 is down", lines[0])
    assert lines[1] == f"  {cli.stage.sandbox.head(repository=cli.stage.repository)[:7]}"
    assert lines[2].endswith("edit, by maria: Initial commit")


# Over HTTP


def test_the_same_commands_over_http_say_the_same(reviewed: Cli) -> None:
    commands: list[tuple[tuple[str, ...], int]] = [
        (("promote", "--group", "media", "--dry-run"), 3),
        (("promote", "--group", "nosuch"), 2),
        (("promote", "sonarr"), 0),  # again: it is open
        (("demote", "sonarr"), 3),
        (("demote", "--group", "media", "--dry-run", "--supersede"), 0),
        (("demote", "sonarr", "--idempotency-key", "clé"), 2),
        (("rollback", "sonarr", "--dry-run"), 3),
        (("rollback", "radarr", "--dry-run"), 3),
        (("history", "sonarr"), 0),
        (("history", "radarr", "--limit", "1"), 0),
        (("history", "sonarr", "--cursor", "x"), 2),
        (("history", "nosuch"), 2),
        (("status", "sonarr"), 0),
        (("list",), 0),
    ]
    reviewed.stage.replace(RADARR, "radarr:1.0", "radarr:1.1", "Update radarr")
    reviewed("promote", "sonarr")
    with reviewed.stage.served() as url:
        for words, code in commands:
            direct = reviewed(*words, code=code)
            remote = reviewed(*words, "--server", url, code=code)
            assert (remote.stdout, remote.stderr) == (direct.stdout, direct.stderr), words
            assert reviewed.json(*words, "--server", url, code=code).keys() == reviewed.json(*words, code=code).keys()


def test_every_wish_reaches_the_service(grouped: Cli) -> None:
    grouped.stage.replace(SONARR, "role: primary", "role: maintenance")
    with grouped.stage.served() as url:
        at = ("--server", url)
        grouped("promote", "--group", "media", *at, code=3)
        body = grouped.json("promote", "--group", "media", "--skip-refused", "--reason", "by HTTP", *at)
        assert [service["changed"] for service in body["services"]] == [True, False, True]
        forced = grouped.json("promote", "sonarr", "--force", "--idempotency-key", "alert-1", *at)
        assert forced["from"] == "unknown"
        assert grouped.json("rollback", "sonarr", "--reason", "back", *at)["to"] == "unknown"
        assert grouped.json("promote", "sonarr", "--force", "--idempotency-key", "alert-1", *at) == forced
    assert "Reason: by HTTP" in grouped.stage.moves[-1]
    assert len(grouped.stage.moves) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("promote", "sonarr"), "not moved twice"),
        (("promote", "--group", "media"), "not moved twice"),
        (("rollback", "sonarr"), "rolling back twice undoes the rollback"),
        (("rollback", "sonarr", "--idempotency-key", "a"), "with the same key"),
    ],
)
def test_what_to_do_when_nobody_can_tell_is_said(grouped: Cli, words: tuple[str, ...], said: str) -> None:
    with answering(502, b"<html>bad gateway</html>", "text/html") as url:
        assert said in grouped.json(*words, "--server", url, code=4)["detail"]


# What stands in Git


HOSTILE = "\x1b[2J[red]gone[/red] \u202etxet\x07"


def hostile_history(stage: Stage) -> None:
    stage.replace(SONARR, "sonarr:1.0", "sonarr:1.1", HOSTILE)
    forged = "Failover-Service: sonarr\nFailover-Action: promote\nFailover-From: primary\nFailover-To: backup\n"
    forged += f"Failover-Operation: 1\x9b\nFailover-Requested-By: {HOSTILE}\nFailover-Reason: {HOSTILE}\n"
    moved = deployment("sonarr", role="backup", claim="pvc-sonarr-backup")
    stage.commit({SONARR: moved}, f"{HOSTILE}\n\n{forged}")


@pytest.mark.parametrize("width", ["200", "60"])
def test_what_stands_in_git_does_not_drive_the_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    monkeypatch.setenv("COLUMNS", width)
    hostile_history(cli.stage)
    for words in (("history", "sonarr"), ("status", "sonarr")):
        shown = cli(*words)
        text = shown.stdout + shown.stderr
        assert not set(text) & {"\x1b", "\x07", "\x9b", "\u202e"}
        assert "\\x1b" in text
        assert "[red]gone[/red]" in text, "nor is it markup"
