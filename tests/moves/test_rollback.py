"""Rollback: the newest move undone, to the exact former values."""

import asyncio
from typing import Any

import pytest

from failover_api import deadline
from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.core.planning.state import State
from failover_api.core.text.trailers import read_records
from failover_api.errors import ChangedSince, Conflict, NothingToRollBack, PreconditionFailed
from failover_api.moves.outcome import Outcome
from failover_api.wiring import Components
from tests.support.acts import move
from tests.support.stage import FILES, SERVICES, SONARR, VOLSYNC, Stage, deployment, entry

ONE_AND_SEVERAL_FILES = pytest.mark.parametrize(("name", "path"), [("sonarr", SONARR), ("plex", VOLSYNC)])


async def rollback(components: Components, name: str = "sonarr", **how: Any) -> Outcome:
    return await move(components, name, Action.ROLLBACK, **how)


@ONE_AND_SEVERAL_FILES
async def test_the_newest_move_is_undone_byte_for_byte(stage: Stage, name: str, path: str) -> None:
    async with stage.open() as components:
        moved = await move(components, name)
        outcome = await rollback(components, name, reason="a false alarm")
    assert stage.read(path) == FILES[path]
    assert outcome.changed
    assert (outcome.plan.before.state, outcome.plan.after) == (State.BACKUP, State.PRIMARY)
    message = stage.moves[0]
    assert message.startswith(f"Roll back {name} to primary\n")
    (record,) = read_records(message)
    assert (record.action, record.reverts, record.provenance.reason) == ("rollback", moved.operation, "a false alarm")
    assert record.operation == outcome.operation


@ONE_AND_SEVERAL_FILES
async def test_twice_undoes_the_rollback(stage: Stage, name: str, path: str) -> None:
    async with stage.open() as components:
        await move(components, name)
        there = stage.read(path)
        await rollback(components, name)
        again = await rollback(components, name)
    assert stage.read(path) == there
    assert again.plan.after is State.BACKUP


async def test_values_of_neither_side_come_back(stage: Stage) -> None:
    text = (stage.read(SONARR) or b"").decode().replace("role: primary ", "role: 'elsewhere' ")
    stage.commit({SONARR: text})
    async with stage.open() as components:
        await move(components, force=True)
        outcome = await rollback(components)
    assert (stage.read(SONARR) or b"").decode() == text
    assert outcome.plan.after is State.UNKNOWN


async def test_a_persons_later_change_of_the_same_value_is_not_overwritten(stage: Stage) -> None:
    async with stage.open() as components:
        await move(components)
        stage.replace(SONARR, "role: backup", "role: k3s-w3")
        edited = stage.read(SONARR)
        for dry_run in (True, False):
            with pytest.raises(ChangedSince, match=f"{SONARR}:12"):
                await rollback(components, dry_run=dry_run)
    assert stage.read(SONARR) == edited


async def test_a_persons_other_change_is_kept(stage: Stage) -> None:
    async with stage.open() as components:
        await move(components)
        stage.replace(SONARR, "sonarr:1.0", "sonarr:1.1")
        await rollback(components)
    assert (stage.read(SONARR) or b"") == FILES[SONARR].replace(b"sonarr:1.0", b"sonarr:1.1")


async def test_what_a_person_put_back_is_back(stage: Stage) -> None:
    async with stage.open() as components:
        await move(components)
        stage.commit({SONARR: FILES[SONARR]}, 'Revert "Fail over sonarr to backup"')
        outcome = await rollback(components)
    assert (outcome.changed, outcome.commit, outcome.operation) == (False, None, None)


async def test_nothing_to_roll_back(stage: Stage) -> None:
    stage.replace(SONARR, "role: primary", "role: backup")
    async with stage.open() as components:
        with pytest.raises(NothingToRollBack, match="sonarr"):
            await rollback(components)
        await move(components, "radarr")
        with pytest.raises(NothingToRollBack):
            await rollback(components)


async def test_of_a_groups_commit_only_the_one_service_is_undone(stage: Stage) -> None:
    stage.declare(
        entry("one", "media", "path: apps/both.yaml") + entry("two", "media", "path: apps/both.yaml"),
        top="groups: {g: [one, two]}",
    )
    stage.commit({"apps/both.yaml": deployment("one") + "---\n" + deployment("two")})
    async with stage.open() as components:
        await components.failover.move_group("g", Action.PROMOTE, MoveRequest(by="maria"))
        await rollback(components, "one")
    text = (stage.read("apps/both.yaml") or b"").decode()
    assert text == deployment("one") + "---\n" + deployment("two", role="backup", claim="pvc-two-backup")


