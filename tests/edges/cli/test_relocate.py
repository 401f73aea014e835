"""`failover relocate`: the steps as they happen, the question, the way back."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover_api.core.safety.relocation import sync
from failover_api.edges.cli import relocations, tables
from failover_api.edges.cli.terminal import Terminal
from tests.support.relocating import Homelab, homelab
from tests.support.shell import Cli

# The app of these tests was born on backup: nobody knows what it has left on primary.
TO = ("relocate", "sonarr", "--to", "primary", "--accept", "unsynced-overwritten")
STEPS = ("reverse", "quiesce", "final-sync", "cutover", "protect")


@pytest.fixture
def lab(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Homelab]:
    monkeypatch.setattr(relocations, "POLL_S", 0.2)
    monkeypatch.setattr(sync, "_AHEAD_S", 1e6)  # the simulated clock runs ahead of what its newest reply has told
    with homelab(cli.stage, tmp_path) as made:
        monkeypatch.setenv("FAILOVER_CLUSTER", str(made.kubeconfig))
        monkeypatch.setenv("FAILOVER_CLUSTER_TIMEOUT_S", "10")
        yield made


def test_the_steps_are_shown_as_they_are_made(cli: Cli, lab: Homelab) -> None:
    with lab.obeyed():
        result = cli(*TO, "--reason", "k3s-w1 is back")
    assert result.stdout == "sonarr is on primary, and copied from there again.\n"
    told = [line for line in result.stderr.splitlines() if line[:1].isdigit()]
    assert [line.partition(" ")[0] for line in dict.fromkeys(told)][:1] == ["1/5"]
    assert {line.split()[1] for line in told} == {"reverse", "quiesce", "final-sync", "cutover", "protect"}
    assert "quiet at" in result.stderr
    assert lab.messages()[-1] == "Relocate sonarr to primary: 5/5 protect"


def test_a_report_of_one_has_its_steps_with_their_proofs(cli: Cli, lab: Homelab) -> None:
    with lab.obeyed():
        body = cli.json(*TO)
    page = cli("report", body["operation"], "--utc").stdout
    assert page.startswith("# Relocation of sonarr\n")
    steps = page.partition("### Steps\n")[2].partition("###")[0].strip().splitlines()[2:]
    assert [step.split(" | ")[0] for step in steps] == [
        *("| 1/5 reverse", "| 2/5 quiesce", "| 3/5 final-sync", "| 4/5 cutover", "| 5/5 protect"),
    ]
    assert "quiet at " in steps[2]
    assert "What was written on backup came with it: the steps have the proof." in page
    assert "keep that until nothing is missed" not in page


def test_what_waits_or_stopped_says_what_to_do_about_it() -> None:
    body = {"service": "sonarr", "to": "primary", "step": "cutover", "dry_run": False, "operation": "01J"}
    said = {**body, "reason": "Node k3s-w1 is not ready.", "cure": "Bring it back."}
    assert tables.relocation_line({**said, "state": "waiting"}) == (
        "sonarr is on its way to primary, in cutover: Node k3s-w1 is not ready. Bring it back."
    )
    assert tables.relocation_line({**said, "state": "stopped"}).endswith("Node k3s-w1 is not ready. Bring it back.")


def test_what_the_cluster_says_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    body = {"service": "sonarr", "to": "primary", "step": "cutover", "dry_run": False, "operation": "01J", "cure": ""}
    Terminal().show_relocation({**body, "state": "waiting", "reason": "Pod x\nsonarr is on primary.\x1b[2J"})
    assert capsys.readouterr().out == (
        "sonarr is on its way to primary, in cutover: Pod x\\nsonarr is on primary.\\x1b[2J\n"
    )


def test_a_dry_run_shows_each_step_s_diff(cli: Cli, lab: Homelab) -> None:
    result = cli(*TO, "--dry-run")
    for number, name in enumerate(STEPS, 1):
        assert f"{number}/5 {name}\n" in result.stdout
    assert '-  "replicas": 1,\n+  "replicas": 0,' in result.stdout
    assert result.stdout.endswith("sonarr would be relocated to primary. Nothing was written.\n")
    assert "Relocate" not in "".join(lab.messages())


def test_a_dry_run_that_is_refused_shows_what_is_refused_and_the_line_to_paste(cli: Cli, lab: Homelab) -> None:
    result = cli("relocate", "sonarr", "--to", "primary", "--dry-run", code=3)
    steps = [f"{number}/5 {name}" for number, name in enumerate(STEPS, 1)]
    assert [line for line in result.stdout.splitlines() if line[:1].isdecimal()] == steps
    assert '-  "replicas": 1,\n+  "replicas": 0,' in result.stdout
    assert result.stdout.endswith("sonarr would be relocated from backup to primary. Nothing was written.\n")
    assert "[unsynced-overwritten]" in result.stderr
    assert "failover relocate sonarr --to primary --accept unsynced-overwritten" in result.stderr


def test_no_wait_leaves_it_to_a_service_and_an_abort_puts_back_what_was(cli: Cli, lab: Homelab) -> None:
    before = {file: lab.stage.read(file) for file in lab.files}
    left = cli(*TO, "--no-wait")
    assert left.stdout.startswith("sonarr is on its way to primary, in reverse: ")
    again = json.loads(cli(*TO, "--no-wait", "--json").stdout)
    assert (again["state"], again["step"], len(again["steps"])) == ("running", "reverse", 5)
    refused = cli("relocate", "sonarr", "--to", "backup", code=3)
    assert "is on its way to primary" in refused.stderr
    aborted = cli("relocate", "sonarr", "--abort")
    assert aborted.stdout == "The relocation of sonarr to primary has stopped in reverse: It was aborted.\n"
    assert {file: lab.stage.read(file) for file in lab.files} == before
    assert "no relocation of sonarr is under way" in cli("relocate", "sonarr", "--abort", code=3).stderr


def test_a_service_that_is_there_is_left_alone(cli: Cli, lab: Homelab) -> None:
    result = cli("relocate", "sonarr", "--to", "backup")
    assert result.stdout == "sonarr is on backup already.\n"


@pytest.mark.parametrize(
    "words", [("relocate", "sonarr"), (*TO, "--abort"), ("relocate", "sonarr", "--abort", "--dry-run")]
)
def test_what_cannot_be_meant_is_a_usage_error(cli: Cli, words: tuple[str, ...]) -> None:
    cli(*words, code=2)


def test_without_a_cluster_it_says_what_is_needed(cli: Cli, lab: Homelab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAILOVER_CLUSTER")
    assert "led by what is seen of it" in cli(*TO, code=3).stderr


def test_a_running_service_carries_it_out(cli: Cli, lab: Homelab) -> None:
    with cli.stage.served(cluster=str(lab.kubeconfig), cluster_timeout_s=10) as url, lab.obeyed():
        result = cli(*TO, "--server", url)
    assert result.stdout == "sonarr is on primary, and copied from there again.\n"
    assert len([message for message in lab.messages() if message.startswith("Relocate")]) >= 5


def test_a_word_that_nobody_waits_for_is_refused_before_anything_is_asked(
    cli: Cli, lab: Homelab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `--synced` nothing begins, so there is nothing to ask."""
    monkeypatch.setattr(Terminal, "can_ask", True)
    monkeypatch.setattr(Terminal, "ask_relocation", lambda *_: pytest.fail("it asks"))
    for more in ((), ("--dry-run",)):
        result = cli("relocate", "sonarr", "--to", "primary", "--synced", *more, code=2)
        assert "no relocation of the service is under way" in result.stderr
    cli(*TO, "--yes", "--no-wait")
    for more in ((), ("--dry-run",)):
        result = cli("relocate", "sonarr", "--to", "primary", "--synced", *more, code=2)
        assert "synced: only with `replication: {kind: manual}`" in result.stderr
