"""`failover automatic` and `failover attest`, on a cluster itself and over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from failover_api.sandbox.cluster.cluster import SimulatedCluster
from tests.support.stage import SERVICES, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.shell import Cli

OBSERVE = "nodes: {primary: k3s-w1, backup: k3s-w2}\nautomatic: {mode: observe}"


@pytest.fixture(params=["itself", "over HTTP"])
def where(
    request: pytest.FixtureRequest, stage: Stage, kubeconfig: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, ...]]:
    """The words that say where a command is carried out."""
    stage.declare(SERVICES, top=OBSERVE)
    if request.param == "itself":
        monkeypatch.setenv("FAILOVER_CLUSTER", kubeconfig)
        yield ()
        return
    with stage.served(cluster=kubeconfig) as url:
        yield ("--server", url)


def test_off_is_told_without_a_cluster(cli: Cli) -> None:
    assert cli("automatic").stdout.splitlines() == [
        "Off: nothing moves by itself.",
        "Mode none; view off; no replica leads.",
    ]
    assert cli.json("automatic", "status")["mode"] == "none"


def test_what_takes_a_cluster_is_exit_3_without_one(cli: Cli) -> None:
    for words in (
        ("automatic", "pause", "--reason", "x"),
        ("automatic", "resume", "x"),
        ("automatic", "ack", "sonarr"),
        ("attest", "k3s-w1", "--reason", "x"),
        ("attest", "k3s-w1", "--withdraw"),
    ):
        assert "no cluster is configured here" in cli(*words, code=3).stderr


def test_a_pause_is_made_shown_and_ended(cli: Cli, where: tuple[str, ...]) -> None:
    made = cli.json("automatic", "pause", "--reason", "new kernel", "--until", "2h", "--service", "sonarr", *where)
    lasts = datetime.fromisoformat(made["until"]) - datetime.fromisoformat(made["at"])
    assert timedelta(hours=1, minutes=59) < lasts < timedelta(hours=2, minutes=1)
    line = f"End it: `failover automatic resume {made['id']}`"
    shown = cli("automatic", "status", "--utc", *where).stdout
    assert f"Paused: sonarr, by {made['by']} until " in shown
    assert f": new kernel. {line}" in shown
    assert made["id"] in cli("automatic", "resume", made["id"], *where).stdout
    assert "Paused" not in cli("automatic", *where).stdout
    assert "no pause" in cli("automatic", "resume", made["id"], *where, code=2).stderr


def test_a_pause_of_everything_says_how_to_end_it(cli: Cli, where: tuple[str, ...]) -> None:
    shown = cli("automatic", "pause", "--reason", "x", *where).stdout
    assert shown.startswith("Paused: everything, by ")
    assert "End it: `failover automatic resume 0" in shown


def test_a_time_that_is_none_is_exit_2(cli: Cli, where: tuple[str, ...]) -> None:
    assert (
        "until: expected a time with its zone"
        in cli("automatic", "pause", "--reason", "x", "--until", "soon", *where, code=2).stderr
    )


def test_a_pause_says_why(cli: Cli, where: tuple[str, ...]) -> None:
    assert "--reason: why is it paused?" in cli("automatic", "pause", *where, code=2).stderr
    assert "Paused" not in cli("automatic", *where).stdout


def test_acks(cli: Cli, where: tuple[str, ...]) -> None:
    assert cli("automatic", "ack", "sonarr", *where).stdout == "Acknowledged: sonarr.\n"
    assert cli.json("automatic", "ack", "--node", "k3s-w1", *where)["node"] == "k3s-w1"
    cli("automatic", "ack", *where, code=2)
    cli("automatic", "ack", "sonarr", "--node", "k3s-w1", *where, code=2)
    assert "no service is named 'sonar'" in cli("automatic", "ack", "sonar", *where, code=2).stderr


def test_a_node_is_attested_only_when_it_is_dead(cli: Cli, where: tuple[str, ...], cluster: SimulatedCluster) -> None:
    assert "k3s-w1 is Ready" in cli("attest", "k3s-w1", "--reason", "x", *where, code=3).stderr
    cluster.kill("k3s-w1")
    cluster.advance(90)
    assert "how do you know" in cli("attest", "k3s-w1", *where, code=2).stderr
    assert cli("attest", "k3s-w1", "--reason", "no power", *where).stdout == "k3s-w1 counts as off.\n"
    assert "k3s-w1 counts as off: no power (" in cli("automatic", *where).stdout
    assert "Taken back" in cli("attest", "k3s-w1", "--withdraw", *where).stdout
    assert "nobody has said" in cli("attest", "k3s-w1", "--withdraw", *where, code=2).stderr
