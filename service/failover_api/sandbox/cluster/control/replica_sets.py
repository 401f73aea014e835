"""ReplicaSets: so many pods, no more and no fewer.

A pod that is being deleted counts no more, wherever it still runs.
https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.control.pods import (
    delete_pod,
    has_ended,
    is_active,
    is_available,
    is_ready,
    pod_from,
)
from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.kinds import POD, REPLICA_SET
from failover_api.sandbox.cluster.objects.meta import (
    controller_of,
    is_terminating,
    name_of,
    namespace_of,
    remove_condition,
    set_condition,
    uid_of,
)
from failover_api.sandbox.cluster.objects.refusals import ApiError
from failover_api.sandbox.cluster.plane import WorkQueue

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.plane import Plane
    from failover_api.sandbox.cluster.store import Change

TERMINATING_SINCE = 35  # the minor version that says how many pods are being deleted
_COMPONENT = "replicaset-controller"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


class ReplicaSets:
    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self.queue = WorkQueue(plane, self._sync)
        plane.store.subscribe(self._changed)

    def resync(self) -> None:
        for one in self._plane.store.objects(REPLICA_SET):
            self.queue.add((namespace_of(one), name_of(one)))

    def _changed(self, change: Change) -> None:
        if change.kind is REPLICA_SET:
            self.queue.add((namespace_of(change.object), name_of(change.object)))
        elif change.kind is POD and (owner := controller_of(change.object)) and owner["kind"] == "ReplicaSet":
            self.queue.add((namespace_of(change.object), owner["name"]))

    def _sync(self, key: tuple[str, str]) -> None:
        one = self._plane.store.get(REPLICA_SET, *key)
        if one is None:
            return
        refused = None
        if not is_terminating(one):
            refused = self._scale(one, [pod for pod in self._pods(one) if is_active(pod)])
        self._report(one, self._pods(one), refused)
        if refused is not None:
            raise refused

    def _pods(self, one: Object) -> list[Object]:
        return self._plane.store.owned_by(uid_of(one), POD)

    def _scale(self, one: Object, active: list[Object]) -> ApiError | None:
        missing = int(at(one, "spec", "replicas", default=1)) - len(active)
        for _ in range(missing):
            try:
                self._create(one)
            except ApiError as exc:
                self._plane.event(one, "FailedCreate", f"Error creating: {exc.message}", _COMPONENT, warning=True)
                return exc
        for pod in sorted(active, key=_worth)[: max(-missing, 0)]:
            delete_pod(self._plane, pod)
            self._plane.event(one, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}", _COMPONENT)
        return None

    def _create(self, one: Object) -> None:
        pod = pod_from(one["spec"]["template"], one)
        pod["metadata"]["generateName"] = f"{name_of(one)}-"
        made = self._plane.registry.create(POD, pod)
        self._plane.event(one, "SuccessfulCreate", f"Created pod: {name_of(made)}", _COMPONENT)

    def _report(self, one: Object, pods: list[Object], refused: ApiError | None) -> None:
        min_ready_s = int(at(one, "spec", "minReadySeconds", default=0))
        active = [pod for pod in pods if is_active(pod)]
        counts = {
            "replicas": len(active),
            "fullyLabeledReplicas": len(active),
            "readyReplicas": sum(map(is_ready, active)),
            "availableReplicas": sum(is_available(pod, min_ready_s, self._plane.clock.now) for pod in active),
        }
        terminating = sum(is_terminating(pod) and not has_ended(pod) for pod in pods)

        def change(new: Object) -> None:
            conditions = at(new, "status", "conditions")
            new["status"] = {key: count for key, count in counts.items() if count or key == "replicas"}
            new["status"]["observedGeneration"] = one["metadata"]["generation"]
            if self._plane.minor >= TERMINATING_SINCE:
                new["status"]["terminatingReplicas"] = terminating
            if conditions:
                new["status"]["conditions"] = conditions
            self._say_refused(new, refused)

        self._plane.registry.modify(REPLICA_SET, namespace_of(one), name_of(one), change)
        if min_ready_s and counts["readyReplicas"] > counts["availableReplicas"]:
            self.queue.add_after((namespace_of(one), name_of(one)), min_ready_s)

    def _say_refused(self, new: Object, refused: ApiError | None) -> None:
        if refused is None:
            remove_condition(new, "ReplicaFailure")
            if not at(new, "status", "conditions"):
                new["status"].pop("conditions", None)
            return
        said = {"reason": "FailedCreate", "message": refused.message}
        set_condition(new, self._plane.now, "ReplicaFailure", "True", **said)


def _worth(pod: Object) -> tuple[bool, int, bool, str]:
    """The least first: not scheduled, then not running, then not ready, then the older."""
    phase = _PHASES.get(at(pod, "status", "phase", default=""), 0)
    return bool(at(pod, "spec", "nodeName")), phase, is_ready(pod), str(pod["metadata"]["creationTimestamp"])
