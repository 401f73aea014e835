"""Relocations of a group or a node: one service at a time, in the order of `after`, each an ordinary relocation.

start      rehearses all of them, then begins the first
follow     begins the next once one is done, or says in Git why it does not; by anybody who goes on with relocations
abort      puts back the one that runs, or holds the one that would be next
find       how far an operation is

All have one operation, and every commit names all services in their order: nothing else is kept. Two who begin the
next at the same moment write the same commit, and Git takes one. What does not begin is told by a commit that changes
no file (`Failover-Step: 1/5 held`), so that no other replica begins it either.
"""

import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from ulid import ULID

from failover_api.core.catalog.model import Catalog, Side
from failover_api.core.catalog.notification import Event
from failover_api.core.planning.request import MoveRequest, Provenance, idempotency_digest
from failover_api.core.planning.waves import Order
from failover_api.core.rfc3339 import rfc3339
from failover_api.core.safety.relocation.in_order import in_order, nodes_of, wave_of
from failover_api.core.safety.relocation.ladder import State
from failover_api.core.safety.relocation.steps import Ending, Step
from failover_api.core.text.commit_message import held_message
from failover_api.core.wording import one_line
from failover_api.errors import (
    ClusterNeeded,
    Conflict,
    FailoverError,
    ForgeFailure,
    IdempotencyKeyReused,
    InternalError,
    NothingToRollBack,
    NotReady,
    RelocationRunning,
    UnknownUrl,
    UnsafeMove,
    WriteConflict,
)
from failover_api.events import Events, RelocationTold
from failover_api.forge.port import Forge
from failover_api.forge.values import Commit
from failover_api.moves.empty_commit import make_empty_commit
from failover_api.moves.evacuation import group_of, is_own_refusal
from failover_api.moves.move import changed_meanwhile, refusal_of
from failover_api.moves.outcome import joined_version
from failover_api.operations.group_operation import GroupOperation, Together, numbered, part_of
from failover_api.operations.group_sight import GroupSight, Read
from failover_api.operations.relocation_report import GroupRelocationReport, RelocationReport
from failover_api.operations.relocation_runner import RelocationRunner
from failover_api.reading.nodes import NodeReport, Nodes
from failover_api.reading.status import Status, Unreadable

TRIES = 3
MAX_REASON = 1000  # characters of what held one, in its commit
_PASSING = (ForgeFailure, Conflict, NotReady, InternalError, ClusterNeeded, RelocationRunning)
_log = logging.getLogger(__name__)


