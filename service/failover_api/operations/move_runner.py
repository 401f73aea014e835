"""Carries out moves that are made up: alone or as the parts of one operation, each told when it has ended.

run         one move, or its dry run
run_parts   several that are all planned before anything is written
"""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace

from failover_api.core.catalog.model import Service
from failover_api.core.planning.request import MoveRequest
from failover_api.deadline import Clock
from failover_api.errors import FailoverError, InternalError, UnsafeMove
from failover_api.events import Events, MoveEnded
from failover_api.forge.http.read_budget import low_priority
from failover_api.moves.evacuation import is_own_refusal, left_out
from failover_api.moves.fallback import ByPolicy
from failover_api.moves.group import bound_to, check_versions, half_done
from failover_api.moves.move import Move, refusal_of
from failover_api.moves.outcome import Outcome, joined_version
from failover_api.reading.surroundings import SurroundingsReader

Untold = Callable[[MoveEnded], Awaitable[Sequence[str]]]
_log = logging.getLogger(__name__)


async def all_told(_: MoveEnded) -> Sequence[str]:
    """Nothing is known against it."""
    return ()


class MoveRunner:
    """`events` are told of each move that ended, `surroundings` that a service may be elsewhere now. `untold` says of a
    move that ended when nobody hears of it, as warnings. `deadline_s` is for a whole operation.
    """

    def __init__(
        self,
        moves: ByPolicy,
        surroundings: SurroundingsReader,
        events: Events,
        *,
        deadline_s: float,
        untold: Untold = all_told,
    ) -> None:
        self._moves, self._surroundings, self._events = moves, surroundings, events
        self._deadline_s, self._untold = deadline_s, untold

    async def run(self, move: Move) -> Outcome:
        """One move, or its dry run. Raises as Failover.move()."""
        return await self._with_untold(move, await self.run_quietly(move))

    async def run_quietly(self, move: Move) -> Outcome:
        """One that nobody has to hear of."""
        return await self._told(move, self._carry_out(move))

    async def run_parts(
        self,
        name: str,
        moves: Sequence[Move],
        request: MoveRequest,
        order: Sequence[str],
        clock: Clock | None = None,
    ) -> list[Outcome]:
        """Rehearses all the parts, then carries out each, unless it is a dry run. `clock`: None: the whole deadline."""
        clock = clock or Clock(self._deadline_s)
        done: list[Outcome] = []
        if len(moves) > 1 or request.dry_run or not moves:
            with low_priority() if request.dry_run else nullcontext():
                rehearsed = await self.rehearse_parts(name, moves, request, order, clock)
            if request.dry_run:
                return rehearsed
            done = [part for part in rehearsed if not part.plans and part.refused]
            both_of = [pair for pair in zip(moves, rehearsed, strict=True) if pair[1] not in done]
            moves = [move for move, _ in both_of]
            if request.versions is not None:  # the write is of what was rehearsed; a repeat writes nothing
                moves = [
                    bound_to(move, None if part.is_repeat else frozenset({part.version})) for move, part in both_of
                ]
        for move in moves:
            try:
                outcome_of_part = await self._told(move, self._moves.carry_out(move, deadline_s=clock.left_s))
                done.append(await self._with_untold(move, outcome_of_part))
            except FailoverError as exc:
                if not any(outcome.changed for outcome in done):
                    raise
                raise half_done(name, done, move, exc) from exc
        return done

    async def rehearse_parts(
        self, name: str, moves: Sequence[Move], request: MoveRequest, order: Sequence[str], clock: Clock
    ) -> list[Outcome]:
        """What all the parts would come to; nothing is written. Raises PreconditionFailed, and what refuses any."""
        # What If-Match names is the version of the whole group, which no part has by itself.
        rehearsed = await self._rehearse([bound_to(move, None) for move in moves], clock, order)
        check_versions(name, rehearsed, request.versions)
        return rehearsed

    async def _rehearse(self, moves: Sequence[Move], clock: Clock, order: Sequence[str]) -> list[Outcome]:
        """The dry run of each part of a group. Raises what refuses it, naming the services of all parts."""
        outcomes: list[Outcome] = []
        refused: dict[str, FailoverError] = {}
        for move in moves:
            try:
                outcomes.append(await self._told(move, self._moves.rehearse(move, deadline_s=clock.left_s)))
            except FailoverError as exc:
                is_alone = move.provenance.group is None and is_own_refusal(exc)
                if is_alone and move.request.skip_refused:
                    outcomes.append(left_out(move, exc))
                    continue
                if not exc.refused and not is_alone:
                    raise
                refused |= exc.refused or {move.services[0].name: exc}
                outcomes += exc.outcomes if isinstance(exc, UnsafeMove) else ()
        if refused:
            error = refusal_of({name: refused[name] for name in order if name in refused})
            if isinstance(error, UnsafeMove):
                error.outcomes, error.group = tuple(outcomes), moves[0].provenance.group
                if len(outcomes) == len(moves):
                    error.version = joined_version([outcome.version for outcome in outcomes])
            raise error
        return outcomes

    async def _carry_out(self, move: Move) -> Outcome:
        if not move.request.dry_run:
            return await self._moves.carry_out(move, deadline_s=self._deadline_s)
        with low_priority():
            return await self._moves.rehearse(move, deadline_s=self._deadline_s)

    async def _told(self, move: Move, work: Awaitable[Outcome]) -> Outcome:
        """Awaits a move and says what came of it, in the log (one line a decision) and to those who subscribed."""
        started, request = time.monotonic(), move.request
        what = {"group": move.name} if move.provenance.group else {"service": move.name}
        facts: dict[str, object] = {**what, "action": move.action.value, "dry_run": request.dry_run, "by": request.by}
        facts["operation"] = move.provenance.operation
        if move.provenance.step is not None:
            facts["step"] = move.provenance.step
        came: Outcome | FailoverError = InternalError("interrupted")
        try:
            came = outcome = await work
        except FailoverError as exc:
            came = exc
            event = "move refused" if exc.outcome == "not-applied" else "move outcome unknown"
            _log.warning(event, extra={**facts, "problem": exc.slug, "detail": exc.detail})
            raise
        except BaseException:  # cancelled, or a defect of ours
            _log.exception("move interrupted", extra=facts)
            raise
        else:
            duration_ms = round((time.monotonic() - started) * 1000)
            _log.info("move done", extra={**facts, **_facts(outcome), "duration_ms": duration_ms})
            return outcome
        finally:
            for service in () if request.dry_run else _perhaps_moved(move, came):
                self._surroundings.moved(service)
            if not (isinstance(came, Outcome) and came.dry_run and not request.dry_run):  # a group's own rehearsal
                self._events.publish(_ended(move, came, duration_s=time.monotonic() - started))

    async def _with_untold(self, move: Move, outcome: Outcome) -> Outcome:
        """The outcome, which says too when nobody hears of it."""
        untold = await self._untold(_ended(move, outcome, duration_s=0.0))
        return replace(outcome, warnings=(*outcome.warnings, *untold)) if untold else outcome


