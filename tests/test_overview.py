"""However many want to know where services are, Git is asked once; and nobody asks while nobody wants to know."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from failover_api.core.catalog.model import Action, Branch, Policy
from failover_api.errors import (
    Conflict,
    FailoverError,
    FileNotFound,
    ForgeUnavailable,
    InternalError,
    NotReady,
    OutcomeUnknown,
    RepositoryNotFound,
)
from failover_api.events import BranchMoved, Looked, MoveEnded
from failover_api.overview import Intervals, Overview
from failover_api.reading.status import Status, Unreadable
from failover_api.wiring import Components
from tests.support.acts import promote
from tests.support.stage import Stage

Statuses = Sequence[Status | Unreadable]
MOVED = BranchMoved(Branch("acme/homelab", "main"))
AT_ONCE = Intervals(fresh_s=0, apart_s=0)


class Looks:
    """Counts the looks of a house; `gate` holds them up, `answer` stands in for GitHub's."""

    def __init__(self, components: Components) -> None:
        self.components, self.count = components, 0
        self.answer: Statuses | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> Statuses:
        self.count += 1
        await self.gate.wait()
        if self.answer is None:
            return await self.components.failover.list_all()
        self.components.events.publish(Looked(self.answer))
        return self.answer


@contextlib.asynccontextmanager
async def watching(stage: Stage, intervals: Intervals, **how: Any) -> AsyncIterator[tuple[Overview, Looks]]:
    """A house, and an overview of its own."""
    async with stage.open() as components:
        looks = Looks(components)
        overview = Overview(looks, intervals=intervals, **how)
        components.events.subscribe(Looked, overview.looked)
        components.events.subscribe(MoveEnded, overview.move_ended)
        yield overview, looks
        await overview.aclose()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - a look is under way
            await asyncio.sleep(0.005)


def ended(*, dry_run: bool = False, error: FailoverError | None = None) -> MoveEnded:
    return MoveEnded(Action.PROMOTE, Policy.DIRECT, ("sonarr",), None, "maria", "", dry_run, "01", 0.1, error=error)


# Seeing


async def test_two_hundred_viewers_cost_what_one_costs(stage: Stage) -> None:
    async with watching(stage, Intervals()) as (overview, looks):
        await overview.see()
        overview.branch_moved(MOVED)
        stage.requests.clear()
        await asyncio.gather(*(overview.see() for _ in range(200)))
        await asyncio.gather(*(overview.see() for _ in range(200)))
    assert looks.count == 2
    assert [request.status for request in stage.requests] == [304]


async def test_nobody_looks_while_nobody_watches(stage: Stage) -> None:
    async with watching(stage, replace(AT_ONCE, every_s=0)) as (overview, looks):
        await overview.see()
        await asyncio.sleep(0.05)
        assert looks.count == 1
        await overview.see()
    assert looks.count == 2


async def test_after_a_move_the_next_who_looks_sees_it(stage: Stage) -> None:
    async with watching(stage, Intervals(apart_s=0)) as (overview, looks):
        first = await overview.see()
        assert await overview.see() is first
        await promote(looks.components)
        seen = await overview.see()
    (sonarr, *_) = seen.statuses
    assert isinstance(sonarr, Status)
    assert sonarr.detection.state == "backup"


async def test_a_look_that_began_before_the_move_is_not_believed(stage: Stage) -> None:
    async with watching(stage, Intervals(apart_s=0)) as (overview, looks):
        looks.gate.clear()
        before = asyncio.create_task(overview.see())
        await asyncio.sleep(0.01)
        overview.branch_moved(MOVED)
        after = asyncio.create_task(overview.see())
        await asyncio.sleep(0.01)
        looks.gate.set()
        await before
        await after
    assert looks.count == 2


async def test_who_comes_while_a_look_is_under_way_waits_for_it(stage: Stage) -> None:
    async with watching(stage, Intervals(fresh_s=0.2, apart_s=0)) as (overview, looks):
        first = await overview.see()
        await asyncio.sleep(0.25)
        looks.gate.clear()
        viewers = []
        for _ in range(2):
            viewers.append(asyncio.create_task(overview.see()))
            await asyncio.sleep(0.01)
        looks.gate.set()
        one, other = await asyncio.gather(*viewers)
    assert one is other is not first
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
    async with watching(stage, Intervals(apart_s=0)) as (overview, looks):
        await overview.see()
        overview.move_ended(event)
        await overview.see()
    assert looks.count == 1 + is_news


async def test_a_storm_of_moves_does_not_make_a_storm_of_looks(stage: Stage) -> None:
    async with watching(stage, Intervals(apart_s=600, patience_s=0.01)) as (overview, looks):
        first = await overview.see()
        for _ in range(4):
            overview.move_ended(ended())
            assert await overview.see() is first
    assert looks.count == 1


async def test_who_has_something_to_see_does_not_wait_long_for_news(stage: Stage) -> None:
    async with watching(stage, replace(AT_ONCE, patience_s=0.02)) as (overview, looks):
        first = await overview.see()
        looks.gate.clear()
        assert await overview.see() is first
        assert await overview.see() is first
    assert looks.count == 2


