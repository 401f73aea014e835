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
from failover_api.core.rfc3339 import seconds_of
from failover_api.core.safety.replication_states import ReplicationStatus
from failover_api.core.safety.rollout.stage import ClusterState
from failover_api.core.safety.rollout.stages import Stage
from failover_api.core.safety.rollout.steps import is_from_before
from failover_api.core.text.trailers import Record
from failover_api.errors import FailoverError
from failover_api.events import Blocked, Events, Looked, Merged, MoveEnded, Serving, StageChanged
from failover_api.failover import Failover
from failover_api.reading.status import Status
from failover_api.watching.verifier import Verifier

EVERY_S = 2.0
_RESTING = 5  # times as long, while no move is under way
_APART_S = 0.5
UNDER_WAY_S = 3600.0  # a move that does not come up within an hour is looked at no more often than what rests
WANTED_EVERY_S = 60.0
SETTLE_S = 15.0  # a pod's first troubles pass: what blocks a move is told once it lasts so long
MAX_OPERATIONS = 4096
ASK_AGAIN_S = 600.0  # whether a move has come that is long over, and shows it by no pod of its own
TIDY_AGAIN_S, MAX_TIDY_AGAIN_S = 5.0, 600.0  # after the first failure, and after many
_Key = tuple[str, str]  # a service, and the operation that moved it
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Following:
    """A move that is not seen serving yet. Times are time.monotonic()."""

    since: float
    blocked_since: float | None = None
    is_told: bool = False
    asked_at: float | None = None


