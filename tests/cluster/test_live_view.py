"""A cluster kept in memory, with the rights there are, for the services there are."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from failover_api.cluster import live_view as live_view_module
from failover_api.cluster import reflector as reflector_module
from failover_api.cluster.client import Client
from failover_api.cluster.kinds import KINDS, Scope
from failover_api.cluster.live_view import LiveView
from failover_api.errors import ConfigInvalid
from tests.support.clock import eventually
from tests.support.fake_kubernetes import FakeKubernetes, node, pod

NODES, PODS, DEPLOYMENTS = "/api/v1/nodes", "/api/v1/pods", "/apis/apps/v1/deployments"
KUSTOMIZATIONS = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(live_view_module, "_ADJUST_S", 0.02)
    monkeypatch.setattr(reflector_module, "_BACKOFF_S", 0.01)
    monkeypatch.setattr(reflector_module, "_MAX_BACKOFF_S", 0.1)
    return


class Services:
    """Whose namespaces may change."""

    def __init__(self, *namespaces: str) -> None:
        self.scope: Scope = frozenset(namespaces)
        self.error: ConfigInvalid | None = None

    def __call__(self) -> Scope:
        if self.error is not None:
            raise self.error
        return self.scope


@contextlib.asynccontextmanager
async def living(client: Client, services: Services) -> AsyncIterator[LiveView]:
    live = LiveView(client, services)
    running = asyncio.create_task(live.run())
    await live.settle(10)
    try:
        yield live
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def furnished(server: FakeKubernetes) -> None:
    server.longest_window_s = 0.3
    server.put(NODES, node("k3s-w1"))
    for namespace in ("media", "office"):
        server.put(PODS, pod("a", namespace))
        server.put(DEPLOYMENTS, {"metadata": {"name": "app", "namespace": namespace}})


async def test_every_kind_is_watched(server: FakeKubernetes, client: Client) -> None:
    furnished(server)
    async with living(client, Services("media")) as live:
        view = live.view()
        assert set(view.nodes.objects) == {("", "k3s-w1")}
        assert set(view.deployments.objects) == {("media", "app")}
        await eventually(lambda: all(server.count("watch", kind.paths[0]) > 0 for kind in KINDS))


async def test_a_service_in_another_namespace_is_seen_as_well(server: FakeKubernetes, client: Client) -> None:
    furnished(server)
    services = Services("media")
    async with living(client, services) as live:
        assert set(live.view().deployments.objects) == {("media", "app")}
        services.scope = frozenset({"media", "office"})
        await eventually(lambda: len(live.view().deployments.objects) == 2)
        services.scope = frozenset({"office"})
        await eventually(lambda: set(live.view().deployments.objects) == {("office", "app")})


async def test_a_namespace_that_is_new_is_unseen_until_it_was_looked_at(server: FakeKubernetes, client: Client) -> None:
    furnished(server)
    services = Services("media")
    async with living(client, services) as live:
        assert live.view(frozenset({"media"})).deployments.why_unseen("media") == ""
        assert live.view().deployments.why_unseen("office") == "office is no namespace of the catalog"
        stranger = live.view(frozenset({"office"}))
        assert stranger.deployments.why_unseen("office") == "it is not watched"
        assert stranger.pods.why_unseen("office") == "it is not watched"
        assert stranger.nodes.why_unseen() == ""
        assert live.view(None).deployments.why_unseen() == "it is not watched"
        services.scope = frozenset({"media", "office"})
        for _ in range(20):
            meanwhile = live.view(services.scope).deployments
            assert ("office", "app") in meanwhile.objects or meanwhile.why_unseen("office")
            await asyncio.sleep(0.002)
        await live.cover(services.scope)
        await live.settle(10)
        seen = live.view(services.scope).deployments
        assert set(seen.objects) == {("media", "app"), ("office", "app")}
        assert seen.why_unseen() == ""


async def test_without_a_catalog_the_services_stay_those_of_before(server: FakeKubernetes, client: Client) -> None:
    furnished(server)
    services = Services("media")
    async with living(client, services) as live:
        services.error = ConfigInvalid("services.yaml:1: is empty")
        await asyncio.sleep(0.1)
        assert set(live.view().deployments.objects) == {("media", "app")}


async def test_where_only_namespaces_may_be_read_each_is_watched(server: FakeKubernetes, client: Client) -> None:
    furnished(server)
    server.forbidden = {(DEPLOYMENTS, ""), (DEPLOYMENTS, "office")}
    services = Services("media", "office")
    async with living(client, services) as live:
        await eventually(lambda: set(live.view().deployments.objects) == {("media", "app")})
        refused = "cannot list resource at office"
        await eventually(lambda: refused in live.view().deployments.why_unseen("office"))
        assert live.view().deployments.why_unseen("media") == ""
        server.put(DEPLOYMENTS, {"metadata": {"name": "new", "namespace": "media"}})
        await eventually(lambda: ("media", "new") in live.view().deployments.objects)
        services.scope = frozenset({"media"})
        await eventually(lambda: "office" not in live.view().deployments.unseen)
        server.forbidden.discard((DEPLOYMENTS, "office"))
        services.scope = frozenset({"media", "office"})
        for _ in range(50):
            meanwhile = live.view(services.scope).deployments
            assert ("office", "app") in meanwhile.objects or meanwhile.why_unseen("office")
            await asyncio.sleep(0.002)
        await eventually(lambda: ("office", "app") in live.view().deployments.objects)


async def test_pods_of_any_namespace_are_unseen_while_they_may_not_be_read_everywhere(
    server: FakeKubernetes, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of Flux alone would show a cluster in which no app runs."""
    monkeypatch.setattr(reflector_module, "_FORBIDDEN_WAIT_S", 0.1)
    furnished(server)
    server.put(PODS, pod("kustomize-controller-x", "flux-system"))
    server.forbidden = {(PODS, "")}
    services = Services()
    services.scope = None
    async with living(client, services) as live:
        await eventually(lambda: "at the cluster scope" in live.view().pods.why_unseen("media"))
        await asyncio.sleep(0.1)
        assert live.view().pods.why_unseen("media")
        server.forbidden = set()
        await eventually(lambda: ("media", "a") in live.view().pods.objects)


