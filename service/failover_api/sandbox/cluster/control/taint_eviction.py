"""The taint eviction controller: pods leave a node with a NoExecute taint that they do not tolerate, or not for long.

https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.control.pods import delete_pod
from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.kinds import NODE, POD
from failover_api.sandbox.cluster.objects.meta import (
    is_terminating,
    name_of,
    namespace_of,
    set_condition,
    uid_of,
)
from failover_api.sandbox.cluster.objects.tolerations import tolerated_s
from failover_api.sandbox.cluster.plane import WorkQueue

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.clock import Timer
    from failover_api.sandbox.cluster.plane import Plane
    from failover_api.sandbox.cluster.store import Change

_COMPONENT = "taint-eviction-controller"
_REASON, _MESSAGE = "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint"


class TaintEviction:
    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._since: dict[tuple[str, str], float] = {}  # node and taint -> when it was seen first
        self._timers: dict[str, Timer] = {}  # UID of a pod -> its eviction
        self.queue = WorkQueue(plane, self._sync, latency_s=(0.005, 0.03))
        plane.store.subscribe(self._changed)

    def resync(self) -> None:
        for node in self._plane.store.objects(NODE):
            self.queue.add(name_of(node))

    def forget(self) -> None:
        self._since.clear()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _changed(self, change: Change) -> None:
        if change.kind is NODE:
            before, now = (at(one, "spec", "taints") for one in (change.before, change.object))
            if before != now:
                self.queue.add(name_of(change.object))
        elif change.kind is POD and not at(change.before, "spec", "nodeName"):  # noqa: SIM102 - one thought a line
            if node := at(change.object, "spec", "nodeName"):
                self.queue.add(node)

    def _sync(self, name: str) -> None:
        node = self._plane.store.get(NODE, "", name)
        taints = [one for one in at(node, "spec", "taints", default=[]) if one["effect"] == "NoExecute"]
        keys = {taint["key"] for taint in taints}
        self._since = {key: at_ for key, at_ in self._since.items() if key[0] != name or key[1] in keys}
        for key in keys:
            self._since.setdefault((name, key), self._plane.clock.elapsed)
        if taints or self._timers:
            for pod in self._plane.store.pods_on(POD, name):
                self._plan(pod, name, taints)

    def _plan(self, pod: Object, node: str, taints: list[Object]) -> None:
        due = [self._due(pod, node, taint) for taint in taints]
        times = [one for one in due if one is not None]
        timer = self._timers.pop(uid_of(pod), None)
        if timer is not None:
            timer.cancel()
            if not times and not is_terminating(pod):
                message = f"Cancelling deletion of Pod {namespace_of(pod)}/{name_of(pod)}"
                self._plane.event(pod, "TaintManagerEviction", message, _COMPONENT)
        if times and not is_terminating(pod):
            wait_s = max(min(times) - self._plane.clock.elapsed, 0.0)
            self._timers[uid_of(pod)] = self._plane.clock.after(wait_s, lambda: self._evict(pod))

    def _due(self, pod: Object, node: str, taint: Object) -> float | None:
        """When the pod has to go because of a taint; None: never."""
        wait_s = tolerated_s(at(pod, "spec", "tolerations", default=[]), taint)
        return None if wait_s is None else self._since[node, taint["key"]] + wait_s

    def _evict(self, pod: Object) -> None:
        self._timers.pop(uid_of(pod), None)
        current = self._plane.store.get(POD, namespace_of(pod), name_of(pod))
        if not self._plane.manager_runs or current is None or uid_of(current) != uid_of(pod) or is_terminating(current):
            return
        message = f"Marking for deletion Pod {namespace_of(pod)}/{name_of(pod)}"
        self._plane.event(current, "TaintManagerEviction", message, _COMPONENT)
        said = {"reason": _REASON, "message": _MESSAGE}
        self._plane.registry.modify(
            POD,
            namespace_of(pod),
            name_of(pod),
            lambda new: set_condition(new, self._plane.now, "DisruptionTarget", "True", **said),
        )
        delete_pod(self._plane, current)
