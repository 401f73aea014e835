"""How a dead node shows: when, by which signs, and what a storm changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from failover_api.sandbox.cluster.cluster import SimulatedCluster
from failover_api.sandbox.cluster.nodes.machine import NodeSpec
from failover_api.sandbox.cluster.objects.times import epoch
from tests.sandbox.cluster.apps import (
    APP,
    W1,
    W2,
    cluster_with_claims,
    condition,
    deployment,
    only_pod,
    ready_of,
    running,
    said,
    taints_of,
)

if TYPE_CHECKING:
    from typing import Any

UNKNOWN = ["unreachable:NoExecute", "unreachable:NoSchedule"]


def last_renewal(cluster: SimulatedCluster, node: str = W1) -> float:
    lease = cluster.get("Lease", f"kube-node-lease/{node}")
    assert lease is not None
    return epoch(lease["spec"]["renewTime"])


def until_noticed(cluster: SimulatedCluster, node: str = W1) -> float:
    return cluster.wait_for(lambda: ready_of(cluster, node) == "Unknown", 70)


def test_a_lease_is_renewed_every_10_s(cluster: SimulatedCluster) -> None:
    times = set()
    for _ in range(1200):
        cluster.advance(0.1)
        times.add(last_renewal(cluster))
    steps = [later - earlier for earlier, later in zip(sorted(times), sorted(times)[1:], strict=False)]
    assert all(9.99 <= step <= 10.41 for step in steps)
    lease = cluster.get("Lease", f"kube-node-lease/{W1}")
    assert lease is not None
    assert lease["spec"]["leaseDurationSeconds"] == 40


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_death_shows_50_to_55_s_after_the_last_renewal(seed: int) -> None:
    cluster = cluster_with_claims(seed=seed)
    cluster.advance(60 + seed)
    renewed = last_renewal(cluster)
    cluster.kill(W1)
    until_noticed(cluster)
    assert 50.0 <= cluster.clock.now - renewed <= 55.2


def test_a_death_shows_within_43_to_55_s(cluster: SimulatedCluster) -> None:
    """The last renewal was a few seconds before, as in the observed death."""
    before = last_renewal(cluster)
    cluster.wait_for(lambda: last_renewal(cluster) != before, 12)
    cluster.advance(5)
    cluster.kill(W1)
    assert 43.0 <= until_noticed(cluster) <= 55.0


def test_all_signs_come_together(cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    heartbeat = condition(cluster.get("Node", W1), "Ready")["lastHeartbeatTime"]
    cluster.kill(W1)
    cluster.advance(40)
    assert (ready_of(cluster, W1), taints_of(cluster, W1)) == ("True", [])
    until_noticed(cluster)
    cluster.advance(0.5)
    node = cluster.get("Node", W1)
    assert node is not None
    for type_ in ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure"):
        told = condition(node, type_)
        assert (told["status"], told["reason"]) == ("Unknown", "NodeStatusUnknown")
        assert told["message"] == "Kubelet stopped posting node status."
    assert condition(node, "Ready")["lastHeartbeatTime"] == heartbeat
    assert taints_of(cluster, W1) == UNKNOWN
    assert all(taint["timeAdded"] for taint in node["spec"]["taints"])
    assert "Node k3s-w1 status is now: NodeNotReady" in said(cluster, "NodeNotReady")
    pod = only_pod(cluster)
    assert pod["status"]["phase"] == "Running"
    assert condition(pod, "Ready")["status"] == "False"
    assert "reason" not in condition(pod, "Ready")
    assert condition(pod, "ContainersReady")["status"] == "True"
    cluster.advance(0.5)
    assert condition(cluster.get("Deployment", APP), "Available")["status"] == "False"


def test_a_death_and_a_cut_look_the_same(cluster: SimulatedCluster) -> None:
    other = cluster_with_claims()
    cluster.kill(W1)
    other.cut(W1)
    for one in (cluster, other):
        one.advance(70)

    def seen(one: SimulatedCluster) -> Any:
        node = one.get("Node", W1)
        assert node is not None
        return node["status"]["conditions"], node["spec"].get("taints")

    assert seen(cluster) == seen(other)


def test_an_outage_of_30_s_leaves_no_trace(cluster: SimulatedCluster) -> None:
    cluster.cut(W1)
    cluster.advance(30)
    assert (ready_of(cluster, W1), taints_of(cluster, W1)) == ("True", [])
    cluster.revive(W1)
    cluster.advance(60)
    assert (ready_of(cluster, W1), said(cluster, "NodeNotReady")) == ("True", [])


def test_a_kubelet_that_is_unwell_has_a_fresh_lease(cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    cluster.trouble(W1)
    cluster.advance(12)
    node = cluster.get("Node", W1)
    assert condition(node, "Ready")["reason"] == "KubeletNotReady"
    assert taints_of(cluster, W1) == ["not-ready:NoExecute", "not-ready:NoSchedule"]
    assert cluster.clock.now - last_renewal(cluster) < 12
    cluster.trouble(W1, "")
    cluster.advance(10)
    assert (ready_of(cluster, W1), taints_of(cluster, W1)) == ("True", [])


def test_a_cordoned_node_is_ready_and_unschedulable(cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    cluster.cordon(W1)
    cluster.advance(1)
    assert (ready_of(cluster, W1), taints_of(cluster, W1)) == ("True", ["unschedulable:NoSchedule"])
    assert cluster.ready_pod(APP, W1)
    cluster.cordon(W1, on=False)
    cluster.advance(1)
    assert taints_of(cluster, W1) == []


@pytest.mark.parametrize("is_cut", [False, True])
def test_a_returning_node_is_ready_and_untainted_within_5_s(cluster: SimulatedCluster, is_cut: bool) -> None:
    (cluster.cut if is_cut else cluster.kill)(W1)
    cluster.advance(90)
    assert taints_of(cluster, W1) == UNKNOWN
    cluster.revive(W1)
    assert cluster.wait_for(lambda: ready_of(cluster, W1) == "True" and not taints_of(cluster, W1), 20) <= 7.0


def many(count: int) -> SimulatedCluster:
    return SimulatedCluster([NodeSpec(f"n{index}") for index in range(1, count + 1)])


def test_two_of_three_dead_are_both_tainted() -> None:
    cluster = many(3)
    cluster.kill("n1")
    cluster.kill("n2")
    cluster.advance(80)
    assert [taints_of(cluster, one) for one in ("n1", "n2", "n3")] == [UNKNOWN, UNKNOWN, []]


def test_three_of_four_dead_is_a_storm_and_nothing_is_evicted() -> None:
    cluster = many(4)
    for node in ("n1", "n2", "n3"):
        cluster.kill(node)
    cluster.advance(210)
    assert [taints_of(cluster, f"n{index}") for index in (1, 2, 3)] == [["unreachable:NoSchedule"]] * 3
    cluster.revive("n3")
    wait = cluster.wait_for(lambda: all(taints_of(cluster, one) == UNKNOWN for one in ("n1", "n2")), 30)
    assert wait <= 20.0


def test_when_all_are_dead_the_taints_are_taken_off() -> None:
    cluster = many(3)
    cluster.kill("n1")
    cluster.advance(80)
    assert taints_of(cluster, "n1") == UNKNOWN
    cluster.kill("n2")
    cluster.kill("n3")
    cluster.advance(80)
    assert [taints_of(cluster, f"n{index}") for index in (1, 2, 3)] == [["unreachable:NoSchedule"]] * 3
    cluster.revive("n2")
    cluster.revive("n3")
    assert cluster.wait_for(lambda: taints_of(cluster, "n1") == UNKNOWN, 40) <= 30.0


def test_nobody_judges_while_the_controller_manager_is_down(cluster: SimulatedCluster) -> None:
    cluster.manager.stop()
    cluster.kill(W1)
    cluster.advance(81)
    assert (ready_of(cluster, W1), taints_of(cluster, W1)) == ("True", [])
    cluster.manager.start()
    assert 64.0 <= until_noticed(cluster) <= 71.0
    assert ready_of(cluster, W2) == "True"


def test_a_clock_that_is_set_does_not_kill_a_node(cluster: SimulatedCluster) -> None:
    cluster.clock.jump(3600)
    cluster.advance(60)
    cluster.clock.jump(-7200)
    cluster.advance(60)
    assert ready_of(cluster, W1) == "True"


def test_a_lease_shows_the_clock_of_its_node(cluster: SimulatedCluster) -> None:
    cluster.machines[W1].skew_s = -120.0
    cluster.advance(30)
    assert 119 <= cluster.clock.now - last_renewal(cluster) <= 131
    assert ready_of(cluster, W1) == "True"