async def test_what_was_forbidden_for_a_while_is_watched_everywhere_again(
    server: FakeKubernetes, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_view_module, "_WIDE_AGAIN_S", 0.1)
    furnished(server)
    for namespace in ("media", "apps"):
        server.put(KUSTOMIZATIONS, {"metadata": {"name": "apps", "namespace": namespace}})
    server.forbidden = {(KUSTOMIZATIONS, "")}
    async with living(client, Services("media")) as live:
        await eventually(lambda: set(live.view().kustomizations.objects) == {("media", "apps")})
        wide = server.count("list", KUSTOMIZATIONS)
        await eventually(lambda: server.count("list", KUSTOMIZATIONS) > wide + 3)
        assert set(live.view().kustomizations.objects) == {("media", "apps")}
        server.forbidden = set()
        await eventually(lambda: set(live.view().kustomizations.objects) == {("media", "apps"), ("apps", "apps")})


async def test_what_belongs_to_no_namespace_stays_unseen_where_it_is_forbidden(
    server: FakeKubernetes, client: Client
) -> None:
    furnished(server)
    server.forbidden = {(NODES, "")}
    async with living(client, Services("media")) as live:
        assert "cannot list resource at the cluster scope" in live.view().nodes.why_unseen()


async def test_whoever_waits_for_the_first_view_waits_once_and_not_long(server: FakeKubernetes, client: Client) -> None:
    for kind in KINDS:
        server.next("list", kind.paths[0], lambda handler: handler.hang(30))
    live = LiveView(client, Services("media"))
    running = asyncio.create_task(live.run())
    began = time.monotonic()
    await live.settle(0.5)
    assert time.monotonic() - began < 3
    assert live.view().why_unseen == "it was not looked at"
    began = time.monotonic()
    for _ in range(20):
        await live.settle(0.5)
    assert time.monotonic() - began < 0.5
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_what_is_not_seen_is_logged_once_for_all_kinds(
    server: FakeKubernetes, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    furnished(server)

    def told() -> list[object]:
        return [vars(record).get("kinds") for record in caplog.records if "the cluster" in record.message]

    async with living(client, Services("media")):
        server.tokens = {"another"}
        await eventually(lambda: told()[-1:] == ["all"])
        many = len(told())
        await asyncio.sleep(0.3)
        assert len(told()) == many
        server.tokens = None
        await eventually(lambda: told()[-1:] == [None])
    assert many <= len(KINDS)
