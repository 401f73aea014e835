"""Moves on their way to a running app: looked at every few seconds, from what is known of the cluster in memory.

A move is told as serving, or as blocked, once, by the process that made it (or heard of its merge): replicas share
nothing. GitHub is asked for a service only after it has moved.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cachetools import LRUCache

from failover_api.core.planning.state import State
from failover_api.core.safety.replication_states import ReplicationStatus
from failover_api.core.safety.rollout.stage import ClusterState
from failover_api.core.safety.rollout.stages import Stage
from failover_api.core.text.trailers import Record
from failover_api.errors import FailoverError
from failover_api.events import Blocked, Events, Looked, Merged, MoveEnded, Serving, StageChanged
from failover_api.failover import Failover
from failover_api.reading.rollouts import time_of
from failover_api.reading.status import Status
from failover_api.watching.verifier import Verifier

EVERY_S = 2.0
_RESTING = 5  # times as long, while no move is under way
_APART_S = 0.5
UNDER_WAY_S = 3600.0  # a move that does not come up within an hour is looked at no more often than what rests
WANTED_EVERY_S = 60.0
SETTLE_S = 15.0  # a pod's first troubles pass: what blocks a move is told once it lasts so long
MAX_OPERATIONS = 4096
_Key = tuple[str, str]  # a service, and the operation that moved it
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Following:
    """A move that is not seen serving yet. Times are time.monotonic()."""

    since: float
    blocked_since: float | None = None
    is_told: bool = False


class RolloutWatch:
    """Follows moves. `want` keeps Git's side current; `names` are the services of the catalog."""

    def __init__(
        self,
        failover: Failover,
        events: Events,
        verifier: Verifier,
        *,
        want: Callable[[], None],
        names: Callable[[], frozenset[str]],
        every_s: float = EVERY_S,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._failover, self._events, self._verifier = failover, events, verifier
        self._want, self._names, self._every_s, self._settle_s = want, names, every_s, settle_s
        self._statuses: dict[str, Status] = {}
        self._states: dict[str, ClusterState | None] = {}
        self._replications: dict[str, ReplicationStatus] = {}
        self._moved: set[str] = set()  # to be read again
        self._has_moved = asyncio.Event()
        self._own: LRUCache[_Key, bool] = LRUCache(MAX_OPERATIONS)
        self._following: LRUCache[_Key, _Following] = LRUCache(MAX_OPERATIONS)
        self._served: LRUCache[_Key, bool] = LRUCache(MAX_OPERATIONS)
        self._tidying: set[asyncio.Task[None]] = set()

    def stages(self) -> Mapping[str, Stage]:
        """How far each service is, of those that are seen in the cluster."""
        return {name: state.stage for name, state in self._states.items() if state is not None}

    def replications(self) -> Mapping[str, ReplicationStatus]:
        """How well the data of each service is copied, of those whose catalog says how."""
        return self._replications

    # Events

    def looked(self, event: Looked) -> None:
        """What Git says now."""
        for status in event.statuses:
            if isinstance(status, Status):
                self._statuses[status.service.name] = status

    def move_ended(self, event: MoveEnded) -> None:
        """A move of this process: what it wrote is read at once, and told when it serves."""
        outcome = event.news
        if outcome is None or event.is_tidy or outcome.operation is None:
            return
        for plan in outcome.plans:
            if plan.changes:
                self._own[plan.service.name, outcome.operation] = True
                if not outcome.is_pending:
                    self._read_again(plan.service.name)

    def merged(self, event: Merged) -> None:
        """A pull request that this process heard of."""
        for record in event.records:
            self._own[record.service, record.operation] = True
            self._read_again(record.service)

    def _read_again(self, service: str) -> None:
        self._moved.add(service)
        self._has_moved.set()

    # Looking

    async def run(self) -> None:
        """Until it is cancelled."""
        wanted_at = 0.0
        while True:
            if time.monotonic() - wanted_at > WANTED_EVERY_S or not wanted_at:
                self._want()
                wanted_at = time.monotonic()
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - a defect of ours must not end the watching
                _log.exception("a look at rollouts failed")
            await self._rest()

    async def _rest(self) -> None:
        """Until the next look: soon while a move is under way, at once when one is made here."""
        now = time.monotonic()
        is_under_way = bool(self._moved) or any(now - each.since < UNDER_WAY_S for each in self._following.values())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._every_s if is_under_way else self._every_s * _RESTING):
                await self._has_moved.wait()
                self._has_moved.clear()
                await asyncio.sleep(_APART_S)

    async def look(self) -> None:
        """Once at everything."""
        names = self._names()
        self._statuses = {name: status for name, status in self._statuses.items() if name in names}
        self._states = {name: state for name, state in self._states.items() if name in names}
        self._verifier.keep(names)
        await self._read_moved()
        clusters, statuses = self._failover.clusters, list(self._statuses.values())
        view = await clusters.look(status.service for status in statuses)
        if view is None:
            return
        copies = {status.service.name: clusters.replication(status, view) for status in statuses}
        self._replications = {name: copy for name, copy in copies.items() if copy is not None}
        raw = {status.service.name: clusters.ready_state(status, view) for status in statuses}
        await asyncio.gather(*(self._verify(status, raw[status.service.name]) for status in statuses))
        for status in statuses:
            await self._saw(status, clusters.verified_state(status, raw[status.service.name]))

    async def _read_moved(self) -> None:
        for name in list(self._moved):
            self._moved.discard(name)
            try:
                await self._failover.status(name)
            except FailoverError as exc:
                _log.info("a moved service is not read yet", extra={"service": name, "problem": exc.slug})
                if exc.slug != "unknown-service":
                    self._moved.add(name)

    async def _verify(self, status: Status, state: ClusterState | None) -> None:
        verify = status.service.verify
        if verify is not None and state is not None and state.stage is Stage.SERVING:
            await self._verifier.ask(status.service.name, verify, state)

    async def _saw(self, status: Status, state: ClusterState | None) -> None:
        name = status.service.name
        before, self._states[name] = self._states.get(name), state
        if state is not None and (before is None or _differ(before, state)):
            self._events.publish(StageChanged(status.service, state.stage))
        move = status.last_move
        record = move.record if move is not None else None
        if state is None or record is None or record.after != status.detection.state.value:
            return
        key = (name, record.operation)
        if key in self._served:
            return
        if state.stage is Stage.SERVING and await self._has_come(name, record, state):
            self._serves(key, status, record, state)
        else:
            self._waits(key, status, record, state)

    async def _has_come(self, name: str, record: Record, state: ClusterState) -> bool:
        """Whether what serves is what this move made; where that cannot be compared, the revision tells."""
        if state.side is not State.UNKNOWN:
            return state.side.value == record.after
        try:
            return (await self._failover.rollout(name, record.operation)).done
        except FailoverError:
            return False

    def _serves(self, key: _Key, status: Status, record: Record, state: ClusterState) -> None:
        was_followed = self._following.pop(key, None) is not None
        self._served[key] = True
        is_own = key in self._own
        if status.service.unblocked is not None:  # whoever moved it may be gone by now
            task = asyncio.create_task(self._tidy(key))
            self._tidying.add(task)
            task.add_done_callback(self._tidying.discard)
        if not was_followed and not is_own:  # it served before this process began
            return
        committed_at = time_of(status.last_move.logged.at) if status.last_move else None
        ready_at = state.ready_at if state.ready_at is not None else state.seen_at
        took_s = max(0.0, ready_at - committed_at) if committed_at is not None else None
        _log.info(
            "move serves",
            extra={"service": key[0], "operation": key[1], "node": state.node, "pod": state.pod, "seconds": took_s},
        )
        self._events.publish(Serving(status.service, record, state.node, took_s, is_own))

    async def _tidy(self, key: _Key) -> None:
        """Puts the strategy back that the move changed; nothing when it is back. Several replicas may do it at once."""
        try:
            await self._failover.tidy(*key)
        except FailoverError as exc:
            _log.warning("the strategy is not put back", extra={"service": key[0], "problem": exc.slug})

    async def aclose(self) -> None:
        """Ends what is under way."""
        tidying = list(self._tidying)
        for task in tidying:
            task.cancel()
        await asyncio.gather(*tidying, return_exceptions=True)

    def _waits(self, key: _Key, status: Status, record: Record, state: ClusterState) -> None:
        following = self._following.setdefault(key, _Following(time.monotonic()))
        if state.stage is not Stage.BLOCKED:
            following.blocked_since = None
            return
        now = time.monotonic()
        if following.blocked_since is None:
            following.blocked_since = now
        if not following.is_told and now - following.blocked_since >= self._settle_s:
            following.is_told = True
            _log.warning("move blocked", extra={"service": key[0], "operation": key[1], "detail": state.reason})
            self._events.publish(Blocked(status.service, record, state.reason, state.cure, key in self._own))


def _differ(one: ClusterState, other: ClusterState) -> bool:
    """What a page shows of them."""
    return (one.stage, one.side, one.node, one.pod, one.reason) != (
        other.stage, other.side, other.node, other.pod, other.reason,
    )  # fmt: skip
