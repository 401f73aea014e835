"""What has to be known of each service before it may move by itself: what Git says, joined with what is seen now.

`GitReader` reads Git, as seldom as that will do; `facts_of` joins what it read with a look at the cluster, and asks
nobody.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from failover_api.core.catalog.model import Policy, Side
from failover_api.core.catalog.replication import ReplicationKind
from failover_api.core.planning.state import State
from failover_api.core.planning.wave_progress import Unmoved
from failover_api.core.rfc3339 import seconds_of
from failover_api.core.safety.claim_moves import ClaimMove, claim_moves
from failover_api.core.safety.governance import (
    ALERT,
    AUTOMATIC,
    DataFact,
    Gate,
    GitFacts,
    Hold,
    LastMove,
    PodFact,
    ServiceFacts,
)
from failover_api.core.safety.hazard import Hazard
from failover_api.core.safety.placement import Placement, nodes_of_side, placement
from failover_api.core.safety.relocation.marks import operation_on
from failover_api.core.safety.replication import copy_of, data_as_of
from failover_api.core.safety.replication_states import ReplicationState
from failover_api.core.safety.rollout.expectation import expectation
from failover_api.core.safety.rollout.live import find_live
from failover_api.core.safety.surroundings import NOT_LOOKED_AT, ClusterLook, Surroundings
from failover_api.core.safety.switch_moves import ServiceMove
from failover_api.core.wording import cut
from failover_api.errors import FailoverError, ForgeFailure
from failover_api.failover import Failover
from failover_api.reading.status import Status, Unreadable
from failover_api.reading.surroundings import find_hazards

if TYPE_CHECKING:
    from failover_api.core.safety.observed import Node, Replication

WANTED_S = 60.0  # of a close look: several may be at work
_TRIGGERS = frozenset({AUTOMATIC, ALERT})
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GitView:
    """What Git says of all services; `unreadable` are those that could not be read the last time. `around` is what is
    known around those that were looked at closely, by name; `relocating` are the operations that relocate some of
    them, `to_relocate` those in which the turn of a service is to come.

    `read_at` is when (monotonic), by service; `failed_at` when the Git host last failed to answer, if since.
    """

    statuses: Mapping[str, Status] = field(default_factory=dict)
    unreadable: Mapping[str, Unreadable] = field(default_factory=dict)
    around: Mapping[str, Surroundings] = field(default_factory=dict)
    relocating: Mapping[str, str] = field(default_factory=dict)
    to_relocate: Mapping[str, str] = field(default_factory=dict)
    read_at: Mapping[str, float] = field(default_factory=dict)
    failed_at: float | None = None
    detail: str = ""

    @property
    def is_unread(self) -> bool:
        """Whether nothing is known of any service yet."""
        return not self.statuses and not self.unreadable

    def without(self, names: Sequence[str]) -> "GitView":
        """These were moved, perhaps: they count as not read."""
        return replace(self, read_at={name: at for name, at in self.read_at.items() if name not in names})


class GitReader:
    """Keeps a GitView. `monotonic` is time.monotonic(), unless a test moves it."""

    def __init__(self, failover: Failover, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._failover, self._monotonic = failover, monotonic
        self.view = GitView()
        self._reading: asyncio.Task[None] | None = None
        self._asked_at = float("-inf")
        self._wanted: dict[str, float] = {}  # services that are looked at closely, and when that was last wanted
        self._moved_at: dict[str, float] = {}  # by service: a read that began before does not count

    def want(self, names: Iterable[str], *, within_s: float) -> None:
        """Has Git read, with a close look at these services, unless it was asked so shortly before. Returns at once."""
        now = self._monotonic()
        self._wanted |= dict.fromkeys(names, now)
        self._wanted = {name: at for name, at in self._wanted.items() if now - at < WANTED_S}
        if (self._reading is not None and not self._reading.done()) or now - self._asked_at < within_s:
            return
        self._asked_at = now
        self._reading = asyncio.create_task(self._read(tuple(self._wanted)))

    async def read(self, names: Iterable[str]) -> None:
        """The same at once, and waits for it."""
        while self._reading is not None and not self._reading.done():  # the round may have begun another meanwhile
            await asyncio.wait({self._reading})
        self.want(names, within_s=0.0)
        if self._reading is not None:
            await asyncio.wait({self._reading})

    def moved(self, names: Sequence[str]) -> None:
        """What was known of these services is no longer; Git is read anew at once when somebody wants it."""
        self.view = self.view.without(names)
        self._moved_at |= dict.fromkeys(names, self._monotonic())
        self._asked_at = float("-inf")

    async def aclose(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, names: Sequence[str]) -> None:
        """No failure ends anything: what could not be read grows old."""
        began = self._monotonic()
        try:
            statuses = {status.service.name: status for status in await self._failover.list_all()}
            close = {each.service.name: each for each in await self._failover.look_closely(names)} if names else {}
            relocating = await self._relocating([*close.values()])
            around = await self._around([each for name, each in close.items() if name in relocating])
            to_relocate = await self._to_relocate({**statuses, **close}.values())
        except FailoverError as exc:
            self._failed(exc)
            return
        except Exception:  # noqa: BLE001 - a defect of ours must not end the watching
            _log.exception("what Git says was not read by a defect")
            return
        found = {**statuses, **close}
        unreadable = {name: one for name, one in found.items() if isinstance(one, Unreadable)}
        lost = next((one.error for one in unreadable.values() if isinstance(one.error, ForgeFailure)), None)
        known = {name: one for name, one in found.items() if isinstance(one, Status)}
        self._moved_at = {name: at for name, at in self._moved_at.items() if at > began}
        was_read = known.keys() | {name for name, one in unreadable.items() if not isinstance(one.error, ForgeFailure)}
        read = dict.fromkeys(was_read - self._moved_at.keys(), began)
        self.view = GitView(
            {**{name: one for name, one in self.view.statuses.items() if name in found}, **known},
            unreadable,
            around,
            {name: operation for name, operation in relocating.items() if operation},
            to_relocate,
            {**{name: at for name, at in self.view.read_at.items() if name in found}, **read},
        )
        if lost is not None:
            self._failed(lost)

    async def _relocating(self, statuses: Sequence[Status | Unreadable]) -> dict[str, str]:
        """The operation that relocates each, "" for none; without those of which nobody can tell.

        Once it has cut over nothing more of it is in the way: it may wait for long, for an app or a sync that fails.
        """
        found: dict[str, str] = {}
        for status in statuses:
            service = status.service
            try:
                is_led = service.replication is not None and service.replication.kind is not ReplicationKind.NONE
                report = await self._failover.relocations.look(service.name) if is_led else None
            except FailoverError as exc:
                _log.info("relocations were not read", extra={"service": service.name, "problem": exc.slug})
            else:
                found[service.name] = report.operation or "" if report is not None and report.may_be_aborted else ""
        return found

    async def _to_relocate(self, statuses: Iterable[Status | Unreadable]) -> Mapping[str, str]:
        """Asked only where something is away that may go home by itself; what fails is asked again before it does."""
        away = (each for each in statuses if isinstance(each, Status) and each.detection.state is State.BACKUP)
        if not any(move.is_automatic for each in away if (move := _last_move(each)) is not None):
            return {}
        try:
            return await self._failover.group_relocations.to_come()
        except FailoverError as exc:
            _log.info("relocations of several were not read", extra={"problem": exc.slug})
            return {}

    async def _around(self, statuses: Sequence[Status | Unreadable]) -> dict[str, Surroundings]:
        by_branch = {status.service.branch: NOT_LOOKED_AT for status in statuses}
        for branch in by_branch:
            try:
                by_branch[branch] = await self._failover.look_around(branch)
            except FailoverError as exc:
                _log.info("what is around was not read", extra={"branch": str(branch), "problem": exc.slug})
        return {status.service.name: by_branch[status.service.branch] for status in statuses}

    def _failed(self, error: FailoverError) -> None:
        self.view = replace(self.view, failed_at=self._monotonic(), detail=error.detail)


def facts_of(git: GitView, look: ClusterLook, in_waves: Mapping[str, Unmoved]) -> tuple[ServiceFacts, ...]:
    """Of every service that Git has been read for, whatever came of it. Asks nobody.

    `in_waves` says of some which operation moves them later, or has not moved them.
    """
    nodes = {node.name: node for node in look.view.nodes.current.values()}
    found: list[ServiceFacts] = []
    for name, status in git.statuses.items():
        if status.service.is_elsewhere:
            continue
        running_on = status.cluster.node if status.cluster is not None else None
        placed = placement(status.service, status.detection, nodes, running_on)
        facts = _facts(status, placed, git, look, git.read_at.get(name, float("-inf")))
        may_be_on = _may_be_on(status, nodes) if placed.active is None else ()
        refusal = _unread(git.unreadable.get(name)) or _refusal(status)
        found.append(replace(facts, in_waves=in_waves.get(name), may_be_on=may_be_on, refusal=refusal))
    never_read = [one for name, one in git.unreadable.items() if name not in git.statuses]
    found += [_facts_of_unread(one, git) for one in never_read if not one.service.is_elsewhere]
    return tuple(found)


def _may_be_on(status: Status, nodes: "Mapping[str, Node]") -> tuple[str, ...]:
    """The nodes of the side where Git has it; those of both where that is neither."""
    word = status.detection.state.value
    sides = [Side(word)] if word in set(Side) else list(Side)
    return tuple(
        sorted({node for side in sides for node in nodes_of_side(status.service, status.detection, side, nodes)})
    )


def _unread(one: Unreadable | None) -> Hold | None:
    """Why a service is not moved whose manifest cannot be read; a Git host that fails has a gate of its own."""
    if one is None or isinstance(one.error, ForgeFailure):
        return None
    detail = f"Its manifest cannot be read. {one.error.title}: {cut(one.error.detail)}."
    return Hold(Gate.HAZARD, detail, "Mend the manifest, or the service's entry in the catalog.")


def _facts_of_unread(one: Unreadable, git: GitView) -> ServiceFacts:
    service = one.service
    may_be_on = tuple(sorted({node for side in Side for node in service.nodes(side)}))
    read_at, why = git.read_at.get(service.name, float("-inf")), _unread(one)
    return ServiceFacts(service.name, service.automatic, None, None, (), read_at, may_be_on=may_be_on, refusal=why)


def _refusal(status: Status) -> Hold | None:
    """Why it is not moved as Git has it; None where that stands in the way of nothing."""
    name = status.service.name
    match status.detection.state:
        case State.UNKNOWN:
            odd = next(one for one in status.detection.readings if one.state is State.UNKNOWN)
            detail = f"It is on neither side in Git: {odd.file}:{odd.line} is {cut(str(odd.value))}."
            return Hold(Gate.HAZARD, detail, "Put the value right in Git, or move by hand with --force.")
        case State.MIXED:
            return Hold(Gate.HAZARD, "In Git it is partly on each side.", f"Move by hand: `failover promote {name}`.")
    if error := next(iter(status.obstacles.values()), None):
        return Hold(Gate.HAZARD, f"Git has it so that it cannot be moved. {cut(error.detail)}", "Mend the manifest.")
    return None


def git_facts(git: GitView, now: float | None) -> GitFacts:
    """`now` is the Git host's clock (s), None: it has not told its time."""
    return GitFacts(now, git.failed_at, git.detail, is_unread=git.is_unread)


