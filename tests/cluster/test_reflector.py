"""A kind kept in memory, whatever the API server does meanwhile."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from failover_api.cluster import client as client_module
from failover_api.cluster import reflector as reflector_module
from failover_api.cluster.access import Access, Endpoint, Login
from failover_api.cluster.client import Client
from failover_api.cluster.kinds import KINDS, Kind
from failover_api.cluster.reflector import Reflector
from tests.support.clock import eventually
from tests.support.fake_kubernetes import FakeKubernetes, Handler, lease, node, pod, status_of

BY_FIELD = {kind.field: kind for kind in KINDS}
NODES, PODS, LEASES = "/api/v1/nodes", "/api/v1/pods", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
KUSTOMIZATIONS = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations"
TIMES = {
    "_BACKOFF_S": 0.01,
    "_MAX_BACKOFF_S": 0.05,
    "_FORBIDDEN_WAIT_S": 0.2,
    "_ABSENT_WAIT_S": 0.2,
    "_LASTING_S": 0.5,
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Waits that a test can wait for."""
    for name, seconds in TIMES.items():
        monkeypatch.setattr(reflector_module, name, seconds)
    monkeypatch.setattr(client_module, "SLACK_S", 0.3)
    return


@contextlib.asynccontextmanager
async def reflecting(
    client: Client, field: str = "nodes", *, window_s: float = 2.0, namespace: str = "", keeps: Any = None
) -> AsyncIterator[Reflector]:
    kind: Kind = BY_FIELD[field]
    reflector = Reflector(client, kind, keeps or (lambda _: True), namespace=namespace, window_s=window_s)
    running = asyncio.create_task(reflector.run())
    await asyncio.wait_for(reflector.settled.wait(), 10)
    try:
        yield reflector
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def names(reflector: Reflector) -> set[str]:
    return {name for _, name in reflector.seen().objects}


def shows(reflector: Reflector, *expected: str) -> Callable[[], bool]:
    return lambda: names(reflector) == set(expected)


async def test_what_is_there_is_listed_and_what_comes_is_watched(server: FakeKubernetes, client: Client) -> None:
    server.put(NODES, node("k3s-w1"))
    async with reflecting(client) as nodes:
        assert names(nodes) == {"k3s-w1"}
        server.put(NODES, node("k3s-w2"))
        await eventually(shows(nodes, "k3s-w1", "k3s-w2"))
        server.put(NODES, node("k3s-w2", ready="Unknown"))
        await eventually(lambda: not nodes.seen().objects["", "k3s-w2"].is_ready)
        server.remove(NODES, "k3s-w1")
        await eventually(shows(nodes, "k3s-w2"))
    assert server.count("list", NODES) == 1


async def test_what_was_shown_before_does_not_change(server: FakeKubernetes, client: Client) -> None:
    server.put(NODES, node("k3s-w1"))
    async with reflecting(client) as nodes:
        before = nodes.seen()
        server.put(NODES, node("k3s-w2"))
        await eventually(shows(nodes, "k3s-w1", "k3s-w2"))
        assert set(before.objects) == {("", "k3s-w1")}


async def test_a_window_that_is_over_is_resumed_without_a_list(server: FakeKubernetes, client: Client) -> None:
    server.longest_window_s = 0.3
    server.put(NODES, node("k3s-w1"))
    async with reflecting(client, window_s=0.5) as nodes:
        await eventually(lambda: server.count("watch", NODES) > 2)
        server.put(NODES, node("k3s-w2"))
        await eventually(shows(nodes, "k3s-w1", "k3s-w2"))
        heard_at = nodes.seen().heard_at
        assert heard_at is not None
        await eventually(lambda: (nodes.seen().heard_at or 0) > heard_at)
    assert server.count("list", NODES) == 1


async def test_a_bookmark_moves_the_place_from_which_a_watch_is_resumed(server: FakeKubernetes, client: Client) -> None:
    server.longest_window_s = 0.3
    async with reflecting(client, window_s=0.5) as nodes:
        await eventually(lambda: server.count("watch", NODES) > 0)
        server.bookmark(NODES)
        server.forget()  # so an earlier version would be told 410, and a list would follow
        server._oldest -= 1
        seen = server.count("watch", NODES)
        await eventually(lambda: server.count("watch", NODES) > seen + 1)
        assert nodes.seen().unseen == {}
    assert server.count("list", NODES) == 1


