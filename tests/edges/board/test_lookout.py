"""However many look, Git is asked once."""

import asyncio

import pytest

from failover_api.core.catalog.model import Action, Policy
from failover_api.edges.board.lookout import Found, Lookout
from failover_api.errors import Conflict, FailoverError, ForgeUnavailable, NotReady, OutcomeUnknown
from failover_api.events import MoveEnded
from failover_api.reading.status import Status, Unreadable
from failover_api.wiring import Components
from tests.support.acts import promote
from tests.support.stage import Stage


class Looks:
    """Counts the looks of a house; `gate` holds them up."""

    def __init__(self, components: Components) -> None:
        self.components, self.count = components, 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> Found:
        self.count += 1
        await self.gate.wait()
        return await self.components.failover.list_all()


def ended(*, dry_run: bool = False, error: FailoverError | None = None) -> MoveEnded:
    return MoveEnded(Action.PROMOTE, Policy.DIRECT, ("sonarr",), None, "maria", "", dry_run, "01", 0.1, error=error)


async def test_two_hundred_viewers_cost_what_one_costs(stage: Stage) -> None:
    async with stage.open() as components:
        looks, lookout = Looks(components), Lookout()
        await lookout.see(looks)
        lookout.forget()
        stage.requests.clear()
        await asyncio.gather(*(lookout.see(looks) for _ in range(200)))
        await asyncio.gather(*(lookout.see(looks) for _ in range(200)))
    assert looks.count == 2
    assert [request.status for request in stage.requests] == [304]


async def test_nobody_looks_while_nobody_watches(stage: Stage) -> None:
    async with stage.open() as components:
        looks, lookout = Looks(components), Lookout(fresh_s=0, apart_s=0)
        await lookout.see(looks)
        await asyncio.sleep(0.05)
        assert looks.count == 1
        await lookout.see(looks)
    assert looks.count == 2


async def test_after_a_move_the_next_who_looks_sees_it(stage: Stage) -> None:
    async with stage.open() as components:
        lookout = Lookout(apart_s=0)
        first = await lookout.see(components.failover.list_all)
        await promote(components)
        believed = await lookout.see(components.failover.list_all)
        lookout.on_ended(ended())
        seen = await lookout.see(components.failover.list_all)
    assert believed is first
    (sonarr, *_) = seen.statuses
    assert isinstance(sonarr, Status)
    assert sonarr.detection.state == "backup"


async def test_a_look_that_began_before_the_move_is_not_believed(stage: Stage) -> None:
    async with stage.open() as components:
        looks, lookout = Looks(components), Lookout(apart_s=0)
        looks.gate.clear()
        before = asyncio.create_task(lookout.see(looks))
        await asyncio.sleep(0.01)
        lookout.forget()
        after = asyncio.create_task(lookout.see(looks))
        await asyncio.sleep(0.01)
        looks.gate.set()
        await before
        await after
    assert looks.count == 2


@pytest.mark.parametrize(
    ("event", "is_news"),
    [
        (ended(), True),
        (ended(dry_run=True), False),
        (ended(error=Conflict("kept changing")), False),
        (ended(error=OutcomeUnknown("who knows")), True),
    ],
)
async def test_only_what_may_have_moved_is_news(stage: Stage, event: MoveEnded, is_news: bool) -> None:
    async with stage.open() as components:
        looks, lookout = Looks(components), Lookout(apart_s=0)
        await lookout.see(looks)
        lookout.on_ended(event)
        await lookout.see(looks)
    assert looks.count == 1 + is_news


async def test_a_storm_of_moves_does_not_make_a_storm_of_looks(stage: Stage) -> None:
    async with stage.open() as components:
        looks, lookout = Looks(components), Lookout(apart_s=600, patience_s=0.01)
        first = await lookout.see(looks)
        for _ in range(4):
            lookout.forget()
            assert await lookout.see(looks) is first
        await lookout.aclose()
    assert looks.count == 1


async def test_who_has_something_to_see_does_not_wait_long_for_news(stage: Stage) -> None:
    async with stage.open() as components:
        looks, lookout = Looks(components), Lookout(fresh_s=0, apart_s=0, patience_s=0.02)
        first = await lookout.see(looks)
        looks.gate.clear()
        assert await lookout.see(looks) is first
        assert await lookout.see(looks) is first
        await lookout.aclose()
    assert looks.count == 2


async def test_a_service_stays_as_it_was_only_where_it_was_seen_and_the_fault_passes(stage: Stage) -> None:
    async with stage.open() as components:
        lookout = Lookout(fresh_s=0, apart_s=0)
        before = await lookout.see(components.failover.list_all)

        async def mostly_down() -> Found:
            one, *others = before.statuses
            return [Unreadable(one.service, NotReady("gone")), *(Unreadable(o.service, down) for o in others)]

        down = ForgeUnavailable("no answer")
        after = await lookout.see(mostly_down)
    assert isinstance(after.statuses[0], Unreadable)
    assert after.statuses[1:] == before.statuses[1:]
    assert after.kept == {"radarr": down, "plex": down}
    fresh = await Lookout().see(mostly_down)
    assert all(isinstance(one, Unreadable) for one in fresh.statuses)


async def test_the_first_look_that_fails_is_told_and_the_next_is_another() -> None:
    async def fail() -> Found:
        raise NotReady("no catalog")

    lookout = Lookout()
    with pytest.raises(NotReady):
        await lookout.see(fail)
    assert (await lookout.see(lambda: asyncio.sleep(0, result=[]))).statuses == ()
