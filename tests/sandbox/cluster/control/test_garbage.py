"""What goes with its owner, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sandbox.cluster.apps import APP, W1, apply, deployment, running

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.cluster import SimulatedCluster

STOPS_IN_6 = {"annotations": {"sandbox/stop-seconds": "6"}}


def test_in_the_background_the_owner_goes_first(cluster: SimulatedCluster) -> None:
    running(cluster, deployment(pod=STOPS_IN_6))
    cluster.delete("Deployment", APP)
    assert cluster.get("Deployment", APP) is None
    cluster.advance(3)
    assert cluster.list("ReplicaSet") == []
    (pod,) = cluster.pods(APP)
    assert pod["metadata"]["deletionTimestamp"]
    cluster.advance(6)
    assert cluster.pods(APP) == []


def test_in_the_foreground_the_owner_goes_last(cluster: SimulatedCluster) -> None:
    running(cluster, deployment(pod=STOPS_IN_6))
    cluster.delete("Deployment", APP, propagation="Foreground")
    cluster.advance(3)
    owner = cluster.get("Deployment", APP)
    assert owner is not None
    assert owner["metadata"]["finalizers"] == ["foregroundDeletion"]
    cluster.advance(10)
    assert cluster.get("Deployment", APP) is None
    assert cluster.pods(APP) == []


def test_a_pod_on_a_dead_node_outlives_its_owner(cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    cluster.kill(W1)
    cluster.delete("Deployment", APP)
    cluster.advance(600)
    assert len(cluster.pods(APP)) == 1
    cluster.revive(W1)
    cluster.advance(5)
    assert cluster.pods(APP) == []


def test_a_lease_goes_with_its_node(cluster: SimulatedCluster) -> None:
    cluster.kill(W1)
    cluster.delete("Node", W1)
    cluster.advance(2)
    assert cluster.get("Lease", f"kube-node-lease/{W1}") is None


def test_an_object_without_an_owner_stays(cluster: SimulatedCluster) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "media"}}
    apply(cluster, config, deployment())
    cluster.delete("Deployment", APP)
    cluster.advance(10)
    assert cluster.get("ConfigMap", "media/x") is not None