@pytest.mark.parametrize("gone_by", ["status", "event"])
async def test_a_version_that_is_too_old_is_listed_anew(server: FakeKubernetes, client: Client, gone_by: str) -> None:
    server.gone_by, server.longest_window_s = gone_by, 0.3
    server.put(NODES, node("k3s-w1"))
    async with reflecting(client, window_s=0.5) as nodes:
        await eventually(lambda: server.count("watch", NODES) > 0)
        server._objects[NODES].pop(("", "k3s-w1"))  # without an event: only a list can tell
        server.forget()
        server.put(NODES, node("k3s-w2"))
        server.forget()
        await eventually(shows(nodes, "k3s-w2"))
        assert nodes.seen().unseen == {}
    assert server.count("list", NODES) >= 2


async def test_a_proxy_that_lost_its_server_has_not_taken_a_kind_away(server: FakeKubernetes, client: Client) -> None:
    """It says of every path what an API server says of a group that it does not have."""
    server.longest_window_s = 0.2
    server.put(KUSTOMIZATIONS, {"metadata": {"name": "apps", "namespace": "flux-system"}})
    async with reflecting(client, "kustomizations", window_s=0.4) as flux:
        for _ in range(200):
            server.next("list", "/version", lambda handler: handler.raw(404, b"404 page not found\n", "text/plain"))
        server.absent = {KUSTOMIZATIONS}
        await eventually(lambda: "is it an API server?" in flux.seen().why_unseen())
        assert (names(flux), flux.seen().is_installed) == ({"apps"}, True)
        server._acts.clear()
        await eventually(lambda: not flux.seen().is_installed)
        assert (names(flux), flux.seen().why_unseen()) == (set(), "")


async def test_a_list_that_expires_between_its_pages_is_begun_again(server: FakeKubernetes, client: Client) -> None:
    for number in range(150):
        server.put(PODS, pod(f"pod-{number}"))
    server.expiring = 1
    async with reflecting(client, "pods") as pods:
        assert len(pods.seen().objects) == 150
        assert pods.seen().unseen == {}


async def test_a_version_from_before_a_restore_is_dropped(server: FakeKubernetes, client: Client) -> None:
    too_large = status_of(504, "Timeout", "Timeout: Too large resource version: 99999999, current: 7634")
    server.put(NODES, node("k3s-w1"))
    server.next("watch", NODES, lambda handler: handler.raw(504, str(too_large).replace("'", '"').encode()))
    async with reflecting(client) as nodes:
        await eventually(lambda: server.count("list", NODES) == 2)
        assert names(nodes) == {"k3s-w1"}


def half_an_event(handler: Handler) -> None:
    handler.begin()
    handler.chunk(b'{"type":"ADDED","object":{"metadata":{"na')
    handler.cut()


def half_a_line(handler: Handler) -> None:
    handler.begin()
    handler.chunk(b'{"type":"ADDED","object":{"metadata":{"na')
    handler.end()


@pytest.mark.parametrize("act", [half_an_event, half_a_line])
async def test_half_an_event_is_read_again_from_where_it_was(server: FakeKubernetes, client: Client, act: Any) -> None:
    server.put(NODES, node("k3s-w1"))
    server.next("watch", NODES, act)
    async with reflecting(client) as nodes:
        await eventually(lambda: server.count("watch", NODES) == 2)
        server.put(NODES, node("k3s-w2"))
        await eventually(shows(nodes, "k3s-w1", "k3s-w2"))
    assert server.count("list", NODES) == 1


def page(handler: Handler) -> None:
    handler.raw(200, b"<html>Sign in</html>\n", "text/html")


def hang(handler: Handler) -> None:
    handler.hang(30)


def silent(handler: Handler) -> None:
    handler.begin()
    handler.hang(30)


def broken(handler: Handler) -> None:
    handler.status(500, "InternalError", 'strconv.ParseUint: parsing "abc": invalid syntax')


@pytest.mark.parametrize("act", [page, hang, silent, broken])
async def test_a_watch_that_gives_nothing_is_followed_by_a_list(
    server: FakeKubernetes, client: Client, act: Any
) -> None:
    server.put(NODES, node("k3s-w1"))
    server.next("watch", NODES, act)
    async with reflecting(client, window_s=0.3) as nodes:
        await eventually(lambda: server.count("list", NODES) == 2)
        server.put(NODES, node("k3s-w2"))
        await eventually(shows(nodes, "k3s-w1", "k3s-w2"))
        assert nodes.seen().unseen == {}


