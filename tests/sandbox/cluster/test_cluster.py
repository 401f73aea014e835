"""The whole of it: a person's acts, many pods, and a story told twice."""

from __future__ import annotations

import time

import pytest

from failover_api.sandbox.cluster.api.accounts import ADMIN_TOKEN
from failover_api.sandbox.cluster.cluster import SimulatedCluster
from failover_api.sandbox.cluster.nodes.machine import NodeSpec
from tests.sandbox.clients import connect
from tests.sandbox.cluster.apps import APP, W1, W2, apply, cluster_with_claims, deployment, running, seconds_until_ready


def test_what_there_is_not_is_none_or_a_key_error(cluster: SimulatedCluster) -> None:
    assert cluster.get("Deployment", "media/nope") is None
    with pytest.raises(KeyError):
        cluster.get("Strange", "media/x")
    with pytest.raises(KeyError):
        cluster.disk("media/nope")


def test_waiting_ends_with_an_error(cluster: SimulatedCluster) -> None:
    with pytest.raises(TimeoutError):
        cluster.wait_for(lambda: False, 5)
    assert cluster.clock.elapsed >= 5


def test_a_label_by_hand_is_taken_off_again(cluster: SimulatedCluster) -> None:
    cluster.label(W1, "role", None)
    apply(cluster, deployment())
    cluster.advance(5)
    assert cluster.ready_pod(APP) is None
    cluster.label(W1, "role", "primary")
    assert seconds_until_ready(cluster, W1) < 2.0


def test_an_orphaned_pod_stays_and_its_owner_goes(cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    cluster.delete("Deployment", APP, propagation="Orphan")
    cluster.advance(5)
    assert cluster.get("Deployment", APP) is None
    assert len(cluster.list("ReplicaSet")) == 1
    assert cluster.containers(APP) == [W1]


def test_a_namespace_takes_all_that_is_in_it_along(cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    cluster.delete("Namespace", "media")
    cluster.advance(30)
    assert cluster.get("Namespace", "media") is None
    assert [one for one in cluster.list("Pod") if one["metadata"]["namespace"] == "media"] == []


def test_a_promote_in_real_time_takes_its_real_seconds() -> None:
    cluster = cluster_with_claims()
    running(cluster, deployment())
    cluster.kill(W1)
    apply(cluster, deployment("backup"))
    began = time.monotonic()
    with cluster.running(20):
        until = began + 10
        while cluster.ready_pod(APP, W2) is None and time.monotonic() < until:
            time.sleep(0.005)
    assert cluster.ready_pod(APP, W2)


def test_fate_may_live_in_another_process(cluster: SimulatedCluster, url: str) -> None:
    with connect(url, "") as client:
        codes = [
            client.post(f"/_sandbox/nodes/{path}").status_code for path in (f"{W1}/kill", "nope/kill", f"{W1}/fly")
        ]
        assert codes == [204, 404, 404]
        assert not cluster.machines[W1].is_on
        assert client.post(f"/_sandbox/nodes/{W1}/revive").status_code == 204
        assert client.get(f"/_sandbox/nodes/{W1}/cut").status_code == 404
    assert cluster.machines[W1].reaches_api


def test_what_makes_no_sense_is_a_400(url: str) -> None:
    with connect(url, ADMIN_TOKEN) as client:
        assert client.get("/api/v1/nodes", params={"limit": "many"}).status_code == 400
        assert (
            client.post("/api/v1/namespaces/media/pods", json={"metadata": {"name": "x"}, "spec": "no"}).status_code
            == 400
        )
        assert client.post("/api/v1/namespaces/media/pods", content=b"{").status_code == 400


def test_many_pods_are_no_burden() -> None:
    nodes = [NodeSpec(f"n{number}", capacity={"cpu": "99", "memory": "999Gi", "pods": "999"}) for number in range(5)]
    cluster = SimulatedCluster(nodes)
    for number in range(100):
        one = deployment(replicas=2)
        one["metadata"]["name"] = f"app{number}"
        one["spec"]["template"]["spec"].pop("nodeSelector")
        one["spec"]["template"]["spec"]["volumes"] = []
        labels = {"app": f"app{number}"}
        one["spec"]["selector"], one["spec"]["template"]["metadata"]["labels"] = {"matchLabels": labels}, labels
        cluster.apply(one)
    began = time.process_time()
    cluster.advance(120)
    assert sum(pod["status"]["phase"] == "Running" for pod in cluster.list("Pod")) == 200
    assert time.process_time() - began < 20
