"""The command line on a terminal: a real process on a real pty."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time

import pytest

from failover_api.edges.printable import one_line, printable
from tests.support.clock import LIMIT_S
from tests.support.shell import Cli
from tests.support.stage import FILES, RADARR, SERVICES, SONARR, Stage, entry
from tests.support.terminal import OnATerminal


def test_a_move_shows_a_coloured_diff_asks_and_is_told_yes(stage: Stage, run) -> None:
    shell = run("promote", "sonarr")
    shell.wait_for("Promote sonarr from primary to backup? [y/N] ")
    assert "\x1b[31m-        role: primary   # which node\x1b[0m" in shell.seen
    assert "\x1b[32m+        role: backup   # which node\x1b[0m" in shell.seen
    assert not stage.moves
    shell.type("y\n")
    assert shell.end() == 0
    assert "moved from primary to backup" in shell.seen
    assert len(stage.moves) == 1


def test_what_the_way_back_will_not_bring_back_is_said_before_the_question(stage: Stage, run) -> None:
    stage.replace(SONARR, "role: primary", "role: &role primary")
    stage.replace(SONARR, '"pvc-sonarr"', '"pvc\\x2dsonarr"')
    shell = run("promote", "sonarr", NO_COLOR="1")
    shell.wait_for("[y/N] ")
    assert "warning: " in shell.left
    assert "demote will write" in shell.left
    shell.type("n\n")
    assert shell.end() == 3
    assert not stage.moves


@pytest.mark.parametrize("answer", ["n\n", "\x04"])
def test_any_other_answer_is_no(stage: Stage, run, answer: str) -> None:
    shell = run("promote", "sonarr", NO_COLOR="1")
    shell.wait_for("[y/N] ")
    shell.type(answer)
    assert shell.end() == 3
    assert "Nothing was written." in shell.seen
    assert "Traceback" not in shell.seen
    assert "\x1b[3" not in shell.seen, "NO_COLOR is honoured"
    assert not stage.writes


def test_a_change_between_question_and_answer_is_refused(stage: Stage, run) -> None:
    shell = run("promote", "sonarr")
    shell.wait_for("[y/N] ")
    edited = (stage.read(SONARR) or b"") + b"# a person\n"
    stage.commit({SONARR: edited})
    shell.type("y\n")
    assert shell.end() == 3
    assert "changed since" in shell.seen
    assert not stage.moves


def test_already_there_when_looked_at_does_not_move_without_a_question(stage: Stage, run) -> None:
    """Between the look and the move somebody promotes it: then `demote` would have something to do."""
    stage.declare(entry("sonarr", "media", f"path: {SONARR}"))
    stage.fault("slow", method="GET", path=f"/repos/{stage.repository}/contents", seconds=1.5, after=1)
    shell = run("demote", "sonarr")
    deadline = time.monotonic() + LIMIT_S
    while len(stage.sandbox.faults):  # the second look begins
        assert time.monotonic() < deadline
        time.sleep(0.005)
    moved = FILES[SONARR].replace(b"role: primary", b"role: backup").replace(b'"pvc-sonarr"', b'"pvc-sonarr-backup"')
    stage.commit({SONARR: moved})
    assert shell.end() == 3, shell.seen
    assert "[y/N]" not in shell.seen
    assert "changed since" in shell.seen
    assert stage.read(SONARR) == moved
    assert not stage.writes


def test_a_group_is_asked_for_as_a_whole(stage: Stage, run) -> None:
    stage.declare(SERVICES, top="groups: {media: [sonarr, radarr]}")
    shell = run("promote", "--group", "media", NO_COLOR="1")
    shell.wait_for("Promote sonarr, radarr of group media to backup? [y/N] ")
    for words in (f"+++ b/{SONARR}\n", f"+++ b/{RADARR}\n", "SERVICE  FROM     TO"):
        assert words in plain(shell.seen)
    assert not stage.writes
    shell.type("y\n")
    assert shell.end() == 0
    assert len(stage.moves) == 1


def test_what_is_refused_before_the_question_is_no_dry_run_to_paste(stage: Stage, run) -> None:
    stage.declare(SERVICES, top="groups: {media: [sonarr, radarr]}")
    stage.replace(SONARR, "role: primary", "role: maintenance")
    shell = run("promote", "--group", "media", NO_COLOR="1")
    assert shell.end() == 3
    assert "To move the others: failover promote --group media --skip-refused\n" in plain(shell.seen).replace("\r", "")


def test_a_groups_yes_is_bound_to_what_was_shown(stage: Stage, run) -> None:
    stage.declare(SERVICES, top="groups: {media: [sonarr, radarr]}")
    shell = run("promote", "--group", "media")
    shell.wait_for("[y/N] ")
    stage.commit({RADARR: FILES[RADARR] + b"# a person\n"})
    shell.type("y\n")
    assert shell.end() == 3
    assert "changed since" in shell.seen
    assert not stage.moves


def test_a_rollback_shows_what_it_undoes_and_asks(stage: Stage, run, cli: Cli) -> None:
    cli("promote", "sonarr")
    shell = run("rollback", "sonarr", NO_COLOR="1")
    shell.wait_for("Roll back sonarr from backup to primary? [y/N] ")
    assert "+        role: primary   # which node\n" in shell.seen
    shell.type("n\n")
    assert shell.end() == 3
    assert len(stage.moves) == 1


def test_a_question_says_that_it_will_be_a_pull_request(stage: Stage, run) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    shell = run("promote", "sonarr", NO_COLOR="1")
    shell.wait_for("Promote sonarr from primary to backup by pull request? [y/N] ")
    assert not stage.pulls("all")
    shell.type("y\n")
    assert shell.end() == 0
    assert "pull request #1 is open: http" in shell.seen


def test_yes_and_nothing_to_do_are_not_asked(stage: Stage, run) -> None:
    for words in (("promote", "sonarr", "--yes"), ("promote", "sonarr")):
        shell = run(*words)
        assert shell.end() == 0, shell.seen
        assert "[y/N]" not in shell.seen
    assert "nothing to do" in shell.seen
    assert len(stage.moves) == 1


def test_a_refusal_is_one_line(stage: Stage, run) -> None:
    stage.replace(SONARR, "role: primary", "role: maintenance")
    shell = run("promote", "sonarr", NO_COLOR="1")
    assert shell.end() == 3
    line = " ".join(shell.left.split())
    assert f"{SONARR}:12" in line


def test_with_json_the_question_stays_off_standard_output(stage: Stage, run) -> None:
    shell = run("promote", "sonarr", "--json", piped=True)
    shell.wait_for("[y/N] ")
    assert "role: backup" in shell.seen
    shell.type("yes\n")
    out, _ = shell.process.communicate(timeout=LIMIT_S)
    assert shell.process.returncode == 0
    assert json.loads(out)["changed"] is True


def test_interrupting_the_question_writes_nothing(stage: Stage, run) -> None:
    shell = run("promote", "sonarr")
    shell.wait_for("[y/N] ")
    time.sleep(0.2)  # the prompt is written just before the read begins
    shell.type("\x03")
    assert shell.end() == 130
    assert "Traceback" not in shell.seen
    assert not stage.writes


@pytest.mark.parametrize("remote", [False, True])
def test_interrupting_a_move_leaves_it_unknown(stage: Stage, run, remote: bool) -> None:
    with stage.served() if remote else contextlib.nullcontext("") as url:
        stage.fault("slow", method="PUT", seconds=1.5)
        shell = run("promote", "sonarr", "--yes", "--json", piped=True, FAILOVER_SERVER=url)
        interrupt_once_met(stage, shell)
        out, _ = shell.process.communicate(timeout=LIMIT_S)
    assert shell.process.returncode == 4
    body = json.loads(out)
    assert (body["type"], body["outcome"]) == ("urn:failover-api:problem:outcome-unknown", "unknown")
    assert "failover status sonarr" in body["detail"]


def test_interrupting_a_move_says_that_it_may_have_been_made(stage: Stage, run) -> None:
    stage.fault("slow", method="PUT", seconds=1.5)
    shell = run("promote", "sonarr", "--yes", NO_COLOR="1")
    interrupt_once_met(stage, shell)
    assert shell.end() == 4
    assert "The change may have been made." in shell.seen
    assert "Traceback" not in shell.seen


def test_interrupting_a_dry_run_leaves_nothing_unknown(stage: Stage, run) -> None:
    stage.fault("slow", method="GET", seconds=1.5)
    shell = run("promote", "sonarr", "--dry-run")
    interrupt_once_met(stage, shell)
    assert shell.end() == 130
    assert "may have been made" not in shell.seen


def interrupt_once_met(stage: Stage, shell: OnATerminal) -> None:
    deadline = time.monotonic() + LIMIT_S
    while len(stage.sandbox.faults):
        assert time.monotonic() < deadline, shell.seen
        time.sleep(0.005)
    shell.type("\x03")


def plain(text: str) -> str:
    """Without styles: NO_COLOR leaves bold and dim."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize(("words", "width"), [(("list",), 40), (("list", "-o", "wide"), 80)])
