"""Looking at the services of all who wait for a branch, and planning their moves: for a commit, and for a dry run.

Each move is planned on top of those before it, and has its own answer: what refuses one never refuses its neighbours.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from failover_api.errors import FailoverError, Interrupted
from failover_api.moves.direct.queue import Answer, QueuedMove
from failover_api.moves.idempotency import Idempotency
from failover_api.moves.move import Overlay
from failover_api.moves.outcome import Outcome
from failover_api.moves.progress import Step
from failover_api.moves.rollback import read_undone
from failover_api.reading.history import History
from failover_api.reading.services import Observations, ServiceReader

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What queued moves come to, on what was `seen`: read at `head`, None when it is a single file by itself."""

    seen: Observations
    head: str | None
    answers: Mapping[QueuedMove, Answer]


class Planner:
    """Plans the queued moves of one branch, no service twice."""

    def __init__(self, reader: ServiceReader, history: History, idempotency: Idempotency) -> None:
        self._reader, self._history, self._idempotency = reader, history, idempotency

    async def plan(self, queue: Sequence[QueuedMove], not_before: float | None, *, since: float) -> BatchPlan:
        """What each comes to. `not_before` as in Forge.read(); what their history needs is not older than `since`."""
        seen, head = await self.look(queue, not_before)
        return BatchPlan(seen, head, await self._plan(queue, seen, head, since))

    async def look(self, queue: Sequence[QueuedMove], not_before: float | None) -> tuple[Observations, str | None]:
        """The services, and the head they were all read at."""
        _tell(queue, Step.READING)
        moves = [queued.move for queued in queue]
        services = [service for move in moves for service in move.services]
        at_head = any(move.needs_history for move in moves)
        return await self._reader.observe_together(moves[0].branch, services, not_before=not_before, at_head=at_head)

    async def _plan(
        self, queue: Sequence[QueuedMove], seen: Observations, head: str | None, since: float
    ) -> dict[QueuedMove, Answer]:
        _tell(queue, Step.PLANNING)
        overlay: Overlay = {}
        answers: dict[QueuedMove, Answer] = {}
        bound = [queued for queued in queue if queued.move.needs_history] if head is not None else []
        histories = await asyncio.gather(
            *(self._read_history(queued, seen, head or "", since) for queued in bound), return_exceptions=True
        )
        firsts = dict(zip(bound, histories, strict=True))
        for queued in queue:
            first = firsts.get(queued)
            try:
                if isinstance(first, BaseException):
                    raise first
                answers[queued] = first or queued.move.plan(seen, overlay, queued.undone)
            except FailoverError as exc:
                answers[queued] = exc
            except Exception:  # noqa: BLE001 - it must not end its neighbours
                _log.exception("planning failed by a defect")
                answers[queued] = defect()
            await asyncio.sleep(0)  # hundreds may be planned here: let others have a turn
        return answers

    async def _read_history(self, queued: QueuedMove, seen: Observations, head: str, since: float) -> Outcome | None:
        """The first outcome of its key; else what a rollback undoes is read."""
        first = await self._idempotency.first_outcome(queued.move, seen, head, not_before=since)
        if first is None:
            queued.undone = await read_undone(
                self._history, queued.move, seen, head, not_before=since, first=queued.undone
            )
        return first


def defect() -> Interrupted:
    """What a caller is told of a defect of ours."""
    return Interrupted("a defect in failover-api; its log has the traceback")


def _tell(queue: Sequence[QueuedMove], step: Step) -> None:
    for queued in queue:
        queued.tell(step)
