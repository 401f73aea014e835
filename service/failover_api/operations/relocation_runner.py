"""Carries relocations on: looks at Git and the cluster, and has the ladder's next step written.

start      the first step, once nothing stands in its way
advance    whatever is due, by anybody: nothing is kept here that Git and the cluster do not tell
abort      puts back what was, before the cutover
rehearse   all steps, with their diffs; nothing is written
find       how far an operation is

Any number of processes may advance a relocation: each step is a compare-and-swap on what it was decided on, and whoever
comes second decides anew.
"""

import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace

from cachetools import LRUCache
from ulid import ULID

from failover_api.concurrency import together
from failover_api.core.catalog.model import Action, Branch, Catalog, Policy, Service, Side
from failover_api.core.planning.request import MoveRequest, Provenance, idempotency_digest
from failover_api.core.rfc3339 import rfc3339
from failover_api.core.safety.relocation.ladder import Decision, Obstacle, State, StepCommit
from failover_api.core.safety.relocation.manifests import edited
from failover_api.core.safety.relocation.marks import operation_on
from failover_api.core.safety.relocation.steps import Step
from failover_api.core.safety.relocation.table import AFTER_CUTOVER, BEFORE_CUTOVER, ENDS
from failover_api.errors import (
    BadRequest,
    BranchProtected,
    CannotPlan,
    Conflict,
    FailoverError,
    ManifestError,
    NothingToRollBack,
    RepositoryTooLarge,
)
from failover_api.events import Events
from failover_api.forge.port import Forge
from failover_api.moves.direct.writer import Writer
from failover_api.moves.evacuation import is_own_refusal
from failover_api.moves.outcome import Outcome
from failover_api.moves.pull_request.step import Fate, Planned, ProposedStep, StepProposer
from failover_api.operations.relocation_news import RelocationNews
from failover_api.operations.relocation_proposals import first_report, is_end, stale, waits_for_merge
from failover_api.operations.relocation_refusals import check_vouched, other_way
from failover_api.operations.relocation_report import RelocationReport, report_of
from failover_api.operations.relocation_sight import NewestMove, RelocationSight
from failover_api.operations.relocation_writer import RelocationWriter
from failover_api.operations.wave_operation import no_operation
from failover_api.reading.clusters import ClusterReader
from failover_api.reading.relocations import Relocation, RelocationReader, StepMade
from failover_api.reading.status import Status

MAX_KEPT = 1024
NOT_DUE = "This step is not due any more."
FRESH_S = 10.0  # how old what Git says may be while nothing is due; a write is compared with it
MAX_STEPS = 4  # of one advance: each needs the cluster to come after it, so more are a circle
_log = logging.getLogger(__name__)


