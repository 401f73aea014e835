"""StatefulSets: always blocked by a dead node, and the order of the cures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.cluster.apps import (
    APP,
    W1,
    W2,
    apply,
    cluster_with_claims,
    condition,
    has_no_pod,
    only_pod,
    running,
    said,
    seconds_until_ready,
    stateful_set,
)

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.cluster import SimulatedCluster

PARALLEL = {"podManagementPolicy": "Parallel"}
ON_DELETE = {"updateStrategy": {"type": "OnDelete"}}
POD = "media/app-0"
POLICIES = pytest.mark.parametrize("spec", [{}, PARALLEL, ON_DELETE], ids=["OrderedReady", "Parallel", "OnDelete"])


def dead(cluster: SimulatedCluster, seconds: float, **spec: Any) -> SimulatedCluster:
    running(cluster, stateful_set(**spec))
    cluster.kill(W1)
    cluster.advance(seconds)
    return cluster


def promote(cluster: SimulatedCluster, **spec: Any) -> None:
    apply(cluster, stateful_set("backup", **spec))


def claim_of(pod: Any) -> str:
    return str(pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"])


@POLICIES
@pytest.mark.parametrize("waited", [5.0, 65.0])
def test_a_dead_node_blocks_whatever_the_policy(cluster: SimulatedCluster, spec: dict[str, Any], waited: float) -> None:
    dead(cluster, waited, **spec)
    promote(cluster, **spec)
    assert has_no_pod(cluster, 400)


def test_early_the_pod_is_told_to_end_and_stays(cluster: SimulatedCluster) -> None:
    dead(cluster, 5)
    promote(cluster)
    cluster.advance(2)
    assert only_pod(cluster)["metadata"]["deletionTimestamp"]


def test_once_noticed_the_pod_is_not_even_told_to_end(cluster: SimulatedCluster) -> None:
    dead(cluster, 65)
    promote(cluster)
    cluster.advance(30)
    assert "deletionTimestamp" not in only_pod(cluster)["metadata"]
    found = cluster.get("StatefulSet", APP)
    assert found is not None
    status = found["status"]
    assert status["updateRevision"] != status["currentRevision"]
    assert (status["currentReplicas"], status["availableReplicas"]) == (1, 0)
    assert not {"updatedReplicas", "conditions"} & set(status)


def test_parallel_tells_the_pod_to_end(cluster: SimulatedCluster) -> None:
    dead(cluster, 65, **PARALLEL)
    promote(cluster, **PARALLEL)
    cluster.advance(2)
    assert only_pod(cluster)["metadata"]["deletionTimestamp"]


@POLICIES
def test_a_forced_delete_after_the_promote_brings_the_new_template(
    cluster: SimulatedCluster, spec: dict[str, Any]
) -> None:
    dead(cluster, 65, **spec)
    promote(cluster, **spec)
    cluster.advance(10)
    cluster.delete("Pod", POD, force=True)
    assert seconds_until_ready(cluster) < 1.5
    assert claim_of(only_pod(cluster)) == "b"


@pytest.mark.parametrize("spec", [{}, PARALLEL], ids=["OrderedReady", "Parallel"])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_taint_after_the_promote_unblocks_within_20_s(seed: int, spec: dict[str, Any]) -> None:
    cluster = dead(cluster_with_claims(seed=seed), 65, **spec)
    promote(cluster, **spec)
    cluster.advance(10)
    cluster.taint_out_of_service(W1)
    assert seconds_until_ready(cluster) < 21.5
    assert claim_of(only_pod(cluster)) == "b"


def cure_first(cluster: SimulatedCluster, cure: str) -> None:
    """What frees the name `app-0` before the promote, and leaves a pod of the old template behind."""
    if cure == "taint":
        cluster.taint_out_of_service(W1)
    elif cure == "delete":
        cluster.delete("Pod", POD, force=True)
    cluster.wait_for(lambda: any("nodeName" not in pod["spec"] for pod in cluster.pods(APP)), 25)


@pytest.mark.parametrize("cure", ["taint", "delete"])
def test_a_cure_before_the_promote_leaves_an_ordered_set_stuck(cluster: SimulatedCluster, cure: str) -> None:
    dead(cluster, 65)
    cure_first(cluster, cure)
    promote(cluster)
    assert has_no_pod(cluster, 400)
    pod = only_pod(cluster)
    assert (pod["status"]["phase"], claim_of(pod)) == ("Pending", "a")
    cluster.delete("Pod", POD)
    assert seconds_until_ready(cluster) < 1.0


@pytest.mark.parametrize("cure", ["taint", "delete"])
def test_a_cure_before_the_promote_does_not_hurt_a_parallel_set(cluster: SimulatedCluster, cure: str) -> None:
    dead(cluster, 65, **PARALLEL)
    cure_first(cluster, cure)
    promote(cluster, **PARALLEL)
    assert seconds_until_ready(cluster) < 1.0


def test_an_evicted_pod_and_a_taint_before_the_promote_stick_alike(cluster: SimulatedCluster) -> None:
    dead(cluster, 360)
    cure_first(cluster, "taint")
    promote(cluster)
    assert has_no_pod(cluster, 60)


@pytest.mark.parametrize("spec", [{}, PARALLEL], ids=["OrderedReady", "Parallel"])
def test_evicted_then_promoted_then_cured_works(cluster: SimulatedCluster, spec: dict[str, Any]) -> None:
    dead(cluster, 360, **spec)
    promote(cluster, **spec)
    cluster.advance(10)
    cluster.delete("Pod", POD, force=True)
    assert seconds_until_ready(cluster) < 1.5
    assert claim_of(only_pod(cluster)) == "b"


def to_nowhere(side: str, **spec: Any) -> dict[str, Any]:
    wrong = stateful_set(side, **spec)
    wrong["spec"]["template"]["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] = "nope"
    return wrong


def test_an_undo_is_ignored_by_an_ordered_set(cluster: SimulatedCluster) -> None:
    running(cluster, stateful_set())
    apply(cluster, to_nowhere("backup"))
    cluster.wait_for(lambda: any(claim_of(pod) == "nope" for pod in cluster.pods(APP)), 10)
    apply(cluster, stateful_set())
    assert has_no_pod(cluster, 60, W1)
    found = cluster.get("StatefulSet", APP)
    assert found is not None
    assert found["status"]["currentRevision"] == found["status"]["updateRevision"]
    assert claim_of(only_pod(cluster)) == "nope"
    cluster.delete("Pod", POD)
    assert seconds_until_ready(cluster, W1) < 1.0


def test_an_undo_heals_a_parallel_set(cluster: SimulatedCluster) -> None:
    running(cluster, stateful_set(**PARALLEL))
    apply(cluster, to_nowhere("backup", **PARALLEL))
    cluster.wait_for(lambda: any(claim_of(pod) == "nope" for pod in cluster.pods(APP)), 10)
    apply(cluster, stateful_set(**PARALLEL))
    assert seconds_until_ready(cluster, W1) < 1.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_deleted_node_unblocks_after_its_quarantine(seed: int) -> None:
    cluster = dead(cluster_with_claims(seed=seed), 65)
    promote(cluster)
    cluster.advance(10)
    cluster.delete("Node", W1)
    assert 40.0 <= seconds_until_ready(cluster) <= 61.5


def test_deleting_and_applying_the_set_again_does_not_help(cluster: SimulatedCluster) -> None:
    dead(cluster, 65)
    promote(cluster)
    cluster.delete("StatefulSet", APP)
    cluster.advance(2)
    promote(cluster)
    assert has_no_pod(cluster, 400)
    found = cluster.get("StatefulSet", APP)
    assert found is not None
    assert found["status"]["replicas"] == 0
    assert any('pods "app-0" already exists' in one for one in said(cluster, "FailedCreate"))
    cluster.revive(W1)
    assert has_no_pod(cluster, 60)  # it tries again ever less often


def test_two_sets_need_no_cure(cluster: SimulatedCluster) -> None:
    other = stateful_set("backup", replicas=0)
    other["metadata"]["name"] = "standby"
    running(cluster, stateful_set(), other)
    cluster.kill(W1)
    cluster.advance(65)
    other["spec"]["replicas"] = 1
    apply(cluster, stateful_set(replicas=0), other)
    assert seconds_until_ready(cluster, place="media/standby") < 1.5


@POLICIES
def test_a_blocked_promote_starts_by_itself_when_the_node_returns(
    cluster: SimulatedCluster, spec: dict[str, Any]
) -> None:
    dead(cluster, 5, **spec)
    promote(cluster, **spec)
    cluster.advance(38 * 60)
    if spec is ON_DELETE:
        cluster.delete("Pod", POD)
    cluster.revive(W1)
    assert seconds_until_ready(cluster) < 6.0


def test_a_planned_promote_moves_the_pod(cluster: SimulatedCluster) -> None:
    running(cluster, stateful_set())
    promote(cluster)
    assert seconds_until_ready(cluster) < 2.0
    found = cluster.get("StatefulSet", APP)
    assert found is not None
    cluster.advance(1)
    found = cluster.get("StatefulSet", APP)
    assert found is not None
    assert found["status"]["currentRevision"] == found["status"]["updateRevision"]


def test_on_delete_moves_nothing_by_itself(cluster: SimulatedCluster) -> None:
    running(cluster, stateful_set(**ON_DELETE))
    promote(cluster, **ON_DELETE)
    assert has_no_pod(cluster, 30)
    cluster.delete("Pod", POD)
    assert seconds_until_ready(cluster) < 3.0


def test_claims_of_a_template_are_made_once(cluster: SimulatedCluster) -> None:
    apply(cluster, {
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "local"},
        "provisioner": "rancher.io/local-path", "volumeBindingMode": "WaitForFirstConsumer",
    })  # fmt: skip
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "local",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    templates = [{"metadata": {"name": "db"}, "spec": spec}]
    running(cluster, stateful_set(volumeClaimTemplates=templates))
    made = cluster.get("PersistentVolumeClaim", "media/db-app-0")
    assert condition(only_pod(cluster), "Ready")["status"] == "True"
    assert made is not None
    assert made["status"]["phase"] == "Bound"
    assert cluster.ready_pod(APP, W2) is None
