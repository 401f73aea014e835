"""create, update, patch and delete over HTTP, with the texts of the API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.cluster.apps import APP, RECREATE, ROLLING, apply, claim, deployment, running, stateful_set

if TYPE_CHECKING:
    import httpx2

    from failover_api.sandbox.cluster.cluster import SimulatedCluster

DEPLOYMENTS = "/apis/apps/v1/namespaces/media/deployments"
DEPLOYMENT = f"{DEPLOYMENTS}/app"
NODE = "/api/v1/nodes/k3s-w1"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
JSON, MERGE = "application/json-patch+json", "application/merge-patch+json"
STRATEGIC, APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"
OWNER = {"fieldManager": "kustomize-controller", "force": "true"}


def patch(client: httpx2.Client, path: str, kind: str, body: Any, **query: str) -> httpx2.Response:
    return client.patch(path, json=body, headers={"Content-Type": kind}, params=query)


def lease(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "guard"}, "spec": {"holderIdentity": "me", "leaseDurationSeconds": 8, **spec}}


def test_what_is_created_has_defaults_and_an_identity(client: httpx2.Client) -> None:
    answer = client.post(DEPLOYMENTS, json=deployment())
    body = answer.json()
    assert answer.status_code == 201
    assert body["metadata"]["generation"] == 1
    assert body["metadata"]["uid"]
    assert body["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": "25%"}
    assert body["spec"]["progressDeadlineSeconds"] == 600
    again = client.post(DEPLOYMENTS, json=deployment())
    assert (again.status_code, again.json()["reason"]) == (409, "AlreadyExists")
    assert again.json()["message"] == 'deployments.apps "app" already exists'


def test_a_stale_update_is_a_conflict(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    apply(cluster, deployment())
    stale = client.get(DEPLOYMENT).json()
    cluster.scale("Deployment", APP, 0)
    stale["spec"]["replicas"] = 3
    answer = client.put(DEPLOYMENT, json=stale)
    assert (answer.status_code, answer.json()["reason"]) == (409, "Conflict")
    assert answer.json()["message"] == (
        'Operation cannot be fulfilled on deployments.apps "app": the object has been modified; please apply your '
        "changes to the latest version and try again"
    )


def test_an_update_that_changes_nothing_keeps_the_version(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    apply(cluster, deployment())
    before = client.get(DEPLOYMENT).json()
    after = client.put(DEPLOYMENT, json=before).json()
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    before["spec"]["replicas"] = 2
    after = client.put(DEPLOYMENT, json=before).json()
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1


def test_a_dry_run_writes_nothing(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    assert client.post(DEPLOYMENTS, json=deployment(), params={"dryRun": "All"}).status_code == 201
    assert cluster.get("Deployment", APP) is None


def test_status_is_written_apart(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    apply(cluster, deployment())
    body = {"spec": {"replicas": 5}, "status": {"replicas": 9}}
    whole = patch(client, DEPLOYMENT, MERGE, body).json()
    assert (whole["spec"]["replicas"], whole["status"].get("replicas")) == (5, None)
    of_status = patch(client, f"{DEPLOYMENT}/status", MERGE, {"spec": {"replicas": 1}, "status": {"replicas": 9}})
    assert (of_status.json()["spec"]["replicas"], of_status.json()["status"]["replicas"]) == (5, 9)


def test_scale_is_written(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    apply(cluster, deployment())
    assert patch(client, f"{DEPLOYMENT}/scale", MERGE, {"spec": {"replicas": 0}}).json()["spec"] == {"replicas": 0}
    scaled = cluster.get("Deployment", APP)
    assert scaled is not None
    assert scaled["spec"]["replicas"] == 0


def test_a_json_patch_tests_before_it_writes(client: httpx2.Client) -> None:
    taint = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}
    version = client.get(NODE).json()["metadata"]["resourceVersion"]
    test = {"op": "test", "path": "/metadata/resourceVersion", "value": version}
    add = {"op": "add", "path": "/spec/taints", "value": [taint]}
    assert patch(client, NODE, JSON, [test, add]).json()["spec"]["taints"] == [taint]
    refused = patch(client, NODE, JSON, [test, add])
    assert refused.status_code == 422
    causes = refused.json()["details"]["causes"]
    assert causes[0]["message"] == "testing value /metadata/resourceVersion failed: test failed"


def test_taints_are_one_list_and_containers_are_merged(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    apply(cluster, deployment())
    first, second = ({"key": key, "effect": "NoSchedule"} for key in "ab")
    patch(client, NODE, STRATEGIC, {"spec": {"taints": [first]}})
    assert patch(client, NODE, STRATEGIC, {"spec": {"taints": [second]}}).json()["spec"]["taints"] == [second]
    image = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "example.org/app:2"}]}}}}
    (container,) = patch(client, DEPLOYMENT, STRATEGIC, image).json()["spec"]["template"]["spec"]["containers"]
    assert (container["image"], container["imagePullPolicy"]) == ("example.org/app:2", "IfNotPresent")


def test_a_patch_of_an_unknown_type_is_a_415(client: httpx2.Client) -> None:
    assert patch(client, NODE, "text/plain", {}).status_code == 415


def test_a_running_pod_is_told_to_end_and_by_force_it_is_gone(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    cluster.kill("k3s-w1")
    (pod,) = cluster.pods(APP)
    path = f"/api/v1/namespaces/media/pods/{pod['metadata']['name']}"
    told = client.delete(path).json()
    assert told["metadata"]["deletionGracePeriodSeconds"] == 30
    assert told["metadata"]["deletionTimestamp"] == "2026-11-30T00:01:31Z"  # when its grace ends
    assert client.delete(path).json()["metadata"] == told["metadata"]  # again changes nothing
    wrong = client.request("DELETE", path, json={"gracePeriodSeconds": 0, "preconditions": {"uid": "other"}})
    assert (wrong.status_code, wrong.json()["reason"]) == (409, "Conflict")
    assert "Precondition failed: UID in precondition: other, UID in object meta: " in wrong.json()["message"]
    right = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
    gone = client.request("DELETE", path, json=right).json()
    assert (gone["kind"], gone["status"]) == ("Status", "Success")
    assert client.get(path).status_code == 404


def test_a_lease_is_taken_by_compare_and_swap(client: httpx2.Client) -> None:
    times = {"acquireTime": "2026-11-30T00:00:00.000000Z", "renewTime": "2026-11-30T00:00:00.000000Z"}
    made = client.post(LEASES, json=lease(**times))
    assert made.status_code == 201
    assert client.post(LEASES, json=lease(**times)).json()["reason"] == "AlreadyExists"
    path = f"{LEASES}/guard"
    renewed = made.json()
    renewed["spec"]["renewTime"] = "2026-11-30T00:00:01.000000Z"
    assert client.put(path, json=renewed).status_code == 200
    assert client.put(path, json=renewed).json()["reason"] == "Conflict"
    renewed["metadata"].pop("resourceVersion")
    assert client.put(path, json=renewed).status_code == 422
    assert client.put(f"{LEASES}/other", json={**lease(), "metadata": {"name": "other"}}).status_code == 404


@pytest.mark.parametrize("time", ["2026-11-30T00:00:00Z", "2026-11-30T00:00:00.123Z"])
def test_a_lease_time_has_six_digits(client: httpx2.Client, time: str) -> None:
    assert client.post(LEASES, json=lease(renewTime=time)).status_code == 400


def test_fixed_fields_are_refused_with_their_texts(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    apply(cluster, deployment(), stateful_set())
    other = {"matchLabels": {"app": "other"}}
    template = {"metadata": {"labels": {"app": "other"}}}
    answer = patch(client, DEPLOYMENT, MERGE, {"spec": {"selector": other, "template": template}})
    assert answer.status_code == 422
    assert answer.json()["message"] == (
        'Deployment.apps "app" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is '
        "immutable"
    )
    of_set = "/apis/apps/v1/namespaces/media/statefulsets/app"
    answer = patch(client, of_set, MERGE, {"spec": {"podManagementPolicy": "Parallel"}})
    assert answer.json()["message"] == (
        'StatefulSet.apps "app" is invalid: spec: Forbidden: updates to statefulset spec for fields other than '
        "'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
        "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
    )
    of_claim = "/api/v1/namespaces/media/persistentvolumeclaims/a"
    answer = patch(client, of_claim, MERGE, {"spec": {"accessModes": ["ReadWriteOncePod"]}})
    assert answer.json()["message"].startswith(
        'PersistentVolumeClaim "a" is invalid: spec: Forbidden: spec is immutable after creation'
    )


@pytest.mark.parametrize(
    ("steps", "codes"),
    [
        ([RECREATE, ROLLING, RECREATE], [201, 200, 422]),
        ([None, RECREATE], [201, 422]),
        ([ROLLING, RECREATE], [201, 422]),
        ([RECREATE, None, RECREATE], [201, 200, 422]),
        ([RECREATE, ROLLING, {"type": "Recreate", "rollingUpdate": None}], [201, 200, 422]),
        ([RECREATE, {**ROLLING, "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}, RECREATE], [201, 200, 200]),
        ([RECREATE, {**ROLLING, "rollingUpdate": {"maxSurge": 1}}, RECREATE], [201, 200, 200]),
        ([RECREATE, {**ROLLING, "rollingUpdate": {}}, RECREATE], [201, 200, 200]),
        (
            [RECREATE, ROLLING, {**ROLLING, "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}, RECREATE],
            [201, 200, 200, 200],
        ),
    ],
)
def test_a_strategy_goes_back_only_when_its_block_was_written(
    client: httpx2.Client, steps: list[Any], codes: list[int]
) -> None:
    answers = [patch(client, DEPLOYMENT, APPLY, deployment(strategy=one), **OWNER) for one in steps]
    assert [answer.status_code for answer in answers] == codes
    if codes[-1] == 422:
        assert answers[-1].json()["message"] == (
            'Deployment.apps "app" is invalid: spec.strategy.rollingUpdate: Forbidden: may not be specified when '
            "strategy `type` is 'Recreate'"
        )
        dry = patch(client, DEPLOYMENT, APPLY, deployment(strategy=steps[-1]), **OWNER, dryRun="All")
        assert dry.status_code == 422


@pytest.mark.parametrize(
    ("kind", "strategy", "code"),
    [
        (MERGE, {"type": "Recreate"}, 422),
        (MERGE, {"type": "Recreate", "rollingUpdate": None}, 200),
        (STRATEGIC, {"type": "Recreate"}, 422),
        (STRATEGIC, {"type": "Recreate", "$retainKeys": ["type"]}, 200),
    ],
)
def test_other_patches_of_a_strategy(
    client: httpx2.Client, cluster: SimulatedCluster, kind: str, strategy: Any, code: int
) -> None:
    apply(cluster, deployment(strategy=ROLLING))
    assert patch(client, DEPLOYMENT, kind, {"spec": {"strategy": strategy}}).status_code == code


def test_two_managers_conflict_unless_forced(client: httpx2.Client) -> None:
    patch(client, DEPLOYMENT, APPLY, deployment(), **OWNER)
    other = deployment(replicas=3)
    answer = patch(client, DEPLOYMENT, APPLY, other, fieldManager="kubectl")
    assert answer.status_code == 409
    text = 'Apply failed with 1 conflict: conflict with "kustomize-controller": .spec.replicas'
    assert answer.json()["message"] == text
    forced = patch(client, DEPLOYMENT, APPLY, other, fieldManager="kubectl", force="true")
    assert forced.json()["spec"]["replicas"] == 3


def test_a_budget_refuses_an_eviction(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    (pod,) = cluster.pods(APP)
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "app"}}}
    meta = {"name": "one", "namespace": "media"}
    apply(cluster, {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": spec})
    path = f"/api/v1/namespaces/media/pods/{pod['metadata']['name']}/eviction"
    answer = client.post(path, json={"metadata": {"name": pod["metadata"]["name"]}})
    assert answer.status_code == 429
    assert answer.json()["message"] == "Cannot evict pod as it would violate the pod's disruption budget."
    (cause,) = answer.json()["details"]["causes"]
    assert cause["message"] == "The disruption budget one needs 1 healthy pods and has 1 currently"
    cluster.delete("PodDisruptionBudget", "media/one")
    assert client.post(path, json={}).status_code == 201


def test_a_namespace_that_is_not_there_is_a_404(client: httpx2.Client) -> None:
    answer = client.post("/api/v1/namespaces/nope/configmaps", json={"metadata": {"name": "x"}})
    assert answer.json()["message"] == 'namespaces "nope" not found'


def test_a_deleted_claim_waits_for_its_user(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    path = "/api/v1/namespaces/media/persistentvolumeclaims/a"
    assert client.delete(path).json()["metadata"]["deletionTimestamp"]
    cluster.advance(5)
    assert client.get(path).status_code == 200
    cluster.delete("Deployment", APP)
    cluster.advance(5)
    assert client.get(path).status_code == 404
    apply(cluster, *claim("c", "k3s-w1"))