def _facts(status: Status, placed: Placement, git: GitView, look: ClusterLook, read_at: float) -> ServiceFacts:
    service, word = status.service, status.detection.state.value
    side = Side(word) if word in set(Side) else None
    around = git.around.get(service.name)
    move = _way(status, side)
    pods, heard_at = _pods(status, look)
    return ServiceFacts(
        name=service.name,
        mode=service.automatic,
        side=side,
        active=placed.active,
        targets=tuple(sorted(placed.standby)),
        read_at=read_at,
        pods=pods,
        pods_heard_at=heard_at,
        hazards=_hazards(status, move, around, look),
        data=_data(status, move, around, look),
        policy=service.policy,
        merges_by_itself=service.policy is Policy.PULL_REQUEST and bool(service.pull_request.auto_merge),
        last_move=_last_move(status),
        is_history_known=status.is_history_known,
        relocating=git.relocating.get(service.name, "") or operation_on(service, look.view),
        to_relocate=git.to_relocate.get(service.name, ""),
        can_relocate=service.replication is not None and service.replication.kind is not ReplicationKind.NONE,
        needs_word=service.replication is not None and service.replication.kind is ReplicationKind.MANUAL,
    )


def _way(status: Status, side: Side | None) -> ServiceMove | None:
    """The move to the other side, of a service that was looked at closely; what the catalog accepts counts not here."""
    move = status.ways.get(side.other) if side is not None else None
    return replace(move, service=replace(move.service, accept=())) if move is not None else None


