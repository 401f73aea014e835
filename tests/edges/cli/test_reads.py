"""`failover list` and `groups`, times, output formats, and help for who mistypes a name."""

import re
import time
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from failover_api.core.access.model import digest_of
from failover_api.edges.cli.main import app
from failover_api.edges.cli.times import shown_time
from tests.support.shell import Cli
from tests.support.stage import RADARR, RELEASE, SERVICES, SONARR, Stage, entry

GROUPS = "groups: {media: [radarr, sonarr], one: [sonarr]}"
NODES = "nodes: {primary: k3s-w1, backup: [k3s-w2, k3s-w3]}"


def rows(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as zone:
        zone.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


# list


def test_a_list_in_a_pipe_is_divided_by_tabs(stage: Stage, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.declare(SERVICES, top=NODES)
    monkeypatch.setenv("GITHUB_ACTOR", "octocat")
    cli("promote", "sonarr")
    head, sonarr, radarr, _ = rows(cli("list").stdout)
    assert head == ["NAME", "SIDE", "STAGE", "NODE", "SINCE", "BY"]
    moved = cli.json("status", "sonarr")["last_move"]["time"]
    assert sonarr == ["sonarr", "backup", "-", "k3s-w2,k3s-w3", shown_time(moved), "octocat"]
    assert radarr == ["radarr", "primary", "-", "k3s-w1", "-", "-"]


def test_since_when_and_by_whom_are_not_those_of_a_move_that_was_undone_by_hand(stage: Stage, cli: Cli) -> None:
    before = stage.read(SONARR) or b""
    cli("promote", "sonarr")
    stage.commit({SONARR: before})
    _, sonarr, *_ = rows(cli("list").stdout)
    assert (sonarr[1], sonarr[4:]) == ("primary", ["-", "-"])
    first = cli("rollout", "sonarr").stdout.splitlines()[0]
    assert first.startswith("sonarr: changed in Git since: the branch has the service on primary now  operation 01")


def test_a_list_on_a_terminal_fits_80_columns(stage: Stage, run, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.declare(entry("sonarr") + entry("radarr"), top=NODES)
    monkeypatch.setenv("GITHUB_ACTOR", "maria@acme/homelab")
    cli("promote", "sonarr")
    shell = run("list", columns=80, NO_COLOR="1", TERM="dumb")
    assert shell.end() == 0
    lines = re.sub(r"\x1b\[[0-9;?]*[a-z]", "", shell.left).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["NAME", "SIDE", "STAGE", "NODE", "SINCE", "BY"]
    assert lines[1].endswith("maria@acme/homelab")
    assert "\t" not in shell.left


def test_the_same_list_over_http(stage: Stage, cli: Cli) -> None:
    stage.declare(SERVICES, top=f"{NODES}\n{GROUPS}")
    cli("promote", "sonarr")
    with stage.served() as url:
        for words in (("list",), ("list", "-o", "wide"), ("list", "--group", "one"), ("groups",)):
            assert cli(*words, "--server", url).stdout == cli(*words).stdout


def test_a_service_without_nodes_of_an_older_server_has_none(stage: Stage) -> None:
    from failover_api.edges.cli.listing import row

    service = {"service": "a", "side": "primary", "switches": [], "last_move": None}
    assert row(service, is_wide=False, utc=True) == ("a", "primary", "-", "-", "-", "-")


def test_side_and_group_choose(stage: Stage, cli: Cli) -> None:
    stage.declare(SERVICES, top=GROUPS)
    cli("promote", "sonarr")
    assert cli("list", "--side", "backup", "-o", "name").stdout == "sonarr\n"
    assert cli("list", "--group", "media", "--output", "name").stdout == "sonarr\nradarr\n"
    assert cli("list", "--group", "media", "--side", "mixed", "-o", "name").stdout == ""
    assert [service["service"] for service in cli.json("list", "--side", "primary")["services"]] == ["radarr", "plex"]
    assert cli("list", "-o", "json").stdout == cli("list", "--json").stdout


def test_wide_has_more_columns(stage: Stage, cli: Cli) -> None:
    stage.declare(SERVICES, top=GROUPS)
    head, sonarr, *_ = rows(cli("list", "-o", "wide").stdout)
    assert head[6:] == ["POLICY", "GROUPS", "FILES", "PULL-REQUEST"]
    assert sonarr[6:] == ["direct", "media,one", SONARR, "-"]


def test_one_credential_error_is_said_once(stage: Stage, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAILOVER_GITHUB_TOKEN")
    result = cli("list", code=1)
    (line,) = result.stderr.splitlines()
    assert line.startswith("Not ready: no GitHub credentials: set FAILOVER_GITHUB_APP_ID")
    assert result.stdout == ""
    assert len(cli("list", "-o", "name", code=1).stderr.splitlines()) == 1


def test_each_reason_is_said_once_and_names_whom_it_is_about(stage: Stage, cli: Cli) -> None:
    stage.declare(
        SERVICES + entry("tea", "media", "repository: acme/nowhere") + entry("tee", "media", "repository: acme/nowhere")
    )
    result = cli("list")
    assert [row[1] for row in rows(result.stdout)[1:]] == ["primary"] * 3 + ["unknown"] * 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("tea, tee: Repository or branch not found: ")


def test_a_list_in_which_nothing_could_be_read_is_exit_1_whatever_is_asked_of_it(stage: Stage, cli: Cli) -> None:
    stage.commit({SONARR: "a: [", RADARR: "a: [", RELEASE: "a: ["})
    for words in ((), ("-o", "name"), ("--side", "backup"), ("-o", "wide")):
        cli("list", *words, code=1)


# groups


def test_groups_are_listed(stage: Stage, cli: Cli) -> None:
    stage.declare(SERVICES, top=GROUPS)
    assert rows(cli("groups").stdout) == [["NAME", "SERVICES"], ["media", "radarr,sonarr"], ["one", "sonarr"]]
    assert cli("groups", "-o", "name").stdout == "media\none\n"
    body = {"groups": [{"name": "media", "services": ["radarr", "sonarr"]}, {"name": "one", "services": ["sonarr"]}]}
    assert cli.json("groups") == body
    assert not stage.requests, "the catalog says it all"


def test_a_catalog_without_groups_says_so(cli: Cli) -> None:
    result = cli("groups")
    assert (result.stdout, result.stderr) == ("", "The catalog has no groups.\n")


# Times


def test_times_are_local_and_say_their_zone(berlin: None, cli: Cli) -> None:
    cli("promote", "sonarr")
    moved = cli.json("status", "sonarr")["last_move"]["time"]
    local, utc = shown_time(moved), shown_time(moved, utc=True)
    assert local.endswith((" CET", " CEST"))
    assert utc == f"{moved[:10]} {moved[11:16]} UTC"
    for words in (("list",), ("status", "sonarr"), ("history", "sonarr")):
        assert local in cli(*words).stdout
        assert utc not in cli(*words).stdout
        assert utc in cli(*words, "--utc").stdout


def test_a_time_is_shown_in_summer_as_in_winter(berlin: None) -> None:
    assert shown_time("2026-11-23T04:00:59Z") == "2026-11-23 05:00 CET"
    assert shown_time("2026-07-01T22:30:00+00:00") == "2026-07-02 00:30 CEST"
    assert shown_time("2026-07-01T22:30:00Z", utc=True) == "2026-07-01 22:30 UTC"


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00Z", ""])
def test_what_no_calendar_shows_is_shown_as_it_stands(time: str) -> None:
    assert shown_time(time, utc=True) == time


# Formats


@pytest.mark.parametrize("words", [("status", "sonarr"), ("history", "sonarr"), ("groups",), ("list",)])
def test_output_json_is_json(cli: Cli, words: tuple[str, ...]) -> None:
    assert cli(*words, "-o", "json").stdout == cli(*words, "--json").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "-o", "yaml"), "'yaml' is not one of 'wide', 'json', 'name'."),
        (("list", "--side", "up"), "'up' is not one of 'primary', 'backup', 'mixed', 'unknown'."),
        (("history", "sonarr", "--limit", "x"), "expected a whole number"),
        (("history", "sonarr", "--limit", "0"), "expected at least 1"),
        (("serve", "--port", "99999"), "expected at most 65535"),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(cli: Cli, words: tuple[str, ...], said: str) -> None:
    last = cli(*words, code=2).stderr.splitlines()[-1]
    assert last.startswith("Error: Invalid value for ")
    assert last.endswith(said)
    assert "Value error" not in last


# Names


@pytest.mark.parametrize(
    "words", [("status", "sonar"), ("history", "sonar"), ("promote", "sonar"), ("rollback", "sonar", "--dry-run")]
)
@pytest.mark.parametrize("remote", [False, True])
def test_a_service_that_was_meant_is_named(stage: Stage, cli: Cli, words: tuple[str, ...], remote: bool) -> None:
    with stage.served() as url:
        where = ("--server", url) if remote else ()
        problem = cli.json(*words, *where, code=2)
    assert problem["detail"] == "no service is named 'sonar' in the catalog; did you mean sonarr?"


@pytest.mark.parametrize("words", [("promote", "--group", "medai"), ("list", "--group", "medai")])
@pytest.mark.parametrize("remote", [False, True])
def test_a_group_that_was_meant_is_named(stage: Stage, cli: Cli, words: tuple[str, ...], remote: bool) -> None:
    stage.declare(SERVICES, top=GROUPS)
    with stage.served() as url:
        problem = cli.json(*words, *(("--server", url) if remote else ()), code=2)
    assert problem["type"] == "urn:failover-api:problem:unknown-group"
    assert problem["detail"].endswith("; did you mean media?")


def test_a_name_that_the_caller_may_not_see_is_never_meant(
    stage: Stage, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.declare(SERVICES, top=GROUPS)
    allowed = f"{{name: one, sha256: {digest_of('t')}, allow: [view], services: [sonarr], expires: 2999-01-01}}"
    stage.access_file.write_text(f"tokens: [{allowed}]\n")
    monkeypatch.setenv("FAILOVER_TOKEN", "t")
    with stage.served() as url:
        for words in (("status", "radar"), ("list", "--group", "medai")):
            assert "did you mean" not in cli.json(*words, "--server", url, code=2)["detail"]
        assert cli.json("status", "sonar", "--server", url, code=2)["detail"].endswith("did you mean sonarr?")


def test_a_name_like_none_is_not_guessed(cli: Cli) -> None:
    assert "did you mean" not in cli("status", "xyzzy", code=2).stderr


def test_a_command_that_was_meant_is_named(cli: Cli) -> None:
    assert "No such command 'promot'. Did you mean 'promote'" in cli("promot", "sonarr", code=2).stderr


# Help


@pytest.mark.parametrize(
    "command",
    ["list", "status", "rollout", "report", "history", "groups", "promote", "demote", "rollback", "check", "suggest",
     "schema", "serve", "demo", "completion", "token new"],
)  # fmt: skip
def test_each_command_shows_how_it_is_used(cli: Cli, command: str) -> None:
    text = cli(*command.split(), "-h").stdout
    assert text == cli(*command.split(), "--help").stdout
    examples = text.partition("Examples:\n")[2].splitlines()
    assert examples
    assert all(line.startswith("    ") and f"failover {command}" in line for line in examples)


def test_a_summary_is_not_cut_short() -> None:
    commands = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"}).stdout.partition("Commands:")[2]
    assert "  promote " in commands
    assert "..." not in commands


# On a terminal


@pytest.mark.parametrize("words", [("list",), ("status", "sonarr"), ("history", "sonarr"), ("groups",), ("check",)])
def test_whoever_waits_sees_that_something_is_done_and_nothing_of_it_stays(
    stage: Stage, run, words: tuple[str, ...]
) -> None:
    stage.declare(SERVICES, top=GROUPS)
    shell = run(*words, NO_COLOR="1")
    assert shell.end() == 0
    assert " ..." in shell.seen
    assert " ..." not in shell.left


def test_nothing_moves_where_standard_error_is_no_terminal(cli: Cli) -> None:
    assert cli("status", "sonarr").stderr == ""