def _ended(move: Move, came: Outcome | FailoverError, *, duration_s: float) -> MoveEnded:
    """A move as those who subscribed are told of it; `came` is what came of it."""
    return MoveEnded(
        action=move.action,
        policy=move.policy,
        services=tuple(service.name for service in move.services),
        group=move.provenance.group,
        by=move.request.by,
        reason=move.request.reason,
        dry_run=move.request.dry_run,
        operation=move.provenance.operation,
        duration_s=duration_s,
        outcome=came if isinstance(came, Outcome) else None,
        error=came if isinstance(came, FailoverError) else None,
        is_tidy=move.is_tidy,
    )


def _facts(outcome: Outcome) -> dict[str, object]:
    """What the log says of an outcome."""
    facts: dict[str, object] = {"changed": outcome.changed, "operation": outcome.operation}
    if len(outcome.plans) == 1:
        facts |= {"from": outcome.plan.before.state.value, "to": outcome.plan.after.value}
    else:
        facts["services"] = [plan.service.name for plan in outcome.plans if plan.changes]
    facts["commit"] = outcome.commit.sha if outcome.commit else None
    if outcome.pull_request is not None:
        facts["pull_request"] = outcome.pull_request.url
    if outcome.warnings:
        facts["warnings"] = list(outcome.warnings)
    return facts


def _perhaps_moved(move: Move, came: object) -> list[Service]:
    """All but those that were there already, and none where a hazard stops it: nothing was written of them."""
    if isinstance(came, UnsafeMove):
        return []
    there = {plan.service.name for plan in came.plans if not plan.changes} if isinstance(came, Outcome) else set()
    return [service for service in move.services if service.name not in there]
