"""One commit for all who wait for a branch: from the first look to a commit that is known to be there.

    look        optimistic: any copy will do, since the write is a compare-and-swap against it
    plan        planner.py; a refusal or "nothing to do" counts only when the copy was validated
    commit      lost the race: look again, plan again, all of them
                lost the reply: see whether it landed (lost_reply.py), then go on as after a lost race

Each queued move has its own answer: what refuses one never refuses its neighbours. The same operations are carried by
every attempt, so that they are found whichever of them landed.
"""

import dataclasses
import logging
import time
from collections.abc import Sequence

from failover_api.concurrency import together
from failover_api.core.catalog.model import Branch
from failover_api.core.planning.request import PERMIT_LASTS_S
from failover_api.deadline import ATTEMPTS, back_off
from failover_api.errors import (
    BranchProtected,
    Conflict,
    FailoverError,
    ForgeError,
    ForgeRateLimited,
    ManifestError,
    OutcomeUnknown,
    RepositoryNotFound,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.port import Forge
from failover_api.forge.values import Commit
from failover_api.moves.direct.lost_reply import LostReply
from failover_api.moves.direct.planner import BatchPlan, Planner, defect
from failover_api.moves.direct.queue import Answer, PlannedCommit, QueuedMove
from failover_api.moves.move import Move, MovePlan
from failover_api.moves.outcome import Outcome
from failover_api.moves.progress import Step
from failover_api.reading.services import snapshot_of

_log = logging.getLogger(__name__)


class Batch:
    """Queued moves of one branch, no service twice."""

    def __init__(self, queue: Sequence[QueuedMove], *, forge: Forge, planner: Planner) -> None:
        self._queue = list(queue)
        self._forge, self._planner = forge, planner
        self._branch: Branch = queue[0].move.branch
        self._started = time.monotonic()
        self._since = self._started  # what is read for the attempt under way is not older
        self._lost = LostReply(self._queue, forge=forge, branch=self._branch)
        self._put_off: list[QueuedMove] = []

    async def run(self) -> list[QueuedMove]:
        """Answers every queued move, but those it gives back: they have to wait, and were not written."""
        try:
            given_back = await self._attempt_until_known()
        except FailoverError as exc:
            await self._end(exc)
        except Exception:  # noqa: BLE001 - it must not end the branch's other moves
            _log.exception("writing failed by a defect")
            await self._end(defect())
        else:
            return [*self._put_off, *given_back]
        return self._put_off

    async def rehearse(self) -> list[Outcome]:
        """What a run would answer, in order; nothing is written. Raises what refuses the first that is refused."""
        plan = await self._planner.plan(self._queue, self._started, since=self._since)
        return [_rehearsed(queued.move, plan.answers[queued]) for queued in self._queue]

    @property
    def _live(self) -> list[QueuedMove]:
        """Those that still need an answer, or of whose write nobody knows yet; without those that are put off."""
        here = [queued for queued in self._queue if queued not in self._put_off]
        return [queued for queued in here if queued.is_open or queued.may_have_landed]

    async def _attempt_until_known(self) -> list[QueuedMove]:
        optimistic = all(
            queued.move.request.versions is None and not queued.move.needs_history for queued in self._queue
        )
        not_before = None if optimistic else self._started
        last: FailoverError | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self._tell(Step.RETRYING)
                await back_off(attempt)
            if not self._live:
                return []
            self._since = self._started if not_before is None else not_before
            try:
                planned = await self._planned(not_before)
            except WriteConflict as exc:  # it moved while it was read
                last, not_before = exc, time.monotonic()
                continue
            if planned is None:
                return []
            try:
                self._lost.landed(planned, await self._write(planned))
                return []
            except WriteConflict as exc:
                last = exc
            except WriteUnknown as exc:
                # It may have landed, or may yet. Planned anew without knowing, it could undo what somebody did after
                # it, and a rollback could undo itself: it is held, and the next attempt sees first what became of it.
                last = exc
                await self._lost.find_if_possible()
            except ForgeRateLimited:
                if self._lost.planned is not None or not self._forge.write_wait_s(self._branch):
                    raise
                return self._live  # nothing was written: the writer waits for GitHub, and takes them again
            except (BranchProtected, Conflict, ForgeError) as exc:
                if len(planned.parts) == 1 or self._lost.planned is not None:
                    raise  # alone it could only be refused again; and a lost write must not be left behind
                return await self._one_by_one(planned, exc)
            not_before = time.monotonic()
        names = ", ".join(queued.move.name for queued in self._live)
        raise Conflict(f"{names} could not be written in {ATTEMPTS} tries; the last: {last}")

    async def _planned(self, not_before: float | None) -> PlannedCommit | None:
        """The next commit; None when there is nothing to write. Moves that need no write are answered here."""
        while True:
            queue = self._live
            if not queue:
                return None
            plan = await self._validated(queue, not_before)
            await self._lost.resolve(plan)
            self._put_some_off(plan)
            if queue == self._live:
                break  # else somebody left: nobody else's plan may hold what was theirs
        parts: list[tuple[QueuedMove, MovePlan]] = []
        for queued, answer in plan.answers.items():
            if isinstance(answer, MovePlan) and answer.has_changes:
                parts.append((queued, answer))
            elif isinstance(answer, MovePlan):
                queued.settle(self._nothing_to_do(queued, answer))
            elif isinstance(answer, FailoverError) and queued.may_have_landed:  # refused now, and may land yet
                queued.settle(queued.unknown(answer.detail))
            else:
                queued.settle(answer)
        if not parts:
            return None
        is_permitted, send_by = await self._permitted(parts)
        if not is_permitted:
            return await self._planned(not_before)  # a commit of those who are left is another one
        names = [service.name for queued, _ in parts for service in queued.move.services]
        with_history = any(queued.move.needs_history for queued, _ in parts)
        snapshot = snapshot_of(self._branch, plan.seen, names, plan.head, with_history=with_history)
        return PlannedCommit(plan.seen, snapshot, tuple(parts), send_by)

    async def _permitted(self, parts: Sequence[tuple[QueuedMove, MovePlan]]) -> tuple[bool, float | None]:
        """Whether all that need a permit have it, now that the next thing is to write; and until when.

        All are asked at once, since none lasts for long. Who gets none is answered.
        """
        asked = [queued for queued, _ in parts if queued.move.needs_permit]
        answers = await together(map(_permit, asked))
        for queued, answer in zip(asked, answers, strict=True):
            if isinstance(answer, FailoverError):
                queued.settle(queued.unknown(answer.detail) if queued.may_have_landed else answer)
        times = [answer for answer in answers if not isinstance(answer, FailoverError)]
        return len(times) == len(asked), min(times, default=None)

    def _nothing_to_do(self, queued: QueuedMove, move_plan: MovePlan) -> Outcome:
        outcome, why = queued.move.outcome(move_plan, changed=False), self._lost.untold.get(queued)
        if why is None:
            return outcome
        operation = queued.move.provenance.operation
        text = f"operation {operation} of this call may have done it: its write got no reply, and {why}"
        return dataclasses.replace(outcome, warnings=(*outcome.warnings, text))

    def _put_some_off(self, plan: BatchPlan) -> None:
        """Those after whom an earlier write, whose reply was lost, could land as if they had never been.

        It lands where it finds the files as they were: so nobody may bring them back, or find them so and leave.
        """
        moving = {queued: answer for queued, answer in plan.answers.items() if isinstance(answer, MovePlan)}
        planned = {path: data for move_plan in moving.values() for path, data in move_plan.files.items()}
        for queued, move_plan in moving.items():
            if queued.may_have_landed:
                continue  # it is this one's own write that has no reply
            files = queued.files_after(plan.seen, planned)
            wait_s = self._forge.unconfirmed_wait_s(self._branch, files, writing=move_plan.has_changes)
            if wait_s:
                self._put_off.append(queued)
                queued.put_off(wait_s)

    async def _validated(self, queue: Sequence[QueuedMove], not_before: float | None) -> BatchPlan:
        """Only what is current may be refused, or need no write."""
        if not_before is None:
            try:
                plan = await self._planner.plan(queue, None, since=self._since)
                if all(isinstance(answer, MovePlan) and answer.is_all_change for answer in plan.answers.values()):
                    return plan  # the write is a compare-and-swap against all of it
            except (ManifestError, RepositoryNotFound):
                pass  # said again, if it is still so
            not_before = self._started
        return await self._planner.plan(queue, not_before, since=self._since)

    async def _one_by_one(self, planned: PlannedCommit, error: FailoverError) -> list[QueuedMove]:
        """GitHub refused the commit as a whole: one of its parts may be what it refuses.

        Two of them in a row: it refuses anything, and the others need not ask.
        """
        given_back: list[QueuedMove] = []
        refused = 0
        for queued, _ in planned.parts:
            if refused == 2:
                queued.settle(error)
                continue
            alone = Batch([queued], forge=self._forge, planner=self._planner)
            given_back += await alone.run()
            refused = refused + 1 if _is_refused(queued, error) else 0
        return given_back

    def _tell(self, step: Step) -> None:
        for queued in self._live:
            queued.tell(step)

    async def _write(self, planned: PlannedCommit) -> Commit:
        self._tell(Step.WRITING)
        before = self._lost.planned
        self._lost.hold(planned)
        try:
            return await self._forge.commit(planned.snapshot, planned.files, planned.message, send_by=planned.send_by)
        except WriteUnknown:
            raise
        except FailoverError:
            self._lost.hold(before)  # surely not carried out
            raise

    async def _end(self, error: FailoverError) -> None:
        """Answers everybody. While a write has no reply, it may be what caused the error."""
        if not isinstance(error, OutcomeUnknown):
            await self._lost.find_if_possible(patiently=True)
        for queued in self._live:
            queued.settle(queued.unknown(error.detail) if queued.may_have_landed else error)


async def _permit(queued: QueuedMove) -> float | FailoverError:
    """Until when it may be sent, or why it may not."""
    try:
        await queued.move.check_permit()
    except FailoverError as exc:
        return exc
    return time.monotonic() + PERMIT_LASTS_S


def _rehearsed(move: Move, answer: Answer) -> Outcome:
    if isinstance(answer, FailoverError):
        raise answer
    return answer if isinstance(answer, Outcome) else move.outcome(answer, dry_run=True, changed=answer.has_changes)


def _is_refused(queued: QueuedMove, error: FailoverError) -> bool:
    """Whether the queued move met the same kind of error."""
    if queued.is_open or queued.answer.cancelled():
        return False
    own_error = queued.answer.exception()
    return isinstance(own_error, FailoverError) and own_error.slug == error.slug