class GroupRelocations:
    """`read` and `now` are for a GroupSight; `node` tells what is on a node, and where its services are."""

    def __init__(
        self,
        runner: RelocationRunner,
        forge: Forge,
        catalog: Callable[[], Catalog],
        events: Events,
        *,
        read: Read,
        node: Callable[[str], Awaitable[tuple[NodeReport, Sequence[Status | Unreadable], Nodes]]],
        now: Callable[[], float],
    ) -> None:
        self._runner, self._forge, self._catalog, self._events = runner, forge, catalog, events
        self._sight = GroupSight(runner, catalog, read=read, now=now)
        self._node, self._now = node, now

    # Asked for

    def of_group(self, name: str, target: Side) -> Together:
        """All services of a group. Raises UnknownGroup."""
        return Together(name, dict.fromkeys(self._catalog().group(name), target))

    async def of_node(self, name: str, *, is_home: bool) -> Together:
        """All that is active on a node, each to its other side; `is_home`: all that belongs there, back to it.

        Raises UnknownNode.
        """
        node, statuses, nodes = await self._node(name)
        there = node.standby if is_home else node.active
        members = {
            status.service.name: Side(status.detection.state.value).other
            for status in statuses
            if isinstance(status, Status) and status.service.name in there
        }
        if is_home:
            members = {one: side for one, side in members.items() if side is Side.PRIMARY}
        label = f"{group_of(name)} (home)" if is_home else group_of(name)
        return Together(label, members, name, nodes.unplaced)

    async def start(self, together: Together, request: MoveRequest) -> GroupRelocationReport:
        """Begins the first of them; of the same that is under way, how far that is. With nothing to do: no operation.

        Raises what refuses any of them, with all that are refused; nothing is written then. Raises PreconditionFailed.
        """
        if (running := await self._asked_before(together, request)) is not None:
            return running.report
        order = in_order(together.members, self._catalog())
        rehearsed, refused = await self._rehearse(together, order, request)
        report = GroupRelocationReport(
            operation=None,
            name=together.name,
            node=together.node,
            state=State.DONE if all(one.state is State.DONE for one in rehearsed) else State.RUNNING,
            relocations=tuple(rehearsed),
            refused=refused,
            unplaced=together.unplaced,
            warnings=order.warnings,
        )
        if request.versions is not None and report.version not in request.versions:
            raise changed_meanwhile(together.name)
        if request.dry_run or report.state is State.DONE:
            return report
        first = next(one for one in rehearsed if one.state is not State.DONE)
        asked = numbered(self._provenance(together, order, rehearsed, request), first.service)
        versions = None if request.versions is None else frozenset({first.version})
        bound = replace(request, key=None, versions=versions)
        try:
            begun = await self._runner.start(first.service, first.target, bound, part_of=asked)
        except Conflict:
            if (running := await self._asked_before(together, request)) is None:
                raise
            return running.report
        if begun.operation != asked.operation:
            raise RelocationRunning(f"{first.service} was relocated by somebody else meanwhile; look again")
        _log.info("relocations begin", extra={"operation": asked.operation, "group": together.name, "by": asked.by})
        found = await self._sight.find(asked, (first.service,))
        unplaced, warnings = together.unplaced, order.warnings
        return replace(found.report, refused=refused, unplaced=unplaced, warnings=warnings)

    async def _rehearse(
        self, together: Together, order: Order, request: MoveRequest
    ) -> tuple[list[RelocationReport], dict[str, FailoverError]]:
        """All that can be made, in order, and those that are left out: who is refused, and who waits for one."""
        alone = replace(request, versions=None, key=None, dry_run=True)
        rehearsed: dict[str, RelocationReport] = {}
        refused: dict[str, FailoverError] = {}
        names = [name for wave in order.waves for name in wave]
        for name in names:
            try:
                self._runner.check_part(name)
                report = await self._runner.rehearse(name, together.members[name], alone)
                if report.operation is not None:
                    raise RelocationRunning(f"it is relocated already, by operation {report.operation}")
                rehearsed[name] = report
            except FailoverError as exc:
                if not is_own_refusal(exc):
                    raise
                refused[name] = exc
        error = _refusal(names, refused, rehearsed) if refused else None
        if error is not None and not request.skip_refused:
            raise error
        for name, report in rehearsed.items():
            if report.state is not State.DONE and (held := sorted(order.waits_for[name] & refused.keys())):
                refused[name] = Conflict(f"it comes after {', '.join(held)}, which is left out")
        left = [report for name, report in rehearsed.items() if name not in refused]
        if error is not None and not left:
            raise error
        return left, refused

    async def _asked_before(self, together: Together, request: MoveRequest) -> GroupOperation | None:
        """The same that is under way, or that the same key has begun. Raises RelocationRunning for another of them."""
        digest = None if request.key is None else idempotency_digest(request.by, request.key)
        newest, unread = await self._sight.newest()
        for name in together.members:
            if name in unread:
                raise unread[name]
        for asked in newest:
            is_same = asked.group == together.name and asked.wave is not None
            if digest is not None and asked.key == digest and not is_same:
                raise IdempotencyKeyReused(f"the key was used for operation {asked.operation}")
            if not together.is_about(asked):
                continue
            found = await self._sight.find(asked, ())
            if digest is not None and found.asked.key == digest:
                return found
            if found.is_under_way:
                if is_same and found.is_same(together):
                    return found
                raise RelocationRunning(
                    f"{together.name} is relocated already, by operation {asked.operation}, which is at {found.turn.at}"
                )
        return None

    async def abort(
        self,
        request: MoveRequest,
        *,
        group: str = "",
        node: str = "",
        may: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> GroupRelocationReport:
        """Puts back what was of the one that runs, or holds the next where none can be put back any more.

        `may` is told the services, and raises where the caller may not do that. Raises NothingToRollBack where nothing
        more is to come.
        """
        here = Together(group, {}, node)
        newest, unread = await self._sight.newest()
        for asked in newest:
            if not here.is_about(asked):
                continue
            found = await self._sight.find(asked, ())
            if found.is_under_way:
                may(list(found.targets))
                await self._end(found, request)
                return (await self._sight.find(asked, tuple(found.members))).report
        for name, error in unread.items():  # it may be under way there
            if name in self._catalog().groups.get(group, ()) or node in nodes_of(self._catalog().services[name]):
                raise error
        raise NothingToRollBack(f"no relocation of {group or group_of(node)} is under way")

    async def _end(self, found: GroupOperation, request: MoveRequest) -> None:
        running = next((one for one in found.members.values() if one.may_be_aborted), None)
        if running is not None:
            await self._runner.abort(running.service, request)
            return
        due = found.next_up
        if due is None:
            raise NothingToRollBack("the last of them has come over already: relocate them back")
        await self._hold(found, due, "It was aborted.", by=request.by, reason=request.reason)

    async def find(self, operation: str) -> GroupRelocationReport | RelocationReport:
        """How far an operation is; of one service, if it is of one. Raises UnknownUrl."""
        report = await self._runner.find(operation)
        if report.asked is None or report.asked.wave is None:
            return report
        return (await self._sight.find(report.asked, (report.service,))).report

    async def go_on(self, operation: str) -> GroupRelocationReport:
        """The same, and whatever of it is due is done. Raises UnknownUrl, and what writing raises."""
        report = await self._runner.find(operation)
        if report.asked is None or report.asked.wave is None:
            raise UnknownUrl(f"operation {operation[:40]!r} is of one service")
        members = report.asked.wave.members
        begun = await self._runner.begun(of=members)
        for name in [name for name in members if begun.get(name) == operation or name == report.service]:
            try:
                newest = await self._runner.advance(name)
            except FailoverError as exc:
                if not is_own_refusal(exc):
                    raise
                continue  # it is told of this one, and the others go on
            if newest is not None and newest.operation == operation:
                with contextlib.suppress(RelocationRunning):  # the next is waited for
                    await self.follow(newest)
        return (await self._sight.find(report.asked, (report.service,))).report

    async def to_come(self) -> Mapping[str, str]:
        """{service: operation} of those whose turn is still to come in one that is under way."""
        found: dict[str, str] = {}
        newest, _ = await self._sight.newest()
        for asked in newest:
            operation = await self._sight.find(asked, ()) if asked.wave is not None else None
            if operation is not None and operation.is_under_way:
                found |= dict.fromkeys(operation.to_come, asked.operation)
        return found

    # Gone on with

    async def follow(self, report: RelocationReport) -> None:
        """What comes after one of several, as it is now: nothing while it is under way, else the next begins.

        Raises what passes: then it is to be asked again.
        """
        asked = report.asked
        assert asked is not None, "it has begun"
        assert asked.wave is not None, "it is one of several"
        if report.is_under_way:
            self._sight.saw_under_way(asked.operation)
        elif report.state is State.DONE and asked.wave.number < asked.wave.count:
            found = await self._sight.find(asked, (report.service,))
            for _ in asked.wave.members:
                if not found.turn.due or await self._begin(found):
                    break
                found = await self._sight.find(asked, (report.service,))
            if found.turn.due or not found.is_under_way or found.newest != report.service:
                self._runner.over(report)

    async def _begin(self, found: GroupOperation) -> bool:
        """The next, or a commit that says why not. False where it has come there meanwhile. Raises what passes."""
        asked, name = found.asked, found.turn.due
        assert asked.wave is not None, "it is one of several"
        request = MoveRequest(by=asked.by, reason=asked.reason, accept=frozenset(asked.wave.accept))
        part = part_of(asked, name, by=asked.by, reason=asked.reason, at=rfc3339(self._now()))
        try:
            report = await self._runner.start(name, found.targets[name], request, part_of=part)
            if report.operation not in (None, asked.operation):
                raise RelocationRunning(f"it is relocated by operation {report.operation} already")
            return report.operation is not None
        except FailoverError as exc:
            if isinstance(exc, _PASSING) or exc.outcome == "unknown":
                raise
            await self._hold(found, name, exc.detail, by=asked.by, reason=asked.reason)
            return True

    async def _hold(self, found: GroupOperation, name: str, why: str, *, by: str, reason: str) -> None:
        """Says in Git that a service is not begun. Raises WriteConflict where others kept writing.

        And RelocationRunning where another operation relocates it: whoever read this would not go on with that.
        """
        service, target = self._catalog().service(name), found.targets[name]
        part = part_of(found.asked, name, by=by, reason=reason, at=rfc3339(self._now()))
        held = replace(part, step=Ending.HELD.label(Step.REVERSE))
        message = held_message(name, target.value, held, one_line(why)[:MAX_REASON])
        for _ in range(TRIES):
            head = await self._forge.head(service.branch, not_before=time.monotonic())
            newest = (await self._runner.begun(of=[name])).get(name)
            if newest == found.asked.operation:
                return
            other = await self._runner.look(name) if newest is not None else None
            if other is not None and other.is_under_way:
                raise RelocationRunning(f"{name} is relocated by operation {other.operation}")
            try:
                commit = await make_empty_commit(self._forge, service.branch, head, message)
            except WriteConflict:
                continue
            facts = {"operation": found.asked.operation, "service": name, "detail": why, "commit": commit.sha}
            _log.warning("relocations have stopped", extra=facts)
            self._tell(found, name, why, commit, by=by, reason=reason)
            return
        raise WriteConflict(f"{service.branch} kept changing")

    def _tell(self, found: GroupOperation, name: str, why: str, commit: Commit, *, by: str, reason: str) -> None:
        to, group = found.targets[name], found.asked.group or ""
        title = f"The relocations of {group} have stopped"
        text = f"{name} is not relocated to {to}, nor is what comes after it. {why}"
        self._events.publish(
            RelocationTold(
                Event.RELOCATION_STOPPED, name, to, found.asked.operation, by, reason, title, text, commit.url
            )
        )

    # Made up

    def _provenance(
        self, together: Together, order: Order, rehearsed: Sequence[RelocationReport], request: MoveRequest
    ) -> Provenance:
        members = {report.service: report.target for report in rehearsed}
        accept = [f"{report.service}:{slug}" for report in rehearsed for slug in report.accepted]
        kept = Order(tuple(wave for wave in order.waves if wave[0] in members), order.waits_for)
        made = request.provenance(str(ULID()), at=rfc3339(self._now()), group=together.name)
        return replace(made, wave=wave_of(kept, members, accept=accept, node=together.node))


def _refusal(
    names: Sequence[str], refused: Mapping[str, FailoverError], rehearsed: Mapping[str, RelocationReport]
) -> FailoverError:
    """What refuses all of them; an unsafe one names the manifests as a dry run would that accepts it."""
    error = refusal_of({name: refused[name] for name in names if name in refused})
    if isinstance(error, UnsafeMove):
        shown = {name: getattr(rehearsed.get(name) or refused.get(name), "steps", ()) for name in names}
        error.steps = tuple(step for steps in shown.values() for step in steps)
        moving = ", ".join(name for name, steps in shown.items() if steps)
        error.message = f"{moving} would be relocated, one after the other. Nothing was written." if moving else ""
        versions = {name: report.version for name, report in rehearsed.items()}
        versions |= {name: one.version for name, one in refused.items() if isinstance(one, UnsafeMove) and one.version}
        is_whole = versions.keys() == set(names)
        error.version = joined_version([versions[name] for name in names]) if is_whole else ""
    return error
