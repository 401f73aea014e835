"""One look at a cluster: in time, whatever it does, and of each kind what could be seen."""

import time
from typing import Any

from failover_api.cluster.access import Access, Endpoint, Login
from failover_api.cluster.client import Client
from failover_api.cluster.kinds import KINDS
from failover_api.cluster.look import look
from failover_api.core.safety.observed import View
from tests.support.fake_kubernetes import FakeKubernetes, Handler, lease, node, pod

NODES, PODS, DEPLOYMENTS = "/api/v1/nodes", "/api/v1/pods", "/apis/apps/v1/deployments"
CLAIMS = "/api/v1/persistentvolumeclaims"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
KUSTOMIZATIONS = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations"
VOLSYNC = "/apis/volsync.backube/v1alpha1/replicationsources"
MEDIA = frozenset({"media"})


def furnished(server: FakeKubernetes) -> None:
    server.put(NODES, node("k3s-w1"))
    server.put(LEASES, lease("k3s-w1", "2026-11-30T20:00:00.000000Z"))
    for namespace in ("media", "office", "flux-system"):
        server.put(PODS, pod(f"pod-{namespace}", namespace))
        server.put(DEPLOYMENTS, {"metadata": {"name": "app", "namespace": namespace}})
        server.put(KUSTOMIZATIONS, {"metadata": {"name": "apps", "namespace": namespace}})


async def seen(client: Client, scope: Any = MEDIA, timeout_s: float = 10.0) -> View:
    return await look(client, scope, timeout_s=timeout_s)


async def test_a_look_sees_what_the_services_need(server: FakeKubernetes, client: Client) -> None:
    furnished(server)
    began = time.monotonic()
    view = await seen(client)
    assert set(view.nodes.objects) == {("", "k3s-w1")}
    assert set(view.pods.objects) == {("media", "pod-media"), ("flux-system", "pod-flux-system")}
    assert set(view.deployments.objects) == {("media", "app")}
    assert set(view.kustomizations.objects) == {("media", "apps"), ("office", "apps"), ("flux-system", "apps")}
    assert view.leases.objects["kube-node-lease", "k3s-w1"].unchanged_since >= began
    assert all(getattr(view, kind.field).why_unseen() == "" for kind in KINDS)
    assert view.heard_at is not None
    assert view.heard_at >= began


async def test_many_namespaces_are_read_at_once(server: FakeKubernetes, client: Client) -> None:
    furnished(server)
    many = frozenset({"media", "office", *(f"ns-{number}" for number in range(10))})
    view = await seen(client, many)
    assert set(view.deployments.objects) == {("media", "app"), ("office", "app")}
    assert server.count("list", DEPLOYMENTS) == 1
    assert set((await seen(client, None)).deployments.objects) == {
        ("media", "app"),
        ("office", "app"),
        ("flux-system", "app"),
    }


async def test_what_is_forbidden_is_unseen_and_the_rest_is_used(server: FakeKubernetes, client: Client) -> None:
    furnished(server)
    server.forbidden = {(NODES, ""), (PODS, "*")}
    view = await seen(client)
    assert "cannot list resource at the cluster scope" in view.nodes.why_unseen()
    assert "cannot list resource at media" in view.pods.why_unseen("media")
    assert set(view.deployments.objects) == {("media", "app")}


async def test_a_right_in_one_namespace_shows_that_namespace(server: FakeKubernetes, client: Client) -> None:
    furnished(server)
    many = frozenset({"media", "office", *(f"ns-{number}" for number in range(10))})
    server.forbidden = {(DEPLOYMENTS, ""), (DEPLOYMENTS, "office"), (KUSTOMIZATIONS, "")}
    view = await seen(client, many)
    assert set(view.deployments.objects) == {("media", "app")}
    assert view.deployments.why_unseen("media") == ""
    assert "cannot list resource at office" in view.deployments.why_unseen("office")
    assert ("flux-system", "apps") in view.kustomizations.objects


async def test_a_server_that_starts_up_forbids_for_a_moment(server: FakeKubernetes, client: Client) -> None:
    furnished(server)
    server.next("list", NODES, lambda handler: handler.status(403, "Forbidden", "nodes is forbidden"))
    assert set((await seen(client)).nodes.objects) == {("", "k3s-w1")}


