"""Two faults in one operation, and who waits behind it: each has one answer, and a true one."""

import asyncio
from typing import Any

import pytest

from failover_api.core.planning.state import State
from failover_api.errors import FailoverError, InternalError, OutcomeUnknown
from failover_api.moves import idempotency
from failover_api.moves.direct import batch, lost_reply
from failover_api.moves.outcome import Outcome
from failover_api.moves.progress import Step
from tests.support.acts import move
from tests.support.stage import FILES, SONARR, Stage

DEEP = "[" * 100_000 + "]" * 100_000
# What the look for a lost write meets.
SECOND: dict[str, dict[str, Any]] = {
    "a rate limit": {"kind": "rate_limit_secondary", "retry_after": 1},
    "the quota used up": {"kind": "rate_limit_primary", "seconds": 1.0},
    "a missing branch": {"kind": "status", "status": 404, "body": {"message": "Branch not found"}},
    "a permission that is gone": {"kind": "status", "status": 403, "body": {"message": "Must have admin rights"}},
    "an outage": {"kind": "status", "status": 502, "times": 3},
    "a deep answer": {"kind": "status", "status": 200, "body": DEEP, "times": 3},
    "an odd answer": {"kind": "status", "status": 200, "body": []},
}


def is_true(stage: Stage, answer: Any) -> bool:
    """What is called written is there, what is called not applied is not."""
    is_there = b"role: backup" in (stage.read(SONARR) or b"")
    if isinstance(answer, Outcome):
        return is_there
    return isinstance(answer, FailoverError) and (answer.outcome == "unknown" or not is_there)


@pytest.mark.parametrize("first", ["lost_reply", "lost_request"])
@pytest.mark.parametrize("second", SECOND)
async def test_a_lost_reply_and_what_its_read_back_meets_harm_nobody_behind(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, first: str, second: str
) -> None:
    monkeypatch.setattr(lost_reply, "READ_BACK_WAITS_S", (0.0, 0.1))
    meets = dict(SECOND[second])
    async with stage.open() as components:
        await components.failover.list_all()
        stage.fault(first, method="PUT")
        moving = asyncio.create_task(move(components, "sonarr"))
        while len(stage.sandbox.faults):  # noqa: ASYNC110 - the sandbox has no event to wait for
            await asyncio.sleep(0.001)
        stage.fault(meets.pop("kind"), path=f"/repos/{stage.repository}/branches", **meets)
        behind = asyncio.create_task(move(components, "radarr"))
        answer, other = await asyncio.gather(moving, behind, return_exceptions=True)
    assert isinstance(answer, (Outcome, OutcomeUnknown)), answer
    assert is_true(stage, answer)
    assert not isinstance(other, InternalError), other
    assert isinstance(other, Outcome) or other.outcome == "not-applied"
    assert len([message for message in stage.moves if "Failover-Service: sonarr" in message]) <= 1


async def test_a_reply_to_a_write_that_is_nested_too_deep_is_a_lost_one(stage: Stage) -> None:
    async with stage.open() as components:
        await components.failover.list_all()
        stage.fault("status_after", method="PUT", status=200, body=DEEP)
        outcome = await move(components)
    assert outcome.changed
    assert outcome.commit is not None
    assert len(stage.moves) == 1


@pytest.mark.parametrize("path", ["branches", "git/trees"])
async def test_a_reply_to_a_read_that_is_nested_too_deep_is_githubs_fault(stage: Stage, path: str) -> None:
    async with stage.open() as components:
        stage.fault("status", method="GET", path=f"/repos/{stage.repository}/{path}", status=200, body=DEEP, times=None)
        stage.fault("status", path="/graphql", status=200, body=DEEP, times=None)
        with pytest.raises(FailoverError) as caught:
            await components.failover.status("sonarr" if path != "branches" else "plex")
    assert caught.value.slug in {"github-error", "github-unavailable"}


