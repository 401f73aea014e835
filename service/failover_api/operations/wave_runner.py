"""Carries out operations in waves: writes the first, and each of the others once those it waits for serve.

start       plans all of it, and writes the first wave
advance     looks, and writes what is due; by whoever began it, or after a while by anybody who sees it in Git
find        how far an operation is, for whoever asks

Any number of processes may advance an operation: a wave has one idempotency key, and its commit is a compare-and-swap,
so the first one that writes it decides who is in it.
"""

import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from cachetools import LRUCache

from failover_api.core.catalog.model import Action, Catalog, Service
from failover_api.core.planning.request import MoveRequest, Provenance, idempotency_digest
from failover_api.core.planning.state import State
from failover_api.core.planning.wave_progress import OperationState, Progress, Unmoved
from failover_api.core.planning.waves import Order, Wave
from failover_api.core.rfc3339 import seconds_of
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.text.trailers import read_records
from failover_api.core.wording import one_line
from failover_api.deadline import Clock
from failover_api.errors import Conflict, FailoverError, ForgeFailure, InternalError, NotPermitted, NotReady
from failover_api.forge.values import LoggedCommit
from failover_api.moves.evacuation import parts_of_node
from failover_api.moves.group import check_branches, parts_of
from failover_api.moves.move import Move
from failover_api.moves.outcome import Outcome, WaveReport, joined_version
from failover_api.moves.progress import OnStep, ignore
from failover_api.operations.move_runner import MoveRunner
from failover_api.operations.wave_operation import AUTOMATIC, PermitFor, WaveOperation, taken_up
from failover_api.operations.wave_sight import WaveSight
from failover_api.reading.pull_requests import record_for
from failover_api.reading.status import Status, Unreadable

MAX_OPERATIONS = 1024
OTHERS_WAIT_S = 20.0  # whoever began it goes first
RETRY_S = 10.0
_PASSING = (ForgeFailure, Conflict, NotReady, NotPermitted, InternalError)
_log = logging.getLogger(__name__)

Around = Callable[[Sequence[Service], MoveRequest], Awaitable[Callable[[Sequence[Service]], Surroundings]]]


@dataclass(frozen=True, slots=True)
class Started:
    """What starting came to: the parts of the wave that was written; who moves later, where they are and will be."""

    report: WaveReport | None
    parts: tuple[Outcome, ...]
    later: Mapping[str, tuple[State, State]]