async def test_a_dry_run_says_what_would_be_and_gives_what_an_if_match_takes(stage: Stage) -> None:
    async with stage.open() as components:
        await move(components)
        rehearsed = await rollback(components, dry_run=True)
        assert (rehearsed.changed, rehearsed.commit) == (True, None)
        assert len(stage.moves) == 1
        await rollback(components, versions=frozenset({rehearsed.version}))
        with pytest.raises(PreconditionFailed):
            await rollback(components, versions=frozenset({rehearsed.version}))


@ONE_AND_SEVERAL_FILES
@pytest.mark.parametrize("kind", ["lost_reply", "lost_request", "race"])
async def test_a_fault_that_passes_is_resolved(stage: Stage, name: str, path: str, kind: str) -> None:
    async with stage.open() as components:
        await move(components, name)
        stage.fault(kind, operation="createCommitOnBranch")
        outcome = await rollback(components, name)
    assert not len(stage.sandbox.faults), "the fault was met"
    assert outcome.changed
    assert len(stage.moves) == 2
    assert (stage.read(path) or b"").startswith(FILES[path])


async def test_a_lost_reply_is_no_second_rollback_though_the_history_lags(stage: Stage) -> None:
    async with stage.open() as components:
        await move(components)
        stage.commit({"README.md": "other work\n"})
        stage.fault("lost_reply", operation="createCommitOnBranch")
        stage.fault("stale", method="GET", path="*/commits", times=None)
        outcome = await rollback(components)
    assert outcome.changed
    assert len(stage.moves) == 2
    assert stage.read(SONARR) == FILES[SONARR]


async def test_a_lost_reply_is_no_second_rollback_though_the_history_fails(stage: Stage) -> None:
    async with stage.open() as components:
        await move(components)
        stage.fault("lost_reply", operation="createCommitOnBranch")
        stage.fault("status", method="GET", path="*/commits", status=502, times=3, after=2)
        outcome = await rollback(components)
    assert outcome.changed
    assert len(stage.moves) == 2
    assert stage.read(SONARR) == FILES[SONARR]


async def test_replicas_that_roll_back_together_do_not_undo_each_other(stage: Stage) -> None:
    """The second has to look again; one that comes after the first has undone the rollback, as it was asked to."""
    async with stage.open() as one, stage.open() as other:
        await move(one)
        outcomes = await asyncio.gather(rollback(one), rollback(other), return_exceptions=True)
    reverted = [record.reverts for message in stage.moves for record in read_records(message) if record.reverts]
    done = [outcome for outcome in outcomes if isinstance(outcome, Outcome)]
    assert len(reverted) == len(set(reverted)) == len(done)
    assert all(isinstance(outcome, (Outcome, Conflict)) for outcome in outcomes)


async def test_a_rollback_that_lost_its_race_to_another_is_a_conflict(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "BACKOFF_S", 1.0)
    async with stage.open() as one, stage.open() as other:
        await move(one)
        await other.failover.status("sonarr")  # knows the move, and is faster
        stage.fault("lost_request", operation="createCommitOnBranch")
        losing = asyncio.create_task(rollback(one))
        while len(stage.sandbox.faults):  # noqa: ASYNC110 - the sandbox has no event to wait for
            await asyncio.sleep(0.002)
        await rollback(other)
        with pytest.raises(Conflict, match="moved by operation"):
            await losing
    assert stage.read(SONARR) == FILES[SONARR]


async def test_a_rollback_through_a_pull_request(stage: Stage) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    async with stage.open() as components:
        moved = await move(components)
        assert moved.pull_request is not None
        with pytest.raises(NothingToRollBack):
            await rollback(components)
        stage.merge(moved.pull_request.number)
        outcome = await rollback(components)
        again = await rollback(components)
        assert outcome.is_pending
        assert outcome.pull_request is not None
        assert (again.changed, again.operation) == (False, outcome.operation)
        stage.merge(outcome.pull_request.number)
        status = await components.failover.status("sonarr")
    assert stage.read(SONARR) == FILES[SONARR]
    assert status.last_move is not None
    assert status.last_move.record is not None
    assert status.last_move.record.reverts == moved.operation


async def test_what_was_merged_beside_a_persons_edit_is_rolled_back_beside_it(stage: Stage) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    edited = b"# edited\n" + FILES[SONARR]
    async with stage.open() as components:
        for act in (move, rollback):
            outcome = await act(components)
            if act is move:
                stage.commit({SONARR: edited})
            assert outcome.pull_request is not None
            stage.merge(outcome.pull_request.number, "merge")
    assert stage.read(SONARR) == edited