async def test_a_cluster_without_flux_and_volsync_has_none_of_their_objects(
    server: FakeKubernetes, client: Client
) -> None:
    server.absent = {KUSTOMIZATIONS, VOLSYNC}
    view = await seen(client)
    for kind in (view.kustomizations, view.replication_sources):
        assert (kind.objects, kind.why_unseen(), kind.is_installed) == ({}, "", False)
        assert kind.heard_at is not None


def not_found(handler: Handler) -> None:
    """What many proxies say of everything once they have lost what is behind them, and an API server of a group."""
    handler.raw(404, b"404 page not found\n", "text/plain; charset=utf-8")


async def test_a_proxy_with_nothing_behind_it_is_no_cluster_without_volsync(
    server: FakeKubernetes, client: Client
) -> None:
    server.absent = {path for kind in KINDS for path in kind.paths}
    for _ in range(100):  # each kind asks in each namespace
        server.next("list", "/version", not_found)
    view = await seen(client)
    assert (view.heard_at, view.answers) == (None, False)
    assert "is it an API server?" in view.replication_sources.why_unseen("media")
    assert view.replication_sources.is_installed


async def test_that_it_is_an_api_server_is_asked_once_for_all_that_it_does_not_know(
    server: FakeKubernetes, client: Client
) -> None:
    server.absent = {path for kind in KINDS if kind.is_optional for path in kind.paths}
    assert not (await seen(client)).kustomizations.is_installed
    assert server.count("list", "/version") == 1


async def test_pods_that_may_be_read_nowhere_but_at_controllers_are_not_seen_to_be_none(
    server: FakeKubernetes, client: Client
) -> None:
    """A service does not say its namespace, so all were needed."""
    furnished(server)
    server.forbidden = {(PODS, ""), (PODS, "media"), (PODS, "office")}
    pods = (await seen(client, None)).pods
    assert "cannot list resource at the cluster scope" in pods.why_unseen("media")


def hang(handler: Handler) -> None:
    handler.hang(30)


async def test_a_cluster_that_hangs_is_unseen_in_time(server: FakeKubernetes, client: Client) -> None:
    for kind in KINDS:
        for path in kind.paths:
            for _ in range(5):
                server.next("list", path, hang)
    began = time.monotonic()
    view = await seen(client, timeout_s=0.5)
    assert time.monotonic() - began < 3
    assert view.heard_at is None
    assert view.why_unseen == "no answer within 0.5 s"


async def test_a_cluster_that_is_half_gone_is_half_seen(server: FakeKubernetes, client: Client) -> None:
    furnished(server)
    for _ in range(3):
        server.next("list", KUSTOMIZATIONS, hang)
    view = await seen(client, timeout_s=3)
    assert "no answer" in view.kustomizations.why_unseen()
    assert set(view.nodes.objects) == {("", "k3s-w1")}
    assert set(view.pods.objects) == {("media", "pod-media"), ("flux-system", "pod-flux-system")}


async def test_a_web_server_is_no_cluster(server: FakeKubernetes, client: Client) -> None:
    for kind in KINDS:
        for path in kind.paths:
            for _ in range(5):
                server.next("list", path, lambda handler: handler.raw(200, b"<!doctype html>", "text/html"))
    view = await seen(client)
    assert view.heard_at is None
    assert "a page of HTML (status 200): is it an API server?" in view.why_unseen


async def test_nothing_at_the_address_is_told_at_once() -> None:
    client = Client(Access("x", Endpoint("http://127.0.0.1:1"), Login()))
    view = await look(client, MEDIA, timeout_s=10)
    assert "the connection was refused" in view.why_unseen
    await client.aclose()


async def test_ten_thousand_pods_are_read_in_pages(server: FakeKubernetes, client: Client) -> None:
    for number in range(10_000):
        server.put(PODS, pod(f"pod-{number}", "media" if number % 100 == 0 else "other"))
    view = await look(client, None, timeout_s=60, kinds=[kind for kind in KINDS if kind.field == "pods"])
    assert len(view.pods.objects) == 10_000
