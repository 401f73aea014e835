"""Moves of policy pull_request: one proposal at a time for each service in this process."""

import asyncio
import dataclasses
from collections.abc import Sequence
from contextlib import AsyncExitStack
from weakref import WeakValueDictionary

from failover_api.core.catalog.model import Branch
from failover_api.deadline import too_late
from failover_api.errors import InternalError
from failover_api.forge.port import Forge
from failover_api.moves.idempotency import Idempotency
from failover_api.moves.move import Move
from failover_api.moves.outcome import Outcome
from failover_api.moves.pull_request.branch_content import BranchReader
from failover_api.moves.pull_request.open_ones import Weighed
from failover_api.moves.pull_request.proposal import Proposal
from failover_api.moves.pull_request.slots import Slots
from failover_api.reading.history import History
from failover_api.reading.services import ServiceReader


class Proposer:
    """Carries out what a person has to look at first."""

    def __init__(self, forge: Forge, reader: ServiceReader, history: History, idempotency: Idempotency) -> None:
        self._forge, self._reader, self._history, self._idempotency = forge, reader, history, idempotency
        self._branch_reader = BranchReader(forge, reader, history)
        self._slots = Slots()
        self._running: set[asyncio.Task[Outcome]] = set()
        self._turns: WeakValueDictionary[tuple[Branch, str], asyncio.Lock] = WeakValueDictionary()

    async def rehearse(self, move: Move) -> Outcome:
        """The dry run: refused exactly where the proposal would be."""
        return await self._proposal(move, float("inf")).rehearse()

    async def carry_out(self, move: Move, *, deadline_s: float) -> Outcome:
        """Opens a pull request, or gives the one that is open. Raises OperationPending, OutcomeUnknown."""
        proposal = self._proposal(move, deadline_s)
        run = asyncio.create_task(self._in_turn(move, proposal))
        self._running.add(run)
        run.add_done_callback(self._running.discard)
        try:
            async with asyncio.timeout(deadline_s):
                return await run
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if not run.cancelled() or (current is not None and current.cancelling()):
                raise
            raise (proposal.unknown("interrupted") if proposal.is_in_doubt else InternalError("interrupted")) from None
        except TimeoutError as exc:
            passed = f"the deadline of {deadline_s:g} s passed"
            if proposal.results.opened is not None:
                text = f"labels, reviewers, auto-merge: {passed}; ask again, and what is missing is done"
                return dataclasses.replace(proposal.results.opened, warnings=(*proposal.results.opened.warnings, text))
            raise (proposal.unknown(passed) if proposal.is_in_doubt else too_late(deadline_s)) from exc

    async def beside_a_commit(self, move: Move) -> Sequence[Weighed]:
        """What is open and would have no purpose after a direct commit. Raises OperationPending."""
        return await self._proposal(move, float("inf")).beside_a_commit()

    async def aclose(self) -> None:
        """Ends what is under way; whoever waits is told so."""
        running = list(self._running)
        for run in running:
            run.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _in_turn(self, move: Move, proposal: Proposal) -> Outcome:
        async with AsyncExitStack() as turns:
            for name in sorted(service.name for service in move.services):
                await turns.enter_async_context(self._turns.setdefault((move.branch, name), asyncio.Lock()))
            return await proposal.run()

    def _proposal(self, move: Move, deadline_s: float) -> Proposal:
        return Proposal(
            move,
            forge=self._forge,
            reader=self._reader,
            history=self._history,
            idempotency=self._idempotency,
            branch_reader=self._branch_reader,
            deadline_s=deadline_s,
            slots=self._slots,
        )