async def test_an_error_page_that_is_nested_too_deep_is_an_outage(stage: Stage) -> None:
    async with stage.open() as components:
        stage.fault("status", status=502, body=DEEP, times=None)
        with pytest.raises(FailoverError) as caught:
            await components.failover.status("sonarr")
    assert caught.value.slug == "github-unavailable"


# Defects of ours


async def test_a_defect_settles_its_own_commit_and_the_rest_go_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = batch.snapshot_of
    calls = 0

    def snapshot_of(*given: Any, **how: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ZeroDivisionError
        return sound(*given, **how)

    async with stage.open() as components:
        await components.failover.list_all()
        monkeypatch.setattr(batch, "snapshot_of", snapshot_of)
        moving = [asyncio.create_task(move(components, "sonarr"))]
        while not calls:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
        moving.append(asyncio.create_task(move(components, "radarr")))
        broken, other = await asyncio.gather(*moving, return_exceptions=True)
    assert isinstance(broken, InternalError)
    assert broken.outcome == "not-applied"
    assert isinstance(other, Outcome)
    assert stage.read(SONARR) == FILES[SONARR]


async def test_a_defect_while_a_lost_write_is_looked_for_is_an_unknown_outcome(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(message: str) -> Any:
        raise ZeroDivisionError(message)

    async with stage.open() as components:
        await components.failover.list_all()
        monkeypatch.setattr(lost_reply, "read_all_records", broken)
        stage.fault("lost_reply", method="PUT")
        moving = asyncio.create_task(move(components, "sonarr"))
        await asyncio.sleep(0.05)
        lost, other = await asyncio.gather(moving, move(components, "radarr"), return_exceptions=True)
    assert isinstance(lost, OutcomeUnknown)
    assert isinstance(other, Outcome)
    assert len([message for message in stage.moves if "Failover-Service: sonarr" in message]) == 1


async def test_a_caller_who_cannot_be_told_of_a_step_is_moved_all_the_same(stage: Stage) -> None:
    def broken(step: Step) -> None:
        raise ConnectionResetError(step)

    async with stage.open() as components:
        outcomes = await asyncio.gather(move(components, "sonarr", on_step=broken), move(components, "radarr"))
    assert [outcome.changed for outcome in outcomes] == [True, True]


# What may land yet is never called not applied


async def test_a_refusal_after_a_lost_write_that_may_land_yet_is_unknown(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key cannot be looked up again, and the write comes in the end."""
    async with stage.open() as components:
        await components.failover.status("sonarr")
        stage.fault("late", operation="createCommitOnBranch", seconds=0.6)
        moving = asyncio.create_task(move(components, "sonarr", key="alert-1"))
        while len(stage.sandbox.faults):  # noqa: ASYNC110 - the sandbox has no event to wait for
            await asyncio.sleep(0.001)
        sound = idempotency.Idempotency.first_outcome

        async def limited(*given: Any, **how: Any) -> Any:
            await sound(*given, **how)
            raise ZeroDivisionError

        monkeypatch.setattr(idempotency.Idempotency, "first_outcome", limited)
        with pytest.raises(OutcomeUnknown):
            await moving
        await asyncio.sleep(0.8)
        state = (await components.failover.status("sonarr")).detection.state
    assert state is State.BACKUP, "it came"


async def test_who_waits_when_the_process_ends_is_told_that_nothing_was_written(stage: Stage) -> None:
    async with stage.open() as components:
        await components.failover.list_all()
        stage.fault("slow", method="PUT", seconds=20.0)
        moving = [asyncio.create_task(move(components, "sonarr"))]
        await asyncio.sleep(0.1)
        moving.append(asyncio.create_task(move(components, "radarr")))
        while len(stage.sandbox.faults):  # noqa: ASYNC110 - the sandbox has no event to wait for
            await asyncio.sleep(0.002)
    writing, waiting = await asyncio.gather(*moving, return_exceptions=True)
    assert isinstance(writing, OutcomeUnknown)
    assert isinstance(waiting, InternalError)
    assert waiting.outcome == "not-applied"
