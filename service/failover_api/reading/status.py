"""Where services are: side, open pull request, newest move; and what would keep their switches from being moved.

What cannot be known beside the side (GitHub's pull requests are out of order, or its history) is left out: a status
without it is better than none.
"""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from cachetools import LRUCache

from failover_api.concurrency import both
from failover_api.core.catalog.model import Branch, Service, Side, Switch
from failover_api.core.planning.state import Detection, detect
from failover_api.core.planning.strategy import StrategyEdits, unblocking
from failover_api.core.planning.switch_edits import blocking_error
from failover_api.core.safety.hazard import Hazard
from failover_api.core.safety.hazards import other_side
from failover_api.core.safety.replication_states import ReplicationStatus
from failover_api.core.safety.surroundings import ClusterLook
from failover_api.core.safety.switch_moves import ServiceMove, each_way, made_move, possible_move
from failover_api.errors import FailoverError, ForgeFailure, ManifestError
from failover_api.forge.port import Forge
from failover_api.forge.values import PullRequest
from failover_api.reading.history import Entry, History
from failover_api.reading.last_moves import LastMoves
from failover_api.reading.pull_requests import open_for
from failover_api.reading.services import Observation, ServiceReader
from failover_api.reading.surroundings import FoundHazards, SurroundingsReader, find_hazards

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.safety.relocation.needs import Need
    from failover_api.core.safety.rollout.stage import ClusterState

