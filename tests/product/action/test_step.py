"""The step of action.yml as a process: what it calls, with what, and what it tells the runner."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.edges.job.__main__ import main
from tests.product.action.workshop import clean_environment, read_step, run_step, step_environment, tool
from tests.support.issuer import Issuer
from tests.support.project import ROOT
from tests.support.stage import PLEX, Stage, entry

PROMOTE = {"action": "promote", "service": "sonarr"}
OUTCOME = {
    "service": "sonarr",
    "action": "promote",
    "dry_run": False,
    "policy": "direct",
    "from": "primary",
    "to": "backup",
    "changed": True,
    "changes": [],
    "diff": "",
    "commit": None,
    "pull_request": None,
    "operation": None,
    "message": "done",
}


# Interrupted, it ends with what it has to say.
WAITING = """
try:
    pathlib.Path("{}").touch()
    time.sleep(30)
except KeyboardInterrupt:
    pass
"""


class Stub:
    """A `failover` that notes how it was called and answers as it is told."""

    def __init__(self, folder: Path, answer: str, code: int = 0, then: str = "") -> None:
        self.path, self._notes = folder / "failover", folder / "notes.json"
        self.path.write_text(
            f"""#!{sys.executable}
import json, os, pathlib, sys, time
key = os.environ.get("FAILOVER_GITHUB_PRIVATE_KEY_FILE")
notes = {{"words": sys.argv[1:], "environ": dict(os.environ)}}
if key:
    notes |= {{"mode": os.stat(key).st_mode, "text": pathlib.Path(key).read_text()}}
