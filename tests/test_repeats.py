"""Idempotency-Key: the same key again is the first outcome, found in Git."""

import asyncio
from typing import Any

import pytest

from failover_api.core.catalog import Action
from failover_api.core.trailers import idempotency_digest, read_records
from failover_api.errors import IdempotencyKeyReused, ManifestDrifted
from failover_api.failover import Wish
from failover_api.outcome import Outcome
from failover_api.wiring import House
from tests.stage import FILES, SERVICES, SONARR, Stage

ONE_AND_SEVERAL_FILES = pytest.mark.parametrize("name", ["sonarr", "plex"])


async def move(house: House, name: str = "sonarr", action: Action = Action.PROMOTE, **how: Any) -> Outcome:
    return await house.failover.move(name, action, Wish(**{"by": "maria", "key": "alert-1", **how}))


@ONE_AND_SEVERAL_FILES
async def test_the_same_key_is_the_first_outcome_on_any_replica(stage: Stage, name: str) -> None:
    async with stage.house() as one, stage.house() as other:
        first = await move(one, name)
        await move(one, name, Action.DEMOTE, key=None)  # even after it went back
        again = await move(other, name)
    assert again.changed
    assert (again.operation, again.commit) == (first.operation, first.commit)
    assert again.plan.changes == first.plan.changes
    assert (again.plan.old, again.plan.new) == (first.plan.old, first.plan.new)
    assert len(stage.moves) == 2
    assert stage.read(SONARR) == FILES[SONARR]


async def test_the_digest_is_of_caller_and_key(stage: Stage) -> None:
    async with stage.house() as house:
        await move(house)
    (record,) = read_records(stage.moves[0])
    assert record.idempotency == idempotency_digest("maria", "alert-1")
    assert "alert-1" not in stage.moves[0]


async def test_another_callers_key_is_another(stage: Stage) -> None:
    async with stage.house() as house:
        first = await move(house)
        await move(house, action=Action.DEMOTE, key=None)
        other = await move(house, by="carla")
    assert other.operation != first.operation
    assert len(stage.moves) == 3


@pytest.mark.parametrize(
    ("name", "action", "how"),
    [
        ("radarr", Action.PROMOTE, {}),
        ("sonarr", Action.DEMOTE, {}),
        ("sonarr", Action.ROLLBACK, {}),
        ("sonarr", Action.PROMOTE, {"force": True}),
    ],
)
async def test_the_same_key_with_another_wish_is_refused(
    stage: Stage, name: str, action: Action, how: dict[str, Any]
) -> None:
    async with stage.house() as house:
        first = await move(house)
        with pytest.raises(IdempotencyKeyReused, match=str(first.operation)):
            await move(house, name, action, **how)
    assert len(stage.moves) == 1


async def test_a_group_has_its_key_too(stage: Stage) -> None:
    stage.declare(SERVICES, top="groups: {all: [sonarr, radarr, plex]}")
    async with stage.house() as one, stage.house() as other:
        first = await one.failover.move_group("all", Action.PROMOTE, Wish(by="maria", key="alert-1"))
        await one.failover.move_group("all", Action.DEMOTE, Wish(by="maria"))
        again = await other.failover.move_group("all", Action.PROMOTE, Wish(by="maria", key="alert-1"))
        with pytest.raises(IdempotencyKeyReused):
            await move(other)
    assert again.parts[0].operation == first.parts[0].operation
    assert [plan.changes for plan in again.parts[0].plans] == [plan.changes for plan in first.parts[0].plans]
    assert len(stage.moves) == 2


async def test_an_outcome_without_a_commit_leaves_no_trace(stage: Stage) -> None:
    stage.replace(SONARR, "role: primary", "role: elsewhere")
    async with stage.house() as house:
        with pytest.raises(ManifestDrifted):
            await move(house)
        stage.commit({SONARR: FILES[SONARR]})
        assert (await move(house, dry_run=True)).changed
        assert (await move(house)).changed
        await move(house, action=Action.DEMOTE, key=None)
        rehearsed = await move(house, dry_run=True)
    assert (rehearsed.changed, rehearsed.operation) == (True, None), "a dry run ignores the key"


async def test_the_same_key_many_times_at_once_is_one_commit(stage: Stage) -> None:
    async with stage.house() as one, stage.house() as other:
        outcomes = await asyncio.gather(*(move(house) for house in (one, other) for _ in range(5)))
    assert len(stage.moves) == 1
    assert all(outcome.changed for outcome in outcomes)
    assert len({outcome.operation for outcome in outcomes}) == 1


async def test_it_is_found_behind_other_commits_of_the_file_and_of_the_branch(stage: Stage) -> None:
    async with stage.house() as house:
        first = await move(house)
        await move(house, action=Action.DEMOTE, key=None)
        for i in range(60):
            stage.commit({SONARR: FILES[SONARR] + b"# %d\n" % i}, f"Edit {i}")
            stage.commit({"README.md": b"%d\n" % i}, f"Unrelated {i}")
        again = await move(house)
    assert again.operation == first.operation
    assert len(stage.moves) == 2


@ONE_AND_SEVERAL_FILES
async def test_with_pull_requests_it_is_found_in_every_state(stage: Stage, name: str) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    async with stage.house() as one, stage.house() as other:
        first = await move(one, name)
        assert first.pull_request is not None
        number = first.pull_request.number

        async def again(state: str) -> None:
            outcome = await move(other, name)
            assert (outcome.operation, outcome.changed) == (first.operation, True)
            assert outcome.pull_request is not None
            assert (outcome.pull_request.number, outcome.pull_request.state) == (number, state)
            assert outcome.plan.changes == first.plan.changes

        await again("open")
        with pytest.raises(IdempotencyKeyReused):
            await move(other, name, Action.DEMOTE)
        stage.merge(number)
        await again("merged")
        closed = await move(one, name, Action.DEMOTE, key="alert-2")
        assert closed.pull_request is not None
        stage.close(closed.pull_request.number)
        outcome = await move(other, name, Action.DEMOTE, key="alert-2")
        assert outcome.pull_request is not None
        assert (outcome.operation, outcome.pull_request.state) == (closed.operation, "closed")
    assert len(stage.pulls("all")) == 2
