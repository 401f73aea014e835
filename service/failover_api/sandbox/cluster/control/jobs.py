"""Jobs: a pod until one has ended well. One that is stuck on a dead node counts no more once it is being deleted.

https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.control.pods import delete_pod, is_active, pod_from
from failover_api.sandbox.cluster.objects.json_values import Object, at, child
from failover_api.sandbox.cluster.objects.kinds import JOB, POD
from failover_api.sandbox.cluster.objects.meta import (
    controller_of,
    is_terminating,
    name_of,
    namespace_of,
    set_condition,
    uid_of,
)
from failover_api.sandbox.cluster.plane import WorkQueue

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.plane import Plane
    from failover_api.sandbox.cluster.store import Change


class Jobs:
    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self.queue = WorkQueue(plane, self._sync)
        plane.store.subscribe(self._changed)

    def resync(self) -> None:
        for one in self._plane.store.objects(JOB):
            self.queue.add((namespace_of(one), name_of(one)))

    def _changed(self, change: Change) -> None:
        if change.kind is JOB:
            self.queue.add((namespace_of(change.object), name_of(change.object)))
        elif change.kind is POD and (owner := controller_of(change.object)) and owner["kind"] == "Job":
            self.queue.add((namespace_of(change.object), owner["name"]))

    def _sync(self, key: tuple[str, str]) -> None:
        one = self._plane.store.get(JOB, *key)
        if one is None or is_terminating(one) or at(one, "status", "conditions"):
            return
        pods = self._plane.store.owned_by(uid_of(one), POD)
        ended = {phase: sum(at(pod, "status", "phase") == phase for pod in pods) for phase in ("Succeeded", "Failed")}
        active = [pod for pod in pods if is_active(pod)]
        wanted = int(at(one, "spec", "parallelism", default=1))
        is_failed = ended["Failed"] > int(at(one, "spec", "backoffLimit", default=6))
        if not ended["Succeeded"] and not is_failed:
            self._scale(one, active, wanted)
        self._report(one, ended, wanted, is_failed)

    def _scale(self, one: Object, active: list[Object], wanted: int) -> None:
        for pod in active[wanted:]:
            delete_pod(self._plane, pod)
        for _ in range(wanted - len(active)):
            pod = pod_from(one["spec"]["template"], one)
            pod["metadata"]["generateName"] = f"{name_of(one)}-"
            child(pod["metadata"], "labels")["batch.kubernetes.io/job-name"] = name_of(one)
            self._plane.registry.create(POD, pod)

    def _report(self, one: Object, ended: dict[str, int], wanted: int, is_failed: bool) -> None:
        def change(new: Object) -> None:
            status = child(new, "status")
            counts = {
                "active": 0 if ended["Succeeded"] else wanted,
                "succeeded": ended["Succeeded"],
                "failed": ended["Failed"],
            }
            status.update({key: count for key, count in counts.items() if count})
            if not counts["active"]:
                status.pop("active", None)
            if ended["Succeeded"]:
                set_condition(new, self._plane.now, "Complete", "True", reason="CompletionsReached")
                status["completionTime"] = self._plane.now
            elif is_failed:
                set_condition(new, self._plane.now, "Failed", "True", reason="BackoffLimitExceeded")

        self._plane.registry.modify(JOB, namespace_of(one), name_of(one), change)
