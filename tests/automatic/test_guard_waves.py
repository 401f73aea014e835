"""A dead node whose services are after one another: one event, one move of all of them, in waves."""

import asyncio

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.watching.waves import WaveWatch
from tests.support.guarded import W1, Replica, World, catalog, guarded, moved_after, watching
from tests.support.stage import Stage


def ordered() -> tuple[str, str]:
    services, top = catalog(("sonarr", "radarr"))
    return services.replace("    deployment: radarr\n", "    deployment: radarr\n    after: [sonarr]\n"), top


def moved(world: World) -> list[list[str]]:
    """Whom each of our commits moves, oldest first."""
    return [[record.service for record in records] for records in reversed(world.commits)]


async def go_on(world: World, replica: Replica, seconds: int) -> None:
    """As `serve` does beside its guard."""
    watch = WaveWatch(replica.failover, replica.components.catalog.current, want=lambda: None)
    for _ in range(seconds):
        await world.pass_(1)
        for operation in replica.failover.waves.running:
            operation.read_at = float("-inf")
        await watch.look()


async def test_the_guard_moves_in_waves(stage: Stage) -> None:
    async with guarded(stage, declared=ordered()) as world:
        (replica,) = world.replicas
        await watching(world)
        world.cluster.kill(W1)
        await moved_after(world)
        assert moved(world) == [["sonarr"]], "radarr waits for it"
        await go_on(world, replica, 60)
        assert moved(world) == [["sonarr"], ["radarr"]]
        first, second = (records[0].provenance for records in reversed(world.commits))
        assert first.operation == second.operation, "one event, one move"
        assert (second.by, second.trigger) == ("automatic", "automatic")
        assert second.evidence == first.evidence


async def test_what_its_event_does_not_move_is_held_with_the_reason(stage: Stage) -> None:
    services, top = ordered()
    async with guarded(stage, declared=(services, f"wave_timeout: 1s\n{top}")) as world:
        (replica,) = world.replicas
        await watching(world)
        world.cluster.kill(W1)
        await moved_after(world)
        await world.pass_(2)
        assert [hold.cure for hold in replica.holds("radarr")] == ["It goes on by itself."]
        world.names = ()  # nothing is applied any more, so sonarr does not come up
        world.cluster.delete("Deployment", "media/sonarr")
        await asyncio.sleep(1.2)
        await go_on(world, replica, 20)
        (hold,) = replica.holds("radarr")
        assert (hold.gate, hold.cure) == ("in-waves", "Move by hand.")
        assert "does not any more: sonarr did not serve within 1 s" in hold.detail
        assert moved(world) == [["sonarr"]]


async def test_a_pause_holds_the_waves_that_are_to_come(stage: Stage) -> None:
    async with guarded(stage, declared=ordered()) as world:
        (replica,) = world.replicas
        await watching(world)
        world.cluster.kill(W1)
        await moved_after(world)
        await replica.control.pause(by="ops", reason="stop", until=None, services=())
        await go_on(world, replica, 60)
        assert moved(world) == [["sonarr"]]


async def test_a_node_that_is_back_holds_them_too(stage: Stage) -> None:
    async with guarded(stage, declared=ordered()) as world:
        (replica,) = world.replicas
        await watching(world)
        world.cluster.kill(W1)
        await moved_after(world)
        world.cluster.revive(W1)
        await world.pass_(30, step_s=5)
        await go_on(world, replica, 30)
        assert moved(world) == [["sonarr"]]


async def test_what_a_person_moves_in_waves_is_not_moved_past_them(stage: Stage) -> None:
    services, top = ordered()
    async with guarded(stage, declared=(services, f"{top}groups: {{all: [sonarr, radarr]}}\n")) as world:
        (replica,) = world.replicas
        await watching(world)
        await replica.failover.move_group("all", Action.PROMOTE, MoveRequest(by="me", force=True))
        world.cluster.kill(W1)
        await world.pass_(240, step_s=2)
        assert replica.state(W1) == "dead"
        assert "in-waves" in replica.gates("radarr")
        assert moved(world) == [["sonarr"]]
        await go_on(world, replica, 60)
        assert moved(world) == [["sonarr"], ["radarr"]]
        assert {records[0].provenance.by for records in world.commits} == {"me"}


async def test_whoever_leads_next_goes_on_with_the_waves(stage: Stage) -> None:
    async with guarded(stage, declared=ordered(), replicas=2) as world:
        await watching(world)
        world.cluster.kill(W1)
        await moved_after(world)
        (first,) = (one for one in world.replicas if one.control.leader.leads)
        (second,) = (one for one in world.replicas if one is not first)
        first.is_dead = True
        assert moved(world) == [["sonarr"]]
        await world.pass_(120, step_s=1)
        await go_on(world, second, 60)
        assert second.control.leader.leads
        assert moved(world) == [["sonarr"], ["radarr"]]
        older, newer = (records[0].provenance for records in reversed(world.commits))
        assert older.operation == newer.operation
