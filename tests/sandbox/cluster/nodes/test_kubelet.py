"""What runs on a machine whatever the API server believes, and what a node does when it is back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.cluster.apps import (
    APP,
    ROLLING,
    W1,
    W2,
    apply,
    cluster_with_claims,
    condition,
    deployment,
    only_pod,
    ready_of,
    running,
    seconds_until_ready,
)

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.cluster import SimulatedCluster

SEEDS = pytest.mark.parametrize("seed", [1, 2, 3, 4])


def partitioned(seed: int, seconds: float) -> SimulatedCluster:
    """Cut off for so long, promoted meanwhile by a rolling update."""
    cluster = running(cluster_with_claims(seed=seed), deployment(strategy=ROLLING))
    cluster.cut(W1)
    cluster.advance(65)
    apply(cluster, deployment("backup", ROLLING))
    seconds_until_ready(cluster)
    cluster.advance(seconds - 65)
    return cluster


@SEEDS
@pytest.mark.parametrize("seconds", [71, 270])
def test_both_run_while_the_node_is_cut_off_and_until_2_s_after(seed: int, seconds: float) -> None:
    cluster = partitioned(seed, seconds)
    assert sorted(cluster.containers(APP)) == [W1, W2]
    cluster.revive(W1)
    ended = cluster.wait_for(lambda: cluster.containers(APP) == [W2], 10)
    assert 0.1 <= ended <= 2.0 + 0.8
    gone = cluster.wait_for(lambda: len(cluster.pods(APP)) == 1, 10)
    assert ended + gone <= 4.5


def test_a_pod_that_was_deleted_by_force_runs_on_until_the_node_is_linked(cluster: SimulatedCluster) -> None:
    running(cluster, deployment(strategy=ROLLING))
    cluster.cut(W1)
    cluster.advance(65)
    apply(cluster, deployment("backup", ROLLING))
    cluster.advance(5)
    old = next(pod for pod in cluster.pods(APP) if pod["spec"]["nodeName"] == W1)
    cluster.delete("Pod", f"media/{old['metadata']['name']}", force=True)
    cluster.advance(3600)
    assert W1 in cluster.containers(APP)
    cluster.revive(W1)
    cluster.wait_for(lambda: cluster.containers(APP) == [W2], 3)


def test_a_cut_off_app_writes_on_and_a_dead_one_does_not(cluster: SimulatedCluster) -> None:
    other = running(cluster_with_claims(), deployment())
    running(cluster, deployment())
    cluster.cut(W1)
    other.kill(W1)
    lines = [len(one.disk("media/a").journal) for one in (cluster, other)]
    for one in (cluster, other):
        one.advance(100)
    more = [len(one.disk("media/a").journal) - before for one, before in zip((cluster, other), lines, strict=True)]
    assert more == [100, 0]


@SEEDS
def test_a_reboot_never_starts_a_pod_that_is_to_end(seed: int) -> None:
    cluster = running(cluster_with_claims(seed=seed), deployment(strategy=ROLLING))
    cluster.kill(W1)
    cluster.advance(65)
    apply(cluster, deployment("backup", ROLLING))
    cluster.advance(60)
    cluster.revive(W1)
    seen: set[Any] = set()
    took = cluster.wait_for(lambda: seen.update(cluster.containers(APP)) or len(cluster.pods(APP)) == 1, 10)
    assert seen == {W2}
    assert took <= 3.5


def test_a_reboot_starts_the_same_pod_again_when_nobody_promoted(cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    name = only_pod(cluster)["metadata"]["name"]
    cluster.kill(W1)
    cluster.advance(70)
    cluster.revive(W1)
    assert seconds_until_ready(cluster, W1) < 8.0
    pod = only_pod(cluster)
    assert pod["metadata"]["name"] == name
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 1


def test_after_a_partition_the_same_pod_is_ready_again_without_a_restart(cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    cluster.cut(W1)
    cluster.advance(70)
    assert cluster.ready_pod(APP) is None
    cluster.revive(W1)
    assert seconds_until_ready(cluster, W1) <= 12.0
    assert only_pod(cluster)["status"]["containerStatuses"][0]["restartCount"] == 0


def test_a_deleted_node_comes_back_with_its_kubelet_and_without_labels_set_by_hand(cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    cluster.cut(W1)
    cluster.advance(70)
    cluster.delete("Node", W1)
    cluster.advance(10)
    cluster.revive(W1)
    cluster.advance(60)
    assert cluster.get("Node", W1) is None
    cluster.restart_kubelet(W1)
    cluster.wait_for(lambda: ready_of(cluster, W1) == "True", 7)
    node = cluster.get("Node", W1)
    assert node is not None
    assert node["metadata"]["labels"]["kubernetes.io/hostname"] == W1
    assert "role" not in node["metadata"]["labels"]


def test_a_graceful_shutdown_fails_its_pods_and_says_so(cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    cluster.shut_down(W1)
    cluster.advance(1)
    pod = cluster.pods(APP)[0]
    assert (pod["status"]["phase"], pod["status"]["reason"]) == ("Failed", "Terminated")
    assert pod["status"]["message"] == "Pod was terminated in response to imminent node shutdown."
    assert condition(pod, "DisruptionTarget")["reason"] == "TerminationByKubelet"
    told = condition(cluster.get("Node", W1), "Ready")
    assert (told["status"], told["reason"], told["message"]) == (
        "False",
        "KubeletNotReady",
        "node is shutting down",
    )


def test_a_heartbeat_of_the_status_is_no_heartbeat(cluster: SimulatedCluster) -> None:
    cluster.advance(400)
    old = condition(cluster.get("Node", W1), "Ready")["lastHeartbeatTime"]
    cluster.advance(190)
    assert condition(cluster.get("Node", W1), "Ready")["lastHeartbeatTime"] == old


def test_an_app_may_take_its_time_to_be_ready(cluster: SimulatedCluster) -> None:
    apply(cluster, deployment(pod={"annotations": {"sandbox/ready-seconds": "30"}}))
    cluster.advance(20)
    pod = only_pod(cluster)
    assert (pod["status"]["phase"], condition(pod, "Ready")["status"]) == ("Running", "False")
    assert condition(pod, "Ready")["reason"] == "ContainersNotReady"
    assert seconds_until_ready(cluster, W1) < 12.0


def test_each_acknowledged_line_is_on_the_volume(cluster: SimulatedCluster) -> None:
    running(cluster, deployment(), for_s=30)
    disk = cluster.disk("media/a")
    assert disk.journal == disk.acknowledged
    assert len(disk.journal) in (29, 30)
    name = only_pod(cluster)["metadata"]["name"]
    assert disk.journal[0].decode().split()[1:] == [name, "1"]
