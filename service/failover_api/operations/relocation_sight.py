"""How far a service's relocation is: what Git and the cluster show of it, joined, and what the ladder makes of that.

look          the newest one, and its next step
beginning     one that would begin, and its first; refused where something stands in its way
due           what is due of one by a look at the cluster
check_still   the same once more, right before a write
"""

import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from cachetools import LRUCache

from failover_api.core.catalog.model import Policy, Service, Side
from failover_api.core.planning.request import MoveRequest
from failover_api.core.safety.relocation.ladder import Decision, State, decide, position_of
from failover_api.core.safety.relocation.manifests import changes
from failover_api.core.safety.relocation.needs import obstacles, uncopied
from failover_api.core.safety.relocation.overwritten import Moved, left_behind, unsynced_overwritten
from failover_api.core.safety.relocation.proofs import Quiet
from failover_api.core.safety.relocation.quiet import still
from failover_api.core.safety.relocation.rehearsal import rehearse
from failover_api.core.safety.relocation.sight import Sight
from failover_api.core.safety.relocation.sight_of import sight_of, why_unseen
from failover_api.core.safety.relocation.steps import Ending
from failover_api.core.safety.relocation.table import ENDS, SEEN_TWICE, Cause, Position
from failover_api.core.text.diff import unified_diff
from failover_api.errors import (
    BranchProtected,
    CannotPlan,
    ClusterNeeded,
    Conflict,
    FailoverError,
    UnsafeMove,
    WriteConflict,
)
from failover_api.moves.move import changed_meanwhile
from failover_api.moves.pull_request.step import StepProposer
from failover_api.operations.relocation_proposals import as_proposed, merges_by_itself, vouched_in
from failover_api.operations.relocation_refusals import refusal_of, was_accepted
from failover_api.operations.relocation_report import StepReport
from failover_api.reading.clusters import ClusterReader
from failover_api.reading.relocations import Relocation, RelocationReader
from failover_api.reading.status import Status

MAX_KEPT = 1024
_log = logging.getLogger(__name__)

Decided = tuple[Relocation, Decision]  # how it is, and what is due
NewestMove = Callable[[Service, str], Awaitable[Moved | None]]  # of a located service, as of a commit