@dataclass(slots=True)
class _Tidying:
    """A strategy that is to be put back. Times are time.monotonic()."""

    failures: int = 0
    due_at: float = 0.0
    task: "asyncio.Task[None] | None" = None


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
        self._tidying: LRUCache[_Key, _Tidying] = LRUCache(MAX_OPERATIONS)

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
        await self._look_at_cluster()
        self._tidy_what_is_due(names)

    async def _look_at_cluster(self) -> None:
        clusters, statuses = self._failover.clusters, list(self._statuses.values())
        view = await clusters.look(status.service for status in statuses)
        if view is None:  # nothing is seen, and what was seen before is not told any more
            self._states, self._replications = {}, {}
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
            await self._verifier.ask(status.service.name, verify, state, status.last_operation)

    async def _saw(self, status: Status, state: ClusterState | None) -> None:
        name = status.service.name
        before, self._states[name] = self._states.get(name), state
        if state is not None and (before is None or _differ(before, state)):
            self._events.publish(StageChanged(status.service, state.stage))
        move = status.last_move
        record = move.record if move is not None else None
        if state is None or record is None:
            return
        key = (name, record.operation)
        if record.after != status.detection.state.value:  # somebody undid it in Git: nothing more comes of it
            self._following.pop(key, None)
            return
        if key in self._served:
            return
        was_followed = key in self._following
        if state.stage is Stage.SERVING and await self._has_come(key, status, record, state):
            self._serves(key, status, record, state, was_followed=was_followed)
        else:
            self._waits(key, status, record, state)

    async def _has_come(self, key: _Key, status: Status, record: Record, state: ClusterState) -> bool:
        """Whether what serves is what this move made; where the pod does not show it, the whole rollout tells."""
        if state.side is not State.UNKNOWN and state.side.value != record.after:
            return False
        if state.side is not State.UNKNOWN and not state.mismatch and not self._is_from_before(status, state):
            return True
        if not self._may_ask(key):
            return False
        try:
            return (await self._failover.rollout(*key)).done
        except FailoverError:
            return False

    def _may_ask(self, key: _Key) -> bool:
        """Whether GitHub is asked for it now: of a move that is long over, now and then."""
        now = time.monotonic()
        following = self._following.setdefault(key, _Following(now))
        is_over = now - following.since >= UNDER_WAY_S
        if is_over and following.asked_at is not None and now - following.asked_at < ASK_AGAIN_S:
            return False
        following.asked_at = now
        return True

    def _is_from_before(self, status: Status, state: ClusterState) -> bool | None:
        committed_at = seconds_of(status.last_move.logged.at) if status.last_move else None
        return is_from_before(committed_at, state, cluster_ahead_s=self._failover.cluster_ahead_s)

    def _serves(self, key: _Key, status: Status, record: Record, state: ClusterState, *, was_followed: bool) -> None:
        following = self._following.pop(key, None)
        self._served[key] = True
        if not self._is_from_before(status, state):
            self._failover.step_times.saw(*key, state)
        is_own = key in self._own
        if status.service.unblocked is not None:  # whoever moved it may be gone by now
            self._tidying[key] = _Tidying()
        if not was_followed and not is_own:  # it served before this process began
            return
        committed_at = seconds_of(status.last_move.logged.at) if status.last_move else None
        ready_at = state.ready_at if state.ready_at is not None else state.seen_at
        seen_s = time.monotonic() - following.since if following is not None else None
        told_s = None if committed_at is None else ready_at - committed_at
        took_s = None if told_s is None else time_taken(told_s, self._failover.cluster_ahead_s, seen_s)
        _log.info(
            "move serves",
            extra={"service": key[0], "operation": key[1], "node": state.node, "pod": state.pod, "seconds": took_s},
        )
        self._events.publish(Serving(status.service, record, state.node, took_s, is_own))

    def _tidy_what_is_due(self, names: frozenset[str]) -> None:
        """Until it is done, or a later move has followed: then it is that one's matter."""
        for (name, operation), tidying in list(self._tidying.items()):
            status = self._statuses.get(name)
            is_newest = status is None or status.last_operation in {None, operation}
            if name not in names or not is_newest:
                del self._tidying[name, operation]
            elif tidying.task is None and time.monotonic() >= tidying.due_at:
                tidying.task = asyncio.create_task(self._tidy((name, operation), tidying))

    async def _tidy(self, key: _Key, tidying: _Tidying) -> None:
        """Puts the strategy back that the move changed; nothing when it is back. Several replicas may do it at once."""
        try:
            await self._failover.tidy(*key)
        except FailoverError as exc:
            self._tidy_again(key, tidying, exc.slug)
        except Exception:  # noqa: BLE001 - a defect of ours must not leave the strategy as it is
            _log.exception("putting a strategy back failed", extra={"service": key[0]})
            self._tidy_again(key, tidying, "internal-error")
        else:
            self._tidying.pop(key, None)

    def _tidy_again(self, key: _Key, tidying: _Tidying, problem: str) -> None:
        wait_s = min(MAX_TIDY_AGAIN_S, TIDY_AGAIN_S * 2.0 ** min(tidying.failures, 10))
        tidying.failures, tidying.due_at, tidying.task = tidying.failures + 1, time.monotonic() + wait_s, None
        facts = {"service": key[0], "operation": key[1], "problem": problem, "seconds": wait_s}
        _log.warning("the strategy is not put back, and will be tried again", extra=facts)

    async def aclose(self) -> None:
        """Ends what is under way."""
        tasks = [tidying.task for tidying in self._tidying.values() if tidying.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

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


def time_taken(told_s: float, ahead_s: float, seen_s: float | None) -> float:
    """How long a move took: `told_s` by the Git host's clock and the cluster's, which is `ahead_s` ahead.

    How far it is, is known from its last answer: a clock that was set since is told wrong. `seen_s` is how long it was
    seen to take, from here; None: it was not. What is nearer to that is believed.
    """
    corrected_s = told_s - ahead_s
    if seen_s is None:
        return max(0.0, corrected_s)
    return max(0.0, min(corrected_s, told_s, key=lambda each: abs(each - seen_s)))


def _differ(one: ClusterState, other: ClusterState) -> bool:
    """What a page shows of them."""
    return (one.stage, one.side, one.node, one.pod, one.reason) != (
        other.stage, other.side, other.node, other.pod, other.reason,
    )  # fmt: skip
