"""The port over a real API: looks, views, and what is told while there is nothing to see."""

import asyncio
import time

import pytest

from failover_api.cluster import kubernetes as kubernetes_module
from failover_api.cluster.access import Access, Endpoint, Login
from failover_api.cluster.kinds import KINDS
from failover_api.cluster.kubernetes import Kubernetes
from failover_api.cluster.port import Cluster
from failover_api.errors import ClusterFailure, ClusterUnavailable
from tests.support.clock import eventually
from tests.support.fake_kubernetes import FakeKubernetes, node

NODES = "/api/v1/nodes"
MEDIA = frozenset({"media"})


@pytest.fixture
def at(server: FakeKubernetes) -> Access:
    server.put(NODES, node("k3s-w1"))
    server.longest_window_s = 0.5
    return Access("the test's cluster", Endpoint(server.url), Login())


def opened(access: Access | ClusterFailure, *, timeout_s: float = 5.0) -> Cluster:
    def open_access() -> Access:
        if isinstance(access, ClusterFailure):
            raise access
        return access

    return Kubernetes("a kubeconfig", open_access, timeout_s=timeout_s)


async def test_a_cluster_that_is_not_watched_is_asked(server: FakeKubernetes, at: Access) -> None:
    cluster = opened(at)
    assert set((await cluster.look(MEDIA)).nodes.objects) == {("", "k3s-w1")}
    assert cluster.view().why_unseen == "it is not watched"
    assert cluster.what == "the test's cluster"
    assert cluster.clock.is_known
    await cluster.aclose()


async def test_a_cluster_that_is_watched_is_not_asked_again(server: FakeKubernetes, at: Access) -> None:
    cluster = opened(at)
    cluster.watch(lambda: MEDIA)
    cluster.watch(lambda: MEDIA)
    await eventually(lambda: ("", "k3s-w1") in cluster.view().nodes.objects)
    await cluster.look(MEDIA)
    lists = server.count("list", NODES)
    for _ in range(100):
        assert ("", "k3s-w1") in (await cluster.look(MEDIA)).nodes.objects
    assert server.count("list", NODES) == lists == 1
    await cluster.aclose()


async def test_the_first_look_after_a_start_waits_for_the_first_lists(server: FakeKubernetes, at: Access) -> None:
    cluster = opened(at)
    cluster.watch(lambda: MEDIA)
    assert ("", "k3s-w1") in (await cluster.look(MEDIA)).nodes.objects
    await cluster.aclose()


async def test_a_cluster_that_hangs_delays_nothing_by_more_than_its_time(server: FakeKubernetes, at: Access) -> None:
    for kind in KINDS:
        for path in kind.paths:
            for _ in range(9):
                server.next("list", path, lambda handler: handler.hang(30))
    for is_watched in (False, True):
        cluster = opened(at, timeout_s=0.3)
        if is_watched:
            cluster.watch(lambda: MEDIA)
        began = time.monotonic()
        view = await cluster.look(MEDIA)
        assert time.monotonic() - began < 3
        assert view.heard_at is None
        assert view.why_unseen
        await cluster.aclose()


async def test_a_kubeconfig_that_is_wrong_is_unseen_and_says_why() -> None:
    cluster = opened(ClusterUnavailable("config: has no context 'home'"))
    view = await cluster.look(MEDIA)
    assert view.why_unseen == "config: has no context 'home'"
    assert all(getattr(view, kind.field).why_unseen() == "config: has no context 'home'" for kind in KINDS)
    with pytest.raises(ClusterUnavailable):
        await cluster.version()
    assert not cluster.clock.is_known
    await cluster.aclose()


async def test_a_kubeconfig_that_is_put_right_is_used(
    server: FakeKubernetes, at: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubernetes_module, "_OPEN_AGAIN_S", 0.05)
    tries = iter([ClusterUnavailable("config: is empty"), OSError(5, "Input/output error")])

    def open_access() -> Access:
        for error in tries:
            raise error
        return at

    cluster = Kubernetes("a kubeconfig", open_access, timeout_s=5)
    cluster.watch(lambda: MEDIA)
    await eventually(lambda: ("", "k3s-w1") in cluster.view().nodes.objects)
    await cluster.aclose()


async def test_the_version_is_that_of_the_api_server(server: FakeKubernetes, at: Access) -> None:
    cluster = opened(at)
    assert await cluster.version() == "v1.36.2"
    server.next("list", "/version", lambda handler: handler.json({"gitVersion": 7}))
    assert await cluster.version() == "of no known version"
    await cluster.aclose()


async def test_an_unused_cluster_is_closed_without_a_word(server: FakeKubernetes, at: Access) -> None:
    await opened(at).aclose()
    assert server.asked == []


async def test_whoever_comes_at_the_same_time_has_the_same_connections(at: Access) -> None:
    begun: list[Access] = []

    def open_access() -> Access:
        begun.append(at)
        return at

    cluster = Kubernetes("x", open_access, timeout_s=5)
    try:
        await asyncio.gather(*(cluster.version() for _ in range(5)))
    finally:
        await cluster.aclose()
    assert len(begun) == 1