def _hazards(
    status: Status, move: ServiceMove | None, around: Surroundings | None, look: ClusterLook
) -> tuple[Hazard, ...] | None:
    """None where they were not looked for, or not all of them could be."""
    if move is None or around is None or status.obstacles or not look.is_seen_for(status.service):
        return None
    found = find_hazards(lambda: move, replace(around, cluster=look))
    return None if found.failed else found.hazards


def _pods(status: Status, look: ClusterLook) -> tuple[tuple[PodFact, ...] | None, float | None]:
    """The pods of both sides' workloads, by owner; None where they are not seen, or nobody can tell whose they are."""
    service, view = status.service, look.view
    named = expectation(service, status.detection).workload
    others = (service.workload(side) for side in Side)
    workloads = [
        named,
        *(replace(other, namespace=other.namespace or named.namespace) for other in others if other and named),
    ]
    claims = [str(switch.value(side)) for switch in service.switches if switch.is_claim for side in Side]
    if named is None:
        return None, None
    lives = [find_live(look.index, one, claims) for one in dict.fromkeys(workloads) if one is not None]
    if not all(live.is_seen for live in lives) or all(live.workload is None for live in lives):
        return None, None
    pods = {(pod.namespace, pod.name): pod for live in lives for pod in live.pods if not pod.has_ended}
    return tuple(PodFact(pod.name, pod.node, pod.is_ready) for pod in pods.values()), view.pods.heard_at


