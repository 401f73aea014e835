"""What clients may meet: objects that no API server would let in, kinds that are not installed, an old etcd."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.api.accounts import ADMIN_TOKEN
from tests.sandbox.clients import connect

if TYPE_CHECKING:
    import httpx2

    from failover_api.sandbox.cluster.cluster import SimulatedCluster

PODS = "/api/v1/namespaces/media/pods"


def test_a_planted_object_is_as_it_is(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    strange = {"metadata": {"name": "<script>", "namespace": "media"}, "status": ["no map"], "spec": None}
    cluster.plant({"apiVersion": "v1", "kind": "Pod", **strange})
    (item,) = client.get(PODS).json()["items"]
    assert (item["metadata"]["name"], item["status"], item["spec"]) == ("<script>", ["no map"], None)
    cluster.advance(30)


def test_a_watch_hears_of_it(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    version = client.get(PODS).json()["metadata"]["resourceVersion"]
    cluster.plant({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "namespace": "media"}})
    query = {"watch": "1", "resourceVersion": version, "timeoutSeconds": "1"}
    with client.stream("GET", PODS, params=query) as response:
        assert [json.loads(line)["object"]["metadata"]["name"] for line in response.iter_lines()] == ["x"]


def test_many_pods_are_listed(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    for number in range(10_000):
        meta = {"name": f"pod-{number:05}", "namespace": "media"}
        cluster.plant({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"nodeName": "k3s-w1"}})
    assert len(client.get(PODS, timeout=60).json()["items"]) == 10_000
    page = client.get(PODS, params={"limit": "500"}).json()
    assert (len(page["items"]), page["metadata"]["remainingItemCount"]) == (500, 9_500)


def test_a_group_that_is_not_installed_is_a_404(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    path = "/apis/argoproj.io/v1alpha1/applications"
    assert client.get(path).status_code == 200
    cluster.api.absent.add("argoproj.io")
    assert client.get(path).status_code == 404
    assert "argoproj.io" not in [group["name"] for group in client.get("/apis").json()["groups"]]


def test_an_old_etcd_cannot_say_how_far_a_watch_has_come(url: str, cluster: SimulatedCluster) -> None:
    cluster.api.watches.is_old_etcd = True
    every = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    for query in (every, {"allowWatchBookmarks": "true"}):
        with connect(url, ADMIN_TOKEN) as client:
            (line,) = client.get("/api/v1/nodes", params={"watch": "1", **query}).text.splitlines()
        event = json.loads(line)
        assert (event["type"], event["object"]["code"]) == ("ERROR", 500)
        assert "RequestWatchProgress is disabled" in event["object"]["message"]
