"""The use cases: status, list, move, move a group, roll back, history. Each reads, thinks and, for a move, writes.

    policy direct           moves/direct          one commit for all who wait
    policy pull_request     moves/pull_request    a branch and a pull request
    direct with a fallback  moves/fallback        the first; the second where the branch takes no commits

Every answer without a write (a status, a dry run, "already there", a refusal) is validated with the forge first; a
write is validated by its own compare-and-swap.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ulid import ULID

from failover_api.concurrency import both, together
from failover_api.core.catalog.model import Action, Branch, Catalog, Service
from failover_api.core.planning.request import RELOCATE, MoveRequest, Provenance
from failover_api.core.planning.state import State
from failover_api.core.rfc3339 import rfc3339, seconds_of
from failover_api.core.safety.rollout.steps import Rollout
from failover_api.core.safety.surroundings import ClusterLook, Surroundings
from failover_api.core.text.trailers import Record
from failover_api.deadline import too_late, within_deadline
from failover_api.errors import FailoverError, UnknownNode
from failover_api.events import Events, Looked
from failover_api.forge.http.read_budget import low_priority
from failover_api.forge.port import Forge
from failover_api.moves.direct.writer import Writer
from failover_api.moves.evacuation import NodeOutcome, evacuated, group_of
from failover_api.moves.fallback import ByPolicy
from failover_api.moves.idempotency import Idempotency
from failover_api.moves.move import Move
from failover_api.moves.outcome import GroupOutcome, Outcome, WaveReport
from failover_api.moves.progress import OnStep, ignore
from failover_api.moves.pull_request.proposer import Proposer
from failover_api.moves.tidy import tidying
from failover_api.operations.group_runner import GroupRunner
from failover_api.operations.move_runner import MoveRunner, Untold, all_told
from failover_api.operations.wave_operation import WaveOperation, no_operation
from failover_api.operations.wave_runner import WaveRunner
from failover_api.operations.wave_sight import WaveSight
from failover_api.reading.clusters import ClusterReader
from failover_api.reading.cursors import Cursors
from failover_api.reading.flux_reports import FluxReports
from failover_api.reading.history import History, Page, PastStep
from failover_api.reading.nodes import NodeReport, Nodes, nodes_of
from failover_api.reading.revisions import Revisions
from failover_api.reading.services import ServiceReader
from failover_api.reading.status import Status, StatusReader, Unreadable
from failover_api.reading.step_times import StepTimes
from failover_api.reading.surroundings import SurroundingsReader

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.safety.observed import View
    from failover_api.core.safety.relocation.overwritten import Moved
    from failover_api.operations.group_relocations import GroupRelocations
    from failover_api.operations.relocation_runner import RelocationRunner
    from failover_api.reading.rollouts import RolloutReader

_log = logging.getLogger(__name__)
T = TypeVar("T")


class Failover:
    """What operators do. `catalog` gives the catalog in force; `deadline_s` is for a whole operation.

    `events` are told of every move that ended, and of what a look at services showed: one, or the list. `now` is the
    wall clock (s) that moves are dated by; `secret` is what cursors are signed with, None: a chance one. `untold` says
    of a move that ended when nobody hears of it, as warnings; it returns within a moment. `clusters` looks at the
    cluster, if there is one.
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
        clusters: ClusterReader | None = None,
        untold: Untold = all_told,
    ) -> None:
        self._forge, self._catalog, self._deadline_s = forge, catalog, deadline_s
        self._events, self._now = events, now
        self._reader = ServiceReader(forge)
        chance = secrets.token_bytes(32)
        self._cursors = Cursors(secret or (lambda: chance))
        self._history = History(forge, self._reader, self._cursors)
        self._surroundings = SurroundingsReader(forge)
        self.clusters = clusters or ClusterReader(None, timeout_s=0)
        self.flux_reports = FluxReports(self.clusters.arrivals, now)
        self.step_times = StepTimes()
        self._revisions = Revisions(forge)
        self._rollouts: RolloutReader | None = None
        self._statuses = StatusReader(forge, self._reader, self._history, self._surroundings)
        idempotency = Idempotency(forge, self._history)
        self._writer = Writer(forge, self._reader, self._history, idempotency)
        self._proposer = Proposer(forge, self._reader, self._history, idempotency)
        moves = ByPolicy(forge, self._writer, self._proposer)
        self._runner = MoveRunner(moves, self._surroundings, events, deadline_s=deadline_s, untold=untold)
        self._relocations: RelocationRunner | None = None
        self._group_relocations: GroupRelocations | None = None
        self._sight = WaveSight(
            forge,
            catalog,
            read=self._read,
            see=self._see,
            rollout=lambda status: self._rollout_of(status, None, not_before=time.monotonic()),
            now=now,
            is_told_of=self._is_told_of,
            cluster_ahead_s=lambda: self.cluster_ahead_s,
        )
        around = self._around
        self.waves = WaveRunner(self._runner, catalog, self._sight, around=around, deadline_s=deadline_s, now=now)
        self._groups = GroupRunner(self._runner, self.waves, self._sight, catalog, around=around)

    @property
    def deadline_s(self) -> float:
        """How long one operation may take."""
        return self._deadline_s

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
        looking = self._looking()
        reading = self._statuses.read(
            service.branch, [service], not_before=time.monotonic(), thorough=True, looking=looking
        )
        seen, view = await both(self.in_time(reading), self._look([service], looking))
        (status,) = statuses = self.clusters.joined(seen, view)
        self._events.publish(Looked(statuses))
        if isinstance(status, Unreadable):
            raise status.error
        return status

    @property
    def cluster_ahead_s(self) -> float:
        """How far the API server's clock is ahead of the one that dates commits; 0 until it has told its time."""
        return self.clusters.ahead_s(self._now())

    async def rollout(self, name: str, operation: str | None = None) -> Rollout:
        """How far an operation has come; None: the last move. Raises UnknownUrl for one that Git does not know."""
        not_before = time.monotonic()
        return await self._rollout_of(await self.status(name), operation, not_before=not_before)

    async def _rollout_of(self, status: Status, operation: str | None, *, not_before: float) -> Rollout:
        from failover_api.reading.rollouts import RolloutReader

        self._rollouts = self._rollouts or RolloutReader(
            self._history, self._revisions, self.flux_reports, times=self.step_times, arrivals=self.clusters.arrivals
        )
        verified, name = self.clusters.verified, status.service.name
        return await self.in_time(
            self._rollouts.read(
                status,
                operation,
                not_before=not_before,
                now=self._now(),
                cluster_ahead_s=self.cluster_ahead_s,
                hazards=status.hazards_here,
                verification=verified(name) if verified else None,
            )
        )

    async def list_all(self, *, try_moves: bool = False) -> list[Status | Unreadable]:
        """Where every service of the catalog is, in its order; all of a branch read at one commit.

        With `try_moves` also whether each switch can be moved, which takes some milliseconds a switch.
        """
        statuses, _ = await self._list_with_view(tuple(self._catalog().services.values()), try_moves=try_moves)
        return statuses

    async def look_closely(self, names: Collection[str]) -> list[Status | Unreadable]:
        """Where these services are, and what a move of each to its other side would change.

        Their last moves are looked for in all of the history of their files, not only among the newest commits.
        """
        services = [service for service in self._catalog().services.values() if service.name in names]
        return (await self._list_with_view(services, try_moves=True, all_history=True))[0]

    async def _list_with_view(
        self, services: Sequence[Service], *, try_moves: bool = False, all_history: bool = False
    ) -> tuple[list[Status | Unreadable], "View | None"]:
        branches = _by_branch(services).items()
        looking = self._looking()
        reading = (
            self._list(*group, try_moves=try_moves, all_history=all_history, looking=looking) for group in branches
        )
        view, lists = await both(self._look(services, looking), together(reading))
        by_name = {status.service.name: status for statuses in lists for status in statuses}
        statuses = self.clusters.joined([by_name[service.name] for service in services], view)
        self._events.publish(Looked(statuses))
        return statuses, view

    async def _read(self, services: Sequence[Service]) -> Sequence[Status | Unreadable]:
        return (await self._list_with_view(services))[0]

    async def _see(self, statuses: Sequence[Status | Unreadable]) -> Sequence[Status | Unreadable]:
        """The same statuses, with what is seen of the cluster now."""
        view = await self.clusters.look([status.service for status in statuses])
        return self.clusters.joined(statuses, view)

    def _looking(self) -> "asyncio.Future[ClusterLook | None]":
        """What _look() will have seen: those who need it read other things meanwhile."""
        return asyncio.get_running_loop().create_future()

    async def _look(
        self, services: Sequence[Service], looking: "asyncio.Future[ClusterLook | None] | None" = None
    ) -> "View | None":
        """What these services need of the cluster, without a wait where it is watched; never raises."""
        view = await self.clusters.look(services)
        if looking is not None and not looking.done():
            looking.set_result(self.clusters.looked(services, view))
        return view

    @property
    def relocations(self) -> "RelocationRunner":
        """What leads planned moves that lose nothing."""
        if self._relocations is None:
            from failover_api.moves.pull_request.step import StepProposer
            from failover_api.operations.relocation_runner import RelocationRunner
            from failover_api.reading.relocations import RelocationReader

            self._relocations = RelocationRunner(
                self._forge,
                RelocationReader(self._forge, self._reader),
                self._writer,
                StepProposer(self._forge, self._reader),
                self.clusters,
                self._catalog,
                self._events,
                status=self.status,
                newest_move=self._newest_move,
                deadline_s=self._deadline_s,
                now=self._now,
            )
        return self._relocations

    @property
    def group_relocations(self) -> "GroupRelocations":
        """The same of groups and nodes, one service after the other."""
        if self._group_relocations is None:
            from failover_api.operations.group_relocations import GroupRelocations

            self._group_relocations = GroupRelocations(
                self.relocations,
                self._forge,
                self._catalog,
                self._events,
                read=self._read,
                node=self._node,
                now=self._now,
            )
        return self._group_relocations

    async def _newest_move(self, service: Service, head: str) -> "Moved | None":
        """What has brought a located service to where it is, as of a commit; None where that is not known."""
        from failover_api.core.safety.relocation.overwritten import Moved

        found = await self._history.newest_move(service, head, not_before=None)
        if found is None:
            return None
        logged = found.entry.logged
        commits = (logged.parents[0], logged.sha) if logged.parents else ()
        return Moved(found.record.action, found.record.after, seconds_of(logged.at), commits)

    def groups(self) -> Mapping[str, Sequence[str]]:
        """The groups of the catalog, and the names of their services. Asks nobody."""
        return self._catalog().groups

    async def history(self, name: str, *, limit: int, cursor: str | None = None) -> Page:
        """What Git says of one service, newest first. Raises BadRequest for a cursor that is none."""
        service = self._catalog().service(name)
        self.check_cursor(service, cursor)

        async def read() -> Page:
            now = time.monotonic()
            observed = await self._reader.observe(service, not_before=now, at_head=True)
            page = await self._history.page(observed.service, limit=limit, cursor=cursor, not_before=now)
            return await self._with_steps(service, page)

        return await self.in_time(read())

    async def _with_steps(self, service: Service, page: Page) -> Page:
        """Each relocation with all its commits, where they can be read."""
        has_any = any(entry.record is not None and entry.record.action == RELOCATE for entry in page.entries)
        if service.replication is None or not has_any:
            return page
        try:
            steps = await self.relocations.steps(service.name)
        except FailoverError as exc:  # the entry itself is right without them
            _log.info("the steps of relocations are not known", extra={"service": service.name, "problem": exc.slug})
            return page
        past = {
            operation: tuple(PastStep(step.logged, step.record) for step in made) for operation, made in steps.items()
        }
        return replace(page, entries=tuple(replace(each, steps=past.get(each.operation, ())) for each in page.entries))

    def check_cursor(self, service: Service, cursor: str | None) -> None:
        """Raises BadRequest for a cursor that was given to nobody for this service. Asks nobody."""
        if cursor is not None:
            self._cursors.read(service.name, cursor)

    async def look_around(self, branch: Branch) -> Surroundings:
        """What hazards are found in, beside the plan: a branch's other manifests, for later moves too, and the cluster.

        Raises RepositoryTooLarge, ForgeUnavailable when a file could not be read, and as Forge.tree().
        """
        found = await self.in_time(self._surroundings.read(branch, not_before=time.monotonic()))
        services = [service for service in self._catalog().services.values() if service.branch == branch]
        return replace(found, cluster=self.clusters.looked(services, await self.clusters.look(services)))

    # Moving

    async def move(self, name: str, action: Action, request: MoveRequest, *, on_step: OnStep = ignore) -> Outcome:
        """Moves a service, or says what that would do; `on_step` is told what is being done.

        Raises ManifestDrifted, PreconditionFailed, Conflict, BranchProtected, OperationPending, IdempotencyKeyReused,
        OutcomeUnknown and whatever reading raises; nothing was written then, except where the error's `outcome` says
        "unknown". A rollback raises NothingToRollBack and ChangedSince too.
        """
        service = self._catalog().service(name)
        if action is Action.ROLLBACK and service.replication is not None:
            undone = await self.relocations.roll_back(name, request)
            if undone is not None:
                return undone
        around = await self._around([service], request)
        move = Move((service,), action, request, self._provenance(request), on_step, around([service]))
        return await self._runner.run(move)

    async def move_group(
        self, name: str, action: Action, request: MoveRequest, *, on_step: OnStep = ignore
    ) -> GroupOutcome:
        """Moves the services of a group: one commit, or one pull request, for each branch and policy.

        All or nothing: everything is planned before anything is written, and a service that is refused refuses the
        group, unless `skip_refused`. Raises as move(), with all that are refused in the error's `refused`;
        OutcomeUnknown also when one of several commits was made and another refused, saying which.
        """
        return await self._groups.move_group(name, action, request, self._provenance(request, group=name), on_step)

    def _is_told_of(self, status: Status) -> bool:
        """Whether Flux's events tell what became of it."""
        if not self.flux_reports.has_any:
            return False
        from failover_api.core.safety.rollout.expectation import expectation, substituted_by

        workload, substituting = (
            expectation(status.service, status.detection).workload,
            substituted_by(status.detection),
        )
        return self.flux_reports.applied(workload, substituting) is not None

    async def operation(self, operation: str) -> WaveReport:
        """How far a move in waves is. Raises UnknownUrl for one that nobody knows."""
        return (await self._waves_of(operation)).report

    async def go_on(self, operation: str) -> WaveReport:
        """The same, and whatever of it is due is done, as whoever began it may."""
        found = await self._waves_of(operation)
        await self.waves.advance(found)
        return found.report

    async def _waves_of(self, operation: str) -> WaveOperation:
        found = await self.in_time(self.waves.find(operation))
        if found is None:
            raise no_operation(operation)
        return found

    async def nodes(self) -> Nodes:
        """The nodes that the cluster or the catalog has, and what is on each. Raises as list_all()."""
        return (await self._with_nodes())[1]

    async def _with_nodes(self) -> tuple[Sequence[Status | Unreadable], Nodes]:
        services = tuple(self._catalog().services.values())
        statuses, view = await self._list_with_view(services)
        return statuses, nodes_of(statuses, self.clusters.looked(services, view))

    def nodes_as_seen(self, statuses: Sequence[Status | Unreadable]) -> Nodes | None:
        """The nodes as they are known from watching, under services as they were seen; None: no cluster is configured.

        Asks nobody.
        """
        look = self.clusters.looked([status.service for status in statuses], self.clusters.view())
        return None if look is None else nodes_of(statuses, look)

    async def evacuate(
        self,
        node: str,
        request: MoveRequest,
        *,
        only: Collection[str] | None = None,
        may: Callable[[Sequence[str]], None] = lambda _: None,
        on_step: OnStep = ignore,
    ) -> NodeOutcome:
        """Moves everything that is active on a node to its other side, or `only` these of it.

        `may` is told which services that are before anything is planned, and raises where the caller may not move them.
        Raises UnknownNode, and as move_group().
        """
        report, statuses, nodes = await self._node(node)
        provenance = self._provenance(request, group=group_of(node))
        on_it = evacuated(statuses, report.active, provenance)
        members = [member for member in on_it if only is None or member[0].name in only]
        may([service.name for service, _ in members])
        return await self._groups.move_over(node, members, statuses, request, provenance, nodes.unplaced, on_step)

    async def _node(self, name: str) -> tuple[NodeReport, Sequence[Status | Unreadable], Nodes]:
        """A node, all services, and all nodes. Raises UnknownNode."""
        statuses, nodes = await self._with_nodes()
        report = nodes.named(name)
        if report is None:
            raise UnknownNode(f"neither the cluster nor the catalog has a node {name[:80]!r}")
        return report, statuses, nodes

    async def promote_together(self, name: str, services: Sequence[str], request: MoveRequest) -> NodeOutcome:
        """Promotes those of these services that are on primary now, as an evacuation does; `name` stands for a node's.

        Raises as evacuate().
        """
        members = [self._catalog().service(service) for service in services]
        statuses, _ = await self._list_with_view(members)
        provenance = self._provenance(request, group=name)
        on_primary = [
            status.service.name
            for status in statuses
            if isinstance(status, Status) and status.detection.state is State.PRIMARY
        ]
        moved = list(evacuated(statuses, on_primary, provenance))
        return await self._groups.move_over(name, moved, statuses, request, provenance)

    async def tidy(self, name: str, operation: str | None = None) -> Outcome:
        """Puts back the strategy that an operation has changed (`unblock: rolling`): for when the app is seen to serve.

        None: that of whichever operation did it. It is a second commit of the same operation, or a pull request of its
        own. Nothing is changed where it was put back before, or a person has made another of it since. Raises as
        move().
        """
        service = self._catalog().service(name)
        move = tidying(service, operation, await self.in_time(self._unblocked_by(service)))
        return await self._runner.run_quietly(move)

    async def _unblocked_by(self, service: Service) -> Record | None:
        now = time.monotonic()
        observed, name = await self._reader.observe(service, not_before=now, at_head=True), service.name
        head = observed.snapshot.head or await self._forge.head(service.branch, not_before=now)
        found = (await self._history.unblockings([observed], head, not_before=now)).get(name)
        return found.record if found is not None else None

    async def _around(
        self, services: Sequence[Service], request: MoveRequest
    ) -> Callable[[Sequence[Service]], Surroundings]:
        """What is known around these services: around which of them, is asked of what this gives.

        A dry run reads the other manifests of their branches; a move waits for none of it.
        """
        by_branch = _by_branch(services)
        if request.dry_run:
            view, around = await both(self.clusters.look(services), self._look_around(by_branch))
        else:
            view = await self.clusters.look(services)
            around = {branch: self._surroundings.of(some) for branch, some in by_branch.items()}
        cluster = self.clusters.looked(services, view)
        return lambda some: replace(around[some[0].branch], cluster=cluster)

    async def _look_around(self, by_branch: Mapping[Branch, Sequence[Service]]) -> dict[Branch, Surroundings]:
        with low_priority():
            found = await together(self._surroundings.look(services) for services in by_branch.values())
        return dict(zip(by_branch, found, strict=True))

    def _provenance(self, request: MoveRequest, *, group: str | None = None) -> Provenance:
        return request.provenance(str(ULID()), at=rfc3339(self._now()), group=group)

    async def in_time(self, work: Awaitable[T]) -> T:
        """Awaits what writes nothing. Raises ForgeUnavailable when the deadline passes."""
        with low_priority():
            return await within_deadline(work, deadline_s=self._deadline_s, late=self._late)

    def _late(self) -> FailoverError:
        return too_late(self._deadline_s)

    async def _list(
        self,
        branch: Branch,
        services: list[Service],
        *,
        try_moves: bool,
        all_history: bool,
        looking: "asyncio.Future[ClusterLook | None]",
    ) -> Sequence[Status | Unreadable]:
        try:
            reading = self._statuses.read(
                branch,
                services,
                not_before=time.monotonic(),
                thorough=False,
                try_moves=try_moves,
                all_history=all_history,
                looking=looking,
            )
            return await self.in_time(reading)
        except FailoverError as exc:
            return [Unreadable(service, exc) for service in services]


def _by_branch(services: Sequence[Service]) -> dict[Branch, list[Service]]:
    by_branch: dict[Branch, list[Service]] = {}
    for service in services:
        by_branch.setdefault(service.branch, []).append(service)
    return by_branch