pathlib.Path({str(self._notes)!r}).write_text(json.dumps(notes))
{then}
sys.stdout.write({answer!r})
sys.exit({code})
""",
            encoding="utf-8",
        )
        self.path.chmod(0o755)

    @property
    def notes(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self._notes.read_text())
        return read

    @property
    def environ(self) -> dict[str, str]:
        return dict(self.notes["environ"])


@pytest.fixture
def stub(tmp_path: Path) -> Stub:
    return Stub(tmp_path, json.dumps(OUTCOME))


# Directly


def test_the_key_is_in_a_file_of_its_own_and_gone_afterwards(tmp_path: Path, stub: Stub) -> None:
    pem = "-----BEGIN RSA PRIVATE KEY-----\nAAAABBBBCCCCDDDD\nEEEEFFFF==\n-----END RSA PRIVATE KEY-----"
    app = {"app-id": "12", "app-private-key": f"{pem}\n\n"}
    ran = run_step(tmp_path, {**PROMOTE, **app}, FAILOVER_COMMAND=str(stub.path))
    assert ran.code == 0, ran.log
    key = Path(stub.environ["FAILOVER_GITHUB_PRIVATE_KEY_FILE"])
    assert stat.S_IMODE(stub.notes["mode"]) == 0o600
    assert stub.notes["text"] == f"{pem}\n"
    assert not key.exists()
    assert key.is_relative_to(tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
    assert ran.log.count("::add-mask::***") == 2
    assert "AAAABBBB" not in ran.log + ran.summary


def test_the_command_gets_its_own_credentials_and_no_others(tmp_path: Path, stub: Stub) -> None:
    ran = run_step(
        tmp_path,
        {**PROMOTE, "token": "the-job-token"},
        FAILOVER_COMMAND=str(stub.path),
        FAILOVER_SERVER="http://another.test",
        FAILOVER_GITHUB_APP_ID="99",
        FAILOVER_DEADLINE_S="12",
        ACTIONS_ID_TOKEN_REQUEST_TOKEN="another",
        GITHUB_API_URL="https://github.example.org/api/v3",
    )
    assert ran.code == 0, ran.log
    said = {name: text for name, text in stub.environ.items() if name.startswith(("FAILOVER", "INPUT", "ACTIONS"))}
    assert said == {
        "FAILOVER_CONFIG": str(tmp_path / "config" / "services.yaml"),
        "FAILOVER_GITHUB_TOKEN": "the-job-token",
        "FAILOVER_GITHUB_URL": "https://github.example.org/api/v3",
        "FAILOVER_DEADLINE_S": "12",
    }


def test_no_value_can_be_taken_for_an_option(tmp_path: Path, stub: Stub) -> None:
    wish = {"action": "promote", "service": "--help", "reason": "--force", "token": "t", "idempotency-key": "--yes"}
    run_step(tmp_path, wish, FAILOVER_COMMAND=str(stub.path))
    words = ["promote", "--json", "--yes", "--reason=--force", "--idempotency-key=--yes", "--", "--help"]
    assert stub.notes["words"] == words


def test_hazards_are_accepted_by_their_names(tmp_path: Path, stub: Stub) -> None:
    wish = {"action": "demote", "group": "media", "token": "t", "accept": "strategy-alone, sonarr:--yes\nfixed-field"}
    run_step(tmp_path, wish, FAILOVER_COMMAND=str(stub.path))
    accepted = ["--accept=strategy-alone", "--accept=sonarr:--yes", "--accept=fixed-field"]
    assert stub.notes["words"] == ["demote", "--json", "--yes", *accepted, "--group=media"]


@pytest.mark.parametrize("action", ["", "evacuate"])
def test_a_node_is_evacuated_without_an_action(tmp_path: Path, stub: Stub, action: str) -> None:
    how = {"skip-refused": "true", "accept": "sonarr:claim-missing", "until": "serving", "timeout": "5m", "token": "t"}
    wish = {"evacuate": "k3s-w1", "action": action, "reason": "new disk", "idempotency-key": "run-1", **how}
    run_step(tmp_path, wish, FAILOVER_COMMAND=str(stub.path))
    assert stub.notes["words"] == [
        "evacuate", "--json", "--until=serving", "--skip-refused", "--accept=sonarr:claim-missing", "--timeout=5m",
        "--reason=new disk", "--idempotency-key=run-1", "--", "k3s-w1",
    ]  # fmt: skip


def test_a_milestone_is_waited_for_and_what_cannot_be_seen_is_not_moved(tmp_path: Path, stub: Stub) -> None:
    wish = {"action": "promote", "service": "sonarr", "token": "t", "until": "serving", "timeout": "5m"}
    run_step(tmp_path, wish, FAILOVER_COMMAND=str(stub.path))
    assert stub.notes["words"] == ["promote", "--json", "--until=serving", "--timeout=5m", "--", "sonarr"]


def test_what_does_not_come_in_time_fails_the_step_and_tells_what_was_made(tmp_path: Path) -> None:
    late = Stub(tmp_path, json.dumps(OUTCOME), code=5)
    wish = {"action": "promote", "service": "sonarr", "token": "t", "until": "serving"}
    ran = run_step(tmp_path, wish, FAILOVER_COMMAND=str(late.path))
    assert ran.code == 5
    assert ran.outputs["message"] == OUTCOME["message"]
    assert ran.outputs["problem"] == ""
    assert "::error title=Not serving::" in ran.log


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"service": "sonarr", "until": "done"}, "until: expected merged, applied or serving, not 'done'"),
        ({"service": "sonarr", "timeout": "5m"}, "timeout: goes with until"),
        ({}, "service, group: expected one of them"),
        ({"service": "sonarr", "group": "media"}, "and not both"),
        ({"service": "sonarr", "action": "move"}, "action: expected promote, demote or rollback, not 'move'"),
        ({"service": "sonarr", "mode": "both"}, "mode: expected direct or remote"),
        ({"service": "sonarr", "dry-run": "yes"}, "dry-run: expected true or false"),
        ({"service": "sonarr", "skip-refused": "true"}, "skip-refused: is for a group"),
        ({"evacuate": "k3s-w1", "service": "sonarr"}, "evacuate: expected without service and group"),
        ({"evacuate": "k3s-w1", "group": "media"}, "evacuate: expected without service and group"),
        ({"evacuate": "k3s-w1"}, "action: expected nothing or evacuate beside evacuate, not 'promote'"),
        ({"service": "sonarr", "action": ""}, "action: expected promote, demote or rollback, not ''"),
        ({"service": "sonarr", "action": "evacuate"}, "action: expected promote, demote or rollback, not 'evacuate'"),
        ({"service": "group-media", "action": "rollback"}, "a rollback is of one service"),
        ({"service": "sonarr", "app-id": "12"}, "a GitHub App needs both"),
        ({"service": "sonarr", "app-private-key": "-----BEGIN"}, "a GitHub App needs both"),
        ({"service": "sonarr", "app-id": "12", "app-private-key": "hunter2-hunter2"}, "expected the text of the PEM"),
        ({"service": "sonarr"}, "token: is empty"),
        ({"service": "sonarr", "mode": "remote"}, "mode remote needs the URL"),
    ],
)
def test_inputs_that_are_off_are_named_and_nothing_is_called(
    tmp_path: Path, stub: Stub, inputs: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wish = {"action": "promote", **inputs}
    code = main(step_environment(tmp_path, wish, FAILOVER_COMMAND=str(stub.path)))
    ran = read_step(tmp_path, code, capsys.readouterr().out)
    assert (ran.code, ran.outputs["problem"]) == (2, "bad-request")
    assert words in ran.page
    assert words in ran.log.replace("%25", "%")
    assert not (tmp_path / "notes.json").exists()
    assert "hunter2" not in ran.log + ran.summary


@pytest.mark.parametrize(
    ("answer", "code", "slug"),
    [
        ("", 0, "internal-error"),
        ("Traceback", 1, "internal-error"),
        ("", 2, "bad-request"),
        ("[]", 0, "internal-error"),
    ],
)
def test_a_command_without_an_answer_is_no_success(tmp_path: Path, answer: str, code: int, slug: str) -> None:
    stub = Stub(tmp_path, answer, code)
    ran = run_step(tmp_path, {**PROMOTE, "token": "t"}, FAILOVER_COMMAND=str(stub.path))
    assert ran.code == (code or 1)
    assert ran.outputs["problem"] == slug


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    ran = run_step(tmp_path, {**PROMOTE, "token": "t"}, FAILOVER_COMMAND=str(tmp_path / "none"))
    assert ran.code == 2
    assert "FAILOVER_COMMAND" in ran.page


def test_what_the_command_prints_is_no_command_to_the_runner(tmp_path: Path) -> None:
    said = {**OUTCOME, "message": "::add-path::/evil", "diff": " ::set-env name=PATH::/evil\n"}
    stub = Stub(tmp_path, json.dumps(said), then="sys.stderr.write('::warning::from the command\\n')")
    ran = run_step(tmp_path, {**PROMOTE, "token": "t"}, FAILOVER_COMMAND=str(stub.path))
    log = ran.log.splitlines()
    stops = [line.removeprefix("::stop-commands::") for line in log if line.startswith("::stop-commands::")]
    begin, end = log.index(f"::stop-commands::{stops[-1]}"), log.index(f"::{stops[-1]}::")
    assert begin < log.index("::add-path::/evil") < log.index(" ::set-env name=PATH::/evil") < end
    assert len(set(stops)) == len(stops) == 2


def test_a_value_cannot_forge_another_output(tmp_path: Path) -> None:
    stub = Stub(tmp_path, json.dumps({**OUTCOME, "message": "x\nend\nside<<end\nforged\nend"}))
    ran = run_step(tmp_path, {**PROMOTE, "token": "t"}, FAILOVER_COMMAND=str(stub.path))
    assert ran.outputs["side"] == "backup"
    assert "forged" in ran.outputs["message"]


def test_a_cancelled_run_asks_the_command_what_became_of_its_move(tmp_path: Path) -> None:
    unknown = {"type": "urn:failover-api:problem:outcome-unknown", "title": "?", "status": 504, "outcome": "unknown"}
    Stub(tmp_path, json.dumps(unknown), 4, then=WAITING.format(tmp_path / "waiting"))
    environ = step_environment(tmp_path, {**PROMOTE, "token": "t"}, FAILOVER_COMMAND=str(tmp_path / "failover"))
    step = subprocess.Popen(
        [sys.executable, "-m", "failover_api.edges.job"],
        env=clean_environment(**environ),
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not (tmp_path / "waiting").exists():
        assert step.poll() is None
        time.sleep(0.01)
    os.kill(step.pid, signal.SIGINT)
    assert step.wait(20) == 4
    assert "The change may have been made." in (tmp_path / "GITHUB_STEP_SUMMARY").read_text()


# With the real command


@pytest.fixture
def here(stage: Stage, tmp_path: Path) -> dict[str, str]:
    """The environment of a job on the stage's repository."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "services.yaml").symlink_to(stage.catalog_file)
    return {"FAILOVER_COMMAND": tool("failover"), "FAILOVER_GITHUB_URL": stage.url}