async def test_a_service_stays_as_it_was_only_where_it_was_seen_and_the_fault_passes(stage: Stage) -> None:
    down = ForgeUnavailable("no answer")
    async with watching(stage, AT_ONCE) as (overview, looks):
        before = await overview.see()
        one, *others = before.statuses
        looks.answer = [Unreadable(one.service, NotReady("gone")), *(Unreadable(o.service, down) for o in others)]
        after = await overview.see()
    assert isinstance(after.statuses[0], Unreadable)
    assert after.statuses[1:] == before.statuses[1:]
    assert after.kept == {"radarr": down, "plex": down}
    async with watching(stage, AT_ONCE) as (overview, looks):
        looks.answer = [Unreadable(one.service, down)]
        assert (await overview.see()).statuses == tuple(looks.answer)


async def test_while_nothing_can_be_read_it_was_seen_when_it_could(stage: Stage) -> None:
    times = iter(range(100))
    async with watching(stage, AT_ONCE, clock=lambda: next(times)) as (overview, looks):
        before = await overview.see()
        looks.answer = [Unreadable(one.service, ForgeUnavailable("no answer")) for one in before.statuses]
        assert (await overview.see()).at == before.at
        looks.answer = [*looks.answer[1:], before.statuses[0]]
        assert (await overview.see()).at > before.at


async def test_the_first_look_that_fails_is_told_and_the_next_is_another() -> None:
    problems = [NotReady("no catalog")]

    async def look() -> Statuses:
        if problems:
            raise problems.pop()
        return []

    overview = Overview(look)
    with pytest.raises(NotReady):
        await overview.see()
    assert (await overview.see()).statuses == ()


# What is known


@pytest.mark.parametrize(
    ("error", "side", "is_seen"),
    [
        (ForgeUnavailable("no answer"), "primary", False),
        (NotReady("no key"), "primary", False),
        (InternalError("a defect"), "primary", False),
        (RepositoryNotFound("no such branch"), "unknown", True),
        (FileNotFound("no such file"), "unknown", True),
    ],
)
async def test_only_what_says_something_of_a_service_is_a_look_at_it(
    stage: Stage, error: FailoverError, side: str, is_seen: bool
) -> None:
    times = iter(range(100))
    async with watching(stage, AT_ONCE, clock=lambda: next(times)) as (overview, _):
        status, *_ = (await overview.see()).statuses
        before = overview.last(["sonarr"])["sonarr"]
        overview.looked(Looked([Unreadable(status.service, error)]))
        after = overview.last(["sonarr"])["sonarr"]
    assert (before.is_readable, after.is_readable, after.state) == (True, False, side)
    assert (after.seen_at != before.seen_at) == is_seen


async def test_a_move_says_where_its_services_are(stage: Stage) -> None:
    async with watching(stage, AT_ONCE) as (overview, looks):
        await promote(looks.components, dry_run=True)
        before = overview.last(["sonarr", "radarr"])
        await promote(looks.components)
        after = overview.last(["sonarr"])
    assert (before["sonarr"].state, after["sonarr"].state) == ("primary", "backup")
    assert before["radarr"].seen_at is None
    assert looks.count == 0


async def test_what_the_catalog_has_no_more_is_forgotten(stage: Stage) -> None:
    async with watching(stage, AT_ONCE) as (overview, _):
        await overview.see()
        assert overview.last(["radarr"])["radarr"].state == "primary"
        assert overview.last(["sonarr"])["sonarr"].state == "unknown"


async def test_a_pull_request_without_a_date_is_as_old_as_our_knowledge_of_it(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        await promote(components)
        status = await components.failover.status("sonarr")
    assert status.pull_request is not None
    undated = replace(status, pull_request=replace(status.pull_request, created_at=""))
    times = iter([1000.0] * 2 + [2000.0] * 2)
    overview = Overview(components.failover.list_all, clock=lambda: next(times))
    for _ in range(2):
        overview.looked(Looked([undated]))
    pull_request = overview.last(["sonarr"])["sonarr"].pull_request
    assert pull_request is not None
    assert pull_request.opened_at == 1000.0


# Keeping it current


async def test_what_is_wanted_is_kept_current_until_nobody_wants_it_any_more(stage: Stage) -> None:
    async with watching(stage, Intervals(every_s=0.01, apart_s=0, wanted_s=0.05)) as (overview, looks):
        looks.answer = []

        def has_looked(times: int) -> bool:
            overview.want()
            return looks.count >= times

        await until(lambda: has_looked(3))
        await asyncio.sleep(0.2)
        rested = looks.count
        await asyncio.sleep(0.1)
        assert looks.count == rested
        await until(lambda: has_looked(rested + 1))


async def test_the_looks_of_others_will_do(stage: Stage) -> None:
    async with watching(stage, Intervals(apart_s=0)) as (overview, looks):
        await overview.see()
        overview.want()
        await asyncio.sleep(0.05)
    assert looks.count == 1


async def test_who_waits_to_be_told_of_looks_has_the_first_after_a_while(stage: Stage) -> None:
    is_needed = True
    async with watching(stage, Intervals(every_s=0.2, apart_s=0), is_needed=lambda: is_needed) as (overview, looks):
        overview.move_ended(ended())
        await asyncio.sleep(0.05)
        assert looks.count == 0
        await until(lambda: looks.count > 1)
        is_needed = False
        await until(lambda: overview._keeping_current is not None and overview._keeping_current.done())


async def test_looks_that_fail_do_not_end_it(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    count = 0

    async def look() -> Statuses:
        nonlocal count
        count += 1
        raise InternalError("x") if count % 2 else ZeroDivisionError

    overview = Overview(look, intervals=Intervals(every_s=0.001))
    overview.want()
    await until(lambda: count > 3)
    await overview.aclose()
    assert "a round failed" in caplog.text