async def test_a_server_that_was_away_is_told_and_then_listed_anew() -> None:
    fake = FakeKubernetes()
    fake.put(NODES, node("k3s-w1"))
    async with contextlib.AsyncExitStack() as opened:
        with fake.serve() as url:
            away = Client(Access("x", Endpoint(url), Login()))
            opened.push_async_callback(away.aclose)
            nodes = await opened.enter_async_context(reflecting(away))
        await eventually(lambda: "the connection was refused" in nodes.seen().why_unseen())
        assert names(nodes) == {"k3s-w1"}  # as it was seen last, and when that was
        fake._objects[NODES].clear()
        fake.put(NODES, node("k3s-w2"))
        with fake.serve(port=int(url.rpartition(":")[2])):
            await eventually(shows(nodes, "k3s-w2"))
            assert nodes.seen().unseen == {}


async def test_a_watch_that_ends_at_once_is_not_asked_for_without_pause(server: FakeKubernetes, client: Client) -> None:
    server.longest_window_s = 0.0
    async with reflecting(client):
        await asyncio.sleep(0.5)
    assert server.count("watch", NODES) + server.count("list", NODES) < 60


async def test_what_stays_forbidden_is_unseen_and_nothing_is_kept_of_it(server: FakeKubernetes, client: Client) -> None:
    server.put(NODES, node("k3s-w1"))
    async with reflecting(client, window_s=0.3) as nodes:
        server.longest_window_s = 0.1
        server.forbidden.add((NODES, ""))
        await eventually(lambda: nodes.is_forbidden)
        assert nodes.seen().objects == {}
        assert nodes.seen().heard_at is None
        assert "cannot list resource at the cluster scope" in nodes.seen().why_unseen("")
        server.forbidden.clear()
        await eventually(shows(nodes, "k3s-w1"))
        assert nodes.seen().unseen == {}


async def test_a_server_that_starts_up_forbids_for_a_moment_and_is_believed_later(
    server: FakeKubernetes, client: Client
) -> None:
    server.put(NODES, node("k3s-w1"))
    for _ in range(2):
        server.next("list", NODES, lambda handler: handler.status(403, "Forbidden", "nodes is forbidden"))
    async with reflecting(client) as nodes:
        assert names(nodes) == {"k3s-w1"}
        assert not nodes.is_forbidden


async def test_a_kind_that_is_not_there_is_empty_and_looked_for_again(server: FakeKubernetes, client: Client) -> None:
    server.absent.add(KUSTOMIZATIONS)
    async with reflecting(client, "kustomizations") as kustomizations:
        seen = kustomizations.seen()
        assert (seen.objects, seen.unseen, seen.is_installed) == ({}, {}, False)
        assert seen.heard_at is not None
        server.absent.clear()
        server.put(KUSTOMIZATIONS, {"metadata": {"name": "apps", "namespace": "flux-system"}})
        await eventually(shows(kustomizations, "apps"))
        assert kustomizations.seen().is_installed


async def test_a_server_that_does_not_know_nodes_is_no_cluster(server: FakeKubernetes, client: Client) -> None:
    server.absent.add(NODES)
    async with reflecting(client) as nodes:
        assert "does not know this kind" in nodes.seen().why_unseen()
        assert nodes.seen().heard_at is None


async def test_objects_of_namespaces_that_nobody_needs_are_not_kept(server: FakeKubernetes, client: Client) -> None:
    server.longest_window_s = 0.3
    server.put(PODS, pod("a", "media"))
    server.put(PODS, pod("b", "office"))
    async with reflecting(client, "pods", keeps={"media"}.__contains__, window_s=0.5) as pods:
        assert names(pods) == {"a"}
        server.put(PODS, pod("c", "office"))
        server.put(PODS, pod("d", "media"))
        await eventually(shows(pods, "a", "d"))


async def test_one_namespace_is_watched_by_itself(server: FakeKubernetes, client: Client) -> None:
    server.forbidden.add((PODS, ""))
    server.put(PODS, pod("a", "media"))
    async with reflecting(client, "pods", namespace="media") as pods:
        server.put(PODS, pod("b", "media"))
        await eventually(shows(pods, "a", "b"))
    assert {asked.path for asked in server.asked} == {"/api/v1/namespaces/media/pods"}


