"""Which way a move goes: by its policy, or the other way where the branch takes no commits and that is the fallback.

direct                  one commit; nothing is asked for before it
pull_request            a pull request
direct, with fallback   first a look at what is open: a commit passes nothing by in silence. What stands in its way
                        refuses it or is superseded, and is closed once the commit is there, never before
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import Sequence

from cachetools import TTLCache

from failover_api.core.catalog.model import Branch, Policy
from failover_api.core.text.pull_request import needless_text
from failover_api.deadline import Clock, too_late, within_deadline
from failover_api.errors import BranchProtected, FailoverError, ForgeFailure
from failover_api.forge.port import Forge
from failover_api.moves.direct.writer import Writer
from failover_api.moves.move import Move
from failover_api.moves.outcome import Outcome
from failover_api.moves.pull_request.open_ones import Weighed
from failover_api.moves.pull_request.proposer import Proposer

PROTECTED_S = 60.0  # how long a branch that refused a commit is not tried again, where there is a fallback


class ByPolicy:
    """Carries out moves of any policy."""

    def __init__(self, forge: Forge, writer: Writer, proposer: Proposer) -> None:
        self._forge, self._writer, self._proposer = forge, writer, proposer
        self._protected: TTLCache[Branch, bool] = TTLCache(64, PROTECTED_S)

    async def rehearse(self, move: Move, *, deadline_s: float) -> Outcome:
        """What carry_out() would answer, refused exactly where it would be; nothing is written."""
        return await within_deadline(self._rehearsed(move), deadline_s=deadline_s, late=lambda: too_late(deadline_s))

    async def carry_out(self, move: Move, *, deadline_s: float) -> Outcome:
        """Raises as Writer.carry_out() and Proposer.carry_out()."""
        clock = Clock(deadline_s)
        if move.policy is not Policy.DIRECT:
            return await self._proposer.carry_out(move, deadline_s=deadline_s)
        if not _has_fallback(move):
            return await self._writer.carry_out(move, deadline_s=deadline_s)
        unchanged: Outcome | None = None
        if move.branch not in self._protected:
            look = within_deadline(self._beside(move), deadline_s=deadline_s, late=lambda: too_late(deadline_s))
            beside, warnings = await look
            try:
                outcome = await self._writer.carry_out(move, deadline_s=clock.left_s)
            except BranchProtected:
                self._protected[move.branch] = True
            else:
                if outcome.changed:
                    return await self._closing(move, outcome, beside, warnings, deadline_s=clock.left_s)
                unchanged = outcome
        return await self._proposed(move, unchanged, deadline_s=clock.left_s)

    async def _proposed(self, move: Move, unchanged: Outcome | None, *, deadline_s: float) -> Outcome:
        """Also when there is nothing to do on the branch (`unchanged`): a pull request may be open.

        What a commit left in doubt stays in the warnings.
        """
        warnings = unchanged.warnings if unchanged else ()
        try:
            proposed = await self._proposer.carry_out(move, deadline_s=deadline_s)
        except FailoverError as exc:
            if unchanged is None or not warnings:
                raise
            return dataclasses.replace(unchanged, warnings=(*warnings, f"open pull requests: {exc.detail}"))
        return dataclasses.replace(proposed, warnings=(*warnings, *proposed.warnings))

    async def _rehearsed(self, move: Move) -> Outcome:
        if move.policy is Policy.DIRECT and not (_has_fallback(move) and move.branch in self._protected):
            outcome = await self._writer.rehearse(move)
            if not _has_fallback(move) or outcome.is_repeat:
                return outcome
            if outcome.changed:
                _, warnings = await self._beside(move)
                return dataclasses.replace(outcome, warnings=(*outcome.warnings, *warnings))
        return await self._proposer.rehearse(move)

    async def _beside(self, move: Move) -> tuple[Sequence[Weighed], list[str]]:
        """What a commit would leave without a purpose, and warnings. Raises OperationPending.

        GitHub's pull requests may be out of order while its commits are not: then the move goes on without this look.
        """
        try:
            return await self._proposer.beside_a_commit(move), []
        except ForgeFailure as exc:
            return (), [f"open pull requests could not be looked at: {exc.detail}"]

    async def _closing(
        self, move: Move, done: Outcome, beside: Sequence[Weighed], warnings: list[str], *, deadline_s: float
    ) -> Outcome:
        """Closes what the commit did, or superseded; what cannot be closed is told, and fails nothing."""
        left = [] if done.is_repeat else [weighed.pull for weighed in beside]
        comment = needless_text(move.provenance.by, move.action, move.name, done.commit.sha if done.commit else None)
        with contextlib.suppress(TimeoutError, FailoverError):
            async with asyncio.timeout(deadline_s):
                while left:
                    await self._forge.close_pull_request(move.branch, left[0].number, comment=comment)
                    left.pop(0)
        warnings += [f"{pull.url} is still open, and has no purpose any more: close it" for pull in left]
        return dataclasses.replace(done, warnings=(*done.warnings, *warnings))


def _has_fallback(move: Move) -> bool:
    return all(service.fallback is Policy.PULL_REQUEST for service in move.services)