class WaveRunner:
    """`around` tells what is known around services. `now` is the Git host's clock (s)."""

    def __init__(
        self,
        runner: MoveRunner,
        catalog: Callable[[], Catalog],
        sight: WaveSight,
        *,
        around: Around,
        deadline_s: float,
        now: Callable[[], float],
    ) -> None:
        self._runner, self._catalog, self._sight = runner, catalog, sight
        self._around, self._deadline_s, self._now = around, deadline_s, now
        self._operations: LRUCache[str, WaveOperation] = LRUCache(MAX_OPERATIONS)

    # Beginning

    def made_up(
        self,
        name: str,
        members: Mapping[str, Action],
        order: Order,
        request: MoveRequest,
        provenance: Provenance,
        *,
        node: str = "",
    ) -> WaveOperation:
        """An operation that is not begun yet."""
        actions = tuple((one, str(action)) for one, action in members.items())
        is_mixed = len(set(members.values())) > 1
        wave = Wave(1, order.waves, actions if is_mixed else (), supersede=request.supersede, node=node)
        made = WaveOperation(name, order, dict(members), provenance, wave, self._now(), is_own=True)
        made.permit_for = request.permit_for
        return made

    async def start(
        self,
        operation: WaveOperation,
        request: MoveRequest,
        statuses: Sequence[Status | Unreadable],
        *,
        on_step: OnStep = ignore,
    ) -> Started:
        """Plans all of it, then writes the first wave. Raises what refuses any of it, with nothing written."""
        clock = Clock(self._deadline_s)
        first = operation.order.waves[0]
        bound = request
        if request.versions is not None:  # the write is of what is rehearsed: here, and then with all the others
            alone = await self._rehearse(operation, first, replace(request, versions=None), on_step, clock)
            bound = replace(request, versions=frozenset({joined_version([part.version for part in alone])}))
        rehearsed = await self._rehearse(operation, operation.members, request, on_step, clock)
        if repeat := [part for part in rehearsed if part.is_repeat]:
            return await self._repeated(operation, repeat)
        if (same := self._under_way(operation, statuses)) is not None:
            same.read_at = float("-inf")
            await self.advance(same)
            return _asked_again(same, rehearsed)
        self._prepare(operation, statuses, rehearsed)
        parts = await self._write(operation, 1, first, bound, on_step, clock)
        self._operations[operation.id] = operation
        if any(part.changed for part in parts):
            await self._sight.look(operation, oldest_s=math.inf)
            operation.read_at = float("-inf")
        else:
            await self.advance(operation)
        return _started(operation, parts, rehearsed)

    async def _rehearse(
        self, operation: WaveOperation, names: Sequence[str], request: MoveRequest, on_step: OnStep, clock: Clock
    ) -> list[Outcome]:
        moves = await self._moves(operation, operation.provenance, names, request, on_step)
        return await self._runner.rehearse_parts(operation.name, moves, request, names, clock)

    def _prepare(
        self, operation: WaveOperation, statuses: Sequence[Status | Unreadable], rehearsed: Sequence[Outcome]
    ) -> None:
        accept = [f"{plan.service.name}:{slug}" for part in rehearsed for plan in part.plans for slug in plan.accepted]
        operation.wave = replace(operation.wave, accept=tuple(accept))
        for part in rehearsed:
            operation.troubles |= {name: one_line(error.detail) for name, error in part.refused.items()}
        members = [status for status in statuses if status.service.name in operation.actions]
        operation.statuses, operation.read_at = {one.service.name: one for one in members}, time.monotonic()
        for status in members:
            entry = status.last_move if isinstance(status, Status) else None
            operation.known_moves[status.service.name] = entry.record.operation if entry and entry.record else None

    def _under_way(self, operation: WaveOperation, statuses: Sequence[Status | Unreadable]) -> WaveOperation | None:
        """One that moves the same, and that somebody has begun already."""
        self.note(statuses)
        asked = (operation.name, dict(operation.actions), operation.provenance.force)
        like = (one for one in self.running if (one.name, dict(one.actions), one.provenance.force) == asked)
        return next(like, None)

    async def _repeated(self, operation: WaveOperation, parts: Sequence[Outcome]) -> Started:
        """The same key again: what was begun then."""
        first = next((part.operation for part in parts if part.operation is not None), operation.id)
        found = await self.find(first)
        return Started((found or operation).report if found else None, tuple(parts), {})

    # What nobody asked for

    def members_of_event(self, by: str, key: str) -> frozenset[str]:
        """The services that move with an event, or are held, by what this process has begun or taken up for it."""
        digest = idempotency_digest(by, key)
        known = [one for one in self._operations.values() if one.provenance.key == digest and one.permit_for]
        return frozenset(name for operation in known for name in operation.members)

    def unmoved(self, by: str, key: str) -> Mapping[str, Unmoved]:
        """Who moves later with others, is held there, or was left out: not moved past what it is after.

        What an event begins by itself (`by`, `key`) goes on by that. What a death began under another leader holds
        nobody: whoever leads now decides anew, and goes on with it.
        """
        digest, found = idempotency_digest(by, key), dict[str, Unmoved]()
        for operation in self._operations.values():
            if operation.provenance.key == digest:
                continue
            if operation.provenance.trigger == AUTOMATIC:
                found |= operation.unmoved(None) if operation.permit_for is not None else {}
            elif not self._sight.is_old(operation):
                found |= operation.unmoved(self._sight.old_at(operation))
        return found

    def of_event(
        self, key: str | None, names: Sequence[str], statuses: Sequence[Status | Unreadable]
    ) -> WaveOperation | None:
        """What has been begun for the same event already, with these services among its members."""
        self.note(statuses)
        own = (one for one in self._operations.values() if key is not None and one.provenance.key == key)
        return next((one for one in own if set(names) <= set(one.members)), None)

    async def resume(self, operation: WaveOperation, permit_for: PermitFor | None) -> WaveReport:
        """Goes on with it, with a permit of now: for whoever leads now."""
        operation.permit_for, operation.read_at = permit_for, float("-inf")
        await self.advance(operation)
        return operation.report

    # Going on

    @property
    def running(self) -> Sequence[WaveOperation]:
        """Those that are not at their end, as far as is known here."""
        return [operation for operation in self._operations.values() if self._is_running(operation)]

    def _is_running(self, operation: WaveOperation) -> bool:
        """One that nobody has looked at may be."""
        if operation.progress is not None:
            return operation.progress.is_running
        return not self._sight.is_old(operation)

    def note(self, statuses: Sequence[Status | Unreadable]) -> None:
        """Takes up what these services are in the middle of; asks nobody."""
        for status in statuses:
            if isinstance(status, Status):
                self._note_commit(status)
                self._note_proposal(status)

    def _note_commit(self, status: Status) -> None:
        entry = status.last_move
        record = entry.record if entry is not None else None
        if entry is None or record is None or record.provenance.wave is None or entry.verified is not True:
            return
        at = seconds_of(entry.logged.at)
        known = self._operations.get(record.operation)
        if known is None and at is not None:
            known = taken_up(record, at, self._catalog(), is_proved=True)
        if known is not None and at is not None:
            known.began_at = min(known.began_at, at)
            self._operations[known.id] = known

    def _note_proposal(self, status: Status) -> None:
        pull = status.pull_request
        record = record_for(status.service.name, pull.body) if pull is not None else None
        if pull is None or record is None or record.provenance.wave is None or record.operation in self._operations:
            return
        at = seconds_of(pull.created_at)
        known = taken_up(record, at if at is not None else self._now(), self._catalog(), is_proved=False)
        if known is not None:
            self._operations[known.id] = known

    def _told_of(self, operation: str, commits: Sequence[LoggedCommit]) -> WaveOperation | None:
        """As the log has it, which nobody has proved: to be shown, and not gone on with."""
        for commit in (commit for commit in commits if operation in commit.message):
            at = seconds_of(commit.at)
            for record in read_records(commit.message) if at is not None else ():
                if record.operation == operation:
                    return taken_up(record, at or 0.0, self._catalog(), is_proved=False)
        return None

    async def advance(self, operation: WaveOperation) -> Progress:
        """Looks, and writes what is due, until somebody has to be waited for."""
        async with operation.lock:
            was_running = operation.progress is not None and operation.progress.is_running
            found = await self._advanced(operation)
        if was_running and not found.is_running:
            reasons = {name: place.reason for name, place in found.places.items() if place.reason}
            level = logging.INFO if found.state is OperationState.DONE else logging.WARNING
            facts = {"operation": operation.id, "group": operation.name, "state": found.state.value, "reasons": reasons}
            _log.log(level, "a move in waves has come to its end", extra=facts)
        return found

    async def _advanced(self, operation: WaveOperation) -> Progress:
        found = await self._sight.look(operation)
        while found.due is not None and self._may_write(operation):
            found = await self._sight.look(operation, oldest_s=0.0)  # somebody may have been faster
            if found.due is None:
                break
            await self._go_on(operation, *found.due)
            before, found = found, await self._sight.look(operation, oldest_s=0.0)
            if found.due == before.due:  # it could not be written now
                break
        return found

    def _may_write(self, operation: WaveOperation) -> bool:
        now = time.monotonic()
        has_permit = operation.permit_for is not None
        if operation.provenance.trigger is not None and not has_permit:
            return False  # whoever leads decides on it anew, and brings one along
        waits_s = 0.0 if operation.is_own or has_permit else OTHERS_WAIT_S
        is_turn = operation.due_since is not None and now - operation.due_since >= waits_s
        return is_turn and now >= operation.retry_at and (operation.is_own or operation.is_proved)

    async def _go_on(self, operation: WaveOperation, number: int, names: Sequence[str]) -> None:
        if number == 1 and not operation.is_own:
            operation.troubles |= dict.fromkeys(names, "was left out of the first wave")
            return
        try:
            clock = Clock(self._deadline_s)
            await self._write(operation, number, names, operation.request_of(names), ignore, clock)
        except FailoverError as exc:
            facts = {"operation": operation.id, "wave": number, "problem": exc.slug, "detail": exc.detail}
            _log.warning("a wave could not be written", extra=facts)
            if isinstance(exc, _PASSING) or exc.outcome == "unknown":
                operation.retry_at = time.monotonic() + RETRY_S
            else:
                operation.failed(names, exc)

    async def _write(
        self,
        operation: WaveOperation,
        number: int,
        names: Sequence[str],
        request: MoveRequest,
        on_step: OnStep,
        clock: Clock,
    ) -> list[Outcome]:
        able = [name for name in names if name not in operation.troubles]
        if not able:
            return []
        moves = await self._moves(operation, operation.provenance_of(number), able, request, on_step)
        outcomes = await self._runner.run_parts(operation.name, moves, request, able, clock)
        operation.wrote(outcomes, self._now())
        return outcomes

    async def _moves(
        self,
        operation: WaveOperation,
        provenance: Provenance,
        names: Sequence[str],
        request: MoveRequest,
        on_step: OnStep,
    ) -> list[Move]:
        catalog = self._catalog()
        members = [(catalog.service(name), operation.actions[name]) for name in names if name in catalog.services]
        services = [service for service, _ in members]
        around = await self._around(services, request)
        if operation.wave.node:
            alone = replace(provenance, group=None)
            return parts_of_node(members, request, provenance, alone, on_step, around)
        (action,) = {action for _, action in members} or {Action.PROMOTE}
        moves = parts_of(services, action, request, provenance, on_step, around)
        check_branches(operation.name, moves)
        return moves

    # Looking

    async def find(self, operation: str) -> WaveOperation | None:
        """One by its id, looked at now; None where nobody knows it."""
        if operation not in self._operations:
            self.note(await self._sight.read(tuple(self._catalog().services.values())))
        if operation not in self._operations or self._operations[operation].progress is None:
            commits = await self._sight.newest_commits()
            if operation not in self._operations and (known := self._told_of(operation, commits)) is not None:
                self._operations[operation] = known
            if (known := self._operations.get(operation)) is not None and not known.is_own:
                known.found_in_log(commits)
        found = self._operations.get(operation)
        if found is not None:
            async with found.lock:
                await self._sight.look(found)
        return found


