"""Services in their cluster: Git's statuses joined with what is seen of it, for as long as that takes and no longer.

Nothing here fails or delays a status: what does not come in time is not seen.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cachetools import LRUCache

from failover_api.core.catalog.model import Service
from failover_api.core.catalog.replication import ReplicationKind
from failover_api.core.planning.request import RELOCATE
from failover_api.core.safety.replication_states import ReplicationStatus
from failover_api.core.safety.rollout.verification import Verification, verified_state
from failover_api.core.safety.surroundings import ClusterLook
from failover_api.reading.status import Status, Unreadable
from failover_api.reading.step_times import RevisionTimes

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.cluster.port import Cluster
    from failover_api.core.safety.observed import View
    from failover_api.core.safety.rollout.live import Index
    from failover_api.core.safety.rollout.stage import ClusterState

MAX_SEEN = 4096
_log = logging.getLogger(__name__)


class ClusterReader:
    """Looks at the cluster, if there is one. `timeout_s` is for one look.

    `verified` says what came of asking an app; None: nobody asks here, and a ready pod is all that is looked for.
    """

    def __init__(self, cluster: "Cluster | None", *, timeout_s: float) -> None:
        self._cluster, self._timeout_s = cluster, timeout_s
        self.verified: Callable[[str], Verification | None] | None = None
        self.arrivals = RevisionTimes()
        self._has_answered = False
        self._was_seen: LRUCache[str, bool] = LRUCache(MAX_SEEN)
        self._not_understood: LRUCache[str, bool] = LRUCache(MAX_SEEN)
        self._index: Index | None = None  # of the view that was looked at last

    @property
    def is_there(self) -> bool:
        """Whether a cluster is configured."""
        return self._cluster is not None

    async def look(self, services: Iterable[Service]) -> "View | None":
        """What these services need of the cluster; None where none is configured, or nothing came in time."""
        here = [service for service in services if not service.is_elsewhere]
        if self._cluster is None or not here:
            return None
        namespaces = [service.namespaces for service in here]
        scope = None if None in namespaces else frozenset().union(*filter(None, namespaces))
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._cluster.look(scope)
        except TimeoutError:
            return None
        except Exception:  # noqa: BLE001 - a defect there must not fail a status
            _log.exception("the cluster could not be looked at")
            return None

    def ahead_s(self, now: float) -> float:
        """How far the API server's clock is ahead of `now`; 0 until it has told its time."""
        clock = self._cluster.clock if self._cluster is not None else None
        return clock.now() - now if clock is not None and clock.is_known else 0.0

    def view(self) -> "View | None":
        """What is known from watching, without a wait; None where no cluster is configured."""
        return None if self._cluster is None else self._cluster.view()

    def looked(self, services: Iterable[Service], view: "View | None") -> ClusterLook | None:
        """What look() gave, as hazards are found in it; None where there is no cluster to look at."""
        if self._cluster is None or all(service.is_elsewhere for service in services):
            return None
        from failover_api.core.safety.observed import View

        nothing = f"nothing came of a look within {self._timeout_s:g} s"
        found, had_answered = view if view is not None else View.silent(nothing), self._has_answered
        self._has_answered = had_answered or found.answers
        return ClusterLook(found, self._cluster.clock.now(), had_answered, time.monotonic())

    def joined(self, statuses: Sequence[Status | Unreadable], view: "View | None") -> list[Status | Unreadable]:
        """The statuses with what was seen of each."""
        return [
            status
            if isinstance(status, Unreadable)
            else replace(status, cluster=self.state(status, view), replication=self.replication(status, view))
            for status in statuses
        ]

    def state(self, status: Status, view: "View | None") -> "ClusterState | None":
        """One service's; None where it is not seen."""
        return None if view is None else self.verified_state(status, self.ready_state(status, view))

    def ready_state(self, status: Status, view: "View") -> "ClusterState | None":
        """The same, whatever the app answers."""
        from failover_api.core.safety.rollout.live import index_of
        from failover_api.core.safety.rollout.stage import cluster_state

        name, was_seen = status.service.name, status.service.name in self._was_seen
        try:
            if self._index is None or self._index.view is not view:
                self._index = index_of(view)
            state = cluster_state(status.service, status.detection, view, was_seen=was_seen, index=self._index)
        except Exception:  # noqa: BLE001 - whatever a cluster holds must not fail a status
            if name not in self._not_understood:  # every few seconds would be too often
                _log.exception("the cluster could not be understood", extra={"service": name})
            self._not_understood[name] = True
            return None
        self._not_understood.pop(name, None)
        if state is not None and (state.pod or was_seen or state.appliers.kustomization is not None):
            self._was_seen[name] = True
        if state is not None:
            self.arrivals.saw(state.appliers)
        return state

    def replication(self, status: Status, view: "View | None") -> ReplicationStatus | None:
        """How well its data is copied to the other side; None where the catalog has no replication of it."""
        named = status.service.replication
        if named is None or named.kind is ReplicationKind.NONE:
            return None
        from failover_api.core.safety.replication_health import replication_status

        record = status.last_move.record if status.last_move is not None else None
        now = self._cluster.clock.now() if self._cluster is not None else 0.0
        try:
            side, is_relocated = status.detection.state, record is not None and record.action == RELOCATE
            return replication_status(status.service, side, view, now, is_relocated=is_relocated)
        except Exception:  # noqa: BLE001 - as ready_state()
            _log.exception("the replication could not be understood", extra={"service": status.service.name})
            return ReplicationStatus(named.kind, reason="What the cluster shows of it was not understood: a defect.")

    def verified_state(self, status: Status, state: "ClusterState | None") -> "ClusterState | None":
        """A ready state, with what the app answers where somebody asks it."""
        verify = status.service.verify
        if state is None or verify is None or self.verified is None:
            return state
        return verified_state(state, verify, self.verified(status.service.name), status.last_operation)
