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
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from ulid import ULID

from failover_api.concurrency import both, together
from failover_api.core.catalog.model import Action, Branch, Catalog, Service
from failover_api.core.planning.request import MoveRequest, Provenance
from failover_api.core.planning.state import State
from failover_api.core.safety.rollout.steps import Rollout
from failover_api.core.safety.surroundings import ClusterLook, Surroundings
from failover_api.core.text.trailers import Record
from failover_api.deadline import Clock, too_late, within_deadline
from failover_api.errors import FailoverError, InternalError, UnknownNode, UnsafeMove
from failover_api.events import Events, Looked, MoveEnded
from failover_api.forge.http.read_budget import low_priority
from failover_api.forge.port import Forge
from failover_api.moves.direct.writer import Writer
from failover_api.moves.evacuation import NodeOutcome, group_of, is_own_refusal, left_out, parts_of_node
from failover_api.moves.fallback import ByPolicy
from failover_api.moves.group import bound_to, check_branches, check_versions, half_done, parts_of
from failover_api.moves.idempotency import Idempotency
from failover_api.moves.move import Move, refusal_of
from failover_api.moves.outcome import GroupOutcome, Outcome, joined_version
from failover_api.moves.progress import OnStep, ignore
from failover_api.moves.pull_request.proposer import Proposer
from failover_api.moves.tidy import tidying
from failover_api.reading.clusters import ClusterReader
from failover_api.reading.cursors import Cursors
from failover_api.reading.flux_reports import FluxReports
from failover_api.reading.history import History, Page
from failover_api.reading.nodes import Nodes, nodes_of
from failover_api.reading.revisions import Revisions
from failover_api.reading.services import ServiceReader
from failover_api.reading.status import Status, StatusReader, Unreadable
from failover_api.reading.surroundings import SurroundingsReader

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.reading.rollouts import RolloutReader

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.safety.observed import View

T = TypeVar("T")
Untold = Callable[[MoveEnded], Awaitable[Sequence[str]]]
_log = logging.getLogger(__name__)