def _started(operation: WaveOperation, parts: Sequence[Outcome], rehearsed: Sequence[Outcome]) -> Started:
    """Who was refused is told with the first part, whichever wave they would be in."""
    refused = {name: error for part in rehearsed for name, error in part.refused.items()}
    shown = list(parts) or [replace(rehearsed[0], plans=(), changed=False, dry_run=False, hazards=())]
    shown[0] = replace(shown[0], refused={**refused, **shown[0].refused})
    named = {plan.service.name for part in shown for plan in part.plans} | refused.keys()
    later = {
        plan.service.name: (plan.before.state, State(plan.after))
        for part in rehearsed
        for plan in part.plans
        if plan.service.name not in named
    }
    return Started(operation.report, tuple(shown), later)


def _asked_again(operation: WaveOperation, rehearsed: Sequence[Outcome]) -> Started:
    """The same while it is under way: nothing is written, and the first operation goes on."""
    plans = [plan for part in rehearsed for plan in part.plans]
    later = {plan.service.name: (plan.before.state, State(plan.after)) for plan in plans if plan.changes}
    shown = (
        replace(
            part,
            plans=tuple(plan for plan in part.plans if not plan.changes),
            changed=False,
            dry_run=False,
            hazards=(),
        )
        for part in rehearsed
    )
    return Started(operation.report, tuple(shown), later)
