"""Carries relocations on: reads Git and the cluster, asks the ladder, and writes its next step.

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
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from cachetools import LRUCache
from ulid import ULID

from failover_api.core.catalog.model import Action, Branch, Catalog, Policy, Service, Side
from failover_api.core.planning.request import MoveRequest, Provenance, idempotency_digest
from failover_api.core.rfc3339 import rfc3339
from failover_api.core.safety.relocation.ladder import Decision, State, StepCommit, decide, position_of
from failover_api.core.safety.relocation.manifests import changes
from failover_api.core.safety.relocation.marks import operation_on
from failover_api.core.safety.relocation.needs import obstacles, uncopied
from failover_api.core.safety.relocation.overwritten import Moved, left_behind, unsynced_overwritten
from failover_api.core.safety.relocation.rehearsal import rehearse
from failover_api.core.safety.relocation.sight import Sight
from failover_api.core.safety.relocation.sight_of import sight_of, why_unseen
from failover_api.core.safety.relocation.steps import Ending
from failover_api.core.safety.relocation.table import (
    AFTER_CUTOVER,
    BEFORE_CUTOVER,
    ENDS,
    SEEN_TWICE,
    Cause,
    Position,
)
from failover_api.core.text.commit_message import ended_message
from failover_api.core.text.diff import unified_diff
from failover_api.errors import (
    BadRequest,
    BranchProtected,
    CannotPlan,
    ClusterNeeded,
    Conflict,
    FailoverError,
    ManifestError,
    NothingToRollBack,
    RepositoryTooLarge,
    UnsafeMove,
    WriteConflict,
)
from failover_api.events import Events, MoveEnded
from failover_api.forge.port import Forge
from failover_api.forge.values import Snapshot
from failover_api.moves.direct.writer import Writer
from failover_api.moves.move import changed_meanwhile
from failover_api.moves.outcome import Outcome
from failover_api.moves.pull_request.step import ProposedStep, StepProposer
from failover_api.moves.relocation import StepMove, step_move
from failover_api.operations.relocation_news import RelocationNews
from failover_api.operations.relocation_proposals import (
    as_proposed,
    first_report,
    merges_by_itself,
    stale,
    vouched_in,
    waits_for_merge,
)
from failover_api.operations.relocation_refusals import check_vouched, other_way, refusal_of, was_accepted
from failover_api.operations.relocation_report import RelocationReport, StepReport, report_of
from failover_api.operations.wave_operation import no_operation
from failover_api.reading.clusters import ClusterReader
from failover_api.reading.relocations import Relocation, RelocationReader, StepMade, step_of
from failover_api.reading.status import Status

MAX_KEPT = 1024
FRESH_S = 10.0  # how old what Git says may be while nothing is due; a write is compared with it
MAX_STEPS = 4  # of one advance: each needs the cluster to come after it, so more are a circle
_log = logging.getLogger(__name__)


NewestMove = Callable[[Service, str], Awaitable[Moved | None]]  # of a located service, as of a commit


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
        self._forge, self._reader, self._writer, self._proposer = forge, reader, writer, proposer
        self._clusters, self._catalog = clusters, catalog
        self._events, self._status, self._deadline_s, self._now = events, status, deadline_s, now
        self._news = RelocationNews(events, now)
        self._newest_move = newest_move
        self._since: LRUCache[str, float] = LRUCache(MAX_KEPT)  # by commit: when it was first seen, time.monotonic()
        self._services: LRUCache[str, str] = LRUCache(MAX_KEPT)  # by operation
        self._over: LRUCache[tuple[str, str], bool] = LRUCache(MAX_KEPT)  # operation, service: nothing more comes
        self._done: LRUCache[tuple[str, str], Decision] = LRUCache(MAX_KEPT)  # those that have come to their last end

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
        provenance = part_of or request.provenance(str(ULID()), at=self.stamp())
        relocation, decision = await self._beginning(service, target, provenance.operation, request, began)
        if decision.commit is None:
            return report_of(relocation, decision)
        outcome = await self._write(relocation, decision, request, provenance)
        if outcome.pull_request is not None and outcome.is_pending:
            return report_of(relocation, replace(decision, reason=waits_for_merge(outcome.pull_request)), changed=True)
        return await self.look(name) or report_of(relocation, decision, changed=True)

    async def rehearse(self, name: str, target: Side, request: MoveRequest) -> RelocationReport:
        """Every step with its diff. Refused where start() would be."""
        service, began = self._catalog().service(name), time.monotonic()
        running = await self._running(service, target, request)
        if running is not None:
            return running
        relocation, decision = await self._beginning(service, target, str(ULID()), request, began)
        steps = await self._rehearsed(relocation) if decision.commit is not None else ()
        return replace(report_of(relocation, decision), operation=None, steps=steps)

    async def _rehearsed(self, relocation: Relocation) -> tuple[StepReport, ...]:
        """Every step of one that has not begun."""
        relocation, steps = await self._with_added(relocation, [relocation.head]), list[StepReport]()
        for each in rehearse(relocation.service, relocation.subject, relocation.git, relocation.manifests):
            old = {path: manifest.data for path, manifest in each.before.items()}
            new = {path: manifest.data for path, manifest in each.after.items()}
            listed = changes(each.commit, each.before)
            diff = unified_diff(old, new)
            steps.append(StepReport(each.step, each.commit.label, changes=listed, diff=diff, old=old, new=new))
        return tuple(steps)

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
        old_s = 0.0 if vouched_by else FRESH_S
        for _ in range(MAX_STEPS):
            relocation, decision = await self._decided(name, vouched_by=vouched_by, old_s=old_s)
            if relocation is None or decision is None:
                return None
            if vouched_by:
                check_vouched(relocation, decision, vouched_for)
            await self._withdraw(relocation, decision)
            if decision.commit is None:
                return self._told(relocation, decision)
            if not await self._go(relocation, decision):
                old_s = 0.0
                continue
            vouched_by = ""
        relocation, decision = await self._decided(name)
        return self._told(relocation, decision) if relocation is not None and decision is not None else None

    async def _withdraw(self, relocation: Relocation, decision: Decision) -> None:
        """Closes what is proposed and not due any more: merged later it would be compared with nothing."""
        service = relocation.services[0]
        if service.policy is not Policy.PULL_REQUEST:
            return
        for pull in stale(decision, await self._proposer.newest(service, relocation.operation)):
            with contextlib.suppress(Conflict):  # merged: the branch says so
                await self._proposer.withdraw(service, pull, "This step is not due any more.")

    async def vouch(self, name: str, target: Side, request: MoveRequest) -> RelocationReport:
        """Whoever asks says that the data is on `target`: goes on. Raises as advance()."""
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
            relocation, decision = await self._decided(name, is_aborted=True)
            if relocation is None or decision is None or decision.position in ENDS:
                raise NothingToRollBack(f"no relocation of {name} is under way")
            if decision.position in AFTER_CUTOVER:
                raise NothingToRollBack(
                    f"{name} has come to {relocation.subject.target} already: what is written there is on "
                    f"{relocation.subject.target} alone, so relocate it back to {relocation.subject.origin}"
                )
            if decision.commit is None:
                return self._told(relocation, decision)
            if await self._go(relocation, decision, request):
                found = await self.look(name)
                if found is not None:
                    return found
        raise Conflict(f"{name} could not be put back in {MAX_STEPS} tries; ask again")

    async def roll_back(self, name: str, request: MoveRequest) -> Outcome | None:
        """The same for a rollback, or what it would do. None where no relocation runs that has not cut over.

        What cannot be read of a relocation keeps nobody from rolling back a move.
        """
        for _ in range(MAX_STEPS):
            try:
                relocation, decision = await self._decided(name, is_aborted=True)
            except (ManifestError, CannotPlan, RepositoryTooLarge) as exc:
                _log.warning("relocations are not read", extra={"service": name, "detail": exc.detail})
                return None
            if relocation is None or decision is None or decision.edge is None:
                return None
            if decision.commit is None or decision.position not in BEFORE_CUTOVER:
                return None
            with contextlib.suppress(Conflict):
                outcome = await self._make(relocation, decision, request)
                return replace(outcome, action=Action.ROLLBACK)
        raise Conflict(f"{name} could not be put back in {MAX_STEPS} tries; ask again")

    async def look(self, name: str, *, old_s: float = 0.0) -> RelocationReport | None:
        """How far the newest relocation of a service is; None where there is none. Writes nothing.

        `old_s` is how old what Git says may be.
        """
        relocation, decision = await self._decided(name, old_s=old_s)
        return None if relocation is None or decision is None else self._told(relocation, decision)

    async def steps(self, name: str) -> Mapping[str, tuple[StepMade, ...]]:
        """{operation: its commits, oldest first} of every relocation of a service that is in reach."""
        return await self._reader.operations(self._catalog().service(name), not_before=None)

    async def find(self, operation: str) -> RelocationReport:
        """How far an operation is. Raises UnknownUrl for one that is no service's newest relocation."""
        known = self._services.get(operation)
        others = (service.name for service in self._relocatable() if service.name != known)
        for name in [known, *others] if known else others:
            try:
                found = await self.look(name)
            except FailoverError:
                if name == known:
                    raise
                continue  # another's trouble
            if found is not None and found.operation == operation:
                return found
        for service in self._relocatable():
            first = await self._first_open(service)
            if first is not None and first.record.operation == operation:
                return first_report(service.name, first)
        raise no_operation(operation)

    # Gone on with

    async def under_way(self) -> frozenset[str]:
        """The services with a relocation that somebody may have to go on with."""
        begun = await self.begun()
        return frozenset(name for name, operation in begun.items() if (operation, name) not in self._over)

    async def begun(self) -> Mapping[str, str]:
        """{service: operation} of what was relocated lately: by the commits that are in reach.

        And by the tags in the cluster, where it is watched: those stay however many commits have come since.
        """
        services, view = self._relocatable(), self._clusters.view()
        marked = {service.name: operation_on(service, view) for service in services}
        found = {name: operation for name, operation in marked.items() if operation}
        by_branch: dict[Branch, set[str]] = {}
        for service in services:
            by_branch.setdefault(service.branch, set()).add(service.name)
        for branch, names in by_branch.items():
            begun = await self._reader.begun_on(branch, not_before=time.monotonic())
            found |= {name: operation for name, operation in begun.items() if name in names}
        return found

    def over(self, report: RelocationReport) -> None:
        """Nothing more comes of it, nor of what it is a part of."""
        self._over[report.operation or "", report.service] = True

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
        relocation, decision = await self._decided(service.name)
        if relocation is None or decision is None:
            return None
        if decision.commit is not None and decision.state is State.STOPPED and not request.dry_run:
            await self._go(relocation, decision)  # what is over puts back first what it has to
            relocation, decision = await self._decided(service.name)
            assert relocation is not None, "it is in Git"
            assert decision is not None, "it is in Git"
        found = self._told(relocation, decision)
        if found.is_under_way and found.target is not target:
            raise other_way(service.name, found.target, found.operation or "", found.step)
        if found.is_under_way or (found.operation is not None and await self._is_keyed(service, request)):
            return found
        return None

    async def _first_open(self, service: Service) -> ProposedStep | None:
        """The pull request of a relocation that begins once it is merged: Git does not know of it yet."""
        if service.policy is not Policy.PULL_REQUEST:
            return None
        found = await self._proposer.open(service)
        label = step_of(found.record) if found is not None else None
        is_first = label is not None and label[1] is None and found is not None and not found.record.proof
        return found if is_first else None

    async def _is_keyed(self, service: Service, request: MoveRequest) -> bool:
        if request.key is None:
            return False
        relocation = await self._reader.newest(service, not_before=None)
        first = relocation.first if relocation is not None else None
        return first is not None and first.provenance.key == idempotency_digest(request.by, request.key)

    async def _beginning(
        self, service: Service, target: Side, operation: str, request: MoveRequest, not_before: float
    ) -> tuple[Relocation, Decision]:
        relocation = await self._reader.beginning(service, target, operation, not_before=not_before)
        if request.versions is not None and relocation.version not in request.versions:
            raise changed_meanwhile(service.name)
        sight = await self._sight(relocation)
        decision = decide(relocation.subject, relocation.git, sight)
        if decision.state is State.DONE:
            return relocation, decision
        if service.policy is Policy.PULL_REQUEST and not merges_by_itself(service):
            raise BranchProtected(
                f"{service.name} has policy pull_request: a relocation stops the app between two commits, and no "
                "review may lie between them; let its pull requests merge by themselves (`auto_merge`, and no `draft`)"
            )
        if needs := obstacles(relocation.service, relocation.manifests):
            raise CannotPlan(f"a relocation of {service.name} would not bring its data: {needs[0].text}")
        await self._check_seen(relocation)
        try:
            if decision.commit is None:
                raise refusal_of(decision)
            return await self._accepting(relocation, request), decision
        except UnsafeMove as unsafe:
            await self._say_what_is_refused(unsafe, relocation)
            raise

    async def _say_what_is_refused(self, unsafe: UnsafeMove, relocation: Relocation) -> None:
        """As a dry run would; what cannot be shown is refused all the same."""
        subject = relocation.subject
        with contextlib.suppress(FailoverError):
            unsafe.steps = await self._rehearsed(relocation)
            ways = f"from {subject.origin} to {subject.target}"
            unsafe.message = f"{relocation.service.name} would be relocated {ways}. Nothing was written."

    async def _accepting(self, relocation: Relocation, request: MoveRequest) -> Relocation:
        """The relocation, with what was accepted of what it overwrites. Raises UnsafeMove where that was not.

        What one that was stopped has overwritten already is not asked for again.
        """
        service, subject = relocation.service, relocation.subject
        view = await self._clusters.look([service])
        moved = await self._newest_move(service, relocation.head)
        before = await self._reader.newest(relocation.services[0], not_before=None)
        known = (before.operation, service.name) if before is not None else None
        if before is not None and known not in self._over and known not in self._done and not request.dry_run:
            raise Conflict(f"{service.name} is relocated by operation {before.operation} since this moment; ask again")
        overwritten = None if was_accepted(before, moved) else unsynced_overwritten(subject, view, moved)
        left = left_behind(service.name, subject, uncopied(service, relocation.manifests, subject.target))
        found = tuple(hazard for hazard in (overwritten, left) if hazard is not None)
        refused = [hazard for hazard in found if not request.accepts(service.name, hazard.slug)]
        if refused:
            unsafe = UnsafeMove(" ".join(f"{hazard.detail} ({hazard.slug})" for hazard in refused))
            unsafe.hazards, unsafe.version = found, relocation.version
            raise unsafe
        return replace(relocation, accepted=tuple(hazard.slug for hazard in found))

    async def _check_seen(self, relocation: Relocation) -> None:
        if not self._clusters.is_there:
            raise ClusterNeeded("no cluster is configured here, and a relocation is led by what is seen of it")
        view = await self._clusters.look([relocation.service])
        if why := why_unseen(view, relocation.subject):
            raise ClusterNeeded(f"a relocation is led by what is seen of the cluster, and {why}")

    async def _decided(
        self, name: str, *, is_aborted: bool = False, vouched_by: str = "", old_s: float = 0.0
    ) -> tuple[Relocation | None, Decision | None]:
        service = self._catalog().service(name)
        if service.replication is None:
            return None, None
        try:
            relocation = await self._reader.newest(service, not_before=time.monotonic() - old_s)
        except WriteConflict:
            relocation = await self._reader.newest(service, not_before=time.monotonic())
        if relocation is None:
            return None, None
        self._services[relocation.operation] = name
        if (relocation.operation, name) in self._done and not is_aborted:
            return relocation, self._done[relocation.operation, name]
        position = position_of(relocation.subject, relocation.git)
        is_over = position in ENDS
        if position is Position.CUTOVER:
            relocation = await self._with_added(relocation, relocation.steps[0].logged.parents)
        sight = Sight(self._now()) if is_over else await self._sight(relocation)
        is_held = relocation.steps[0].made.ending is Ending.HELD  # and somebody has begun it in the same moment
        again = partial(decide, relocation.subject, relocation.git, sight)
        if relocation.service.policy is Policy.PULL_REQUEST:
            proposed = await self._proposer.newest(service, relocation.operation)
            again = partial(again, vouched_by=vouched_by or vouched_in(relocation.subject, proposed))
            decision = as_proposed(again(is_aborted=is_aborted or is_held), proposed, again)
        else:
            decision = again(is_aborted=is_aborted or is_held, vouched_by=vouched_by)
        if decision.commit is None and (decision.state is State.STOPPED or _is_last(relocation, decision)):
            self._over[relocation.operation, name] = True
        if decision.state is State.DONE:  # what fails or is changed after its end is not of it
            self._done[relocation.operation, name] = decision
        return relocation, decision

    async def _with_added(self, relocation: Relocation, before: Sequence[str]) -> Relocation:
        """The relocation, which knows what the move before it has added: its last step takes that away again.

        `before` is a commit before it began. Without that knowledge it is set to false, which says the same.
        """
        moved = await self._newest_move(relocation.service, before[0]) if before else None
        if moved is None or not moved.commits:
            return relocation
        try:
            added = await self._reader.pauses_added(relocation, *moved.commits)
        except FailoverError as exc:
            facts = {"service": relocation.service.name, "detail": exc.detail}
            _log.warning("what a move added is not read", extra=facts)
            return relocation
        return replace(relocation, subject=replace(relocation.subject, unparked=added))

    async def _sight(self, relocation: Relocation) -> Sight:
        service = relocation.service
        view = await self._clusters.look([service])
        status = Status(service, relocation.detection, relocation.version)
        state = self._clusters.ready_state(status, view) if view is not None else None
        is_there = all(switch.new == relocation.git.value(switch.place) for switch in relocation.subject.switches)
        if service.verify is not None and self._clusters.verified is not None and is_there:
            state = (await self._status(service.name)).cluster
        ahead_s = self._clusters.ahead_s(self._now())
        return sight_of(
            relocation.subject,
            service,
            relocation.detection,
            view,
            state,
            now=self._now() + ahead_s,
            monotonic=time.monotonic(),
            host_now=self._now(),
            waited_s=self._waited_s(relocation),
        )

    def _waited_s(self, relocation: Relocation) -> float:
        if not relocation.steps:
            return 0.0
        return time.monotonic() - self._since.setdefault(relocation.steps[-1].logged.sha, time.monotonic())

    async def _go(self, relocation: Relocation, decision: Decision, request: MoveRequest | None = None) -> bool:
        """Writes a step. False where what it was decided on has changed meanwhile."""
        first = relocation.first
        assert first is not None, "it runs"
        asked = first.provenance
        try:
            await self._make(relocation, decision, request or MoveRequest(by=asked.by, reason=asked.reason))
        except Conflict as exc:
            _log.info("a step is decided anew", extra={"service": relocation.service.name, "detail": exc.detail})
            return False
        return True

    async def _make(self, relocation: Relocation, decision: Decision, request: MoveRequest) -> Outcome:
        first = relocation.first.provenance if relocation.first is not None else None
        group, wave = (first.group, first.wave) if first is not None else (None, None)
        provenance = Provenance(relocation.operation, request.by, self.stamp(), request.reason, group=group, wave=wave)
        return await self._write(relocation, decision, request, provenance)

    async def _write(
        self, relocation: Relocation, decision: Decision, request: MoveRequest, provenance: Provenance
    ) -> Outcome:
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
            still=partial(self._check_still, relocation, decision),
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
        sha = outcome.commit.sha if outcome.commit is not None else None
        if outcome.pull_request is not None and outcome.is_pending:
            _log.info("step proposed", extra={**facts, "by": provenance.by, "pull_request": outcome.pull_request.url})
            self._news.made(report_of(relocation, decision), outcome, request)
            return outcome
        _log.info("step made", extra={**facts, "by": provenance.by, "proof": commit.proof, "commit": sha})
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
            made = await self._forge.commit(Snapshot(service.branch, {}, relocation.head), {}, message)
        except WriteConflict as exc:
            raise Conflict(f"{service.branch} has moved since this step was decided on") from exc
        outcome = Outcome(target.action, service.policy, (), relocation.version, changed=True, commit=made)
        outcome = replace(outcome, operation=relocation.operation)
        self._news.made(report_of(relocation, decision), outcome, MoveRequest(provenance.by, reason=provenance.reason))
        return outcome

    async def _check_still(self, relocation: Relocation, decision: Decision) -> None:
        """Looks at the cluster again, right before the write. Raises Conflict where it says something else by now.

        The write may have waited, for GitHub or while this process was asleep, and nothing of the cluster is in Git:
        the compare-and-swap would not see that a pod has run in between.
        """
        if decision.edge is None or decision.edge.cause not in SEEN_TWICE:
            return
        vouched_by = "somebody" if decision.edge.cause is Cause.VOUCHED else ""
        now = decide(relocation.subject, relocation.git, await self._sight(relocation), vouched_by=vouched_by)
        if now.edge != decision.edge:
            raise Conflict(f"{relocation.service.name} was seen otherwise right before the write: {now.reason}")

    def _told(self, relocation: Relocation, decision: Decision) -> RelocationReport:
        report = report_of(relocation, decision)
        self._news.seen(report, relocation.first)
        return report

    def stamp(self) -> str:
        """Now, as commits tell it."""
        return rfc3339(self._now())


def _is_last(relocation: Relocation, decision: Decision) -> bool:
    """Whether it is done, and nothing waits for that."""
    wave = relocation.first.provenance.wave if relocation.first is not None else None
    return decision.state is State.DONE and (wave is None or wave.number == wave.count)


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