async def test_a_run_that_is_run_again_rolls_back_once(stage: Stage, tmp_path: Path, here: dict[str, str]) -> None:
    async with stage.open() as components:
        await components.failover.move("sonarr", Action.PROMOTE, MoveRequest(by="maria"))
    wish = {"action": "rollback", "service": "sonarr", "token": stage.sandbox.token, "idempotency-key": "run-1"}
    first, again = (run_step(tmp_path, wish, **here) for _ in range(2))
    assert (first.code, again.code) == (0, 0), again.log
    assert first.outputs["operation"] == again.outputs["operation"] != ""
    assert len(stage.moves) == 2
    assert first.outputs["side"] == again.outputs["side"] == "primary"


def test_an_open_pull_request_moves_nothing_yet(reviewed: Stage, tmp_path: Path, here: dict[str, str]) -> None:
    ran = run_step(tmp_path, {**PROMOTE, "token": reviewed.sandbox.token}, **here)
    assert ran.code == 0, ran.log
    (pull,) = reviewed.pulls()
    assert (ran.outputs["side"], ran.outputs["pull-request"]) == ("primary", pull["html_url"])
    assert "### promote sonarr: proposed, waits for review" in ran.page


def test_a_node_is_evacuated_and_what_stays_is_told(stage: Stage, tmp_path: Path, here: dict[str, str]) -> None:
    stage.declare(entry("sonarr", "media", "nodes: {primary: k3s-w1, backup: k3s-w2}") + entry("radarr") + PLEX)
    wish = {"evacuate": "k3s-w1", "token": stage.sandbox.token, "reason": "new disk"}
    shown = run_step(tmp_path, {**wish, "dry-run": "true"}, **here)
    ran = run_step(tmp_path, {**wish, "idempotency-key": "run-1"}, **here)
    again = run_step(tmp_path, {**wish, "idempotency-key": "run-1"}, **here)
    empty = run_step(tmp_path, wish, **here)
    assert (shown.code, ran.code, again.code, empty.code) == (0, 0, 0, 0), ran.log
    assert (shown.outputs["side"], ran.outputs["side"], ran.outputs["changed"]) == ("primary", "backup", "true")
    assert again.outputs["commit"] == ran.outputs["commit"] == stage.sandbox.log(repository=stage.repository)[0].sha
    assert "### evacuate node k3s-w1: dry run, nothing was written" in shown.page
    assert "### evacuate node k3s-w1: done" in ran.page
    assert "| sonarr | primary | backup | moves |" in ran.page
    assert "Left where they are, since nobody knows their node: radarr" in ran.page
    assert "### evacuate node k3s-w1: nothing to do" in empty.page
    assert (empty.outputs["side"], empty.outputs["changed"]) == ("unknown", "false")
    assert len(stage.moves) == 1


