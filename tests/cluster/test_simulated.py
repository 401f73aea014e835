"""The client on a simulated cluster, whose controllers do what those of a real one do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from failover_api.cluster import reflector as reflector_module
from failover_api.cluster.kinds import KINDS
from failover_api.sandbox.cluster.api.faults import ApiFault
from failover_api.sandbox.cluster.cluster import SimulatedCluster
from tests.cluster.client import MEDIA, RIGHTS, opened
from tests.sandbox.cluster import apps
from tests.support.clock import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from failover_api.core.safety.observed import Node

APP = ("media", "app")


@pytest.fixture
def cluster() -> SimulatedCluster:
    made = apps.cluster_with_claims()
    made.grant("ours", "system:serviceaccount:operations:failover-api", *RIGHTS)
    apps.apply(made, apps.deployment(strategy=apps.RECREATE))
    made.wait_for(lambda: made.ready_pod(apps.APP), 30)
    made.advance(2)
    return made


@pytest.fixture
def url(cluster: SimulatedCluster) -> Iterator[str]:
    with cluster.serve() as served:
        yield served


async def test_the_smallest_rights_show_everything(cluster: SimulatedCluster, url: str) -> None:
    async with opened(url) as ours:
        view = await ours.look(MEDIA)
        assert {kind.field: getattr(view, kind.field).why_unseen() for kind in KINDS} == {
            kind.field: "" for kind in KINDS
        }
        assert {right for right in await ours.review(MEDIA) if not right.is_allowed} == set()
    assert {name for _, name in view.nodes.objects} == {"k3s-cp", "k3s-w1", "k3s-w2"}
    assert {name for _, name in view.leases.objects} == {"k3s-cp", "k3s-w1", "k3s-w2"}
    assert view.nodes.objects["", "k3s-cp"].is_control_plane
    deployment = view.deployments.objects[APP]
    assert (deployment.strategy, deployment.replicas, deployment.ready_replicas) == ("Recreate", 1, 1)
    assert deployment.template.claims == {"data": "a"}
    (pod,) = view.pods.objects.values()
    assert (pod.node, pod.is_ready, pod.claims) == ("k3s-w1", True, ("a",))
    claim = view.claims.objects["media", "a"]
    volume = view.volumes.objects["", claim.volume]
    assert volume.is_usable_on(view.nodes.objects["", "k3s-w1"])
    assert not volume.is_usable_on(view.nodes.objects["", "k3s-w2"])
    assert pod.owner is not None
    assert ("media", pod.owner.name) in view.replica_sets.objects


async def test_no_right_at_all_is_told_and_no_error(cluster: SimulatedCluster, url: str) -> None:
    cluster.grant("nothing", "somebody")
    async with opened(url, "nothing") as ours:
        view = await ours.look(MEDIA)
        assert "nodes is forbidden" in view.nodes.why_unseen()
        assert "forbidden" in view.pods.why_unseen("media")
        assert not any(right.is_allowed for right in await ours.review(MEDIA))
    async with opened(url, "no-such-token") as ours:
        assert "does not accept our credentials (401)" in (await ours.look(MEDIA)).why_unseen


async def test_a_blocked_promote_is_seen_as_it_happens(cluster: SimulatedCluster, url: str) -> None:
    async with opened(url) as ours:
        ours.watch(lambda: MEDIA)
        await ours.look(MEDIA)

        def w1() -> Node:
            return ours.view().nodes.objects["", "k3s-w1"]

        renewed = ours.view().leases.objects["kube-node-lease", "k3s-w1"].renewed_at
        await asyncio.to_thread(cluster.advance, 15)
        await eventually(lambda: ours.view().leases.objects["kube-node-lease", "k3s-w1"].renewed_at != renewed)
        cluster.kill("k3s-w1")
        await asyncio.to_thread(cluster.advance, 60)
        await eventually(lambda: {taint.effect for taint in w1().taints} == {"NoSchedule", "NoExecute"})
        dead = w1()
        assert dead.ready is not None
        assert (dead.ready.status, dead.ready.reason) == ("Unknown", "NodeStatusUnknown")
        apps.apply(cluster, apps.deployment("backup", apps.RECREATE))
        await asyncio.to_thread(cluster.advance, 5)
        await eventually(lambda: all(pod.deletion_at is not None for pod in ours.view().pods.objects.values()))
        await eventually(lambda: ours.view().deployments.objects[APP].updated_replicas is None)
        blocked = ours.view().deployments.objects[APP]
        assert any(each.type == "Progressing" and each.is_true for each in blocked.conditions)
        (old,) = ours.view().pods.objects.values()
        assert (old.node, old.is_ready, old.deletion_at is not None) == ("k3s-w1", False, True)
        cluster.taint_out_of_service("k3s-w1")
        await asyncio.to_thread(cluster.wait_for, lambda: cluster.ready_pod(apps.APP, "k3s-w2"), 60)
        await eventually(
            lambda: {(pod.node, pod.is_ready) for pod in ours.view().pods.objects.values()} == {("k3s-w2", True)}
        )


async def test_an_api_server_that_restarts_is_seen_again(
    cluster: SimulatedCluster, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reflector_module, "_MAX_BACKOFF_S", 0.5)
    async with opened(url) as ours:
        ours.watch(lambda: MEDIA)
        await ours.look(MEDIA)
        cluster.restart_api(down_s=0.3, blind_s=0.2)
        await asyncio.sleep(0.4)
        cluster.cordon("k3s-w2")
        await eventually(lambda: ours.view().nodes.objects["", "k3s-w2"].is_unschedulable)
        await eventually(lambda: not any(getattr(ours.view(), kind.field).unseen for kind in KINDS))


@pytest.mark.parametrize("fault", ["hang", "status", "html", "cut", "forbid", "garbage"])
async def test_whatever_is_wrong_with_an_api_server_is_told_and_no_error(
    cluster: SimulatedCluster, url: str, fault: str
) -> None:
    cluster.api.faults.add(ApiFault(fault, resources=("nodes", "pods"), seconds=30))
    async with opened(url, timeout_s=3) as ours:
        view = await ours.look(MEDIA)
        assert view.nodes.why_unseen()
        assert view.pods.why_unseen("media")
        assert APP in view.deployments.objects
