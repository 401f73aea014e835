"""One commit for all who wait: from the first look to a commit that is known to be there.

    look        optimistic: any copy will do, since the write is a compare-and-swap against it
    plan        pure; a refusal or "nothing to do" counts only when the copy was validated
    commit      lost the race: look again, plan again, all of them
                lost the reply: look for the operations in Git's history, then go on as after a lost race

Each queued move has its own answer: what refuses one never refuses its neighbours. The same operations are carried by
every attempt, so that they are found whichever of them landed.
"""

import asyncio
import dataclasses
import logging
import time
from collections.abc import Mapping, Sequence

from failover_api.core.catalog.model import Branch
from failover_api.core.text.trailers import read_records
from failover_api.deadline import ATTEMPTS, back_off
from failover_api.errors import (
    BranchProtected,
    Conflict,
    FailoverError,
    ForgeError,
    ForgeFailure,
    ForgeRateLimited,
    Interrupted,
    ManifestError,
    OutcomeUnknown,
    RepositoryNotFound,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.port import Commit, Forge
from failover_api.moves.direct.queue import Answer, PlannedCommit, QueuedMove
from failover_api.moves.idempotency import Idempotency
from failover_api.moves.move import Move, MovePlan, Overlay
from failover_api.moves.outcome import Outcome
from failover_api.moves.progress import Step
from failover_api.reading.services import Observations, ServiceReader, snapshot_of

_log = logging.getLogger(__name__)
READ_BACK_WAITS_S = (0.0, 0.3, 1.0, 2.0)


class Batch:
    """Tickets of one branch, no service twice."""

    def __init__(
        self, queue: Sequence[QueuedMove], *, forge: Forge, reader: ServiceReader, idempotency: Idempotency
    ) -> None:
        self._queue = list(queue)
        self._forge, self._reader, self._idempotency = forge, reader, idempotency
        self._branch: Branch = queue[0].move.branch
        self._started = time.monotonic()
        self._since = self._started  # what is read for the attempt under way is not older
        self._lost: PlannedCommit | None = None  # written, and no reply (yet)
        self._put_off: list[QueuedMove] = []
        self._untold: dict[QueuedMove, str] = {}  # why nobody knows whether a lost write of it is what is there

    async def run(self) -> list[QueuedMove]:
        """Answers every queued move, but those it gives back: they have to wait, and were not written."""
        try:
            given_back = await self._attempt_until_known()
        except FailoverError as exc:
            await self._end(exc)
        except Exception:  # noqa: BLE001 - it must not end the branch's other moves
            _log.exception("writing failed by a defect")
            await self._end(_defect())
        else:
            return [*self._put_off, *given_back]
        return self._put_off

    async def rehearse(self) -> None:
        """Answers what a run would do, and writes nothing."""
        try:
            seen, head = await self._look(self._queue, self._started)
            for queued, move_plan in (await self._plan(seen, head, self._queue)).items():
                if isinstance(move_plan, MovePlan):
                    move_plan = queued.move.outcome(move_plan, dry_run=True, changed=move_plan.has_changes)
                queued.settle(move_plan)
        except FailoverError as exc:
            await self._end(exc)

    @property
    def _live(self) -> list[QueuedMove]:
        """Those that still need an answer, or of whose write nobody knows yet; without those that are put off."""
        here = [queued for queued in self._queue if queued not in self._put_off]
        return [queued for queued in here if queued.is_open or queued.may_have_landed]

    async def _attempt_until_known(self) -> list[QueuedMove]:
        optimistic = all(queued.move.versions is None and not queued.move.needs_history for queued in self._queue)
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
                self._landed(planned, await self._write(planned))
                return []
            except WriteConflict as exc:
                last = exc
            except WriteUnknown as exc:
                last = exc
                await self._find_if_possible(planned)
            except ForgeRateLimited:
                if self._lost is not None or not self._forge.write_wait_s(self._branch):
                    raise
                return self._live
            except (BranchProtected, Conflict, ForgeError) as exc:
                if len(planned.parts) == 1 or self._lost is not None:
                    raise
                return await self._one_by_one(planned, exc)
            not_before = time.monotonic()
        names = ", ".join(queued.move.name for queued in self._live)
        raise Conflict(f"{names} could not be written in {ATTEMPTS} tries; the last: {last}")

    async def _planned(self, not_before: float | None) -> PlannedCommit | None:
        """The next commit; None when there is nothing to write. Tickets that need no write are answered here."""
        while True:
            queue = self._live
            if not queue:
                return None
            seen, head, move_plans = await self._validated(queue, not_before)
            if self._lost is not None:
                await self._resolve(self._lost, seen, head, move_plans)
            self._put_some_off(seen, move_plans)
            if queue == self._live:
                break  # else somebody left: nobody else's plan may hold what was theirs
        parts: list[tuple[QueuedMove, MovePlan]] = []
        for queued, move_plan in move_plans.items():
            if isinstance(move_plan, MovePlan) and move_plan.has_changes:
                parts.append((queued, move_plan))
            elif isinstance(move_plan, MovePlan):
                queued.settle(self._nothing_to_do(queued, move_plan))
            elif isinstance(move_plan, FailoverError) and queued.may_have_landed:  # refused now, and may land yet
                queued.settle(queued.unknown(move_plan.detail))
            else:
                queued.settle(move_plan)
        if not parts:
            return None
        names = [service.name for queued, _ in parts for service in queued.move.services]
        with_history = any(queued.move.needs_history for queued, _ in parts)
        return PlannedCommit(
            seen, snapshot_of(self._branch, seen, names, head, with_history=with_history), tuple(parts)
        )

    def _nothing_to_do(self, queued: QueuedMove, move_plan: MovePlan) -> Outcome:
        outcome, why = queued.move.outcome(move_plan, changed=False), self._untold.get(queued)
        if why is None:
            return outcome
        operation = queued.move.provenance.operation
        text = f"operation {operation} of this call may have done it: its write got no reply, and {why}"
        return dataclasses.replace(outcome, warnings=(*outcome.warnings, text))

    def _put_some_off(self, seen: Observations, move_plans: Mapping[QueuedMove, Answer]) -> None:
        """Those after whom an earlier write, whose reply was lost, could land as if they had never been.

        It lands where it finds the files as they were: so nobody may bring them back, or find them so and leave.
        """
        moving = {queued: move_plan for queued, move_plan in move_plans.items() if isinstance(move_plan, MovePlan)}
        planned = {path: data for move_plan in moving.values() for path, data in move_plan.files.items()}
        for queued, move_plan in moving.items():
            if queued.may_have_landed:
                continue
            files = queued.files_after(seen, planned)
            wait_s = self._forge.late_wait_s(self._branch, files, writing=move_plan.has_changes)
            if wait_s:
                self._put_off.append(queued)
                queued.put_off(wait_s)

    async def _validated(
        self, queue: Sequence[QueuedMove], not_before: float | None
    ) -> tuple[Observations, str | None, dict[QueuedMove, Answer]]:
        """Only what is current may be refused, or need no write."""
        if not_before is None:
            try:
                seen, head = await self._look(queue, None)
                move_plans = await self._plan(seen, head, queue)
                if all(
                    isinstance(move_plan, MovePlan) and move_plan.is_all_change for move_plan in move_plans.values()
                ):
                    return seen, head, move_plans
            except (ManifestError, RepositoryNotFound):
                pass  # said again, if it is still so
            not_before = self._started
        seen, head = await self._look(queue, not_before)
        return seen, head, await self._plan(seen, head, queue)

    async def _look(self, queue: Sequence[QueuedMove], not_before: float | None) -> tuple[Observations, str | None]:
        """The services, and the head they were all read at; None when a single file was read by itself."""
        self._tell(Step.READING)
        moves = [queued.move for queued in queue]
        services = [service for move in moves for service in move.services]
        at_head = any(move.needs_history for move in moves)
        return await self._reader.observe_together(self._branch, services, not_before=not_before, at_head=at_head)

    async def _plan(
        self, seen: Observations, head: str | None, queue: Sequence[QueuedMove]
    ) -> dict[QueuedMove, Answer]:
        """Each move's plans on top of those before it, its first outcome if it came before, or what refuses it."""
        self._tell(Step.PLANNING)
        overlay: Overlay = {}
        move_plans: dict[QueuedMove, Answer] = {}
        bound = [queued for queued in queue if queued.move.needs_history] if head is not None else []
        prepared = await asyncio.gather(
            *(self._prepared(queued.move, seen, head or "") for queued in bound), return_exceptions=True
        )
        firsts = dict(zip(bound, prepared, strict=True))
        for queued in queue:
            first = firsts.get(queued)
            try:
                if isinstance(first, BaseException):
                    raise first
                move_plans[queued] = first or queued.move.plan(seen, overlay)
            except FailoverError as exc:
                move_plans[queued] = exc
            except Exception:  # noqa: BLE001 - it must not end its neighbours
                _log.exception("planning failed by a defect")
                move_plans[queued] = _defect()
            await asyncio.sleep(0)  # hundreds may be planned here: let others have a turn
        return move_plans

    async def _prepared(self, move: Move, seen: Observations, head: str) -> Outcome | None:
        """The first outcome of its key; else reads what its plan needs from the history."""
        first = await self._idempotency.first_outcome(move, seen, head, not_before=self._since)
        if first is None:
            await move.prepare(seen, head, not_before=self._since)
        return first

    async def _one_by_one(self, planned: PlannedCommit, error: FailoverError) -> list[QueuedMove]:
        """GitHub refused the commit as a whole: one of its parts may be what it refuses. Two of them: it is general."""
        given_back: list[QueuedMove] = []
        refused = 0
        for queued, _ in planned.parts:
            if refused == 2:
                queued.settle(error)
                continue
            alone = Batch([queued], forge=self._forge, reader=self._reader, idempotency=self._idempotency)
            given_back += await alone.run()
            refused = refused + 1 if _is_refused(queued, error) else 0
        return given_back

    def _tell(self, step: Step) -> None:
        for queued in self._live:
            queued.tell(step)

    async def _write(self, planned: PlannedCommit) -> Commit:
        self._tell(Step.WRITING)
        before = self._lost
        self._hold(planned)
        try:
            return await self._forge.commit(planned.snapshot, planned.files, planned.message)
        except WriteUnknown:
            raise
        except FailoverError:
            self._hold(before)  # surely not carried out
            raise

    def _hold(self, planned: PlannedCommit | None) -> None:
        """Keeps a write that has no reply (yet), and tells its queued moves."""
        for queued in self._queue:
            queued.may_have_landed = planned is not None and any(queued is other for other, _ in planned.parts)
        self._lost = planned

    def _landed(self, planned: PlannedCommit, commit: Commit, operations: frozenset[str] | None = None) -> None:
        """Answers the queued moves of a draft that landed; `operations` are those that its commit names."""
        self._hold(None)
        for queued, move_plan in planned.parts:
            if operations is None or queued.move.provenance.operation in operations:
                queued.settle(queued.move.outcome(move_plan, changed=True, commit=commit))

    async def _resolve(
        self, lost: PlannedCommit, seen: Observations, head: str | None, move_plans: Mapping[QueuedMove, Answer]
    ) -> None:
        """A write that had no reply. While the files stand as it found them it may land yet; later it never will.

        Raises what keeps the history from us, unless the files say that all is done.
        """
        if lost.versions_in(seen) == lost.versions_in(lost.seen):
            return
        try:
            found = await self._find(lost, READ_BACK_WAITS_S, head=head)
        except ForgeFailure as exc:
            if any(not _is_done(move_plans.get(queued)) for queued, _ in lost.parts):
                raise
            self._untold |= {queued: exc.detail for queued, _ in lost.parts}
            found = False
        if found is None:
            raise WriteUnknown("the files changed, and the history does not show yet by whom")
        if not found:
            self._hold(None)

    async def _find_if_possible(self, lost: PlannedCommit, waits_s: Sequence[float] = (0.0,)) -> None:
        try:
            await self._find(lost, waits_s)
        except FailoverError as exc:  # what the files say has to do
            _log.warning("a lost write could not be looked for", extra={"problem": exc.slug, "detail": exc.detail})
        except Exception:  # noqa: BLE001 - those who wait need their answer all the same
            _log.exception("looking for a lost write failed by a defect")

    async def _find(self, lost: PlannedCommit, waits_s: Sequence[float], *, head: str | None = None) -> bool | None:
        """Looks for a lost write in the history up to `head`, or after each wait up to where the branch is then.

        None while the branch, which may lag behind its files, still shows what the write was to replace.
        """
        queued, move_plan = lost.parts[0]
        path = next(path for plan in move_plan.plans for path in plan.new)
        for wait_s in waits_s if head is None else (0.0,):
            await asyncio.sleep(wait_s)
            at, is_past = head, True
            if at is None:
                now = await self._forge.read(self._branch, [path], not_before=time.monotonic(), at_head=True)
                at, is_past = now.head, now.files[path] != lost.snapshot.files[path]
            # The oldest that names it: a person's revert may quote ours.
            for logged in reversed(await self._forge.log(self._branch, path, at=at, not_before=None)):
                operations = frozenset(record.operation for record in read_records(logged.message))
                if queued.move.provenance.operation in operations:
                    self._forge.landed(lost.snapshot, lost.files, logged.sha)
                    self._landed(lost, logged.commit, operations)
                    return True
            if is_past:
                return False
        return None

    async def _end(self, error: FailoverError) -> None:
        """Answers everybody. While a write has no reply, it may be what caused the error."""
        lost = self._lost
        if lost is not None and not isinstance(error, OutcomeUnknown):
            await self._find_if_possible(lost, READ_BACK_WAITS_S)
        for queued in self._live:
            queued.settle(queued.unknown(error.detail) if queued.may_have_landed else error)


def _defect() -> Interrupted:
    return Interrupted("a defect in failover-api; its log has the traceback")


def _is_done(answer: Answer | None) -> bool:
    return isinstance(answer, Outcome) or (isinstance(answer, MovePlan) and not answer.has_changes)


def _is_refused(queued: QueuedMove, error: FailoverError) -> bool:
    """Whether the queued move met the same kind of error."""
    if queued.is_open or queued.answer.cancelled():
        return False
    met = queued.answer.exception()
    return isinstance(met, FailoverError) and met.slug == error.slug