def _data(status: Status, move: ServiceMove | None, around: Surroundings | None, look: ClusterLook) -> DataFact:
    """How old the data is that the service would start with; the oldest, where it has several claims."""
    service = status.service
    if service.replication is not None and service.replication.kind is ReplicationKind.NONE:
        return DataFact(is_copy=False)
    if move is None or around is None:
        return DataFact(why="it was not looked at")
    changed = [claim for claim in claim_moves(move, around) if claim.old != claim.new]
    if not changed:
        return DataFact(is_copy=False)
    found = [_copy(claim, move, look) for claim in changed]
    unknown = next((one for one in found if one.as_of is None), None)
    oldest = unknown or min(found, key=lambda one: one.as_of or 0.0)
    told = status.replication
    is_protected = all(one.is_protected for one in found) if told is None else told.state is ReplicationState.PROTECTED
    return replace(oldest, is_protected=is_protected)


def _copy(claim: ClaimMove, move: ServiceMove, look: ClusterLook) -> DataFact:
    view = look.view
    namespace = claim.namespace or next(iter(sorted(filter(None, _namespaces(move)))), "")
    if not claim.old or not claim.new or not namespace:
        return DataFact(why="nobody can tell which claim is copied to which")
    if why := view.replication_sources.why_unseen(namespace) or view.replication_destinations.why_unseen(namespace):
        return DataFact(why=f"replication is not seen: {why}")
    copy = copy_of(view, namespace, claim.old, claim.new, look.now)
    if why := copy.why_undated:
        return DataFact(why=why)
    if not copy.is_newest_restored:
        return DataFact(why="the newest backup is not restored yet, and the age of the one before is not kept")
    return DataFact(as_of=data_as_of(copy.sources), is_protected=_is_protected(copy.sources, copy.destinations))


def _namespaces(move: ServiceMove) -> Iterator[str | None]:
    return (reading.namespace for reading in move.readings)


def _is_protected(sources: "Sequence[Replication]", destinations: "Sequence[Replication]") -> bool:
    """Whether it goes on by itself, and went well the last time, on both ends."""
    ends = [*sources, *destinations]
    return bool(destinations) and all(not end.is_paused and end.result != "Failed" for end in ends)


def _last_move(status: Status) -> LastMove | None:
    entry = status.last_move
    at = seconds_of(entry.logged.at) if entry is not None else None
    if entry is None or at is None:
        return None
    provenance = entry.record.provenance if entry.record is not None else None
    return LastMove(
        at,
        entry.by,
        is_automatic=provenance is not None and not _TRIGGERS.isdisjoint({provenance.trigger, provenance.by}),
        key=provenance.key if provenance is not None else None,
    )
