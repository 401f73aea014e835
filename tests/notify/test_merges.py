"""Pull requests of ours that somebody merged: told once, by the process that opened them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from failover_api.core.catalog.model import Action, Branch
from failover_api.core.planning.request import MoveRequest, Provenance
from failover_api.core.text.trailers import Record
from failover_api.events import Events, Looked, Merged, MoveEnded
from failover_api.notify.merges import Merges
from failover_api.overview import Intervals, Overview
from failover_api.reading.status import Status
from failover_api.wiring import Components
from tests.support.acts import number, promote
from tests.support.stage import SERVICES, Stage

RECORD = Record("a", "promote", "primary", "backup", Provenance("OP", "", ""))
MERGED = Merged(Branch("acme/homelab", "main"), 12, "https://p", (RECORD,))


@contextlib.asynccontextmanager
async def watched(stage: Stage, *, watches: bool = True) -> AsyncIterator[tuple[Components, Merges, list[Merged]]]:
    """A house, and a watch of its own that hears of a look every few milliseconds."""
    merged: list[Merged] = []
    async with stage.open() as components:
        events = Events()
        events.subscribe(Merged, merged.append)
        merges = Merges(components.failover.status, events, watches=watches, apart_s=0.02)
        overview = Overview(
            components.failover.list_all, is_needed=merges.is_watching, intervals=Intervals(every_s=0.02, apart_s=0)
        )
        components.events.subscribe(MoveEnded, merges.move_ended)
        components.events.subscribe(MoveEnded, overview.move_ended)
        components.events.subscribe(Looked, merges.looked)
        yield components, merges, merged
        await overview.aclose()
        await merges.aclose()


async def eventually(claim: Callable[[], bool]) -> None:
    for _ in range(1000):
        if claim():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")


async def test_a_merge_is_told_once_with_what_it_moved(reviewed: Stage) -> None:
    async with watched(reviewed) as (components, merges, seen):
        outcome = await promote(components, reason="w1 is down")
        await promote(components)  # the same pull request
        await asyncio.sleep(0.1)
        assert seen == []
        sha = reviewed.merge(number(outcome))
        await eventually(lambda: bool(seen))
        await eventually(lambda: not merges.is_watching())
    (merged,) = seen
    assert (merged.number, merged.branch.repository) == (number(outcome), reviewed.repository)
    assert merged.commit.endswith(sha)
    (record,) = merged.records
    assert (record.service, record.provenance.by, record.provenance.reason) == ("sonarr", "maria", "w1 is down")


async def test_a_squash_that_lost_the_trailers_is_told_too(reviewed: Stage) -> None:
    async with watched(reviewed) as (components, _, seen):
        outcome = await promote(components)
        reviewed.merge(number(outcome), commit_title="Looks good", commit_message="by hand")
        await eventually(lambda: bool(seen))
    assert seen[0].records[0].operation == outcome.operation


async def test_a_groups_merge_names_all_that_it_moved(reviewed: Stage) -> None:
    reviewed.declare(f"{SERVICES}groups:\n  media: [sonarr, radarr]\n", top="policy: pull_request")
    async with watched(reviewed) as (components, _, seen):
        outcome = await components.failover.move_group("media", Action.PROMOTE, MoveRequest(by="maria"))
        reviewed.merge(number(outcome.parts[0]))
        await eventually(lambda: bool(seen))
    assert [record.service for record in seen[0].records] == ["sonarr", "radarr"]


async def test_one_that_is_closed_is_not_told_and_no_longer_watched(reviewed: Stage) -> None:
    async with watched(reviewed) as (components, merges, seen):
        outcome = await promote(components)
        assert merges.is_watching()
        reviewed.close(number(outcome))
        await eventually(lambda: not merges.is_watching())
    assert seen == []


async def test_one_that_a_look_did_not_show_is_watched_on(reviewed: Stage) -> None:
    async with watched(reviewed) as (components, merges, seen):
        outcome = await promote(components)
        status = await components.failover.status("sonarr")
        merges.looked(Looked([replace(status, pull_request=None)]))
        await asyncio.sleep(0.1)
        assert merges.is_watching()
        reviewed.merge(number(outcome))
        await eventually(lambda: bool(seen))


async def test_however_many_are_open_a_look_at_them_is_one(reviewed: Stage) -> None:
    async with watched(reviewed) as (components, merges, _):
        for name in ("sonarr", "radarr", "plex"):
            await promote(components, name)
        await eventually(lambda: [request.status for request in reviewed.requests][-3:] == [304] * 3)
        reviewed.requests.clear()
        await eventually(lambda: len(reviewed.requests) >= 6)
        assert merges.is_watching()
    assert {request.status for request in reviewed.requests} == {304}
    paths = [request.path for request in reviewed.requests]
    assert max(paths.count(path) for path in paths) <= len(paths) / 2 + 1, "a branch and its pull requests"


async def test_where_the_webhook_says_it_nobody_looks(reviewed: Stage) -> None:
    async with watched(reviewed, watches=False) as (components, merges, _):
        await promote(components)
        assert not merges.is_watching()


async def test_a_direct_move_is_not_watched(stage: Stage) -> None:
    async with watched(stage) as (components, merges, _):
        await promote(components)
        assert not merges.is_watching()


async def test_a_delivery_that_comes_twice_is_told_once() -> None:
    seen: list[Merged] = []

    async def status(name: str) -> Status:
        raise NotImplementedError

    events = Events()
    events.subscribe(Merged, seen.append)
    merges = Merges(status, events, watches=False)
    merges.report(MERGED)
    merges.report(MERGED)
    merges.report(Merged(MERGED.branch, 13, "https://p", ()))  # none of ours
    assert seen == [MERGED]
