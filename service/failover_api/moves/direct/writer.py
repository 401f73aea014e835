"""Direct commits: one writer for each branch in this process, and those who wait are written together.

Parallel writes to one branch only make conflicts. While one is under way the others gather, and the next commit takes
as many as fit. When GitHub takes no more writes for now, they wait for it together, each until its own deadline.
"""

import asyncio
import logging
import time
from collections import deque

from failover_api.core.catalog.model import Branch
from failover_api.deadline import too_late
from failover_api.errors import ForgeRateLimited, Interrupted
from failover_api.forge.port import Forge
from failover_api.moves.direct.batch import Batch
from failover_api.moves.direct.planner import Planner
from failover_api.moves.direct.queue import QueuedMove
from failover_api.moves.idempotency import Idempotency
from failover_api.moves.move import Move
from failover_api.moves.outcome import Outcome
from failover_api.moves.progress import Step
from failover_api.reading.history import History
from failover_api.reading.services import ServiceReader

MAX_FILES = 100  # of one commit; a group that has more is one all the same
PAUSE_S = 0.1  # between looks at those who came while everybody waits
_log = logging.getLogger(__name__)


class Writer:
    """Carries out moves of policy direct."""

    def __init__(self, forge: Forge, reader: ServiceReader, history: History, idempotency: Idempotency) -> None:
        self._forge, self._planner = forge, Planner(reader, history, idempotency)
        self._waiting: dict[Branch, deque[QueuedMove]] = {}
        self._workers: dict[Branch, asyncio.Task[None]] = {}

    async def rehearse(self, move: Move) -> Outcome:
        """The dry run: refused exactly where the move would be."""
        (outcome,) = await self._batch([QueuedMove(move, float("inf"))]).rehearse()
        return outcome

    async def carry_out(self, move: Move, *, deadline_s: float) -> Outcome:
        """Writes, when it is this move's turn. Raises OutcomeUnknown when a write may have landed."""
        queued = QueuedMove(move, time.monotonic() + deadline_s)
        self._waiting.setdefault(move.branch, deque()).append(queued)
        if move.branch not in self._workers:
            self._workers[move.branch] = asyncio.create_task(self._work(move.branch))
        try:
            async with asyncio.timeout(deadline_s):
                return await queued.answer
        except TimeoutError as exc:
            if queued.answer.done() and not queued.answer.cancelled():
                return queued.answer.result()  # it came in the same moment
            passed = f"the deadline of {deadline_s:g} s passed"
            raise (queued.unknown(passed) if queued.may_have_landed else too_late(deadline_s)) from exc

    @property
    def waiting(self) -> int:
        """How many have not had their turn yet."""
        return sum(queued.is_open for waiting in self._waiting.values() for queued in waiting)

    async def aclose(self) -> None:
        """Ends what is under way; whoever still waits is told so."""
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self, branch: Branch) -> None:
        """Writes until nobody waits."""
        waiting = self._waiting[branch]
        batch: list[QueuedMove] = []
        try:
            while waiting:
                await self._wait_for_github(branch, waiting)
                batch = take(waiting, time.monotonic())
                if batch:
                    waiting.extendleft(reversed(await self._run(batch)))
                elif waiting:
                    await asyncio.sleep(PAUSE_S)  # all of them are put off
        except BaseException as exc:
            if not isinstance(exc, asyncio.CancelledError):
                _log.exception("writing failed by a defect")
            for queued in (*batch, *waiting):
                ended = Interrupted("interrupted; nothing was written")
                queued.settle(queued.unknown("interrupted") if queued.may_have_landed else ended)
            waiting.clear()
            raise
        finally:
            del self._workers[branch], self._waiting[branch]

    async def _wait_for_github(self, branch: Branch, waiting: deque[QueuedMove]) -> None:
        """Until GitHub takes a write again. Who cannot wait for so long is told at once."""
        while (wait_s := self._forge.write_wait_s(branch)) > 0 and waiting:
            chance = time.monotonic() + wait_s
            text = f"GitHub takes no more writes for {wait_s:.0f} s"
            for queued in waiting:
                if queued.deadline < chance:
                    queued.settle(ForgeRateLimited(text, retry_after_s=wait_s, secondary=True))
            for queued in waiting:
                queued.tell(Step.WAITING)
            for _ in range(len(waiting)):
                queued = waiting.popleft()
                if queued.is_open:
                    waiting.append(queued)
            await asyncio.sleep(min(wait_s, PAUSE_S))

    async def _run(self, queue: list[QueuedMove]) -> list[QueuedMove]:
        """Runs a batch until all have their answer; when everybody has left, nothing is waited for."""
        run = asyncio.create_task(self._batch(queue).run())

        def end_if_all_left(_: asyncio.Future[Outcome]) -> None:
            if not any(queued.is_open for queued in queue):
                run.cancel()  # done by then, unless they left

        for queued in queue:
            queued.answer.add_done_callback(end_if_all_left)
        try:
            await asyncio.wait({run})
            return [] if run.cancelled() else run.result()
        finally:
            run.cancel()
            await asyncio.wait({run})

    def _batch(self, queue: list[QueuedMove]) -> Batch:
        return Batch(queue, forge=self._forge, planner=self._planner)


def take(waiting: deque[QueuedMove], now: float = float("inf")) -> list[QueuedMove]:
    """Takes those for the next commit: in order, no service and no key twice, MAX_FILES files, no queued move split.

    Who is put off beyond `now` (time.monotonic()) stays, and is not overtaken by those for the same service.
    """
    taken: list[QueuedMove] = []
    left: list[QueuedMove] = []
    files: frozenset[str] = frozenset()
    names: set[str] = set()
    for queued in waiting:
        if not queued.is_open:
            continue
        together = files | queued.move.files
        fits = not taken or len(together) <= MAX_FILES
        own = {service.name for service in queued.move.services} | {f"key {queued.move.provenance.key}"}
        own.discard("key None")
        free = names.isdisjoint(own)
        names.update(own)  # whoever comes later has to wait for it
        if fits and free and queued.not_before <= now:
            taken.append(queued)
            files = together
        else:
            left.append(queued)
    waiting.clear()
    waiting.extend(left)
    return taken