async def all_told(_: MoveEnded) -> Sequence[str]:
    """Nothing is known against it."""
    return ()


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
        self._events, self._now, self._untold = events, now, untold
        self._reader = ServiceReader(forge)
        chance = secrets.token_bytes(32)
        self._cursors = Cursors(secret or (lambda: chance))
        self._history = History(forge, self._reader, self._cursors)
        self._surroundings = SurroundingsReader(forge)
        self.clusters = clusters or ClusterReader(None, timeout_s=0)
        self.flux_reports = FluxReports()
        self._revisions = Revisions(forge)
        self._rollouts: RolloutReader | None = None
        self._statuses = StatusReader(forge, self._reader, self._history, self._surroundings)
        idempotency = Idempotency(forge, self._history)
        self._writer = Writer(forge, self._reader, self._history, idempotency)
        self._proposer = Proposer(forge, self._reader, self._history, idempotency)
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

    async def rollout(self, name: str, operation: str | None = None) -> Rollout:
        """How far an operation has come; None: the last move. Raises UnknownUrl for one that Git does not know."""
        from failover_api.reading.rollouts import RolloutReader

        now = time.monotonic()
        self._rollouts = self._rollouts or RolloutReader(self._history, self._revisions, self.flux_reports)
        status = await self.status(name)
        verified = self.clusters.verified
        return await self.in_time(
            self._rollouts.read(
                status,
                operation,
                not_before=now,
                now=self._now(),
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

    async def _list_with_view(
        self, services: Sequence[Service], *, try_moves: bool = False
    ) -> tuple[list[Status | Unreadable], "View | None"]:
        branches = _by_branch(services).items()
        looking = self._looking()
        reading = (self._list(*group, try_moves=try_moves, looking=looking) for group in branches)
        view, lists = await both(self._look(services, looking), together(reading))
        by_name = {status.service.name: status for statuses in lists for status in statuses}
        statuses = self.clusters.joined([by_name[service.name] for service in services], view)
        self._events.publish(Looked(statuses))
        return statuses, view

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
            return await self._history.page(observed.service, limit=limit, cursor=cursor, not_before=now)

        return await self.in_time(read())

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
        around = await self._around([service], request)
        move = Move((service,), action, request, self._provenance(request), on_step, around([service]))
        return await self._with_untold(move, await self._told(move, self._carry_out(move)))

    async def move_group(
        self, name: str, action: Action, request: MoveRequest, *, on_step: OnStep = ignore
    ) -> GroupOutcome:
        """Moves the services of a group: one commit, or one pull request, for each branch and policy.

        All or nothing: everything is planned before anything is written, and a service that is refused refuses the
        group, unless `skip_refused`. Raises as move(), with all that are refused in the error's `refused`;
        OutcomeUnknown also when one of several commits was made and another refused, saying which.
        """
        names = self._catalog().group(name)
        members = [self._catalog().service(member) for member in names]
        provenance = self._provenance(request, group=name)
        moves = parts_of(members, action, request, provenance, on_step, await self._around(members, request))
        check_branches(name, moves)
        return GroupOutcome(name, action, tuple(await self._in_parts(name, moves, request, names)), names)

    async def nodes(self) -> Nodes:
        """The nodes that the cluster or the catalog has, and what is on each. Raises as list_all()."""
        services = tuple(self._catalog().services.values())
        statuses, view = await self._list_with_view(services)
        return nodes_of(statuses, self.clusters.looked(services, view))

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
        may: Callable[[Sequence[str]], None] = lambda _: None,
        on_step: OnStep = ignore,
    ) -> NodeOutcome:
        """Moves everything that is active on a node to its other side.

        `may` is told which services that are before anything is planned, and raises where the caller may not move them.
        Raises UnknownNode, and as move_group().
        """
        services = tuple(self._catalog().services.values())
        statuses, view = await self._list_with_view(services)
        nodes = nodes_of(statuses, self.clusters.looked(services, view))
        report = nodes.named(node)
        if report is None:
            raise UnknownNode(f"neither the cluster nor the catalog has a node {node[:80]!r}")
        provenance = self._provenance(request, group=group_of(node))
        members = list(_active(statuses, report.active, provenance))
        names = tuple(service.name for service, _ in members)
        may(names)
        around = await self._around([service for service, _ in members], request)
        alone = replace(provenance, group=None)
        moves = parts_of_node(members, request, provenance, alone, on_step, around)
        parts = await self._in_parts(group_of(node), moves, request, names)
        return NodeOutcome(node, tuple(parts), names, nodes.unplaced, request.dry_run)

    async def _in_parts(
        self, name: str, moves: Sequence[Move], request: MoveRequest, order: Sequence[str]
    ) -> list[Outcome]:
        """Rehearses all the parts, then carries out each, unless it is a dry run."""
        clock = Clock(self._deadline_s)
        done: list[Outcome] = []
        if len(moves) > 1 or request.dry_run or not moves:
            with low_priority() if request.dry_run else nullcontext():
                # What If-Match names is the version of the whole group, which no part has by itself.
                rehearsed = await self._rehearse_all([bound_to(move, None) for move in moves], clock, order)
            check_versions(name, rehearsed, request.versions)
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

    async def tidy(self, name: str, operation: str | None = None) -> Outcome:
        """Puts back the strategy that an operation has changed (`unblock: rolling`): for when the app is seen to serve.

        None: that of whichever operation did it. It is a second commit of the same operation, or a pull request of its
        own. Nothing is changed where it was put back before, or a person has made another of it since. Raises as
        move().
        """
        service = self._catalog().service(name)
        move = tidying(service, operation, await self.in_time(self._unblocked_by(service)))
        return await self._told(move, self._carry_out(move))

    async def _unblocked_by(self, service: Service) -> Record | None:
        now = time.monotonic()
        observed, name = await self._reader.observe(service, not_before=now, at_head=True), service.name
        head = observed.snapshot.head or await self._forge.head(service.branch, not_before=now)
        found = (await self._history.unblockings([observed], head, not_before=now)).get(name)
        return found.record if found is not None else None

    async def _rehearse_all(self, moves: Sequence[Move], clock: Clock, order: Sequence[str]) -> list[Outcome]:
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
        at = datetime.fromtimestamp(self._now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return request.provenance(str(ULID()), at=at, group=group)

    async def in_time(self, work: Awaitable[T]) -> T:
        """Awaits what writes nothing. Raises ForgeUnavailable when the deadline passes."""
        with low_priority():
            return await within_deadline(work, deadline_s=self._deadline_s, late=self._late)

    def _late(self) -> FailoverError:
        return too_late(self._deadline_s)

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
            for service in () if request.dry_run else move.services:
                self._surroundings.moved(service)
            if not (isinstance(came, Outcome) and came.dry_run and not request.dry_run):  # a group's own rehearsal
                self._events.publish(_ended(move, came, duration_s=time.monotonic() - started))

    async def _with_untold(self, move: Move, outcome: Outcome) -> Outcome:
        """The outcome, which says too when nobody hears of it."""
        untold = await self._untold(_ended(move, outcome, duration_s=0.0))
        return replace(outcome, warnings=(*outcome.warnings, *untold)) if untold else outcome

    async def _list(
        self,
        branch: Branch,
        services: list[Service],
        *,
        try_moves: bool,
        looking: "asyncio.Future[ClusterLook | None]",
    ) -> Sequence[Status | Unreadable]:
        try:
            reading = self._statuses.read(
                branch,
                services,
                not_before=time.monotonic(),
                thorough=False,
                try_moves=try_moves,
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


def _active(
    statuses: Sequence[Status | Unreadable], active: Sequence[str], provenance: Provenance
) -> Iterator[tuple[Service, Action]]:
    """What an evacuation moves, each with its action; also what the same key has moved before."""
    for status in statuses:
        record = status.last_move.record if isinstance(status, Status) and status.last_move else None
        if record is not None and provenance.key is not None and record.provenance.key == provenance.key:
            yield status.service, Action(record.action)
        elif isinstance(status, Status) and status.service.name in active:
            is_home = status.detection.state is State.PRIMARY
            yield status.service, Action.PROMOTE if is_home else Action.DEMOTE


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