def test_a_narrow_terminal_breaks_no_word(
    stage: Stage, run, cli: Cli, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], width: int
) -> None:
    """A line that is too long can still be read, and pasted from."""
    stage.declare(entry("sonarr") + entry("radarr"), top="nodes: {primary: k3s-w1, backup: [k3s-w2, k3s-w3]}")
    monkeypatch.setenv("GITHUB_ACTOR", "maria-of-the-operations-team")
    cli("promote", "sonarr")
    shell = run(*words, columns=width, NO_COLOR="1")
    assert shell.end() == 0
    seen = plain(shell.left).split()
    whole = ["sonarr", "radarr", "backup", "primary", "k3s-w2,", "k3s-w3", "k3s-w1", "maria-of-the-operations-team"]
    assert set(whole + ([SONARR, RADARR, "direct"] if width == 80 else [])) <= set(seen)


def test_a_pipe_that_closes_early_ends_quietly(stage: Stage) -> None:
    command = f"{sys.executable} -m failover_api list | head -n 0; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], env={**os.environ, **stage.environment()}, capture_output=True, text=True, check=True
    )
    assert "Traceback" not in done.stderr
    assert done.stdout.strip() in {"0", "1"}


def test_a_manifest_does_not_drive_the_terminal() -> None:
    assert printable("a\x1b[2Jb\x07\x9b31m\ttab\nline\x7f") == "a\\x1b[2Jb\\x07\\x9b31m\ttab\nline\\x7f"


def test_nothing_hidden_turns_a_line_round() -> None:
    assert printable("a\u202eb\u2066c\u2028d\ufeff") == "a\\u202eb\\u2066c\\u2028d\\ufeff"
    assert printable("Küche 🧑\u200d🚒") == "Küche 🧑\u200d🚒"
    assert one_line("a\nb\tc\x1b") == "a\\nb c\\x1b"


def test_prose_breaks_between_words_and_what_is_to_be_pasted_does_not(stage: Stage, run) -> None:
    stage.declare(SERVICES, top="groups: {media: [sonarr, radarr]}")
    stage.replace(SONARR, "role: primary", "role: maintenance")
    narrow = run("promote", "--group", "media", columns=40, NO_COLOR="1")
    assert narrow.end() == 3
    *prose, hint = re.sub(r"\x1b\[\d*m", "", narrow.left).splitlines()
    assert hint == "To move the others: failover promote --group media --skip-refused"
    assert len(prose) > 3
    assert all(len(line) <= 40 or " " not in line.strip() for line in prose)
    piped = run("status", "sonarr", columns=40, piped=True)
    assert f"{SONARR}:12  spec.template.spec.nodeSelector.role = maintenance" in piped.process.communicate()[0].decode()
