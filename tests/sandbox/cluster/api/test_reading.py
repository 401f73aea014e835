"""get and list over HTTP, and discovery."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.cluster.apps import APP, apply, deployment, running

if TYPE_CHECKING:
    import httpx2

    from failover_api.sandbox.cluster.cluster import SimulatedCluster

PODS = "/api/v1/namespaces/media/pods"
NODES = "/api/v1/nodes"


def names(body: Any) -> list[str]:
    return [item["metadata"]["name"] for item in body["items"]]


@pytest.mark.parametrize(
    "path", ["/api", "/apis", "/api/v1", "/apis/apps/v1", "/apis/apps", "/version", "/openapi/v3", "/healthz"]
)
def test_discovery_answers(client: httpx2.Client, path: str) -> None:
    assert client.get(path).status_code == 200


def test_resources_say_their_verbs_and_subresources(client: httpx2.Client) -> None:
    listed = {one["name"]: one for one in client.get("/apis/apps/v1").json()["resources"]}
    assert listed["deployments"]["kind"] == "Deployment"
    assert "watch" in listed["deployments"]["verbs"]
    assert listed["deployments/scale"]["group"] == "autoscaling"


def test_an_unknown_path_is_a_404_status(client: httpx2.Client) -> None:
    answer = client.get("/apis/nothing.example.org/v1")
    assert (answer.status_code, answer.json()["reason"]) == (404, "NotFound")
    assert answer.json()["message"] == "the server could not find the requested resource"


def test_a_missing_object_is_named(client: httpx2.Client) -> None:
    answer = client.get("/apis/apps/v1/namespaces/media/deployments/nope").json()
    assert answer["message"] == 'deployments.apps "nope" not found'
    assert answer["details"] == {"name": "nope", "group": "apps", "kind": "deployments"}


def test_items_of_a_list_carry_no_kind(client: httpx2.Client) -> None:
    body = client.get(NODES).json()
    assert body["kind"] == "NodeList"
    assert names(body) == ["k3s-cp", "k3s-w1", "k3s-w2"]
    assert not {"kind", "apiVersion"} & set(body["items"][0])
    assert int(body["metadata"]["resourceVersion"]) >= int(body["items"][0]["metadata"]["resourceVersion"])


def test_items_of_a_custom_kind_do_carry_it(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    source = {"apiVersion": "volsync.backube/v1alpha1", "kind": "ReplicationSource"}
    cluster.apply({**source, "metadata": {"name": "x", "namespace": "media"}, "spec": {"paused": True}})
    (item,) = client.get("/apis/volsync.backube/v1alpha1/namespaces/media/replicationsources").json()["items"]
    assert item["kind"] == "ReplicationSource"


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"labelSelector": "role=primary"}, ["k3s-w1"]),
        ({"labelSelector": "role in (primary, backup),kubernetes.io/os=linux"}, ["k3s-w1", "k3s-w2"]),
        ({"labelSelector": "!role"}, ["k3s-cp"]),
        ({"labelSelector": "role!=primary"}, ["k3s-cp", "k3s-w2"]),
        ({"fieldSelector": "metadata.name=k3s-w2"}, ["k3s-w2"]),
    ],
)
def test_selectors_choose(client: httpx2.Client, selector: dict[str, str], expected: list[str]) -> None:
    assert names(client.get(NODES, params=selector).json()) == expected


def test_pods_are_chosen_by_node_and_phase(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    (pod,) = cluster.pods(APP)
    for chosen in ("spec.nodeName=k3s-w1", "status.phase=Running", f"metadata.name={pod['metadata']['name']}"):
        assert len(client.get(PODS, params={"fieldSelector": chosen}).json()["items"]) == 1
    for other in ("spec.nodeName=k3s-w2", "status.phase=Pending"):
        assert client.get(PODS, params={"fieldSelector": other}).json()["items"] == []
    about = {"fieldSelector": f"involvedObject.name={pod['metadata']['name']},involvedObject.kind=Pod"}
    reasons = {one["reason"] for one in client.get("/api/v1/namespaces/media/events", params=about).json()["items"]}
    assert reasons == {"Scheduled", "Started"}


def test_a_field_that_cannot_be_selected_is_a_400(client: httpx2.Client) -> None:
    assert client.get(NODES, params={"fieldSelector": "spec.nope=1"}).status_code == 400


def test_pages_are_of_one_version(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    first = client.get(NODES, params={"limit": 2}).json()
    assert names(first) == ["k3s-cp", "k3s-w1"]
    assert first["metadata"]["remainingItemCount"] == 1
    cluster.delete("Node", "k3s-w2")
    token = first["metadata"]["continue"]
    second = client.get(NODES, params={"limit": 2, "continue": token}).json()
    assert names(second) == ["k3s-w2"]
    assert "continue" not in second["metadata"]
    cluster.advance(1)
    cluster.api.watches.compact()
    stale = client.get(NODES, params={"limit": 2, "continue": token})
    assert (stale.status_code, stale.json()["reason"]) == (410, "Expired")


def test_a_version_of_the_future_is_a_504(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    cluster.api.too_large_s = 0.0
    answer = client.get(NODES, params={"resourceVersion": "99999999"})
    assert answer.status_code == 504
    assert answer.json()["message"].startswith("Timeout: Too large resource version: 99999999, current: ")
    assert answer.json()["details"]["retryAfterSeconds"] == 1


def test_exactly_an_old_version_is_that_version_or_410(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    then = client.get(NODES).json()["metadata"]["resourceVersion"]
    cluster.delete("Node", "k3s-w2")
    exact = {"resourceVersion": then, "resourceVersionMatch": "Exact"}
    assert len(names(client.get(NODES, params=exact).json())) == 3
    cluster.advance(1)
    cluster.api.watches.compact()
    answer = client.get(NODES, params=exact)
    assert answer.status_code == 410
    assert answer.json()["message"] == "The resourceVersion for the provided list is too old."


def test_a_malformed_version_is_a_500(client: httpx2.Client) -> None:
    answer = client.get(NODES, params={"resourceVersion": "abc"})
    assert answer.status_code == 500
    assert 'strconv.ParseUint: parsing "abc": invalid syntax' in answer.json()["message"]


def test_the_date_is_the_clusters(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    cluster.clock.jump(3600)
    date = parsedate_to_datetime(client.get("/version").headers["date"]).timestamp()
    assert abs(date - cluster.clock.now) < 1


def test_the_scale_of_a_deployment_is_read(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    apply(cluster, deployment())
    scale = client.get("/apis/apps/v1/namespaces/media/deployments/app/scale").json()
    assert (scale["kind"], scale["spec"], scale["status"]["selector"]) == ("Scale", {"replicas": 1}, "app=app")
