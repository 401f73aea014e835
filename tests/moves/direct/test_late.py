"""A write whose reply was lost, and that lands when nobody thinks of it any more."""

import asyncio
import time
from typing import Any

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.core.text.trailers import read_records
from failover_api.errors import NotReady
from failover_api.forge.repository import unconfirmed_writes
from failover_api.moves.outcome import Outcome
from tests.support.acts import demote, move, promote
from tests.support.stage import FILES, RELEASE, SERVICES, SONARR, Stage

LATE_S = 0.8


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unconfirmed_writes, "LAND_S", 1.2)


def operations(stage: Stage) -> list[str]:
    return [record.operation for message in stage.moves for record in read_records(message)]


async def test_the_way_back_waits_until_a_lost_write_can_land_no_more(stage: Stage) -> None:
    async with stage.open() as components:
        await components.failover.status("sonarr")
        stage.fault("late", method="PUT", seconds=LATE_S)
        await promote(components)
        started = time.monotonic()
        back = await demote(components)
        waited_s = time.monotonic() - started
        await asyncio.sleep(max(0.0, LATE_S - waited_s) + 0.2)
    assert back.changed
    assert stage.read(SONARR) == FILES[SONARR], "the late write found nothing to land on"
    assert len(operations(stage)) == len(set(operations(stage))) == 2
    assert waited_s > 0.5


async def test_who_cannot_wait_for_it_is_told_how_long(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unconfirmed_writes, "LAND_S", 30.0)
    async with stage.open(deadline_s=5.0) as components:
        await components.failover.status("sonarr")
        stage.fault("lost_request", method="PUT")
        await promote(components)
        started = time.monotonic()
        with pytest.raises(NotReady, match="nothing was written") as caught:
            await demote(components)
        with pytest.raises(NotReady):
            await move(components, action=Action.ROLLBACK)
    assert time.monotonic() - started < 4.0, "at once"
    assert caught.value.outcome == "not-applied"
    assert 20 < (caught.value.retry_after_s or 0) <= 30
    assert len(stage.moves) == 1


async def test_others_do_not_wait_for_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unconfirmed_writes, "LAND_S", 3.0)
    async with stage.open() as components:
        await components.failover.list_all()
        stage.fault("lost_request", method="PUT")
        await promote(components)
        back = asyncio.create_task(demote(components))
        outcome = await promote(components, "radarr")
        assert not back.done()
        assert outcome.changed
        assert (await back).changed
    assert stage.read(SONARR) == FILES[SONARR]


async def test_a_group_waits_for_it_too(stage: Stage) -> None:
    stage.declare(SERVICES, top="groups: {all: [sonarr, radarr]}")
    async with stage.open() as components:
        await components.failover.list_all()
        stage.fault("late", method="PUT", seconds=LATE_S)
        await promote(components)
        await promote(components, "radarr")
        await components.failover.move_group("all", Action.DEMOTE, MoveRequest(by="maria"))
        await asyncio.sleep(LATE_S)
    assert stage.read(SONARR) == FILES[SONARR]
    assert len(operations(stage)) == len(stage.moves) + 1, "a group's commit has two"


@pytest.mark.parametrize(("name", "path"), [("sonarr", SONARR), ("plex", RELEASE)])
async def test_nothing_to_do_is_not_said_while_a_lost_write_may_change_it(stage: Stage, name: str, path: str) -> None:
    """Its caller left; the next one finds the files as they were, and would be moved behind their back."""
    async with stage.open() as components:
        await components.failover.status(name)
        where: dict[str, Any] = {"method": "PUT"} if name == "sonarr" else {"operation": "createCommitOnBranch"}
        stage.fault("slow", seconds=LATE_S, **where)
        leaving = asyncio.create_task(promote(components, name))
        while len(stage.sandbox.faults):  # noqa: ASYNC110 - the sandbox has no event to wait for
            await asyncio.sleep(0.001)
        leaving.cancel()
        back = await demote(components, name)
        await asyncio.sleep(0.3)
    assert stage.read(path) == FILES[path]
    assert back.changed, "it undid what landed meanwhile"


async def test_one_that_was_found_lands_no_second_time(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unconfirmed_writes, "LAND_S", 30.0)
    async with stage.open() as components:
        await components.failover.status("sonarr")
        stage.fault("lost_reply", method="PUT")
        await promote(components)
        assert (await demote(components)).changed
    assert stage.read(SONARR) == FILES[SONARR]


async def test_asking_for_the_same_again_waits_for_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unconfirmed_writes, "LAND_S", 30.0)
    async with stage.open(deadline_s=3.0) as components:
        await components.failover.status("sonarr")
        stage.fault("slow", method="PUT", seconds=1.0)
        leaving = asyncio.create_task(promote(components))
        while len(stage.sandbox.faults):  # noqa: ASYNC110 - the sandbox has no event to wait for
            await asyncio.sleep(0.001)
        leaving.cancel()
        assert (await promote(components)).changed
        await asyncio.sleep(1.0)
    assert len(stage.moves) == 1


# Keys: what needs history is written against the head that it was looked up at


@pytest.mark.parametrize("name", ["sonarr", "plex"])
async def test_two_replicas_and_a_slow_write_are_one_operation_of_a_key(stage: Stage, name: str) -> None:
    async with stage.open() as one, stage.open() as other:
        await one.failover.status(name)
        await other.failover.status(name)
        stage.fault("slow", operation="createCommitOnBranch", seconds=1.5)
        stage.fault("slow", method="PUT", seconds=1.5)
        slow = asyncio.create_task(promote(one, name, key="alert-1"))
        while len(stage.sandbox.faults) > 1:  # noqa: ASYNC110 - the sandbox has no event to wait for
            await asyncio.sleep(0.001)
        stage.sandbox.faults.clear()
        first = await promote(other, name, key="alert-1")
        await demote(other, name)  # the file is as the slow write found it
        again = await slow
    assert (again.operation, again.commit) == (first.operation, first.commit)
    assert len(stage.moves) == 2
    assert stage.read(SONARR) == FILES[SONARR]
    assert isinstance(again, Outcome)
