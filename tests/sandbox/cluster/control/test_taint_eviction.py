"""Eviction: 300 s after the NoExecute taint, unless the node is back before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.times import epoch
from tests.sandbox.cluster.apps import (
    APP,
    W1,
    condition,
    deployment,
    only_pod,
    ready_of,
    running,
    said,
    taints_of,
)

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.cluster import SimulatedCluster


def test_a_pod_tolerates_a_node_that_is_gone_for_300_s(cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    told = {one["key"]: one["tolerationSeconds"] for one in only_pod(cluster)["spec"]["tolerations"]}
    assert told == {"node.kubernetes.io/not-ready": 300, "node.kubernetes.io/unreachable": 300}


def test_a_pod_is_evicted_300_s_after_the_taint(cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    cluster.kill(W1)
    (name,) = (pod["metadata"]["name"] for pod in cluster.pods(APP))
    cluster.wait_for(lambda: "unreachable:NoExecute" in taints_of(cluster, W1), 70)
    tainted = cluster.clock.elapsed
    cluster.wait_for(lambda: cluster.pods(APP)[0]["metadata"].get("deletionTimestamp"), 400)
    assert 299.9 <= cluster.clock.elapsed - tainted <= 300.3
    evicted = cluster.pods(APP)[0]
    told = condition(evicted, "DisruptionTarget")
    assert (told["status"], told["reason"]) == ("True", "DeletionByTaintManager")
    assert told["message"] == "Taint manager: deleting due to NoExecute taint"
    assert evicted["status"]["phase"] == "Running"
    assert f"Marking for deletion Pod media/{name}" in said(cluster, "TaintManagerEviction")
    assert 29 <= epoch(evicted["metadata"]["deletionTimestamp"]) - cluster.clock.now <= 31
    cluster.advance(2)
    replacement = cluster.pods(APP)[1]
    assert (replacement["status"]["phase"], replacement["spec"].get("nodeName")) == ("Pending", None)


def test_the_whole_way_takes_about_344_s(cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    cluster.kill(W1)
    took = cluster.wait_for(lambda: cluster.pods(APP)[0]["metadata"].get("deletionTimestamp"), 400)
    assert 340.0 <= took <= 356.0


def test_a_node_that_returns_cancels_the_eviction(cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    name = only_pod(cluster)["metadata"]["name"]
    cluster.cut(W1)
    cluster.advance(200)
    cluster.revive(W1)
    cluster.advance(400)
    assert f"Cancelling deletion of Pod media/{name}" in said(cluster, "TaintManagerEviction")
    assert only_pod(cluster)["metadata"]["name"] == name
    assert (ready_of(cluster, W1), bool(cluster.ready_pod(APP, W1))) == ("True", True)


def test_out_of_service_evicts_at_once(cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    cluster.kill(W1)
    cluster.advance(70)
    cluster.taint_out_of_service(W1)
    cluster.advance(0.2)
    assert cluster.pods(APP)[0]["metadata"]["deletionTimestamp"]
