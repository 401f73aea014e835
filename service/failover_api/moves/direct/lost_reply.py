"""A write whose reply was lost: was it carried out?

    the files stand as it found them    it may land yet: everybody waits, or is told that nobody knows
    they are others                     it has landed, or never will, being a compare-and-swap: the history tells which

A commit is known by the operations in its trailers: each attempt carries the same, so whichever landed is found.
"""

import asyncio
import logging
import time
from collections.abc import Sequence

from failover_api.core.catalog.model import Branch
from failover_api.core.text.trailers import read_all_records
from failover_api.errors import FailoverError, ForgeFailure, WriteUnknown
from failover_api.forge.port import Forge
from failover_api.forge.values import Commit
from failover_api.moves.direct.planner import BatchPlan
from failover_api.moves.direct.queue import Answer, Part, PlannedCommit, QueuedMove
from failover_api.moves.move import MovePlan
from failover_api.moves.outcome import Outcome

READ_BACK_WAITS_S = (0.0, 0.3, 1.0, 2.0)
_log = logging.getLogger(__name__)


class LostReply:
    """The write of a batch that has no reply (yet), and who is in it.

    `planned` is None while there is none. `untold` says of whom nobody knows whether a lost write of his is what is
    there, and why.
    """

    def __init__(self, queue: Sequence[QueuedMove], *, forge: Forge, branch: Branch) -> None:
        self._queue, self._forge, self._branch = queue, forge, branch
        self.planned: PlannedCommit | None = None
        self.untold: dict[QueuedMove, str] = {}

    def hold(self, planned: PlannedCommit | None) -> None:
        """Keeps a write that is sent now, and tells its queued moves that they may have landed."""
        for queued in self._queue:
            queued.may_have_landed = planned is not None and any(queued is other for other, _ in planned.parts)
        self.planned = planned

    def landed(self, planned: PlannedCommit, commit: Commit, carried_out: frozenset[Part] | None = None) -> None:
        """Answers those in a write that landed; `carried_out` is what its commit names."""
        self.hold(None)
        planned.landed(commit, carried_out)

    async def resolve(self, plan: BatchPlan) -> None:
        """Settles what became of it, as far as what was read tells; while it may land yet it stays held.

        Raises what keeps the history from us, unless the files say that all is done.
        """
        lost = self.planned
        if lost is None or lost.versions_in(plan.seen) == lost.versions_in(lost.seen):
            return  # where its files are as it found them it may land yet
        try:
            has_landed = await self._find(lost, READ_BACK_WAITS_S, head=plan.head)
        except ForgeFailure as exc:
            if any(not _is_done(plan.answers.get(queued)) for queued, _ in lost.parts):
                raise  # planned anew without knowing, it could undo what came after it
            self.untold |= {queued: exc.detail for queued, _ in lost.parts}
            has_landed = False
        if has_landed is None:
            raise WriteUnknown("the files changed, and the history does not show yet by whom")
        if not has_landed:
            self.hold(None)

    async def find_if_possible(self, *, patiently: bool = False) -> None:
        """Looks for it in the history; where that cannot be read, what the files say has to do.

        `patiently`: nobody looks again after this, so the branch is given time to show it.
        """
        if self.planned is None:
            return
        try:
            await self._find(self.planned, READ_BACK_WAITS_S if patiently else (0.0,))
        except FailoverError as exc:
            _log.warning("a lost write could not be looked for", extra={"problem": exc.slug, "detail": exc.detail})
        except Exception:  # noqa: BLE001 - those who wait need their answer all the same
            _log.exception("looking for a lost write failed by a defect")

    async def _find(self, lost: PlannedCommit, waits_s: Sequence[float], *, head: str | None = None) -> bool | None:
        """Whether it is in the history up to `head`, or after each wait up to where the branch is then.

        None while the branch, which may lag behind its files, still shows what the write was to replace.
        """
        queued, move_plan = lost.parts[0]
        path = next(path for plan in move_plan.plans for path in plan.new)
        for wait_s in waits_s if head is None else (0.0,):
            await asyncio.sleep(wait_s)
            at, is_past = head, True
            if at is None:
                # A branch can lag behind its files: while it shows the file as it was, its history proves nothing.
                current = await self._forge.read(self._branch, [path], not_before=time.monotonic(), at_head=True)
                at, is_past = current.head, current.files[path] != lost.snapshot.files[path]
            # The oldest that names the operation: a person's revert of ours may quote it.
            for logged in reversed(await self._forge.log(self._branch, path, at=at, not_before=None)):
                carried_out = frozenset(record.provenance.part for record in read_all_records(logged.message))
                if queued.move.provenance.part in carried_out:
                    self._forge.landed(lost.snapshot, lost.files, logged.sha)
                    self.landed(lost, logged.commit, carried_out)
                    return True
            if is_past:
                return False
        return None


def _is_done(answer: Answer | None) -> bool:
    return isinstance(answer, Outcome) or (isinstance(answer, MovePlan) and not answer.has_changes)