class RelocationRunner:
    """`status` reads a service as its page shows it, `newest_move` what has brought it to where it is.

    `now` is the Git host's clock (s).
    """

    def __init__(
        self,
        forge: Forge,
        reader: RelocationReader,
        writer: Writer,
        proposer: StepProposer,
        clusters: ClusterReader,
        catalog: Callable[[], Catalog],
        events: Events,
        *,
        status: Callable[[str], Awaitable[Status]],
        newest_move: NewestMove,
        deadline_s: float,
        now: Callable[[], float],
    ) -> None:
        self._reader, self._proposer, self._clusters = reader, proposer, clusters
        self._catalog, self._now = catalog, now
        self._news = RelocationNews(events, now)
        self._sight = RelocationSight(reader, proposer, clusters, status=status, newest_move=newest_move, now=now)
        self._writer = RelocationWriter(
            forge, writer, proposer, self._sight, self._news, events, deadline_s=deadline_s, now=now
        )
        self._services: LRUCache[str, str] = LRUCache(MAX_KEPT)  # by operation

    # Asked for

    async def start(
        self, name: str, target: Side, request: MoveRequest, *, part_of: Provenance | None = None
    ) -> RelocationReport:
        """The first step of a relocation; of one that runs to the same side, how far that is.

        `part_of`: what its commits tell of the operation that it is a part of; None: it is one by itself.
        Raises RelocationRunning, ClusterNeeded, UnsafeMove, PreconditionFailed, BranchProtected, CannotPlan, and what
        writing raises.
        """
        service, began = self._catalog().service(name), time.monotonic()
        running = await self._running(service, target, request)
        if running is not None:
            return running
        provenance = part_of or request.provenance(str(ULID()), at=rfc3339(self._now()))
        relocation, decision = await self._sight.beginning(service, target, provenance.operation, request, began)
        if decision.commit is None:
            return report_of(relocation, decision)
        outcome = await self._writer.write(relocation, decision, request, provenance)
        if outcome.pull_request is not None and outcome.is_pending:
            return report_of(relocation, replace(decision, reason=waits_for_merge(outcome.pull_request)), changed=True)
        return await self.look(name) or report_of(relocation, decision, changed=True)

    async def rehearse(self, name: str, target: Side, request: MoveRequest) -> RelocationReport:
        """Every step with its diff. Refused where start() would be."""
        service, began = self._catalog().service(name), time.monotonic()
        running = await self._running(service, target, request)
        if running is not None:
            return running
        relocation, decision = await self._sight.beginning(service, target, str(ULID()), request, began)
        steps = await self._sight.rehearsed(relocation) if decision.commit is not None else ()
        return replace(report_of(relocation, decision), operation=None, steps=steps)

    def check_part(self, name: str) -> None:
        """Raises BranchProtected where it cannot be one of several: what does not begin is told by a direct commit."""
        if self._catalog().service(name).policy is Policy.PULL_REQUEST:
            raise BranchProtected(f"{name} has policy pull_request: relocate it by itself")

    async def advance(
        self, name: str, *, request: MoveRequest | None = None, vouched_for: Side | None = None
    ) -> RelocationReport | None:
        """Makes whatever is due of the newest relocation. None where there is none.

        `vouched_for`: whoever asks says that the data is on this side. Raises BadRequest where nobody waits for that,
        RelocationRunning where it goes to the other side, and what writing raises.
        """
        vouched_by = request.by if vouched_for is not None and request is not None else ""
        old_s, service = 0.0 if vouched_by else FRESH_S, self._catalog().service(name)
        is_aborted, word = False, ""  # what was asked for by what is withdrawn to be proposed anew
        for _ in range(MAX_STEPS):
            found = await self._sight.look(service, vouched_by=vouched_by or word, old_s=old_s, is_aborted=is_aborted)
            if found is None or found[1].position in ENDS:
                begun = await self._go_on_with_first(service)
                if begun is not None:
                    return begun
            if found is None:
                return None
            relocation, decision = found
            if vouched_by:
                check_vouched(relocation, decision, vouched_for)
            fate = await self._settle(relocation, decision)
            if decision.commit is None and fate is Fate.WAITS:
                return self._told(relocation, decision)
            is_aborted = fate is Fate.WITHDRAWN and is_end(decision.proposed)
            word = "somebody" if fate is Fate.WITHDRAWN and decision.proposed == Step.CUTOVER.label else ""
            if fate is not Fate.WAITS or not await self._writer.go_on(relocation, decision):
                old_s = 0.0
                continue
            vouched_by = ""
        return await self.look(name)

    async def _settle(self, relocation: Relocation, decision: Decision) -> Fate:
        """Closes what is proposed and not due any more, which merged later would be compared with nothing.

        What is due is to merge by itself, whoever has opened it: what has become of that.
        """
        service = relocation.services[0]
        if service.policy is not Policy.PULL_REQUEST:
            return Fate.WAITS
        proposed = await self._proposer.newest(service, relocation.operation)
        for pull in stale(decision, proposed):
            with contextlib.suppress(Conflict):  # merged: the branch says so
                await self._proposer.withdraw(service, pull, NOT_DUE)
        due = proposed.get(decision.proposed) if decision.proposed else None
        if due is None or due.state != "open":
            return Fate.WAITS
        return await self._proposer.see_to(service, due, _planned(relocation, decision.pending))

    async def _go_on_with_first(self, service: Service) -> RelocationReport | None:
        """The same for the first step: nothing of it is in Git. None where that is not open, or not any more."""
        first = await self._first_open(service)
        if first is None:
            return None
        begun, began = first_report(service.name, first), time.monotonic()
        relocation = await self._reader.beginning(service, begun.target, begun.operation or "", not_before=began)
        decision = await self._sight.due(relocation)
        if decision.commit is None and decision.obstacle not in {Obstacle.UNSEEN, Obstacle.UNREADABLE}:
            with contextlib.suppress(Conflict):
                await self._proposer.withdraw(service, first.pull, NOT_DUE)
            return None
        planned = _planned(relocation, decision.commit)
        return None if await self._proposer.let_merge(service, first.pull, planned) else begun

    async def vouch(self, name: str, target: Side, request: MoveRequest) -> RelocationReport:
        """Whoever asks says that the data is on `target`: goes on; a dry run says what with. Raises as advance()."""
        if request.dry_run:
            found = await self._sight.look(self._catalog().service(name), vouched_by=request.by)
            if found is not None:
                check_vouched(*found, target)
            report = None if found is None else self._told(*found)
        else:
            report = await self.advance(name, request=request, vouched_for=target)
        if report is None or report.operation is None:
            raise BadRequest("synced: no relocation of the service is under way")
        return report

    async def abort(self, name: str, request: MoveRequest) -> RelocationReport:
        """Puts back what was. Raises NothingToRollBack where none runs, or it has come to the cutover."""
        service = self._catalog().service(name)
        if (first := await self._first_open(service)) is not None:
            await self._proposer.withdraw(service, first.pull, "The relocation was aborted.")
            return replace(first_report(name, first), state=State.STOPPED, reason="It was aborted before it began.")
        for _ in range(MAX_STEPS):
            found = await self._sight.look(service, is_aborted=True, is_asked=True)
            if found is None or found[1].position in ENDS:
                raise NothingToRollBack(f"no relocation of {name} is under way")
            relocation, decision = found
            if decision.position in AFTER_CUTOVER:
                raise NothingToRollBack(
                    f"{name} has come to {relocation.subject.target} already: what is written there is on "
                    f"{relocation.subject.target} alone, so relocate it back to {relocation.subject.origin}"
                )
            if decision.commit is None:
                return self._told(relocation, decision)
            if await self._writer.go_on(relocation, decision, request):
                report = await self.look(name)
                if report is not None:
                    return report
        raise Conflict(f"{name} could not be put back in {MAX_STEPS} tries; ask again")

    async def roll_back(self, name: str, request: MoveRequest) -> Outcome | None:
        """The same for a rollback, or what it would do. None where no relocation runs that has not cut over.

        What cannot be read of a relocation keeps nobody from rolling back a move.
        """
        service = self._catalog().service(name)
        for _ in range(MAX_STEPS):
            try:
                found = await self._sight.look(service, is_aborted=True, is_asked=True)
            except (ManifestError, CannotPlan, RepositoryTooLarge) as exc:
                _log.warning("relocations are not read", extra={"service": name, "detail": exc.detail})
                return None
            if found is None:
                return None
            relocation, decision = found
            if decision.edge is None or decision.commit is None or decision.position not in BEFORE_CUTOVER:
                return None
            with contextlib.suppress(Conflict):
                outcome = await self._writer.make(relocation, decision, request)
                return replace(outcome, action=Action.ROLLBACK)
        raise Conflict(f"{name} could not be put back in {MAX_STEPS} tries; ask again")

    async def look(self, name: str, *, old_s: float = 0.0) -> RelocationReport | None:
        """How far the newest relocation of a service is; None where there is none. Writes nothing.

        `old_s` is how old what Git says may be.
        """
        found = await self._sight.look(self._catalog().service(name), old_s=old_s)
        return None if found is None else self._told(*found)

    async def steps(self, name: str) -> Mapping[str, tuple[StepMade, ...]]:
        """{operation: its commits, oldest first} of every relocation of a service that is in reach."""
        return await self._reader.operations(self._catalog().service(name), not_before=None)

    async def find(self, operation: str) -> RelocationReport:
        """How far an operation is. Raises UnknownUrl for one that is no service's newest relocation."""
        known = self._services.get(operation)
        unread: FailoverError | None = None
        for name in sorted((service.name for service in self._relocatable()), key=lambda name: name != known):
            try:
                found = await self.look(name)
            except FailoverError as exc:
                unread = exc if name == known else unread  # else another's trouble; and one of several may be known
                continue
            if found is not None and found.operation == operation:
                return found
        if unread is not None:
            raise unread
        for service in self._relocatable():
            first = await self._first_open(service)
            if first is not None and first.record.operation == operation:
                return first_report(service.name, first)
        raise no_operation(operation)

    # Gone on with

    async def under_way(self) -> frozenset[str]:
        """The services with a relocation that somebody may have to go on with."""
        begun = await self.begun()
        running = {name for name, operation in begun.items() if not self._sight.is_over(operation, name)}
        proposed = {one.name for one in self._relocatable() if one.name not in running and await self._first_open(one)}
        return frozenset(running | proposed)

    async def running(self) -> str:
        """A service that is relocated now; "" for none. What cannot be read of one keeps nobody waiting."""
        for name in sorted(await self.under_way()):
            try:
                report = await self.look(name, old_s=FRESH_S)
                is_running = report is not None and report.is_under_way
                if is_running or await self._first_open(self._catalog().service(name)) is not None:
                    return name
            except FailoverError as exc:
                if not is_own_refusal(exc):
                    raise
        return ""

    async def begun(self, *, of: Collection[str] = ()) -> Mapping[str, str]:
        """{service: operation} of what was relocated lately: by the commits that are in reach.

        And by the tags in the cluster, where it is watched: those stay however many commits have come since. A branch
        that cannot be read keeps nobody on another from going on; raises what reading one of these services raises.
        """
        services, view = self._relocatable(), self._clusters.view()
        marked = {service.name: operation_on(service, view) for service in services}
        found = {name: operation for name, operation in marked.items() if operation}
        branches = {service.branch for service in services}
        needed = {service.branch for service in services if service.name in of or len(branches) == 1}
        for begun in await together(self._begun_on(branch, is_needed=branch in needed) for branch in branches):
            found |= begun
        return found

    async def _begun_on(self, branch: Branch, *, is_needed: bool) -> Mapping[str, str]:
        names = {service.name for service in self._relocatable() if service.branch == branch}
        try:
            begun = await self._reader.begun_on(branch, not_before=time.monotonic())
        except FailoverError as exc:
            if is_needed:
                raise
            facts = {"branch": str(branch), "problem": exc.slug, "detail": exc.detail}
            _log.warning("relocations are not looked for on a branch", extra=facts)
            return {}
        return {name: operation for name, operation in begun.items() if name in names}

    def over(self, report: RelocationReport) -> None:
        """Nothing more comes of it, nor of what it is a part of."""
        self._sight.over(report.operation or "", report.service)

    def _relocatable(self) -> list[Service]:
        return [service for service in self._catalog().services.values() if service.replication is not None]

    async def _running(self, service: Service, target: Side, request: MoveRequest) -> RelocationReport | None:
        """The one that runs to this side, or that the same key has begun. Raises RelocationRunning."""
        if service.replication is None:
            return None
        if (first := await self._first_open(service)) is not None:
            begun = first_report(service.name, first)
            if begun.target is not target:
                raise other_way(service.name, begun.target, first.record.operation, begun.step)
            return begun
        found = await self._sight.look(service, is_asked=not request.dry_run)
        if found is None:
            return None
        is_due = not request.dry_run and _is_first_due(*found, target)
        if is_due:
            await self._writer.go_on(*found)
        if is_due or service.policy is Policy.PULL_REQUEST:
            found = await self._sight.look(service)
            assert found is not None, "it is in Git"
        report = self._told(*found)
        if report.is_under_way and report.target is not target:
            raise other_way(service.name, report.target, report.operation or "", report.step)
        if report.is_under_way or (report.operation is not None and await self._is_keyed(service, request)):
            return report
        return None

    async def _first_open(self, service: Service) -> ProposedStep | None:
        """The pull request of a relocation that begins once it is merged: Git does not know of it yet."""
        if service.policy is not Policy.PULL_REQUEST:
            return None
        found = await self._proposer.open(service)
        return found if found is not None and found.is_first else None

    async def _is_keyed(self, service: Service, request: MoveRequest) -> bool:
        if request.key is None:
            return False
        relocation = await self._reader.newest(service, not_before=None)
        first = relocation.first if relocation is not None else None
        return first is not None and first.provenance.key == idempotency_digest(request.by, request.key)

    def _told(self, relocation: Relocation, decision: Decision) -> RelocationReport:
        report = report_of(relocation, decision)
        self._services[relocation.operation] = report.service
        self._news.seen(report, relocation.first)
        return report


def _is_first_due(relocation: Relocation, decision: Decision, target: Side) -> bool:
    """Whether something is due before it is told to whoever asks for one: what is over puts back what it has to.

    And where a person has closed what would end it after the cutover, whoever asks for the same has that opened anew.
    """
    is_by_proposal = relocation.service.policy is Policy.PULL_REQUEST and decision.position in AFTER_CUTOVER
    is_anew = is_by_proposal and relocation.subject.target is target
    return decision.commit is not None and (decision.state is State.STOPPED or is_anew)


def _planned(relocation: Relocation, commit: StepCommit | None) -> Planned:
    """What a commit would write; no files where nobody can tell, so nothing is taken for it."""
    try:
        new = edited(relocation.service, relocation.subject, commit, relocation.manifests) if commit else {}
    except ManifestError:
        new = {}
    return Planned(relocation.head, {path: manifest.data for path, manifest in new.items()})
