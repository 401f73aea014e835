"""Lists in pages, of a kind that is kept."""

import dataclasses
from typing import Any

import pytest

from failover_api.cluster import lists as lists_module
from failover_api.cluster.client import Client
from failover_api.cluster.kinds import KINDS, Kind, path_in
from failover_api.cluster.lists import PAGE, list_kind
from failover_api.errors import ClusterUnavailable, KindNotInstalled, VersionExpired
from tests.support.fake_kubernetes import FakeKubernetes, Handler, pod

BY_FIELD = {kind.field: kind for kind in KINDS}
PODS, BUCKETS = BY_FIELD["pods"], BY_FIELD["buckets"]
PATH = "/api/v1/pods"


def everything(_: str) -> bool:
    return True


async def pods(client: Client, namespace: str = "", kind: Kind = PODS, keeps: Any = everything) -> Any:
    return await list_kind(client, kind, namespace, keeps, timeout_s=10)


async def test_all_pages_are_read(server: FakeKubernetes, client: Client) -> None:
    for number in range(2 * PAGE + 1):
        server.put(PATH, pod(f"pod-{number}"))
    listed = await pods(client)
    assert len(listed.objects) == 2 * PAGE + 1
    assert [asked.params for asked in server.asked] == [
        {"limit": str(PAGE)},
        {"limit": str(PAGE), "continue": str(PAGE)},
        {"limit": str(PAGE), "continue": str(2 * PAGE)},
    ]
    assert (listed.version, listed.path) == (str(100 + 2 * PAGE + 1), PATH)


async def test_a_list_that_took_too_long_is_begun_again(server: FakeKubernetes, client: Client) -> None:
    for number in range(PAGE + 1):
        server.put(PATH, pod(f"pod-{number}"))
    server.expiring = 2
    assert len((await pods(client)).objects) == PAGE + 1
    server.expiring = 3
    with pytest.raises(VersionExpired):
        await pods(client)


async def test_a_list_without_end_is_given_up(
    server: FakeKubernetes, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists_module, "_MAX_READ", 10)

    def endless(handler: Handler) -> None:
        server.next("list", PATH, endless)
        items = [pod(f"pod-{number}") for number in range(3)]
        handler.json({"kind": "PodList", "metadata": {"continue": "again", "resourceVersion": "1"}, "items": items})

    server.next("list", PATH, endless)
    with pytest.raises(ClusterUnavailable, match="more than 20000 objects, or 10 to choose them from"):
        await pods(client)


async def test_only_so_many_are_kept(server: FakeKubernetes, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists_module, "MAX_KEPT", 10)
    for number in range(11):
        server.put(PATH, pod(f"pod-{number}"))
    for number in range(PAGE):
        server.put(PATH, pod(f"pod-{number}", "elsewhere"))
    with pytest.raises(ClusterUnavailable, match="more than 10 objects"):
        await pods(client)
    server.remove(PATH, "pod-3", "media")
    assert len((await pods(client, keeps={"media"}.__contains__)).objects) == 10


async def test_only_what_is_needed_is_kept(server: FakeKubernetes, client: Client) -> None:
    for namespace in ("media", "office", "kube-system"):
        server.put(PATH, pod("a", namespace))
    assert set((await pods(client, keeps={"media", "office"}.__contains__)).objects) == {
        ("media", "a"),
        ("office", "a"),
    }
    assert set((await pods(client, "office")).objects) == {("office", "a")}
    assert server.asked[-1].path == "/api/v1/namespaces/office/pods" == path_in(PATH, "office")


async def test_a_volume_is_kept_for_its_claim(server: FakeKubernetes, client: Client) -> None:
    volumes = BY_FIELD["volumes"]
    for name, namespace in (("pv-a", "media"), ("pv-b", "office"), ("pv-c", "")):
        claim = {"claimRef": {"namespace": namespace, "name": "data"}} if namespace else {}
        server.put(volumes.paths[0], {"metadata": {"name": name}, "spec": claim})
    listed = await pods(client, kind=volumes, keeps=lambda namespace: volumes.keeps(namespace, frozenset({"media"})))
    assert set(listed.objects) == {("", "pv-a"), ("", "pv-c")}


async def test_an_object_of_another_namespace_than_was_asked_for_is_left_out(
    server: FakeKubernetes, client: Client
) -> None:
    lying = {"kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": [pod("a", "office"), None, 3, {}]}
    server.next("list", PATH, lambda handler: handler.json(lying))
    assert (await pods(client, "media")).objects == {}


@pytest.mark.parametrize(
    ("answer", "is_list"),
    [
        ({"kind": "PodList", "items": None, "metadata": {"resourceVersion": "1"}}, True),
        ({"kind": "PodList", "metadata": {"resourceVersion": "1"}}, True),
        ({"items": [], "metadata": {"resourceVersion": "1"}}, True),
        ({"kind": "Pod", "metadata": {"name": "a"}}, False),
        ({"kind": "PodList", "items": {"a": 1}}, False),
        ({}, False),
    ],
)
async def test_a_list_has_items(server: FakeKubernetes, client: Client, answer: Any, is_list: bool) -> None:
    server.next("list", PATH, lambda handler: handler.json(answer))
    if is_list:
        assert (await pods(client)).objects == {}
        return
    with pytest.raises(ClusterUnavailable, match="the answer is no list of objects"):
        await pods(client)


async def test_an_older_version_of_a_kind_is_asked_for_where_there_is_no_newer(
    server: FakeKubernetes, client: Client
) -> None:
    newer, older = BUCKETS.paths
    server.absent = {newer}
    server.put(older, {"metadata": {"name": "lab", "namespace": "flux-system"}})
    listed = await pods(client, kind=BUCKETS)
    assert (set(listed.objects), listed.path) == ({("flux-system", "lab")}, older)
    server.absent.add(older)
    with pytest.raises(KindNotInstalled):
        await pods(client, kind=BUCKETS)


def test_kinds_are_named_as_rbac_names_them() -> None:
    names = {(kind.group, kind.resource) for kind in KINDS}
    assert {("", "nodes"), ("apps", "deployments"), ("coordination.k8s.io", "leases")} <= names
    assert BY_FIELD["leases"].home == "kube-node-lease"
    assert PODS.home == ""


def test_each_kind_has_its_place_in_a_view() -> None:
    from failover_api.core.safety.observed import View

    assert [kind.field for kind in KINDS] == [field.name for field in dataclasses.fields(View)]
