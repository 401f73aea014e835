"""Traffic: to the new pod, and never again to one that is being deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sandbox.cluster.apps import ROLLING, W1, apply, deployment, running, seconds_until_ready

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.cluster import SimulatedCluster

SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "app", "namespace": "media"},
    "spec": {"selector": {"app": "app"}, "ports": [{"name": "http", "port": 80}]},
}


def endpoints(cluster: SimulatedCluster) -> dict[str, Any]:
    """{node: conditions}"""
    (one,) = cluster.list("EndpointSlice")
    return {each["nodeName"]: each["conditions"] for each in one["endpoints"]}


def test_traffic_goes_to_the_new_pod_and_not_back(cluster: SimulatedCluster) -> None:
    running(cluster, SERVICE, deployment(strategy=ROLLING))
    assert endpoints(cluster) == {W1: {"ready": True, "serving": True, "terminating": False}}
    cluster.kill(W1)
    cluster.advance(65)
    assert endpoints(cluster)[W1] == {"ready": False, "serving": False, "terminating": False}
    apply(cluster, deployment("backup", ROLLING))
    seconds_until_ready(cluster)
    cluster.advance(1)
    told = endpoints(cluster)
    assert told["k3s-w2"]["ready"]
    assert told[W1] == {"ready": False, "serving": False, "terminating": True}
    cluster.revive(W1)
    for _ in range(100):
        cluster.advance(0.1)
        assert not endpoints(cluster).get(W1, {}).get("ready")
