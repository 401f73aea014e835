"""The taint that is written, on a simulated API server whose policy refuses what the real one was seen to refuse."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from failover_api.cluster.access import Access, Endpoint, Login
from failover_api.cluster.kubernetes import Kubernetes
from failover_api.cluster.out_of_service import KEY, PROBE, TAINT, OutOfServiceTaint
from failover_api.errors import ClusterForbidden, ClusterInvalid, ClusterRejected, ClusterUnavailable, ObjectMissing
from failover_api.sandbox.cluster.api.accounts import Rule
from failover_api.sandbox.cluster.api.faults import ApiFault
from failover_api.sandbox.cluster.cluster import SimulatedCluster

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

US = "system:serviceaccount:operations:failover-api"
W1, W2 = "k3s-w1", "k3s-w2"
RULES = (Rule(("list", "watch"), ("nodes",)), Rule(("patch",), ("nodes",), names=(W1, W2)))


@pytest.fixture
def cluster() -> SimulatedCluster:
    made = SimulatedCluster()
    made.grant("ours", US, *RULES)
    made.grant("reader", "system:serviceaccount:operations:reader", RULES[0])
    made.guard_nodes(US)
    made.advance(15)
    return made


@pytest.fixture
def url(cluster: SimulatedCluster) -> Iterator[str]:
    with cluster.serve() as served:
        yield served


@contextlib.asynccontextmanager
async def opened(url: str, account: str = "ours") -> AsyncIterator[OutOfServiceTaint]:
    kubernetes = Kubernetes("x", lambda: Access("x", Endpoint(url), Login(token=account)), timeout_s=5)
    try:
        yield kubernetes.node_fence(timeout_s=5)
    finally:
        await kubernetes.aclose()


def node(cluster: SimulatedCluster, name: str = W1) -> dict[str, Any]:
    found = cluster.get("Node", name)
    assert found is not None
    return found


def uid(cluster: SimulatedCluster, name: str = W1) -> str:
    return str(node(cluster, name)["metadata"]["uid"])


def taints(cluster: SimulatedCluster, name: str = W1) -> list[str]:
    return [each["key"] for each in node(cluster, name)["spec"].get("taints", [])]


def die(cluster: SimulatedCluster, name: str = W1) -> None:
    cluster.kill(name)
    cluster.advance(70)


async def test_it_is_set_on_a_node_that_is_not_heard_of_beside_its_other_taints(
    cluster: SimulatedCluster, url: str
) -> None:
    die(cluster)
    before = node(cluster)
    async with opened(url) as fence:
        assert await fence.set(W1, uid(cluster)) is True
        assert await fence.set(W1, uid(cluster)) is False
    after = node(cluster)
    assert after["spec"]["taints"] == [*before["spec"]["taints"], TAINT]
    assert {**after["spec"], "taints": None} == {**before["spec"], "taints": None}
    assert after["metadata"]["labels"] == before["metadata"]["labels"]


async def test_it_is_taken_off_again_whether_the_node_is_ready_or_not(cluster: SimulatedCluster, url: str) -> None:
    die(cluster)
    others = taints(cluster)
    async with opened(url) as fence:
        await fence.set(W1, uid(cluster))
        assert await fence.clear(W1, uid(cluster)) is True
        assert taints(cluster) == others
        await fence.set(W1, uid(cluster))
        cluster.revive(W1)
        cluster.advance(20)
        assert taints(cluster) == [KEY]
        assert await fence.clear(W1, uid(cluster)) is True
        assert await fence.clear(W1, uid(cluster)) is False
    assert "taints" not in node(cluster)["spec"]


async def test_a_node_that_is_ready_is_not_tainted(cluster: SimulatedCluster, url: str) -> None:
    async with opened(url) as fence:
        with pytest.raises(ClusterRejected, match="being heard of: its Ready is True, expected Unknown"):
            await fence.set(W1, uid(cluster))
    assert not [each for each in cluster.api.requests if each[0] == "PATCH"]


async def test_a_node_that_says_that_it_is_unwell_is_not_tainted(cluster: SimulatedCluster, url: str) -> None:
    cluster.trouble(W1)
    cluster.advance(15)
    async with opened(url) as fence:
        with pytest.raises(ClusterRejected, match="its Ready is False, expected Unknown"):
            await fence.set(W1, uid(cluster))


@pytest.mark.parametrize("name", [W1, "k3s-w9"])
async def test_another_node_of_that_name_is_not_touched(cluster: SimulatedCluster, url: str, name: str) -> None:
    die(cluster)
    async with opened(url) as fence:
        with pytest.raises(ObjectMissing, match=f"node {name}: it is not there any more, or is another one"):
            await fence.set(name, uid(cluster, W2))
    assert KEY not in taints(cluster)


async def test_a_node_that_comes_back_between_the_look_and_the_write_is_not_tainted(
    cluster: SimulatedCluster, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    die(cluster)
    async with opened(url) as fence:
        patch, tried = fence._patch, []

        async def late(*args: Any) -> None:
            if not tried:
                cluster.revive(W1)
                cluster.advance(20)
            tried.append(args)
            await patch(*args)

        monkeypatch.setattr(fence, "_patch", late)
        with pytest.raises(ClusterRejected, match="its Ready is True"):
            await fence.set(W1, uid(cluster))
    assert len(tried) == 1
    assert KEY not in taints(cluster)


async def test_a_change_by_others_meanwhile_is_kept(
    cluster: SimulatedCluster, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    die(cluster)
    async with opened(url) as fence:
        patch, tried = fence._patch, []

        async def late(*args: Any) -> None:
            if not tried:
                cluster.modify(
                    "Node", W1, lambda new: new["spec"]["taints"].append({"key": "a", "effect": "NoSchedule"})
                )
            tried.append(args)
            await patch(*args)

        monkeypatch.setattr(fence, "_patch", late)
        assert await fence.set(W1, uid(cluster)) is True
    assert len(tried) == 2
    assert taints(cluster)[-2:] == ["a", KEY]


async def test_the_policy_shows_itself_in_a_dry_run_that_changes_nothing(cluster: SimulatedCluster, url: str) -> None:
    before = node(cluster)
    async with opened(url) as fence:
        assert await fence.why_unguarded(W1) == ""
    assert cluster.api.requests[-1] == ("PATCH", f"/api/v1/nodes/{W1}", 422)
    assert node(cluster) == before


async def test_without_the_policy_the_right_is_too_wide_and_is_said_to_be(cluster: SimulatedCluster, url: str) -> None:
    cluster.guard_nodes(US, on=False)
    before = node(cluster)
    async with opened(url) as fence:
        assert "the policy failover-api-fence is not in force" in await fence.why_unguarded(W1)
    assert node(cluster) == before
    assert PROBE not in node(cluster)["metadata"]["labels"]


async def test_without_the_right_the_component_is_missing(cluster: SimulatedCluster, url: str) -> None:
    die(cluster)
    async with opened(url, "reader") as fence:
        assert "is the component `fence` deployed" in await fence.why_unguarded(W1)
        with pytest.raises(ClusterForbidden):
            await fence.set(W1, uid(cluster))
    async with opened(url) as fence:
        assert "we may not change node k3s-cp" in await fence.why_unguarded("k3s-cp")


async def test_a_server_that_does_not_answer_proves_no_policy(cluster: SimulatedCluster, url: str) -> None:
    cluster.api.faults.add(ApiFault("status", status=500))
    async with opened(url) as fence:
        with pytest.raises(ClusterUnavailable):
            await fence.why_unguarded(W1)


async def test_what_the_policy_denies_is_said(cluster: SimulatedCluster, url: str) -> None:
    """A taint of this key that somebody has set otherwise stays as it is, so nothing of ours is added."""
    die(cluster)
    cluster.modify("Node", W1, lambda new: new["spec"].update(taints=[{"key": KEY, "effect": "NoSchedule"}]))
    async with opened(url) as fence:
        assert await fence.set(W1, uid(cluster)) is False


async def test_a_write_that_a_policy_denies_is_not_tried_again(
    cluster: SimulatedCluster, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("failover_api.cluster.out_of_service.TAINT", {**TAINT, "value": "other"})
    die(cluster)
    async with opened(url) as fence:
        with pytest.raises(ClusterInvalid, match="the taint must be nodeshutdown:NoExecute"):
            await fence.set(W1, uid(cluster))
    assert [each[0] for each in cluster.api.requests].count("PATCH") == 1


async def test_pods_that_are_to_end_there_end_with_the_taint(cluster: SimulatedCluster, url: str) -> None:
    from tests.sandbox.cluster import apps

    made = apps.cluster_with_claims()
    made.grant("ours", US, *RULES)
    made.guard_nodes(US)
    apps.apply(made, apps.deployment(strategy=apps.RECREATE))
    made.wait_for(lambda: made.ready_pod(apps.APP), 30)
    die(made)
    apps.apply(made, apps.deployment("backup", strategy=apps.RECREATE))
    made.advance(60)
    assert made.ready_pod(apps.APP) is None
    with made.serve() as served:
        async with opened(served) as fence:
            assert await fence.set(W1, uid(made)) is True
    assert made.wait_for(lambda: made.ready_pod(apps.APP, W2), 40) < 30
