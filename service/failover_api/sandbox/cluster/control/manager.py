"""The controller-manager as one process: all its controllers, which stop and start together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.control.attachments import Attachments
from failover_api.sandbox.cluster.control.autoscaler import Autoscalers
from failover_api.sandbox.cluster.control.deployments import Deployments
from failover_api.sandbox.cluster.control.endpoints import Endpoints
from failover_api.sandbox.cluster.control.garbage import GarbageCollector
from failover_api.sandbox.cluster.control.jobs import Jobs
from failover_api.sandbox.cluster.control.node_lifecycle import NodeLifecycle
from failover_api.sandbox.cluster.control.pod_gc import PodGc
from failover_api.sandbox.cluster.control.replica_sets import ReplicaSets
from failover_api.sandbox.cluster.control.stateful_sets import StatefulSets
from failover_api.sandbox.cluster.control.taint_eviction import TaintEviction
from failover_api.sandbox.cluster.control.volumes import Volumes

if TYPE_CHECKING:
    from collections.abc import Callable

    from failover_api.sandbox.cluster.plane import Plane

ELECTION_S = 15.0


class Manager:
    """`mounts` tells the volumes that containers of a node have; None while the node is not reached."""

    def __init__(self, plane: Plane, mounts: Callable[[str], set[str] | None]) -> None:
        self._plane = plane
        self.volumes = Volumes(plane, lambda node: mounts(node) is not None)
        Autoscalers(plane)
        self.node_lifecycle, self.taint_eviction, self.pod_gc = NodeLifecycle(plane), TaintEviction(plane), PodGc(plane)
        self._level = (
            Deployments(plane),
            ReplicaSets(plane),
            StatefulSets(plane),
            Jobs(plane),
            GarbageCollector(plane),
            self.volumes,
            Attachments(plane, mounts),
            Endpoints(plane),
            self.node_lifecycle,
            self.taint_eviction,
        )

    def stop(self) -> None:
        self._plane.manager_runs = False

    def start(self) -> None:
        """After an election; it has forgotten since when it has not heard of a node."""
        self._plane.clock.after(ELECTION_S, self._lead)

    def _lead(self) -> None:
        self._plane.manager_runs = True
        for controller in (self.node_lifecycle, self.taint_eviction, self.pod_gc):
            controller.forget()
        for each in self._level:
            each.resync()
