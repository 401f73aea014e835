"""What a promote does to a Deployment, with a dead node and without; figures as real components gave them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.cluster.apps import (
    APP,
    RECREATE,
    ROLLING,
    W1,
    W2,
    apply,
    cluster_with_claims,
    condition,
    deployment,
    has_no_pod,
    ready_of,
    running,
    said,
    seconds_until_ready,
)

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.cluster import SimulatedCluster

SURGE_1 = {**ROLLING, "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
SURGE_0 = {**ROLLING, "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
SOON = {
    "tolerations": [
        {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 20}
    ]
}
EARLY, NOTICED, EVICTED = 5.0, 65.0, 95.0


def after_death(cluster: SimulatedCluster, strategy: Any, seconds: float) -> SimulatedCluster:
    """An app whose node has been dead for so long."""
    running(cluster, deployment(strategy=strategy, pod=SOON))
    cluster.kill(W1)
    cluster.advance(seconds)
    return cluster


def promote(cluster: SimulatedCluster, strategy: Any) -> None:
    apply(cluster, deployment("backup", strategy, pod=SOON))


def status(cluster: SimulatedCluster) -> dict[str, Any]:
    found = cluster.get("Deployment", APP)
    assert found is not None
    return dict(found["status"])


@pytest.mark.parametrize(("waited", "watched"), [(EARLY, 425.0), (NOTICED, 365.0), (EVICTED, 335.0)])
def test_recreate_makes_no_pod_while_the_node_is_dead(cluster: SimulatedCluster, waited: float, watched: float) -> None:
    after_death(cluster, RECREATE, waited)
    promote(cluster, RECREATE)
    assert has_no_pod(cluster, watched)


@pytest.mark.parametrize("waited", [EARLY, NOTICED, EVICTED])
@pytest.mark.parametrize("strategy", [ROLLING, SURGE_0, SURGE_1], ids=["default", "surge 0", "surge 1"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_rolling_update_starts_at_once(strategy: Any, waited: float, seed: int) -> None:
    cluster = after_death(cluster_with_claims(seed=seed), strategy, waited)
    promote(cluster, strategy)
    assert seconds_until_ready(cluster) < 1.5


def test_a_blocked_recreate_says_that_all_is_well(cluster: SimulatedCluster) -> None:
    running(cluster, deployment(strategy=RECREATE, progressDeadlineSeconds=60))
    cluster.kill(W1)
    cluster.advance(NOTICED)
    apply(cluster, deployment("backup", RECREATE, progressDeadlineSeconds=60))
    cluster.advance(430)
    told = status(cluster)
    (old,) = cluster.list("ReplicaSet")
    assert told["terminatingReplicas"] == 1
    assert not {"replicas", "updatedReplicas", "unavailableReplicas", "readyReplicas"} & set(told)
    found = cluster.get("Deployment", APP)
    assert found is not None
    assert told["observedGeneration"] == found["metadata"]["generation"]
    progressing, available = condition(found, "Progressing"), condition(found, "Available")
    assert (progressing["status"], progressing["reason"]) == ("True", "NewReplicaSetAvailable")
    assert progressing["message"] == f'ReplicaSet "{old["metadata"]["name"]}" has successfully progressed.'
    assert (available["status"], available["reason"]) == ("False", "MinimumReplicasUnavailable")
    assert available["message"] == "Deployment does not have minimum availability."


def test_a_blocked_recreate_scales_down_and_tells_its_pod_to_end_at_once(cluster: SimulatedCluster) -> None:
    after_death(cluster, RECREATE, EARLY)
    (old,) = cluster.list("ReplicaSet")
    promote(cluster, RECREATE)
    cluster.advance(1)
    assert f"Scaled down replica set {old['metadata']['name']} from 1 to 0" in said(cluster, "ScalingReplicaSet")
    (pod,) = cluster.pods(APP)
    assert pod["metadata"]["deletionTimestamp"]
    assert len(cluster.list("ReplicaSet")) == 1


def test_an_unscheduled_replacement_is_removed_at_once(cluster: SimulatedCluster) -> None:
    after_death(cluster, RECREATE, EVICTED)
    assert len(cluster.pods(APP)) == 2
    promote(cluster, RECREATE)
    cluster.advance(1)
    assert [pod["spec"]["nodeName"] for pod in cluster.pods(APP)] == [W1]


def test_a_new_pod_that_does_not_come_up_meets_the_deadline(cluster: SimulatedCluster) -> None:
    running(cluster, deployment(strategy=SURGE_1, progressDeadlineSeconds=60))
    moved = deployment("backup", SURGE_1, progressDeadlineSeconds=60)
    moved["spec"]["template"]["spec"]["nodeSelector"] = {"role": "nobody"}
    apply(cluster, moved)
    cluster.advance(70)
    said_ = condition(cluster.get("Deployment", APP), "Progressing")
    newest = cluster.pods(APP)[-1]["metadata"]["ownerReferences"][0]["name"]
    assert (said_["status"], said_["reason"]) == ("False", "ProgressDeadlineExceeded")
    assert said_["message"] == f'ReplicaSet "{newest}" has timed out progressing.'


def test_a_finished_rolling_update_leaves_the_old_pod_terminating(cluster: SimulatedCluster) -> None:
    after_death(cluster, SURGE_1, NOTICED)
    promote(cluster, SURGE_1)
    cluster.advance(60)
    counts = {key: status(cluster).get(key) for key in ("replicas", "updatedReplicas", "terminatingReplicas")}
    assert counts == {"replicas": 1, "updatedReplicas": 1, "terminatingReplicas": 1}
    assert condition(cluster.get("Deployment", APP), "Available")["status"] == "True"


@pytest.mark.parametrize("later", [False, True], ids=["in the promote", "when blocked"])
def test_a_rolling_update_in_the_same_apply_unblocks(cluster: SimulatedCluster, later: bool) -> None:
    after_death(cluster, RECREATE, NOTICED)
    if later:
        promote(cluster, RECREATE)
        cluster.advance(60)
    promote(cluster, ROLLING)
    assert seconds_until_ready(cluster) < 1.5


def test_the_taint_after_the_promote_unblocks_within_20_s(cluster: SimulatedCluster) -> None:
    after_death(cluster, RECREATE, NOTICED)
    promote(cluster, RECREATE)
    cluster.advance(10)
    cluster.taint_out_of_service(W1)
    assert seconds_until_ready(cluster) < 21.5


def test_the_taint_before_the_promote_evicts_by_itself(cluster: SimulatedCluster) -> None:
    running(cluster, deployment(strategy=RECREATE))
    cluster.kill(W1)
    cluster.advance(NOTICED)
    cluster.taint_out_of_service(W1)
    cluster.wait_for(lambda: all(pod["spec"].get("nodeName") != W1 for pod in cluster.pods(APP)), 21)
    apply(cluster, deployment("backup", RECREATE))
    assert seconds_until_ready(cluster) < 1.5


def test_a_forced_delete_unblocks_at_once(cluster: SimulatedCluster) -> None:
    after_death(cluster, RECREATE, NOTICED)
    promote(cluster, RECREATE)
    cluster.advance(10)
    cluster.delete("Pod", f"media/{cluster.pods(APP)[0]['metadata']['name']}", force=True)
    assert seconds_until_ready(cluster) < 1.5


def test_a_plain_delete_changes_nothing(cluster: SimulatedCluster) -> None:
    after_death(cluster, RECREATE, NOTICED)
    promote(cluster, RECREATE)
    cluster.advance(10)
    cluster.delete("Pod", f"media/{cluster.pods(APP)[0]['metadata']['name']}")
    assert has_no_pod(cluster, 60)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_deleted_node_unblocks_after_its_quarantine(seed: int) -> None:
    cluster = after_death(cluster_with_claims(seed=seed), RECREATE, NOTICED)
    promote(cluster, RECREATE)
    cluster.advance(10)
    cluster.delete("Node", W1)
    assert 40.0 <= seconds_until_ready(cluster) <= 61.5


def test_two_deployments_need_no_cure(cluster: SimulatedCluster) -> None:
    other = deployment("backup", RECREATE, replicas=0)
    other["metadata"]["name"] = "standby"
    running(cluster, deployment(strategy=RECREATE), other)
    cluster.kill(W1)
    cluster.advance(NOTICED)
    other["spec"]["replicas"] = 1
    apply(cluster, deployment(strategy=RECREATE, replicas=0), other)
    assert seconds_until_ready(cluster, place="media/standby") < 1.5
    assert cluster.pods(APP)[0]["metadata"]["deletionTimestamp"]


def test_deleting_the_deployment_and_applying_it_again_unblocks(cluster: SimulatedCluster) -> None:
    after_death(cluster, RECREATE, NOTICED)
    promote(cluster, RECREATE)
    cluster.advance(10)
    cluster.delete("Deployment", APP)
    promote(cluster, RECREATE)
    assert seconds_until_ready(cluster) < 2.5


def test_a_planned_promote_of_a_recreate_app_is_quick(cluster: SimulatedCluster) -> None:
    running(cluster, deployment(strategy=RECREATE))
    apply(cluster, deployment("backup", RECREATE))
    assert seconds_until_ready(cluster) < 2.0


def test_a_graceful_shutdown_does_not_block_recreate(cluster: SimulatedCluster) -> None:
    running(cluster, deployment(strategy=RECREATE))
    cluster.shut_down(W1)
    cluster.advance(65)
    assert ready_of(cluster, W1) == "Unknown"
    assert cluster.pods(APP)[0]["status"]["phase"] == "Failed"
    apply(cluster, deployment("backup", RECREATE))
    assert seconds_until_ready(cluster) < 1.5


def test_a_blocked_promote_starts_by_itself_when_the_node_returns(cluster: SimulatedCluster) -> None:
    after_death(cluster, RECREATE, NOTICED)
    promote(cluster, RECREATE)
    cluster.advance(3600)
    cluster.revive(W1)
    assert seconds_until_ready(cluster) < 5.0


def test_an_undone_promote_runs_at_home_when_the_node_returns(cluster: SimulatedCluster) -> None:
    running(cluster, deployment(strategy=RECREATE))
    cluster.kill(W1)
    cluster.advance(NOTICED)
    apply(cluster, deployment("backup", RECREATE))
    cluster.advance(60)
    apply(cluster, deployment("primary", RECREATE))
    cluster.advance(600)
    cluster.revive(W1)
    assert seconds_until_ready(cluster, W1) < 15.0
    assert cluster.ready_pod(APP, W2) is None


# Every day: an update on the same node and claim, the old pod needs 6 s to stop

STOPS_IN_6 = {"annotations": {"sandbox/stop-seconds": "6"}}


def update(cluster: SimulatedCluster, strategy: Any) -> list[tuple[float, int]]:
    """Tenths of a second after an image update, and how many containers ran then."""
    running(cluster, deployment(strategy=strategy, pod=STOPS_IN_6))
    changed = deployment(strategy=strategy, pod=STOPS_IN_6)
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "example.org/app:2"
    apply(cluster, changed)
    seen = []
    for tenth in range(100):
        cluster.advance(0.1)
        seen.append((tenth / 10, len(cluster.containers(APP))))
    return seen


@pytest.mark.parametrize("strategy", [SURGE_1, SURGE_0], ids=["surge 1", "surge 0"])
def test_two_pods_write_to_one_volume_while_the_old_one_stops(cluster: SimulatedCluster, strategy: Any) -> None:
    both = [at for at, count in update(cluster, strategy) if count == 2]
    assert both[0] < 1.5
    assert 5.5 < both[-1] < 7.5


def test_read_write_once_pod_with_surge_0_never_overlaps() -> None:
    cluster = cluster_with_claims("ReadWriteOncePod")
    seen = update(cluster, SURGE_0)
    assert max(count for _, count in seen) == 1
    none = [at for at, count in seen if count == 0]
    assert 5.5 < none[0] < 7.0
    assert none[-1] - none[0] < 1.5
    assert cluster.ready_pod(APP, W1)


def test_read_write_once_pod_with_surge_1_hangs() -> None:
    cluster = cluster_with_claims("ReadWriteOncePod")
    update(cluster, SURGE_1)
    cluster.advance(300)
    assert len(cluster.containers(APP)) == 1
    waiting = cluster.pods(APP)[-1]
    text = "ReadWriteOncePod access mode already in-use by another pod"
    assert text in condition(waiting, "PodScheduled")["message"]


@pytest.mark.parametrize("waited", [NOTICED, EVICTED])
def test_read_write_once_pod_fails_over_at_once(waited: float) -> None:
    cluster = after_death(cluster_with_claims("ReadWriteOncePod"), SURGE_0, waited)
    promote(cluster, SURGE_0)
    assert seconds_until_ready(cluster) < 1.5


# Other writers


def test_replicas_in_the_manifest_win_over_a_scale_to_0(cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    cluster.scale("Deployment", APP, 0)
    cluster.advance(5)
    apply(cluster, deployment("backup"))
    assert seconds_until_ready(cluster) < 2.0


def without_replicas(side: str) -> dict[str, Any]:
    manifest = deployment(side)
    del manifest["spec"]["replicas"]
    return manifest


def test_a_manifest_without_replicas_starts_nothing_after_a_scale_to_0(cluster: SimulatedCluster) -> None:
    running(cluster, without_replicas("primary"))
    cluster.scale("Deployment", APP, 0)
    cluster.advance(5)
    apply(cluster, without_replicas("backup"))
    assert has_no_pod(cluster, 60)


def test_replicas_taken_out_of_the_manifest_are_1_again(cluster: SimulatedCluster) -> None:
    apply(cluster, deployment(replicas=2), without_replicas("primary"))
    found = cluster.get("Deployment", APP)
    assert found is not None
    assert found["spec"]["replicas"] == 1


def test_replicas_taken_out_after_a_scale_to_0_stay_0(cluster: SimulatedCluster) -> None:
    apply(cluster, deployment(replicas=1))
    cluster.scale("Deployment", APP, 0)
    apply(cluster, without_replicas("primary"))
    found = cluster.get("Deployment", APP)
    assert found is not None
    assert found["spec"]["replicas"] == 0


def test_a_paused_deployment_rolls_nothing_out(cluster: SimulatedCluster) -> None:
    running(cluster, deployment(strategy=ROLLING))
    apply(cluster, deployment("backup", ROLLING, paused=True))
    assert has_no_pod(cluster, 30)
    told = condition(cluster.get("Deployment", APP), "Progressing")
    assert (told["status"], told["reason"], told["message"]) == (
        "Unknown",
        "DeploymentPaused",
        "Deployment is paused",
    )
    assert cluster.ready_pod(APP, W1)
    apply(cluster, deployment("backup", ROLLING, paused=False))
    assert seconds_until_ready(cluster) < 2.0


def test_available_proves_nothing(cluster: SimulatedCluster) -> None:
    moved = deployment(strategy=SURGE_0)
    moved["spec"]["template"]["spec"]["nodeSelector"] = {"role": "nobody"}
    apply(cluster, moved)
    cluster.advance(5)
    assert condition(cluster.get("Deployment", APP), "Available")["status"] == "True"
    assert "readyReplicas" not in status(cluster)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"serviceAccountName": "x"}, 'error looking up service account media/x: serviceaccount "x" not found'),
        ({"priorityClassName": "x"}, "no PriorityClass with name x was found"),
    ],
)
def test_a_pod_that_may_not_be_made_is_told(cluster: SimulatedCluster, more: dict[str, str], text: str) -> None:
    apply(cluster, deployment(pod=more))
    cluster.advance(3)
    told = condition(cluster.get("Deployment", APP), "ReplicaFailure")
    assert (told["status"], told["reason"]) == ("True", "FailedCreate")
    assert text in told["message"]
    assert any(text in one for one in said(cluster, "FailedCreate"))


def test_a_quota_of_no_pods_is_told(cluster: SimulatedCluster) -> None:
    meta = {"name": "q", "namespace": "media"}
    apply(cluster, {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": {"hard": {"pods": "0"}}})
    apply(cluster, deployment())
    cluster.advance(3)
    text = "exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0"
    assert text in condition(cluster.get("Deployment", APP), "ReplicaFailure")["message"]


def test_a_seed_tells_the_same_story() -> None:
    def story(seed: int) -> list[str]:
        cluster = after_death(cluster_with_claims(seed=seed), SURGE_1, 400)
        return [f"{one['firstTimestamp']} {one['reason']} {one['message']}" for one in cluster.list("Event")]

    assert story(5) == story(5)
    assert story(5) != story(6)
