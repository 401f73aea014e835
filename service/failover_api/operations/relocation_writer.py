"""Writes a step of a relocation: by a move, as a pull request, or as a commit that changes no file. And tells of it."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from failover_api.core.catalog.model import Policy
from failover_api.core.planning.request import MoveRequest, Provenance
from failover_api.core.rfc3339 import rfc3339
from failover_api.core.safety.relocation.ladder import Decision, StepCommit
from failover_api.core.safety.relocation.table import AFTER_CUTOVER
from failover_api.core.text.commit_message import ended_message
from failover_api.errors import Conflict, FailoverError, WriteConflict
from failover_api.events import Events, MoveEnded
from failover_api.forge.port import Forge
from failover_api.moves.direct.writer import Writer
from failover_api.moves.empty_commit import make_empty_commit
from failover_api.moves.outcome import Outcome
from failover_api.moves.pull_request.step import StepProposer
from failover_api.moves.relocation import StepMove, step_move
from failover_api.operations.relocation_news import RelocationNews
from failover_api.operations.relocation_report import report_of
from failover_api.operations.relocation_sight import RelocationSight
from failover_api.reading.relocations import Relocation

_log = logging.getLogger(__name__)


class RelocationWriter:
    """`deadline_s` is for one step; `now` is the Git host's clock (s)."""

    def __init__(
        self,
        forge: Forge,
        writer: Writer,
        proposer: StepProposer,
        sight: RelocationSight,
        news: RelocationNews,
        events: Events,
        *,
        deadline_s: float,
        now: Callable[[], float],
    ) -> None:
        self._forge, self._writer, self._proposer, self._sight = forge, writer, proposer, sight
        self._news, self._events, self._deadline_s, self._now = news, events, deadline_s, now

    async def go_on(self, relocation: Relocation, decision: Decision, request: MoveRequest | None = None) -> bool:
        """Writes a step. False where what it was decided on has changed meanwhile."""
        asked = _asked(relocation)
        try:
            await self.make(relocation, decision, request or MoveRequest(by=asked.by, reason=asked.reason))
        except Conflict as exc:
            _log.info("a step is decided anew", extra={"service": relocation.service.name, "detail": exc.detail})
            return False
        return True

    async def make(self, relocation: Relocation, decision: Decision, request: MoveRequest) -> Outcome:
        """Writes a step, as one of the operation that it goes on with. Raises as write()."""
        asked, at = _asked(relocation), rfc3339(self._now())
        provenance = Provenance(
            relocation.operation, request.by, at, request.reason, group=asked.group, wave=asked.wave
        )
        return await self.write(relocation, decision, request, provenance)

    async def write(
        self, relocation: Relocation, decision: Decision, request: MoveRequest, provenance: Provenance
    ) -> Outcome:
        """Writes a step, or rehearses it. Raises Conflict where what it was decided on has changed, and as Writer."""
        commit = decision.commit
        assert commit is not None, "there is something to be written"
        if not commit.edits:
            return await self._end(relocation, decision, provenance, commit)
        move = step_move(
            relocation.services,
            relocation.subject,
            commit,
            relocation.git.values,
            request,
            provenance,
            still=partial(self._sight.check_still, relocation, decision),
            is_over=decision.position in AFTER_CUTOVER,
            accepted=relocation.accepted,
        )
        if request.dry_run:
            return await self._writer.rehearse(move)
        began = time.monotonic()
        facts = {"service": relocation.service.name, "operation": relocation.operation, "step": commit.label}
        try:
            way = self._proposer if move.policy is Policy.PULL_REQUEST else self._writer
            outcome = await way.carry_out(move, deadline_s=self._deadline_s)
        except FailoverError as exc:
            _log.warning("step not made", extra={**facts, "problem": exc.slug, "detail": exc.detail})
            raise
        facts["by"] = provenance.by
        if outcome.pull_request is not None and outcome.is_pending:
            _log.info("step proposed", extra={**facts, "pull_request": outcome.pull_request.url})
        else:
            sha = outcome.commit.sha if outcome.commit is not None else None
            _log.info("step made", extra={**facts, "proof": commit.proof, "commit": sha})
            self._events.publish(_ended(move, outcome, time.monotonic() - began))
        self._news.made(report_of(relocation, decision), outcome, request)
        return outcome

    async def _end(
        self, relocation: Relocation, decision: Decision, provenance: Provenance, commit: StepCommit
    ) -> Outcome:
        """Says in Git that it is over, where the last step has nothing to change: nobody has to see it serve again."""
        service, target = relocation.service, relocation.subject.target
        message = ended_message(service.name, target.value, replace(provenance, step=commit.label), commit.proof)
        try:
            made = await make_empty_commit(self._forge, service.branch, relocation.head, message)
        except WriteConflict as exc:
            raise Conflict(f"{service.branch} has moved since this step was decided on") from exc
        outcome = Outcome(
            target.action,
            service.policy,
            (),
            relocation.version,
            changed=True,
            commit=made,
            operation=relocation.operation,
        )
        self._news.made(report_of(relocation, decision), outcome, MoveRequest(provenance.by, reason=provenance.reason))
        return outcome


def _asked(relocation: Relocation) -> Provenance:
    """What the first commit of one that runs tells of who asked for it."""
    assert relocation.first is not None, "it runs"
    return relocation.first.provenance


def _ended(move: StepMove, outcome: Outcome, duration_s: float) -> MoveEnded:
    """The cutover is told as a move; the other steps move nothing, and those have to know that apply commits."""
    return MoveEnded(
        action=move.action,
        policy=move.policy,
        services=(move.services[0].name,),
        group=None,
        by=move.request.by,
        reason=move.request.reason,
        dry_run=False,
        operation=move.provenance.operation,
        duration_s=duration_s,
        outcome=outcome,
        is_tidy=move.before is move.after,
    )