async def test_how_long_a_node_is_silent_is_measured_from_what_we_saw(server: FakeKubernetes, client: Client) -> None:
    server.put(LEASES, lease("k3s-w1", "2020-01-01T00:00:00.000000Z"))
    began = time.monotonic()
    async with reflecting(client, "leases") as leases:
        key = ("kube-node-lease", "k3s-w1")
        first = leases.seen().objects[key].unchanged_since
        assert first >= began
        server.put(LEASES, lease("k3s-w1", "2020-01-01T00:00:00.000000Z"))
        server.put(LEASES, lease("k3s-w2", "2020-01-01T00:00:00.000000Z"))
        await eventually(lambda: len(leases.seen().objects) == 2)
        assert leases.seen().objects[key].unchanged_since == first
        server.put(LEASES, lease("k3s-w1", "2020-01-01T00:00:10.000000Z"))
        await eventually(lambda: leases.seen().objects[key].unchanged_since > first)


GARBAGE: list[dict[str, Any]] = [
    {"type": "ADDED"},
    {"type": "ADDED", "object": None},
    {"type": "ADDED", "object": {"metadata": {"name": 7}}},
    {"type": "SURPRISE", "object": {"metadata": {"name": "x"}}},
    {"type": None, "object": []},
    {"type": "DELETED", "object": {"metadata": {"name": "never-there"}}},
    {"type": "BOOKMARK", "object": {}},
    {},
]


async def test_events_that_make_no_sense_are_passed_over(server: FakeKubernetes, client: Client) -> None:
    def nonsense(handler: Handler) -> None:
        handler.begin()
        for event in GARBAGE:
            handler.chunk(str(event).replace("'", '"').replace("None", "null").encode() + b"\n")
        handler.event("ADDED", node("k3s-w2"))
        handler.hang(30)

    server.put(NODES, node("k3s-w1"))
    server.next("watch", NODES, nonsense)
    async with reflecting(client) as nodes:
        await eventually(shows(nodes, "k3s-w1", "k3s-w2"))


async def test_an_error_in_a_watch_without_a_code_is_no_crash(server: FakeKubernetes, client: Client) -> None:
    def error(handler: Handler) -> None:
        handler.begin()
        handler.chunk(b'{"type":"ERROR","object":null}\n')
        handler.end()

    server.put(NODES, node("k3s-w1"))
    server.next("watch", NODES, error)
    async with reflecting(client) as nodes:
        await eventually(lambda: server.count("watch", NODES) == 2)
        assert names(nodes) == {"k3s-w1"}


async def test_a_defect_of_ours_is_logged_and_does_not_end_the_watch(
    server: FakeKubernetes, client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = iter([ZeroDivisionError("a defect")])
    taken = Reflector._take

    def take(reflector: Reflector, event: Any) -> None:
        for fault in faults:
            raise fault
        taken(reflector, event)

    monkeypatch.setattr(Reflector, "_take", take)
    async with reflecting(client) as nodes:
        await eventually(lambda: server.count("watch", NODES) > 0)
        server.put(NODES, node("k3s-w1"))
        await eventually(shows(nodes, "k3s-w1"))
    assert "a watch of the cluster failed by a defect" in caplog.text


def persistent_volume(name: str, namespace: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"claimRef": {"namespace": namespace, "name": "data"}}}


async def test_a_volume_that_is_for_another_namespace_now_is_kept_no_longer(
    server: FakeKubernetes, client: Client
) -> None:
    volumes = "/api/v1/persistentvolumes"
    server.put(volumes, persistent_volume("pv", "media"))
    async with reflecting(client, "volumes", window_s=20, keeps=lambda namespace: namespace == "media") as found:
        assert names(found) == {"pv"}
        server.put(volumes, persistent_volume("pv", "other"))
        await eventually(shows(found))
        server.put(volumes, persistent_volume("pv", "media"))
        await eventually(shows(found, "pv"))
        assert server.count("list", volumes) == 1, "a list would have told it anyhow"


@pytest.mark.parametrize(
    "item",
    [
        None,
        [],
        "x",
        {},
        {"metadata": None},
        {"metadata": {"name": 7}},
        {"metadata": {"name": "", "resourceVersion": ["1"]}},
        {"metadata": {"resourceVersion": "\ud800"}},
    ],
)
async def test_an_event_about_nothing_is_passed_over(server: FakeKubernetes, client: Client, item: Any) -> None:
    server.put(NODES, node("k3s-w1"))

    def act(handler: Handler) -> None:
        handler.begin()
        for type_ in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "SOMETHING", ""):
            handler.event(type_, item)
        handler.event("ADDED", {**node("k3s-w2"), "metadata": {"name": "k3s-w2", "resourceVersion": "101"}})
        handler.hang(1)

    server.next("watch", NODES, act)
    async with reflecting(client) as nodes:
        await eventually(lambda: "k3s-w2" in names(nodes))
