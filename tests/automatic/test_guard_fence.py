"""A node that a person attests to be off: moved away from, then tainted, then clean again when it is back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from failover_api.cluster.out_of_service import KEY
from tests.support.guarded import WORKERS, World, catalog, guarded

if TYPE_CHECKING:
    from tests.support.stage import Stage

NAMES = ("sonarr",)
W1 = "k3s-w1"
REQUIRED = catalog(NAMES, fence="required")
ADMIN = "admin"  # the account of the replicas there


def taints(world: World) -> list[str]:
    node = world.cluster.get("Node", W1)
    assert node is not None
    return [each["key"] for each in node["spec"].get("taints", [])]


def reason(world: World) -> str:
    report = world.replicas[0].guard.report
    line = report.node(W1) if report is not None else None
    assert line is not None
    return line.reason


def role(world: World) -> Any:
    """Where the live Deployment is to run."""
    found = world.cluster.get("Deployment", "media/sonarr")
    assert found is not None
    return found["spec"]["template"]["spec"]["nodeSelector"]["role"]


async def test_the_taint_comes_after_the_move_is_applied_and_goes_when_the_node_is_back(stage: Stage) -> None:
    async with guarded(stage, NAMES, declared=REQUIRED) as world:
        world.cluster.guard_nodes(ADMIN)
        (replica,) = world.replicas
        await world.pass_(70)
        world.cluster.kill(W1)
        await world.pass_(180)
        assert replica.gates("sonarr") == ["fence"]
        assert (world.commits, KEY in taints(world)) == ([], False)
        await replica.control.attest(W1, by="ops", reason="I see that it is off")

        def is_tainted() -> bool:
            assert KEY not in taints(world) or (role(world) == "backup" and len(world.commits) == 1)
            return KEY in taints(world)

        assert await world.pass_(60, until=is_tainted) < 45
        assert [each.node for each in replica.control.notes.fenced] == [W1]
        old_pods = [pod for pod in world.cluster.pods("media/sonarr") if pod["spec"].get("nodeName") == W1]
        assert old_pods
        await world.pass_(30)
        assert not [pod for pod in world.cluster.pods("media/sonarr") if pod["spec"].get("nodeName") == W1]
        assert "It is marked out-of-service." in reason(world)
        world.cluster.revive(W1)
        assert await world.pass_(60, until=lambda: KEY not in taints(world)) < 40
        await world.pass_(20)
        assert replica.control.notes.fenced == ()
        assert replica.control.notes.attestations == ()
        assert len(world.commits) == 1


async def test_without_the_policy_the_move_is_made_and_no_taint_is_set(stage: Stage) -> None:
    async with guarded(stage, NAMES, declared=REQUIRED) as world:
        (replica,) = world.replicas
        await world.pass_(70)
        world.cluster.kill(W1)
        await world.pass_(180)
        await replica.control.attest(W1, by="ops", reason="I see that it is off")
        await world.pass_(90)
        assert len(world.commits) == 1
        assert KEY not in taints(world)
        assert "Not marked out-of-service: We could change more of node k3s-w1 than the taint" in reason(world)
        assert "failover-api/fence-probe" not in (world.cluster.get("Node", W1) or {})["metadata"]["labels"]


@pytest.mark.long
async def test_the_next_leader_takes_off_what_the_last_one_set(stage: Stage) -> None:
    async with guarded(stage, NAMES, declared=REQUIRED, nodes=WORKERS, replicas=2) as world:
        world.cluster.guard_nodes(ADMIN)
        await world.pass_(75)
        world.cluster.kill(W1)
        await world.pass_(180)
        leader = next(each for each in world.replicas if each.control.leader.leads)
        await leader.control.attest(W1, by="ops", reason="I see that it is off")
        await world.pass_(90, until=lambda: KEY in taints(world))
        assert KEY in taints(world)
        leader.is_dead = True
        world.cluster.revive(W1)
        await world.pass_(60, until=lambda: KEY not in taints(world))
        assert KEY not in taints(world)