T = TypeVar("T")
NOTHING: Mapping[str, Any] = MappingProxyType({})
_KEPT_TRIALS = 4_096  # one a service
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    """Where a service is. `version` names the manifests it was read from.

    `obstacles` are why switches cannot be moved there and back again, `unblocking` is what a promote would change of
    the strategy, or why it cannot, `ways` are the moves to each side, and `needs` what a relocation needs and has not:
    where that was asked for. `is_history_known`: False where the last move could not be read. `hazards_to` are of the
    move to the other side, as far as is known; `hazards_here`, in a thorough look, of one to where it is: what may
    still come of it. `cluster` is None where nothing of it is seen, `replication` where the catalog has none.
    """

    service: Service
    detection: Detection
    version: str
    pull_request: PullRequest | None = None
    last_move: Entry | None = None
    is_history_known: bool = True
    obstacles: Mapping[Switch, ManifestError] = field(default_factory=dict)
    unblocking: StrategyEdits | ManifestError | None = None
    ways: Mapping[Side, ServiceMove] = field(default_factory=dict)
    needs: tuple["Need", ...] = ()
    hazards_to: tuple[Hazard, ...] = ()
    hazards_here: tuple[Hazard, ...] = ()
    hazards_complete: bool = False
    cluster: "ClusterState | None" = None
    replication: ReplicationStatus | None = None

    @property
    def last_operation(self) -> str | None:
        """That of the newest move; None where there is none, or it is not known."""
        record = self.last_move.record if self.last_move is not None else None
        return record.operation if record is not None else None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A service of the list that could not be read, and why."""

    service: Service
    error: FailoverError


class _Trial(NamedTuple):
    """What the moves of a located service came to at a version of its manifests."""

    service: Service
    version: str
    obstacles: Mapping[Switch, ManifestError]
    needs: "tuple[Need, ...]"


class StatusReader:
    """Reads the statuses of services on one branch, all at one commit."""

    def __init__(self, forge: Forge, reader: ServiceReader, history: History, surroundings: SurroundingsReader) -> None:
        self._forge, self._reader, self._last_moves = forge, reader, LastMoves(forge, history)
        self._surroundings = surroundings
        self._trials: LRUCache[str, _Trial] = LRUCache(_KEPT_TRIALS)  # by the service's name

    async def read(
        self,
        branch: Branch,
        services: Sequence[Service],
        *,
        not_before: float,
        thorough: bool,
        try_moves: bool = False,
        all_history: bool = False,
        looking: "asyncio.Future[ClusterLook | None] | None" = None,
    ) -> list[Status | Unreadable]:
        """In the order of `services`. Raises what is no service's own fault: an outage, a rate limit.

        `not_before` as in Forge.read(), `thorough` as in LastMoves.of(), where `all_history` alone is it too. With
        `try_moves` also the obstacles, which takes some milliseconds a switch, once a version. `looking` is a look at
        the cluster that is under way.
        """
        observing = self._reader.observe_all(branch, services, not_before=not_before)
        seen, pulls = await both(observing, _if_known(open_for(self._forge, branch, services, not_before=not_before)))
        observed = [one for one in seen.values() if isinstance(one, Observation)]
        moves: Mapping[str, Entry] | None = None
        if observed and observed[0].snapshot.head is not None:
            located, head = [one.service for one in observed], observed[0].snapshot.head
            is_thorough = thorough or all_history
            moves = await _if_known(
                self._last_moves.of(branch, located, head, thorough=is_thorough, not_before=not_before)
            )
        cluster = await asyncio.shield(looking) if looking is not None else None
        statuses: list[Status | Unreadable] = []
        for service in services:
            status = status_of(service, seen[service.name], pulls, moves)
            statuses.append(self._with_hazards(status, seen[service.name], cluster, thorough=thorough))
            await asyncio.sleep(0)  # hundreds are thought about here: let others have a turn
        return [await self._tried(status, seen[status.service.name]) for status in statuses] if try_moves else statuses

    async def _tried(self, status: Status | Unreadable, seen: Observation | FailoverError) -> Status | Unreadable:
        trial = self._trials.get(status.service.name)
        tried = await with_obstacles(status, seen, trial)
        if isinstance(tried, Status):
            self._trials[status.service.name] = _Trial(tried.service, tried.version, tried.obstacles, tried.needs)
        return tried

    def _with_hazards(
        self,
        status: Status | Unreadable,
        seen: Observation | FailoverError,
        cluster: ClusterLook | None,
        *,
        thorough: bool,
    ) -> Status | Unreadable:
        if isinstance(status, Unreadable) or isinstance(seen, FailoverError):
            return status
        service, detection = status.service, status.detection
        self._surroundings.saw(service, detection.state, status.last_move)
        around = replace(self._surroundings.of([service]), cluster=None if service.is_elsewhere else cluster)
        there = other_side(detection)
        found = find_hazards(lambda: possible_move(service, detection, there, seen.manifests), around)
        here = FoundHazards()
        if thorough and detection.state.value in set(Side):
            side = Side(detection.state.value)
            here = find_hazards(lambda: made_move(service, detection, side, seen.manifests), around)
        is_complete = around.is_complete and not found.failed
        return replace(status, hazards_to=found.hazards, hazards_here=here.hazards, hazards_complete=is_complete)


async def _if_known(reading: Coroutine[Any, Any, Mapping[str, T]]) -> Mapping[str, T] | None:
    """What was read; None where it could not be."""
    try:
        return await reading
    except ForgeFailure as exc:
        _log.warning("status is incomplete", extra={"problem": exc.slug, "detail": exc.detail})
        return None


def status_of(
    service: Service,
    seen: Observation | FailoverError,
    pulls: Mapping[str, PullRequest] | None = NOTHING,
    moves: Mapping[str, Entry] | None = NOTHING,
) -> Status | Unreadable:
    """What was read of a service; `pulls` and `moves` are by its name, None where they could not be read."""
    try:
        if isinstance(seen, FailoverError):
            raise seen
        detection = detect(seen.service, seen.manifests)
    except FailoverError as exc:
        return Unreadable(service, exc)
    pull, move = (pulls or NOTHING).get(service.name), (moves or NOTHING).get(service.name)
    return Status(seen.service, detection, seen.version, pull, move, is_history_known=moves is not None)


async def with_obstacles(
    status: Status | Unreadable, seen: Observation | FailoverError, known: _Trial | None = None
) -> Status | Unreadable:
    """The status with what keeps its switches from being moved; `seen` is what it was made from.

    What is `known` of the same version of the same place is not tried again.
    """
    await asyncio.sleep(0)  # hundreds may be tried here: let others have a turn
    if isinstance(status, Unreadable) or isinstance(seen, FailoverError):
        return status
    if known is not None and (known.service, known.version) == (status.service, status.version):
        obstacles, needs = known.obstacles, known.needs
    else:
        obstacles, needs = _obstacles(seen, status.detection), _needs(seen, status.detection)
    ways = _ways(seen, status.detection)
    return replace(status, obstacles=obstacles, unblocking=_unblocking(seen), ways=ways, needs=needs)


def _obstacles(seen: Observation, detection: Detection) -> Mapping[Switch, ManifestError]:
    tried = {reading.switch: blocking_error(reading, seen.manifests[reading.file]) for reading in detection.readings}
    return {switch: error for switch, error in tried.items() if error is not None}


def _needs(seen: Observation, detection: Detection) -> "tuple[Need, ...]":
    if seen.service.replication is None:
        return ()
    from failover_api.core.safety.relocation.needs import needs  # loaded with the first service that has one

    return needs(seen.service, detection, seen.manifests)


def _ways(seen: Observation, detection: Detection) -> Mapping[Side, ServiceMove]:
    """None by a defect of ours, which keeps nobody from hearing of the other services."""
    try:
        return each_way(seen.service, detection, seen.manifests)
    except Exception:  # noqa: BLE001 - as find_hazards()
        _log.exception("hazards could not be found by a defect", extra={"service": seen.service.name})
        return {}


def _unblocking(seen: Observation) -> StrategyEdits | ManifestError | None:
    try:
        return unblocking(seen.service, seen.manifests)
    except ManifestError as exc:
        return exc