class RelocationSight:
    """`status` reads a service as its page shows it, `newest_move` what has brought it to where it is.

    `now` is the Git host's clock (s).
    """

    def __init__(
        self,
        reader: RelocationReader,
        proposer: StepProposer,
        clusters: ClusterReader,
        *,
        status: Callable[[str], Awaitable[Status]],
        newest_move: NewestMove,
        now: Callable[[], float],
    ) -> None:
        self._reader, self._proposer, self._clusters = reader, proposer, clusters
        self._status, self._newest_move, self._now = status, newest_move, now
        self._since: LRUCache[str, float] = LRUCache(MAX_KEPT)  # by commit: when it was first seen, time.monotonic()
        self._over: LRUCache[tuple[str, str], bool] = LRUCache(MAX_KEPT)  # operation, service: nothing more comes
        self._quiet: LRUCache[tuple[str, str], Quiet] = LRUCache(MAX_KEPT)  # the same: since when the app has stopped
        self._done: LRUCache[tuple[str, str], Decision] = LRUCache(MAX_KEPT)  # those that have come to their last end

    async def look(
        self,
        service: Service,
        *,
        is_aborted: bool = False,
        is_asked: bool = False,
        vouched_by: str = "",
        old_s: float = 0.0,
    ) -> Decided | None:
        """The newest relocation of a service, over or not, and what is due of it; None where there is none.

        What Git says of it is at most `old_s` old, what the cluster shows is as of now. `is_asked`: somebody asks for
        it now, whatever was closed before.
        """
        if service.replication is None:
            return None
        try:
            relocation = await self._reader.newest(service, not_before=time.monotonic() - old_s)
        except WriteConflict:
            relocation = await self._reader.newest(service, not_before=time.monotonic())
        if relocation is None:
            return None
        its = relocation.operation, service.name
        if its in self._done and not is_aborted:
            return relocation, self._done[its]
        position = position_of(relocation.subject, relocation.git)
        is_over = position in ENDS
        if position is Position.CUTOVER:
            relocation = await self.with_added(relocation, relocation.steps[0].logged.parents)
        sight = Sight(self._now()) if is_over else await self._sight(relocation)
        is_held = relocation.steps[0].made.ending is Ending.HELD  # and somebody has begun it in the same moment
        again = partial(decide, relocation.subject, relocation.git, sight)
        if relocation.service.policy is Policy.PULL_REQUEST:
            proposed = await self._proposer.newest(service, relocation.operation)
            again = partial(again, vouched_by=vouched_by or vouched_in(relocation.subject, proposed))
            first = again(is_aborted=is_aborted or is_held)
            decision = as_proposed(relocation.subject, first, proposed, again, is_asked=is_asked)
        else:
            decision = again(is_aborted=is_aborted or is_held, vouched_by=vouched_by)
        if decision.commit is None and (decision.state is State.STOPPED or _is_last(relocation, decision)):
            self._over[its] = True
        if decision.state is State.DONE:  # what fails or is changed after its end is not of it
            self._done[its] = decision
        return relocation, decision

    async def due(self, relocation: Relocation, *, vouched_by: str = "") -> Decision:
        """What is due of a relocation by what Git is known to say of it and what the cluster shows now."""
        return decide(relocation.subject, relocation.git, await self._sight(relocation), vouched_by=vouched_by)

    def over(self, operation: str, name: str) -> None:
        """Nothing more comes of an operation for a service."""
        self._over[operation, name] = True

    def is_over(self, operation: str, name: str) -> bool:
        """Whether that was seen here."""
        return (operation, name) in self._over

    async def beginning(
        self, service: Service, target: Side, operation: str, request: MoveRequest, not_before: float
    ) -> Decided:
        """One that would begin now, and its first step: none where the service is there. Raises what refuses it."""
        relocation = await self._reader.beginning(service, target, operation, not_before=not_before)
        if request.versions is not None and relocation.version not in request.versions:
            raise changed_meanwhile(service.name)
        decision = await self.due(relocation)
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

    async def rehearsed(self, relocation: Relocation) -> tuple[StepReport, ...]:
        """Every step of one that would begin, with its diff. Raises what planning them raises."""
        relocation, steps = await self.with_added(relocation, [relocation.head]), list[StepReport]()
        for each in rehearse(relocation.service, relocation.subject, relocation.git, relocation.manifests):
            old = {path: manifest.data for path, manifest in each.before.items()}
            new = {path: manifest.data for path, manifest in each.after.items()}
            listed, diff = changes(each.commit, each.before), unified_diff(old, new)
            steps.append(StepReport(each.step, each.commit.label, changes=listed, diff=diff, old=old, new=new))
        return tuple(steps)

    async def _say_what_is_refused(self, unsafe: UnsafeMove, relocation: Relocation) -> None:
        """As a dry run would; what cannot be shown is refused all the same."""
        subject = relocation.subject
        with contextlib.suppress(FailoverError):
            unsafe.steps = await self.rehearsed(relocation)
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

    async def check_still(self, relocation: Relocation, decision: Decision) -> None:
        """Looks at the cluster again, right before the write. Raises Conflict where it says something else by now.

        The write may have waited, for GitHub or while this process was asleep, and nothing of the cluster is in Git:
        the compare-and-swap would not see that a pod has run in between.
        """
        if decision.edge is None or decision.edge.cause not in SEEN_TWICE:
            return
        vouched_by = "somebody" if decision.edge.cause is Cause.VOUCHED else ""
        now = await self.due(relocation, vouched_by=vouched_by)
        if now.edge != decision.edge:
            raise Conflict(f"{relocation.service.name} was seen otherwise right before the write: {now.reason}")

    async def with_added(self, relocation: Relocation, before: Sequence[str]) -> Relocation:
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
        sight = sight_of(
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
        return replace(sight, quiet_since=self._quiet_since(relocation, sight))

    def _quiet_since(self, relocation: Relocation, sight: Sight) -> float | None:
        """When it was first seen to have stopped as it is now; None while it has not, or that is over.

        A sync that is asked for in the same moment may begin too early to be a proof, and would be made twice.
        """
        its = relocation.operation, relocation.service.name
        known = self._quiet.pop(its, None)
        is_asked = position_of(relocation.subject, relocation.git) is Position.QUIESCE
        quiet = still(known, sight) if is_asked else None
        if quiet is None:
            return None
        self._quiet[its] = quiet
        return quiet.at

    def _waited_s(self, relocation: Relocation) -> float:
        if not relocation.steps:
            return 0.0
        return time.monotonic() - self._since.setdefault(relocation.steps[-1].logged.sha, time.monotonic())


def _is_last(relocation: Relocation, decision: Decision) -> bool:
    """Whether it is done, and nothing waits for that."""
    wave = relocation.first.provenance.wave if relocation.first is not None else None
    return decision.state is State.DONE and (wave is None or wave.number == wave.count)