def test_a_node_that_nobody_knows_fails_the_step(stage: Stage, tmp_path: Path, here: dict[str, str]) -> None:
    ran = run_step(tmp_path, {"evacuate": "k3s-w9", "token": stage.sandbox.token}, **here)
    assert (ran.code, ran.outputs["problem"]) == (2, "unknown-node")
    assert "### evacuate node k3s-w9: refused" in ran.page


# Through a service


def test_a_service_is_called_with_the_job_s_own_token(tmp_path: Path, stub: Stub, issuer: Issuer) -> None:
    remote = {**PROMOTE, "mode": "remote", "server": "https://failover.test", "audience": "a b&c", "token": "t"}
    ran = run_step(tmp_path, remote, FAILOVER_COMMAND=str(stub.path), **issuer.job_environment())
    assert ran.code == 0, ran.log
    (token,) = issuer.tokens
    assert stub.environ["FAILOVER_TOKEN"] == token
    assert stub.environ["FAILOVER_SERVER"] == "https://failover.test"
    assert not {name for name in stub.environ if name.startswith(("FAILOVER_GITHUB", "ACTIONS_", "INPUT_"))}
    assert issuer.requests == ["/token?api-version=2.0&audience=a%20b%26c"]
    assert token not in ran.log


def test_a_job_without_the_permission_is_told_which(tmp_path: Path, stub: Stub) -> None:
    remote = {**PROMOTE, "mode": "remote", "server": "https://failover.test"}
    ran = run_step(tmp_path, remote, FAILOVER_COMMAND=str(stub.path))
    assert (ran.code, ran.outputs["problem"]) == (1, "not-ready")
    assert "permissions: id-token: write" in ran.page


def test_an_issuer_that_is_down_is_asked_again(tmp_path: Path, stub: Stub, issuer: Issuer) -> None:
    issuer.down = True
    remote = {**PROMOTE, "mode": "remote", "server": "https://failover.test"}
    ran = run_step(tmp_path, remote, FAILOVER_COMMAND=str(stub.path), **issuer.job_environment())
    assert (ran.code, ran.outputs["problem"]) == (1, "not-ready")
    assert "HTTP 503" in ran.page
    assert len(issuer.requests) == 3


def test_the_step_needs_no_library(tmp_path: Path) -> None:
    """It runs before anything is installed."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import failover_api.edges.job.__main__"],
        env={"PYTHONPATH": str(ROOT / "service"), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
