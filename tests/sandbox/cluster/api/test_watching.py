"""Watches over HTTP: what comes, when a window ends, and the ways in which a version is too old."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from failover_api.sandbox.cluster.api.accounts import ADMIN_TOKEN
from tests.sandbox.clients import connect

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.cluster import SimulatedCluster

NODES = "/api/v1/nodes"


class Watcher:
    """A watch in a thread: its events as they come."""

    def __init__(self, url: str, path: str, **query: Any) -> None:
        self.events: list[dict[str, Any]] = []
        self.error: Exception | None = None
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(url, path, {"watch": "1", **query}), daemon=True)
        self._thread.start()

    def _run(self, url: str, path: str, query: dict[str, Any]) -> None:
        try:
            with connect(url, ADMIN_TOKEN) as client, client.stream("GET", path, params=query) as response:
                for line in response.iter_lines():
                    self.events.append(json.loads(line))
        except httpx2.HTTPError as exc:
            self.error = exc
        finally:
            self.ended.set()

    def wait_for(self, count: int) -> list[tuple[str, str]]:
        """Type and name of the events, once there are so many."""
        until = time.monotonic() + 5
        while len(self.events) < count and time.monotonic() < until:
            time.sleep(0.005)
        return [(one["type"], one["object"].get("metadata", {}).get("name", "")) for one in self.events]


@pytest.fixture
def version(client: httpx2.Client) -> str:
    return str(client.get(NODES).json()["metadata"]["resourceVersion"])


def until_open(cluster: SimulatedCluster, count: int = 1) -> None:
    until = time.monotonic() + 5
    while len(cluster.api.watches) != count and time.monotonic() < until:
        time.sleep(0.005)
    assert len(cluster.api.watches) == count


def test_changes_come_from_the_version_on(url: str, cluster: SimulatedCluster, version: str) -> None:
    watcher = Watcher(url, NODES, resourceVersion=version, timeoutSeconds=5)
    until_open(cluster)
    cluster.cordon("k3s-w1")
    cluster.delete("Node", "k3s-w2")
    assert watcher.wait_for(2) == [("MODIFIED", "k3s-w1"), ("DELETED", "k3s-w2")]
    late = Watcher(url, NODES, resourceVersion=version, timeoutSeconds=5)
    assert late.wait_for(2) == [("MODIFIED", "k3s-w1"), ("DELETED", "k3s-w2")]
    assert late.events[0]["object"]["kind"] == "Node"


def test_an_object_that_no_longer_fits_is_gone_for_the_watch(url: str, cluster: SimulatedCluster, version: str) -> None:
    watcher = Watcher(url, NODES, resourceVersion=version, labelSelector="role=primary", timeoutSeconds=5)
    until_open(cluster)
    cluster.label("k3s-w1", "role", "backup")
    cluster.label("k3s-w2", "role", "primary")
    assert watcher.wait_for(2) == [("DELETED", "k3s-w1"), ("ADDED", "k3s-w2")]


def test_without_a_version_all_comes_first(url: str) -> None:
    assert [name for _, name in Watcher(url, NODES, timeoutSeconds=5).wait_for(3)] == ["k3s-cp", "k3s-w1", "k3s-w2"]


def test_initial_events_end_with_a_bookmark(url: str) -> None:
    asked = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    watcher = Watcher(url, NODES, timeoutSeconds=5, **asked)
    assert [type_ for type_, _ in watcher.wait_for(4)] == ["ADDED"] * 3 + ["BOOKMARK"]
    assert watcher.events[3]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_initial_events_need_a_match(client: httpx2.Client) -> None:
    answer = client.get(NODES, params={"watch": "1", "sendInitialEvents": "true"})
    assert answer.status_code == 422
    assert "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan" in answer.json()["message"]


def test_a_window_ends_in_order_after_its_last_bookmarks(url: str, version: str) -> None:
    began = time.monotonic()
    watcher = Watcher(url, NODES, resourceVersion=version, timeoutSeconds=2, allowWatchBookmarks="true")
    assert watcher.ended.wait(5)
    assert watcher.error is None
    assert 1.9 < time.monotonic() - began < 5
    assert [one["type"] for one in watcher.events] == ["BOOKMARK"]


def test_a_version_that_is_too_old_is_an_event(url: str, cluster: SimulatedCluster) -> None:
    cluster.api.watches.compact()
    watcher = Watcher(url, NODES, resourceVersion="2", timeoutSeconds=5)
    assert watcher.ended.wait(5)
    (event,) = watcher.events
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert event["object"]["message"] == f"too old resource version: 2 ({cluster.store.version})"


def test_a_version_that_is_too_old_may_be_a_status(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    cluster.api.watches.compact()
    cluster.api.watches.is_gone_by_status = True
    answer = client.get(NODES, params={"watch": "1", "resourceVersion": "2", "timeoutSeconds": "1"})
    assert (answer.status_code, answer.json()["reason"]) == (410, "Expired")


def test_a_compaction_ends_an_open_watch(url: str, cluster: SimulatedCluster, version: str) -> None:
    watcher = Watcher(url, NODES, resourceVersion=version, timeoutSeconds=5)
    until_open(cluster)
    cluster.api.watches.compact()
    assert watcher.ended.wait(5)
    assert [one["object"]["code"] for one in watcher.events] == [410]


def test_a_restart_breaks_watches_and_forbids_for_a_moment(
    url: str, client: httpx2.Client, cluster: SimulatedCluster, version: str
) -> None:
    watcher = Watcher(url, NODES, resourceVersion=version, timeoutSeconds=30)
    until_open(cluster)
    cluster.restart_api(down_s=0.2, blind_s=0.6)
    assert watcher.ended.wait(5)
    assert watcher.error is not None
    codes = []
    until = time.monotonic() + 5
    while 200 not in codes and time.monotonic() < until:
        try:
            codes.append(client.get(NODES).status_code)
        except httpx2.HTTPError:
            codes.append(0)
        time.sleep(0.01)
    assert [code for index, code in enumerate(codes) if index == 0 or code != codes[index - 1]] == [0, 403, 200]
    stale = Watcher(url, NODES, resourceVersion="2", timeoutSeconds=5)
    assert stale.ended.wait(5)
    assert stale.events[0]["object"]["code"] == 410


def test_an_api_server_that_ends_in_order_leaves_watches_silent(
    url: str, cluster: SimulatedCluster, version: str
) -> None:
    watcher = Watcher(url, NODES, resourceVersion=version, timeoutSeconds=1)
    until_open(cluster)
    cluster.api.watches.silent = True
    cluster.cordon("k3s-w1")
    assert watcher.ended.wait(5)
    assert (watcher.events, watcher.error) == ([], None)


def test_a_client_that_leaves_is_forgotten(url: str, cluster: SimulatedCluster, version: str) -> None:
    with connect(url, ADMIN_TOKEN) as client:
        query = {"watch": "1", "resourceVersion": version, "timeoutSeconds": "60"}
        with client.stream("GET", NODES, params=query):
            until_open(cluster)
    until_open(cluster, 0)
