"""The use cases: status, list, move, move a group, roll back, history. Each reads, thinks and, for a move, writes.

    policy direct           moves/writer, moves/batch         one commit for all who wait
    policy pull_request     moves/proposer, moves/proposal    a branch and a pull request
    direct with a fallback  moves/fallback                    the first; the second where the branch takes no commits

Every answer without a write (a status, a dry run, "already there", a refusal) is validated with the forge first; a
write is validated by its own compare-and-swap.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from ulid import ULID

from failover_api.concurrency import both
from failover_api.core.catalog.model import Action, Branch, Catalog, Service
from failover_api.core.planning.request import Provenance
from failover_api.core.planning.state import detect
from failover_api.core.planning.switching import obstacle
from failover_api.core.text.trailers import idempotency_digest
from failover_api.deadline import too_late, within_deadline
from failover_api.errors import FailoverError, ForgeFailure, InternalError
from failover_api.events import Events, Looked, MoveEnded
from failover_api.forge.http.budget import looking
from failover_api.forge.port import Forge, PullRequest
from failover_api.moves.direct.writer import Writer
from failover_api.moves.fallback import ByPolicy
from failover_api.moves.group import check_branches, check_versions, half_done, parts_of
from failover_api.moves.idempotency import Idempotency
from failover_api.moves.move import Move, Rollback, refusal_of
from failover_api.moves.outcome import GroupOutcome, Outcome
from failover_api.moves.progress import OnStep, ignore
from failover_api.moves.pull_request.branch_content import BranchReader
from failover_api.moves.pull_request.proposer import Proposer
from failover_api.reading.cursors import Cursors
from failover_api.reading.history import Entry, History, Page
from failover_api.reading.last_moves import LastMoves
from failover_api.reading.services import Observation, ServiceReader
from failover_api.reading.status import Status, Unreadable

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MoveRequest:
    """How a move is asked for, and by whom.

    `versions` are those that an If-Match takes, None: any; `key` is an Idempotency-Key. `supersede`: an open pull
    request for the other side is closed. `skip_refused`: a group moves without those of its services that are refused.
    `on_step` is told what is being done.
    """

    by: str
    reason: str = ""
    force: bool = False
    dry_run: bool = False
    versions: frozenset[str] | None = None
    key: str | None = None
    supersede: bool = False
    skip_refused: bool = False
    on_step: OnStep = ignore


class Failover:
    """What operators do. `catalog` gives the catalog in force; `deadline_s` is for a whole operation.

    `events` are told of every move that ended, and of what a look at services showed: one, or the list. `now` is the
    wall clock (s) that moves are dated by; `secret` is what cursors are signed with, None: a chance one.
    """

    def __init__(
        self,
        forge: Forge,
        catalog: Callable[[], Catalog],
        *,
        deadline_s: float,
        events: Events,
        now: Callable[[], float] = time.time,
        secret: Callable[[], bytes] | None = None,
    ) -> None:
        self._forge, self._catalog, self._deadline_s = forge, catalog, deadline_s
        self._events, self._now = events, now
        self._reader = ServiceReader(forge)
        chance = secrets.token_bytes(32)
        self._cursors = Cursors(secret or (lambda: chance))
        self._history = History(forge, self._reader, self._cursors)
        self._last_moves = LastMoves(forge, self._history)
        idempotency = Idempotency(forge, self._history)
        tips = BranchReader(forge, self._reader, self._history)
        self._writer = Writer(forge, self._reader, idempotency)
        self._proposer = Proposer(forge, self._reader, idempotency, tips)
        self._moves = ByPolicy(forge, self._writer, self._proposer)

    @property
    def writes_waiting(self) -> int:
        """How many moves wait for their turn to be written."""
        return self._writer.waiting

    async def aclose(self) -> None:
        """Ends what is under way."""
        await self._writer.aclose()
        await self._proposer.aclose()
        await self._reader.aclose()

    # Looking

    async def status(self, name: str) -> Status:
        """Where one service is."""
        service = self._catalog().service(name)
        (status,) = statuses = await self.in_time(self._statuses(service.branch, [service], thorough=True))
        self._events.publish(Looked(statuses))
        if isinstance(status, Unreadable):
            raise status.error
        return status

    async def list_all(self, *, try_moves: bool = False) -> list[Status | Unreadable]:
        """Where every service of the catalog is, in its order; all of a branch read at one commit.

        With `try_moves` also whether each switch can be moved, which takes some milliseconds a switch.
        """
        services = tuple(self._catalog().services.values())
        branches = _by_branch(services).items()
        answers = await asyncio.gather(*(self._list(*group, try_moves=try_moves) for group in branches))
        by_name = {status.service.name: status for answer in answers for status in answer}
        statuses = [by_name[service.name] for service in services]
        self._events.publish(Looked(statuses))
        return statuses

    async def history(self, name: str, *, limit: int, cursor: str | None = None) -> Page:
        """What Git says of one service, newest first. Raises BadRequest for a cursor that is none."""
        service = self._catalog().service(name)
        self.check_cursor(service, cursor)

        async def read() -> Page:
            now = time.monotonic()
            found = await self._reader.observe(service, not_before=now, at_head=True)
            return await self._history.page(found.service, limit=limit, cursor=cursor, not_before=now)

        return await self.in_time(read())

    def check_cursor(self, service: Service, cursor: str | None) -> None:
        """Raises BadRequest for a cursor that was given to nobody for this service. Asks nobody."""
        if cursor is not None:
            self._cursors.read(service.name, cursor)

    # Moving

    async def move(self, name: str, action: Action, wish: MoveRequest) -> Outcome:
        """Moves a service, or says what that would do.

        Raises ManifestDrifted, PreconditionFailed, Conflict, BranchProtected, OperationPending, IdempotencyKeyReused,
        OutcomeUnknown and whatever reading raises; nothing was written then, except where the error's `outcome` says
        "unknown". A rollback raises NothingToRollBack and ChangedSince too.
        """
        service = self._catalog().service(name)
        provenance = _provenance(wish, str(ULID()), self._now())
        if action is Action.ROLLBACK:
            move: Move = Rollback((service,), action, provenance, history=self._history)
        else:
            move = Move((service,), action, provenance)
        move.versions, move.supersede, move.on_step = wish.versions, wish.supersede, wish.on_step
        return await self._told(move, wish, self._carry_out(move, wish))

    async def move_group(self, name: str, action: Action, wish: MoveRequest) -> GroupOutcome:
        """Moves the services of a group: one commit, or one pull request, for each branch and policy.

        All or nothing: everything is planned before anything is written, and a service that is refused refuses the
        group, unless `skip_refused`. Raises as move(), with all that are refused in the error's `refused`;
        OutcomeUnknown also when one of several commits was made and another refused, saying which.
        """
        names = self._catalog().group(name)
        provenance = _provenance(wish, str(ULID()), self._now(), group=name)
        members = [self._catalog().service(member) for member in names]
        moves = parts_of(members, action, provenance, skip_refused=wish.skip_refused, supersede=wish.supersede)
        check_branches(name, moves)
        for move in moves:
            move.on_step = wish.on_step
        clock = _Clock(self._deadline_s)
        if len(moves) > 1 or wish.dry_run:
            with looking() if wish.dry_run else nullcontext():
                rehearsed = await self._rehearse_all(moves, wish, clock, names)
            outcome = GroupOutcome(name, action, tuple(rehearsed), names)
            check_versions(outcome, wish.versions)
            if wish.dry_run:
                return outcome
            if wish.versions is not None:
                for move, part in zip(moves, rehearsed, strict=True):
                    move.versions = None if part.is_repeat else frozenset({part.version})
        else:
            moves[0].versions = wish.versions
        done: list[Outcome] = []
        for move in moves:
            try:
                done.append(await self._told(move, wish, self._moves.carry_out(move, deadline_s=clock.left_s)))
            except FailoverError as exc:
                if not any(one.changed for one in done):
                    raise
                raise half_done(name, done, move, exc) from exc
        return GroupOutcome(name, action, tuple(done), names)

    async def _rehearse_all(
        self, moves: Sequence[Move], wish: MoveRequest, clock: "_Clock", order: Sequence[str]
    ) -> list[Outcome]:
        """The dry run of each part of a group. Raises what refuses it, naming the services of all parts."""
        outcomes: list[Outcome] = []
        refused: dict[str, FailoverError] = {}
        for move in moves:
            try:
                outcomes.append(await self._told(move, wish, self._moves.rehearse(move, deadline_s=clock.left_s)))
            except FailoverError as exc:
                if not exc.refused:
                    raise
                refused |= exc.refused
        if refused:
            raise refusal_of({name: refused[name] for name in order if name in refused})
        return outcomes

    async def in_time(self, work: Awaitable[T]) -> T:
        """Awaits what writes nothing. Raises ForgeUnavailable when the deadline passes."""
        with looking():
            return await within_deadline(work, deadline_s=self._deadline_s, late=self._late)

    def _late(self) -> FailoverError:
        return too_late(self._deadline_s)

    async def _carry_out(self, move: Move, wish: MoveRequest) -> Outcome:
        if not wish.dry_run:
            return await self._moves.carry_out(move, deadline_s=self._deadline_s)
        with looking():
            return await self._moves.rehearse(move, deadline_s=self._deadline_s)

    async def _told(self, move: Move, wish: MoveRequest, work: Awaitable[Outcome]) -> Outcome:
        """Awaits a move and says what came of it, in the log (one line a decision) and to those who subscribed."""
        started = time.monotonic()
        what = {"group": move.name} if move.provenance.group else {"service": move.name}
        facts: dict[str, object] = {**what, "action": move.action.value, "dry_run": wish.dry_run, "by": wish.by}
        facts["operation"] = move.provenance.operation
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
            if not (isinstance(came, Outcome) and came.dry_run and not wish.dry_run):  # a group's own rehearsal
                self._events.publish(_ended(move, wish, came, duration_s=time.monotonic() - started))

    async def _list(self, branch: Branch, services: list[Service], *, try_moves: bool) -> Sequence[Status | Unreadable]:
        try:
            return await self.in_time(self._statuses(branch, services, thorough=False, try_moves=try_moves))
        except FailoverError as exc:
            return [Unreadable(service, exc) for service in services]

    async def _statuses(
        self, branch: Branch, services: Sequence[Service], *, thorough: bool, try_moves: bool = False
    ) -> list[Status | Unreadable]:
        now = time.monotonic()
        seeing = self._reader.observe_all(branch, services, not_before=now)
        seen, pulls = await both(seeing, _if_known(self._proposer.open_for(branch, services, not_before=now)))
        found = [one for one in seen.values() if isinstance(one, Observation)]
        moves: Mapping[str, Entry] = {}
        if found and found[0].snapshot.head is not None:
            located, head = [one.service for one in found], found[0].snapshot.head
            reading = self._last_moves.of(branch, located, head, thorough=thorough, not_before=now)
            moves = await _if_known(reading)
        statuses = [_status(service, seen[service.name], pulls, moves) for service in services]
        return [await _tried(status, seen[status.service.name]) for status in statuses] if try_moves else statuses


async def _tried(status: Status | Unreadable, seen: Observation | FailoverError) -> Status | Unreadable:
    """The status with what keeps its switches from being moved."""
    await asyncio.sleep(0)  # hundreds may be tried here: let others have a turn
    if isinstance(status, Unreadable) or isinstance(seen, FailoverError):
        return status
    tried = {one.switch: obstacle(one, seen.manifests[one.file]) for one in status.detection.readings}
    return replace(status, obstacles={switch: error for switch, error in tried.items() if error is not None})


async def _if_known(reading: Coroutine[Any, Any, Mapping[str, T]]) -> Mapping[str, T]:
    """What is nice to know beside the side: a status without it is better than none."""
    try:
        return await reading
    except ForgeFailure as exc:
        _log.warning("status is incomplete", extra={"problem": exc.slug, "detail": exc.detail})
        return {}


class _Clock:
    """What is left of one deadline for several steps."""

    def __init__(self, deadline_s: float) -> None:
        self._end = time.monotonic() + deadline_s

    @property
    def left_s(self) -> float:
        return max(0.0, self._end - time.monotonic())


def _provenance(wish: MoveRequest, operation: str, now: float, group: str | None = None) -> Provenance:
    return Provenance(
        operation=operation,
        by=wish.by,
        at=datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        reason=wish.reason,
        group=group,
        force=wish.force,
        key=None if wish.key is None or wish.dry_run else idempotency_digest(wish.by, wish.key),
    )


def _by_branch(services: Sequence[Service]) -> dict[Branch, list[Service]]:
    by_branch: dict[Branch, list[Service]] = {}
    for service in services:
        by_branch.setdefault(service.branch, []).append(service)
    return by_branch


def _ended(move: Move, wish: MoveRequest, came: Outcome | FailoverError, *, duration_s: float) -> MoveEnded:
    """A move as those who subscribed are told of it; `came` is what came of it."""
    return MoveEnded(
        action=move.action,
        policy=move.policy,
        services=tuple(service.name for service in move.services),
        group=move.provenance.group,
        by=wish.by,
        reason=wish.reason,
        dry_run=wish.dry_run,
        operation=move.provenance.operation,
        duration_s=duration_s,
        outcome=came if isinstance(came, Outcome) else None,
        error=came if isinstance(came, FailoverError) else None,
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


def _status(
    service: Service,
    seen: Observation | FailoverError,
    pulls: Mapping[str, PullRequest],
    moves: Mapping[str, Entry],
) -> Status | Unreadable:
    try:
        if isinstance(seen, FailoverError):
            raise seen
        detection = detect(seen.service, seen.manifests)
    except FailoverError as exc:
        return Unreadable(service, exc)
    return Status(seen.service, detection, seen.version, pulls.get(service.name), moves.get(service.name))
