"""The pod garbage collector: every 20 s it ends pods of which no kubelet will ever say that they have ended.

    on a node with the out-of-service taint that is not Ready    pods that are being deleted, at once
    on a node whose object is gone                               all pods, after a quarantine of 40 s
    never scheduled                                              pods that are being deleted

https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#non-graceful-node-shutdown
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.control.pods import delete_pod, has_ended
from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.kinds import NODE, POD
from failover_api.sandbox.cluster.objects.meta import (
    condition_status,
    is_terminating,
    name_of,
    namespace_of,
    set_condition,
)

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.plane import Plane

ROUND_S = 20.0
QUARANTINE_S = 40.0
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


class PodGc:
    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._missing: dict[str, float] = {}  # name of a node without object -> when it was first seen so
        plane.clock.every(ROUND_S, self._round, first=plane.between(1.0, ROUND_S))

    def forget(self) -> None:
        """As when the controller-manager starts anew."""
        self._missing.clear()

    def _round(self) -> None:
        if not self._plane.manager_runs:
            return
        self._look_for_missing()
        gone = {node for node, since in self._missing.items() if self._plane.clock.elapsed - since >= QUARANTINE_S}
        for pod in self._plane.store.objects(POD):
            node = at(pod, "spec", "nodeName")
            if node in gone:
                self._end(pod, "DeletionByPodGC", "PodGC: node no longer exists")
            elif is_terminating(pod) and (not node or self._is_out_of_service(node)):
                self._end(pod)

    def _look_for_missing(self) -> None:
        nodes = {name_of(node) for node in self._plane.store.objects(NODE)}
        used = {str(node) for pod in self._plane.store.objects(POD) if (node := at(pod, "spec", "nodeName"))}
        self._missing = {node: self._missing.get(node, self._plane.clock.elapsed) for node in used - nodes}

    def _is_out_of_service(self, name: str) -> bool:
        node = self._plane.store.get(NODE, "", name)
        if node is None or condition_status(node, "Ready") == "True":
            return False
        return any(taint.get("key") == OUT_OF_SERVICE for taint in at(node, "spec", "taints", default=[]))

    def _end(self, pod: Object, reason: str = "", message: str = "") -> None:
        if not has_ended(pod):
            self._mark(pod, reason, message)
        delete_pod(self._plane, pod, force=True)

    def _mark(self, pod: Object, reason: str, message: str) -> None:
        def change(new: Object) -> None:
            new["status"]["phase"] = "Failed"
            if reason:
                set_condition(new, self._plane.now, "DisruptionTarget", "True", reason=reason, message=message)

        self._plane.registry.modify(POD, namespace_of(pod), name_of(pod), change)
