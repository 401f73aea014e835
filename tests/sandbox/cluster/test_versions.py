"""Older versions of Kubernetes: other texts, other times, fewer fields."""

from __future__ import annotations

import httpx2

from failover_api.sandbox.cluster.cluster import SimulatedCluster
from tests.sandbox.cluster.apps import (
    APP,
    RECREATE,
    W1,
    W2,
    apply,
    claim,
    condition,
    deployment,
    only_pod,
    ready_of,
    running,
)


def test_an_old_scheduler_names_the_taint_and_the_conflict() -> None:
    cluster = SimulatedCluster(minor=32)
    apply(cluster, *claim("b", W1))
    apply(cluster, deployment("backup"))
    cluster.kill(W1)
    cluster.advance(70)
    text = condition(only_pod(cluster), "PodScheduled")["message"]
    assert "1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }" in text
    assert "1 node(s) had volume node affinity conflict" in text


def test_before_1_35_nobody_counts_the_pods_that_are_being_deleted() -> None:
    cluster = SimulatedCluster(minor=34)
    apply(cluster, *claim("a", W1), *claim("b", W2))
    running(cluster, deployment(strategy=RECREATE))
    cluster.kill(W1)
    cluster.advance(65)
    apply(cluster, deployment("backup", RECREATE))
    cluster.advance(10)
    for kind in ("Deployment", "ReplicaSet"):
        for one in cluster.list(kind):
            assert "terminatingReplicas" not in one["status"]
    assert only_pod(cluster)["metadata"]["deletionTimestamp"]
    assert cluster.ready_pod(APP) is None


def test_before_1_32_a_node_is_given_40_s() -> None:
    cluster = SimulatedCluster(minor=31)
    cluster.advance(5)
    cluster.kill(W1)
    assert cluster.wait_for(lambda: ready_of(cluster, W1) == "Unknown", 60) <= 45.2


def test_the_version_is_told() -> None:
    cluster = SimulatedCluster(minor=33)
    with cluster.serve() as url:
        headers = {"Authorization": "Bearer sandbox-cluster-admin"}
        told = httpx2.get(f"{url}/version", headers=headers, trust_env=False).json()
    assert (told["minor"], told["gitVersion"]) == ("33", "v1.33.2+sandbox")
