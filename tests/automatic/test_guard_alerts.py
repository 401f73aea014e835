"""Alerts at a replica that leads, on a simulated cluster: which gates hold them, and what they move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from failover_api.automatic.alert_desk import AlertDesk, AlertEnd, Result
from failover_api.automatic.alert_mover import AlertMover
from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.core.planning.state import State
from failover_api.core.safety.governance import Alert
from tests.support.guarded import Replica, World, catalog, guarded

if TYPE_CHECKING:
    from failover_api.moves.evacuation import NodeOutcome
    from tests.support.stage import Stage

NAMES = ("sonarr", "radarr")
W1 = "k3s-w1"
ALERTS = """\
alerts:
  - {match: {alertname: NodeOff}, node: "{node}", means: node-off}
  - {match: {alertname: NodeGone}, node: "{node}", means: evacuate}
  - {match: {alertname: SonarrDown}, means: promote, service: sonarr}
  - {match: {alertname: SonarrBroken}, means: promote, service: sonarr, even_if_ready: true}
"""


def declared(**automatic: str) -> tuple[str, str]:
    services, top = catalog(NAMES, **automatic)
    return services, top + ALERTS


def desk(replica: Replica) -> AlertDesk:
    mover = AlertMover(replica.guard)
    return AlertDesk(replica.components.catalog.current, lambda: replica.control, lambda: mover)


async def fire(world: World, name: str, replica: int = 0, *, ago_s: float = 0.0, is_firing: bool = True) -> AlertEnd:
    labels = {"alertname": name, "node": W1}
    alert = Alert(f"f-{name}", world.cluster.clock.now - ago_s, is_firing, labels)
    (end,) = await desk(world.replicas[replica]).take([alert], lambda _: True)
    return end


def gate(end: AlertEnd) -> str | None:
    return end.held.gate.value if end.held is not None else None


def moved(world: World) -> list[list[str]]:
    return [[record.service for record in records] for records in world.commits]


async def test_a_broken_app_on_a_well_node_moves_by_its_alert_alone(stage: Stage) -> None:
    async with guarded(stage, NAMES, declared=declared()) as world:
        await world.pass_(5)
        assert (gate(await fire(world, "SonarrBroken")), moved(world)) == ("starting", [])
        await world.pass_(70, step_s=5)
        assert (gate(await fire(world, "SonarrDown")), moved(world)) == ("still-serving", [])
        assert (gate(await fire(world, "SonarrBroken", ago_s=3700)), moved(world)) == ("stale-alert", [])
        end = await fire(world, "SonarrBroken")
        assert (end.result, moved(world)) == (Result.MOVED, [["sonarr"]])
        (service,) = end.services
        record = world.commits[0][0]
        assert service.operation == record.operation
        assert (record.provenance.by, record.provenance.trigger) == ("alert", "alert")
        assert any("alert SonarrBroken fires since" in line for line in record.provenance.evidence)
        await world.pass_(30, step_s=5)
        again = await fire(world, "SonarrBroken")
        assert (again.result, len(world.commits)) == (Result.NOTHING_TO_DO, 1)


async def test_what_a_person_has_moved_meanwhile_is_not_moved_back(stage: Stage) -> None:
    async with guarded(stage, NAMES, declared=declared()) as world:
        await world.pass_(75, step_s=5)
        failover = world.replicas[0].components.failover
        promote = failover.promote_together

        async def after_a_person(*asked: Any) -> NodeOutcome:
            await failover.move("sonarr", Action.PROMOTE, MoveRequest(by="ops"))
            return await promote(*asked)

        failover.promote_together = after_a_person  # type: ignore[method-assign] - as a person would
        end = await fire(world, "SonarrBroken")
        assert (end.result, moved(world)) == (Result.NOTHING_TO_DO, [["sonarr"]])
        assert (await failover.status("sonarr")).detection.state is State.BACKUP


async def test_a_dead_node_is_evacuated_by_an_alert_that_is_its_own_witness(stage: Stage) -> None:
    async with guarded(stage, NAMES, declared=declared(fence="witness", dead_for="1h")) as world:
        await world.pass_(70, step_s=5)
        world.cluster.kill(W1)
        await world.pass_(60, step_s=2)
        assert moved(world) == []
        end = await fire(world, "NodeGone", ago_s=5)
        assert (end.result, moved(world)) == (Result.MOVED, [list(NAMES)])
        assert [each.node for each in world.replicas[0].control.notes.witnesses] == [W1]
        for _ in range(5):
            assert (await fire(world, "NodeGone", ago_s=5)).result is Result.NOTHING_TO_DO
        ended = await fire(world, "NodeGone", is_firing=False)
        assert (ended.result, world.replicas[0].control.notes.witnesses) == (Result.WITHDRAWN, ())
        assert moved(world) == [list(NAMES)]


async def test_with_fence_required_an_alert_is_no_proof(stage: Stage) -> None:
    async with guarded(stage, NAMES, declared=declared(fence="required")) as world:
        await world.pass_(70, step_s=5)
        world.cluster.kill(W1)
        await world.pass_(60, step_s=2)
        assert (await fire(world, "NodeOff")).result is Result.WITNESS
        assert (gate(await fire(world, "NodeGone")), moved(world)) == ("fence", [])
        await world.replicas[0].control.attest(W1, by="ops", reason="I see it")
        assert (await fire(world, "NodeGone")).result is Result.MOVED
        assert moved(world) == [list(NAMES)]


async def test_a_replica_that_does_not_lead_keeps_the_witness_and_has_the_order_come_again(stage: Stage) -> None:
    async with guarded(stage, NAMES, declared=declared(fence="witness"), replicas=2) as world:
        await world.pass_(75, step_s=5)
        world.cluster.kill(W1)
        await world.pass_(60, step_s=2)
        follower = next(at for at, each in enumerate(world.replicas) if not each.control.leader.leads)
        end = await fire(world, "NodeGone", follower)
        assert (gate(end), end.is_to_come_again, moved(world)) == ("starting", True, [])
        leader = world.replicas[1 - follower]
        await world.pass_(2)
        assert [each.node for each in leader.control.notes.witnesses] == [W1]
        assert (await fire(world, "NodeGone", 1 - follower)).result is Result.MOVED


@pytest.mark.parametrize("changes", [{"mode": "observe"}, {"own": "observe"}])
async def test_in_observe_it_says_what_it_would_do(stage: Stage, changes: dict[str, Any]) -> None:
    async with guarded(stage, NAMES, declared=declared(**changes)) as world:
        await world.pass_(75, step_s=5)
        end = await fire(world, "SonarrBroken")
        assert (end.result, moved(world)) == (Result.WOULD_MOVE, [])


@pytest.mark.parametrize(("fence", "held"), [("none", None), ("required", "fence")])
async def test_a_deleted_node_object_proves_nothing_and_its_services_are_known(
    stage: Stage, fence: str, held: str | None
) -> None:
    async with guarded(stage, NAMES, declared=declared(fence=fence)) as world:
        await world.pass_(70, step_s=5)
        world.cluster.kill(W1)
        world.cluster.delete("Node", W1)
        await world.pass_(60, step_s=5)
        assert world.replicas[0].gates("sonarr") == ["fence"]
        end = await fire(world, "NodeGone")
        assert ([each.service for each in end.services], gate(end)) == (["sonarr", "radarr"], held)
        assert moved(world) == ([["sonarr", "radarr"]] if held is None else [])
        if held is not None:
            await world.replicas[0].control.attest(W1, by="ops", reason="I see it")
            await world.pass_(5)
            assert (world.replicas[0].gates("sonarr"), moved(world)) == (["fence"], []), "by itself nothing follows"
            assert (await fire(world, "NodeGone")).result is Result.MOVED
        assert moved(world) == [["sonarr", "radarr"]]
        await world.pass_(70, step_s=5)
        assert world.replicas[0].gates("sonarr") == []
