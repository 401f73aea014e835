"""`failover nodes` and `failover evacuate`, on GitHub itself and over HTTP."""

from pathlib import Path

import pytest

from tests.support.homelab_cluster import homelab_cluster
from tests.support.shell import Cli
from tests.support.stage import SERVICES, Stage, entry

NODES = "nodes: {primary: k3s-w1, backup: k3s-w2}"


def test_the_nodes_and_what_is_on_each(stage: Stage, cli: Cli) -> None:
    stage.declare(SERVICES, top=NODES)
    assert [line.split("\t") for line in cli("nodes").stdout.splitlines()] == [
        ["NAME", "STATE", "SINCE", "ACTIVE", "STANDBY"],
        ["k3s-w1", "unknown", "-", "sonarr,radarr,plex", "-"],
        ["k3s-w2", "unknown", "-", "-", "sonarr,radarr,plex"],
    ]
    assert cli("nodes").stderr == "No node is seen. Where a cluster is configured, `failover check` says why.\n"


def test_a_cluster_is_looked_at_where_one_is_named(
    stage: Stage, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with homelab_cluster(tmp_path) as cluster:
        monkeypatch.setenv("FAILOVER_CLUSTER", str(cluster.kubeconfig))
        states = {node["name"]: node["state"] for node in cli.json("nodes")["nodes"]}
    assert states == {"k3s-w1": "ready", "k3s-w2": "ready"}


def test_a_cluster_of_which_nothing_is_seen_is_told_of(
    stage: Stage, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slip of the pen in the file's name would look like a cluster with nothing to tell."""
    stage.declare(SERVICES, top=NODES)
    assert "The cluster is not seen" not in cli("list").stderr, "none is configured"
    monkeypatch.setenv("FAILOVER_CLUSTER", str(tmp_path / "no-such-file"))
    assert "The cluster is not seen: `failover check` says why." in cli("list").stderr
    assert "No node is seen." in cli("nodes").stderr
    with homelab_cluster(tmp_path) as cluster:
        monkeypatch.setenv("FAILOVER_CLUSTER", str(cluster.kubeconfig))
        assert "The cluster is not seen" not in cli("list").stderr, "one of the three is there"
        assert "No node is seen" not in cli("nodes").stderr


def test_a_node_is_evacuated(stage: Stage, cli: Cli) -> None:
    stage.declare(entry("sonarr") + entry("radarr"), top=NODES)
    assert len(stage.moves) == 0
    assert "would move to backup" in cli("evacuate", "k3s-w1", "--dry-run").stdout
    result = cli("evacuate", "k3s-w1", "--reason", "new disk")
    assert "node k3s-w1: 2 services moved to backup in Git (sonarr, radarr)" in result.stdout
    assert len(stage.moves) == 1


def test_what_nobody_can_place_is_said(stage: Stage, cli: Cli) -> None:
    stage.declare(entry("sonarr") + entry("radarr", "media", NODES))
    result = cli("evacuate", "k3s-w1")
    assert "Left where they are, since nobody knows their node: sonarr." in result.stderr


def test_a_node_that_nobody_knows_is_exit_2(stage: Stage, cli: Cli) -> None:
    assert "has a node 'k3s-w9'" in cli("evacuate", "k3s-w9", code=2).stderr


def test_a_node_whose_name_is_near_is_named(stage: Stage, cli: Cli) -> None:
    stage.declare(SERVICES, top=NODES)
    with stage.served() as url:
        for where in ((), ("--server", url)):
            detail = cli.json("evacuate", "k3s-w", *where, code=2)["detail"]
            assert detail.endswith("has a node 'k3s-w'; did you mean k3s-w2 or k3s-w1?"), where


def test_the_same_over_http(stage: Stage, cli: Cli) -> None:
    stage.declare(SERVICES, top=NODES)
    with stage.served() as url:
        assert cli.json("nodes", "--server", url) == cli.json("nodes")
        outcome = cli.json("evacuate", "k3s-w1", "--server", url)
    assert (outcome["node"], outcome["action"], outcome["changed"]) == ("k3s-w1", "evacuate", True)
