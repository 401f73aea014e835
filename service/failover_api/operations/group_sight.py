"""How far a relocation of a group or a node is: what Git shows of each of its services, joined."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from cachetools import LRUCache

from failover_api.core.catalog.model import Catalog, Service, Side
from failover_api.core.planning.request import Provenance
from failover_api.core.rfc3339 import seconds_of
from failover_api.core.safety.relocation.in_order import Member, targets_of, turn, why_not_named
from failover_api.core.safety.relocation.ladder import State
from failover_api.core.wording import one_line
from failover_api.errors import FailoverError, ForgeFailure
from failover_api.moves.evacuation import is_own_refusal
from failover_api.operations.group_operation import GroupOperation, is_on, unreadable
from failover_api.operations.relocation_report import RelocationReport
from failover_api.operations.relocation_runner import RelocationRunner
from failover_api.operations.wave_sight import RESUME_S
from failover_api.reading.status import Status, Unreadable

MAX_KEPT = 1024

Read = Callable[[Sequence[Service]], Awaitable[Sequence[Status | Unreadable]]]
Statuses = Mapping[str, Status | Unreadable]


class GroupSight:
    """`read` tells where services are, by Git. `now` is the Git host's clock (s)."""

    def __init__(
        self, runner: RelocationRunner, catalog: Callable[[], Catalog], *, read: Read, now: Callable[[], float]
    ) -> None:
        self._runner, self._catalog, self._read, self._now = runner, catalog, read, now
        self._seen_at: LRUCache[str, float] = LRUCache(MAX_KEPT)  # by operation: when it was under way (monotonic)

    def saw_under_way(self, operation: str) -> None:
        """Somebody goes on with it, however long its commits are ago."""
        self._seen_at[operation] = time.monotonic()

    async def newest(self) -> tuple[list[Provenance], Mapping[str, FailoverError]]:
        """What the newest operations tell, each once; and the services of which that cannot be read."""
        found: dict[str, Provenance] = {}
        unread: dict[str, FailoverError] = {}
        for name, operation in (await self._runner.begun()).items():
            try:
                report = await self._runner.look(name)
            except FailoverError as exc:
                unread[name] = exc
                continue
            if report is not None and report.asked is not None and (operation not in found or report.asked.key):
                found[operation] = report.asked  # of several the first has the key
        return list(found.values()), unread

    async def find(self, asked: Provenance, known: Sequence[str]) -> GroupOperation:
        """An operation as it is now. `known` have a relocation of it, however long ago that began."""
        assert asked.wave is not None, "it is one of several"
        since = time.monotonic()
        catalog, begun = self._catalog(), await self._runner.begun(of=asked.wave.members)
        there = [name for name in asked.wave.members if name in catalog.services]
        own = [name for name in there if begun.get(name) == asked.operation or name in known]
        read, unread = await self._relocations(asked.operation, own, since)
        first = next((report.asked for report in read.values() if report.asked is not None), asked)
        side = next((report.target for report in read.values()), Side.PRIMARY)
        targets = targets_of(asked.wave, side)
        members = _joined(asked.operation, targets, read, unread)
        statuses = await self._statuses([catalog.services[name] for name in there])
        why = why_not_named(asked.wave, asked.group, targets, catalog) or self._why_over(first, read, statuses)
        seen = [
            Member(name, one.state, is_on(statuses.get(name), target), one.reason)
            if (one := members.get(name)) is not None
            else Member(
                name,
                is_there=is_on(statuses.get(name), target),
                reason=why or _why_taken(first, begun.get(name), statuses.get(name)),
            )
            for name, target in targets.items()
        ]
        return GroupOperation(first, targets, members, statuses, turn(seen))

    async def _relocations(
        self, operation: str, names: Sequence[str], since: float
    ) -> tuple[Mapping[str, RelocationReport], Mapping[str, FailoverError]]:
        """Those of an operation, by service, as of a moment (monotonic) at least; and of whom they cannot be read."""
        read: dict[str, RelocationReport] = {}
        unread: dict[str, FailoverError] = {}
        for name in names:
            try:
                report = await self._runner.look(name, old_s=time.monotonic() - since)
            except FailoverError as exc:
                if not is_own_refusal(exc):
                    raise
                unread[name] = exc
            else:
                if report is not None and report.operation == operation:
                    read[name] = report
        return read, unread

    async def _statuses(self, services: Sequence[Service]) -> Statuses:
        """Where they are. Raises what keeps that from being known now: it is no reason to stop."""
        statuses = await self._read(services)
        for one in statuses:
            if isinstance(one, Unreadable) and isinstance(one.error, ForgeFailure):
                raise one.error
        return {one.service.name: one for one in statuses}

    def _why_over(self, asked: Provenance, members: Mapping[str, RelocationReport], statuses: Statuses) -> str:
        """Why the next is not begun, whoever that is; "" where it may be."""
        last = list(members.values())[-1] if members else None
        if last is None:
            return "Nothing of it is the newest relocation of a service any more."
        if last.state is not State.DONE:
            return ""
        status = statuses.get(last.service)
        entry = status.last_move if isinstance(status, Status) else None
        if entry is None or entry.record is None or entry.record.operation != asked.operation:
            return f"{last.service} has been moved again since."
        if entry.verified is not True:
            return f"The commit that says that it moved {last.service} does something else."
        times = [at for step in last.steps if step.at is not None and (at := seconds_of(step.at)) is not None]
        is_seen = time.monotonic() - self._seen_at.get(asked.operation, float("-inf")) < RESUME_S
        if not is_seen and self._now() - max(times, default=0.0) > RESUME_S:
            return "Nobody has gone on with it in time."
        return ""


def _joined(
    operation: str,
    targets: Mapping[str, Side],
    read: Mapping[str, RelocationReport],
    unread: Mapping[str, FailoverError],
) -> dict[str, RelocationReport]:
    """Those that have begun, in order. One that cannot be read is done where one after it has begun."""
    begun = [name for name in targets if name in read or name in unread]
    found: dict[str, RelocationReport] = {}
    for name in begun:
        if name in unread:
            told = unreadable(operation, name, targets[name], unread[name].detail)
            found[name] = told if name == begun[-1] else replace(told, state=State.DONE)
        else:
            found[name] = read[name]
    return found


def _why_taken(asked: Provenance, relocated_by: str | None, status: Status | Unreadable | None) -> str:
    """Why one that has not begun is not touched: another operation, which is younger, has taken it; "" if none has.

    Whoever asked for that has the last word, wherever it is now.
    """
    entry = status.last_move if isinstance(status, Status) else None
    moved_by = entry.record.operation if entry is not None and entry.record is not None else None
    younger = next((one for one in (relocated_by, moved_by) if one is not None and one > asked.operation), None)
    return f"Another operation has taken it since: {one_line(younger)}." if younger is not None else ""
