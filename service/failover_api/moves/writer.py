"""Direct commits: one writer for each branch in this process, and those who wait are written together.

Parallel writes to one branch only make conflicts. While one is under way the others gather, and the next commit takes
as many as fit. When GitHub takes no more writes for now, they wait for it together, each until its own deadline.
"""

import asyncio
import logging
import time
from collections import deque

from failover_api.core.catalog import Branch
from failover_api.deadline import too_late
from failover_api.errors import GitHubRateLimited, Interrupted
from failover_api.forge.port import Forge
from failover_api.moves.batch import Batch
from failover_api.moves.repeats import Repeats
from failover_api.moves.task import Step, Task
from failover_api.moves.ticket import Ticket
from failover_api.observation import Observer
from failover_api.outcome import Outcome

MAX_FILES = 100  # of one commit; a group that has more is one all the same
PAUSE_S = 0.1  # between looks at those who came while everybody waits
_log = logging.getLogger(__name__)


class Writer:
    """Carries out tasks of policy direct."""

    def __init__(self, forge: Forge, observer: Observer, repeats: Repeats) -> None:
        self._forge, self._observer, self._repeats = forge, observer, repeats
        self._waiting: dict[Branch, deque[Ticket]] = {}
        self._workers: dict[Branch, asyncio.Task[None]] = {}

    async def rehearse(self, task: Task) -> Outcome:
        """The dry run: refused exactly where the move would be."""
        ticket = Ticket(task, float("inf"))
        await self._batch([ticket]).rehearse()
        return await ticket.answer

    async def carry_out(self, task: Task, *, deadline_s: float) -> Outcome:
        """Writes, when it is this task's turn. Raises OutcomeUnknown when a write may have landed."""
        ticket = Ticket(task, time.monotonic() + deadline_s)
        self._waiting.setdefault(task.branch, deque()).append(ticket)
        if task.branch not in self._workers:
            self._workers[task.branch] = asyncio.create_task(self._work(task.branch))
        try:
            async with asyncio.timeout(deadline_s):
                return await ticket.answer
        except TimeoutError as exc:
            if ticket.answer.done() and not ticket.answer.cancelled():
                return ticket.answer.result()  # it came in the same moment
            passed = f"the deadline of {deadline_s:g} s passed"
            raise (ticket.unknown(passed) if ticket.may_have_landed else too_late(deadline_s)) from exc

    @property
    def waiting(self) -> int:
        """How many have not had their turn yet."""
        return sum(ticket.is_open for waiting in self._waiting.values() for ticket in waiting)

    async def aclose(self) -> None:
        """Ends what is under way; whoever still waits is told so."""
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self, branch: Branch) -> None:
        """Writes until nobody waits."""
        waiting = self._waiting[branch]
        batch: list[Ticket] = []
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
            for ticket in (*batch, *waiting):
                ended = Interrupted("interrupted; nothing was written")
                ticket.settle(ticket.unknown("interrupted") if ticket.may_have_landed else ended)
            waiting.clear()
            raise
        finally:
            del self._workers[branch], self._waiting[branch]

    async def _wait_for_github(self, branch: Branch, waiting: deque[Ticket]) -> None:
        """Until GitHub takes a write again. Who cannot wait for so long is told at once."""
        while (wait_s := self._forge.write_wait_s(branch)) > 0 and waiting:
            chance = time.monotonic() + wait_s
            text = f"GitHub takes no more writes for {wait_s:.0f} s"
            for ticket in waiting:
                if ticket.deadline < chance:
                    ticket.settle(GitHubRateLimited(text, retry_after_s=wait_s, secondary=True))
            for ticket in waiting:
                ticket.tell(Step.WAITING)
            for _ in range(len(waiting)):
                ticket = waiting.popleft()
                if ticket.is_open:
                    waiting.append(ticket)
            await asyncio.sleep(min(wait_s, PAUSE_S))

    async def _run(self, tickets: list[Ticket]) -> list[Ticket]:
        """Runs a batch until all have their answer; when everybody has left, nothing is waited for."""
        run = asyncio.create_task(self._batch(tickets).run())

        def end_if_all_left(_: asyncio.Future[Outcome]) -> None:
            if not any(ticket.is_open for ticket in tickets):
                run.cancel()  # done by then, unless they left

        for ticket in tickets:
            ticket.answer.add_done_callback(end_if_all_left)
        try:
            await asyncio.wait({run})
            return [] if run.cancelled() else run.result()
        finally:
            run.cancel()
            await asyncio.wait({run})

    def _batch(self, tickets: list[Ticket]) -> Batch:
        return Batch(tickets, forge=self._forge, observer=self._observer, repeats=self._repeats)


def take(waiting: deque[Ticket], now: float = float("inf")) -> list[Ticket]:
    """Takes those for the next commit: in order, no service and no key twice, MAX_FILES files, no ticket split.

    Who is put off beyond `now` (time.monotonic()) stays, and is not overtaken by those for the same service.
    """
    taken: list[Ticket] = []
    left: list[Ticket] = []
    files: frozenset[str] = frozenset()
    names: set[str] = set()
    for ticket in waiting:
        if not ticket.is_open:
            continue
        together = files | ticket.task.files
        fits = not taken or len(together) <= MAX_FILES
        own = {service.name for service in ticket.task.services} | {f"key {ticket.task.asked.key}"}
        own.discard("key None")
        free = names.isdisjoint(own)
        names.update(own)  # whoever comes later has to wait for it
        if fits and free and ticket.not_before <= now:
            taken.append(ticket)
            files = together
        else:
            left.append(ticket)
    waiting.clear()
    waiting.extend(left)
    return taken
