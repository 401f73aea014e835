"""The scheduler's loop: each pod that has no node, whenever anything changed that could help it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at, child
from failover_api.sandbox.cluster.objects.kinds import NODE, POD, PV, PVC, STORAGE_CLASS
from failover_api.sandbox.cluster.objects.meta import (
    annotation,
    condition_status,
    is_terminating,
    name_of,
    namespace_of,
    set_condition,
    uid_of,
)
from failover_api.sandbox.cluster.plane import WorkQueue
from failover_api.sandbox.cluster.scheduler.claims import NO_PROVISIONER, claims_of, static_volume
from failover_api.sandbox.cluster.scheduler.filters import refusal

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.plane import Plane
    from failover_api.sandbox.cluster.scheduler.claims import Claims
    from failover_api.sandbox.cluster.store import Change

SELECTED_NODE = "volume.kubernetes.io/selected-node"
BIND_TIMEOUT_S = 600.0
_COMPONENT = "default-scheduler"
_HELPS = (NODE, PV, PVC, STORAGE_CLASS)
_NO_HELP, _NO_VICTIM = "Preemption is not helpful for scheduling", "No preemption victims found for incoming pod"


class Scheduler:
    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._waiting: dict[tuple[str, str], str] = {}  # pods without a node -> UID
        self._binding: dict[str, tuple[str, float]] = {}  # UID -> its node, and since when its volumes are waited for
        self.queue = WorkQueue(plane, self._schedule, runs=lambda: True)
        self._all = WorkQueue(plane, self._schedule_all, runs=lambda: True)
        plane.store.subscribe(self._changed)

    def _changed(self, change: Change) -> None:
        if change.kind is POD:
            self._pod_changed(change)
        elif change.kind in _HELPS and self._waiting and _matters(change):
            self._all.add("all")

    def _pod_changed(self, change: Change) -> None:
        pod, key = change.object, (namespace_of(change.object), name_of(change.object))
        if change.type == "DELETED" or at(pod, "spec", "nodeName") or is_terminating(pod):
            self._waiting.pop(key, None)
            self._binding.pop(uid_of(pod), None)
            if self._waiting and (change.type == "DELETED" or at(pod, "status", "phase") in ("Failed", "Succeeded")):
                self._all.add("all")
        elif self._waiting.get(key) != uid_of(pod) or at(change.before, "spec") != at(pod, "spec"):
            self._waiting[key] = uid_of(pod)
            self.queue.add(key)

    def _schedule_all(self, _: str) -> None:
        for key in list(self._waiting):
            self._schedule(key)

    def _schedule(self, key: tuple[str, str]) -> None:
        pod = self._plane.store.get(POD, *key)
        if pod is None or key not in self._waiting or at(pod, "spec", "schedulerName") != _COMPONENT:
            return
        if at(pod, "spec", "schedulingGates"):
            text = "Scheduling is blocked due to non-empty scheduling gates"
            self._refuse(pod, "SchedulingGated", text, told=False)
            return
        if uid_of(pod) in self._binding and not self._has_given_up(pod):
            self._bind_when_provisioned(pod)
            return
        claims = claims_of(self._plane.store, pod)
        nodes = self._plane.store.objects(NODE)
        if claims.trouble:
            self._refuse(pod, "Unschedulable", f"0/{len(nodes)} nodes are available: {claims.trouble}. not found")
            return
        refusals = {name_of(node): refusal(self._plane.store, pod, node, claims, self._plane.minor) for node in nodes}
        good = [node for node in nodes if not refusals[name_of(node)]]
        if not good:
            self._refuse(pod, "Unschedulable", unschedulable_text(list(refusals.values())))
            return
        self._choose(pod, claims, min(good, key=self._load))

    def _load(self, node: Object) -> tuple[int, str]:
        return self._plane.store.count_on(name_of(node)), name_of(node)

    def _choose(self, pod: Object, claims: Claims, node: Object) -> None:
        if not claims.waiting:
            self._bind(pod, name_of(node))
            return
        for claim, of_class in claims.waiting:
            if of_class["provisioner"] == NO_PROVISIONER:
                self._reserve(claim, static_volume(self._plane.store, claim, node))
            elif annotation(claim, SELECTED_NODE) != name_of(node):
                self._select(claim, name_of(node))
        self._binding[uid_of(pod)] = name_of(node), self._plane.clock.elapsed
        self.queue.add_after((namespace_of(pod), name_of(pod)), BIND_TIMEOUT_S)

    def _reserve(self, claim: Object, volume: Object | None) -> None:
        """The volume controller binds what is reserved."""
        if volume is None:
            return

        def change(new: Object) -> None:
            reference = {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": namespace_of(claim)}
            new["spec"]["claimRef"] = {**reference, "name": name_of(claim), "uid": uid_of(claim)}

        self._plane.registry.modify(PV, "", name_of(volume), change)

    def _select(self, claim: Object, node: str | None) -> None:
        def change(new: Object) -> None:
            annotations = child(new["metadata"], "annotations")
            annotations.pop(SELECTED_NODE, None)
            if node:
                annotations[SELECTED_NODE] = node

        self._plane.registry.modify(PVC, namespace_of(claim), name_of(claim), change)

    def _has_given_up(self, pod: Object) -> bool:
        if self._plane.clock.elapsed - self._binding[uid_of(pod)][1] < BIND_TIMEOUT_S:
            return False
        del self._binding[uid_of(pod)]
        return True

    def _bind_when_provisioned(self, pod: Object) -> None:
        claims = claims_of(self._plane.store, pod)
        if not claims.trouble and not claims.waiting:
            self._bind(pod, self._binding.pop(uid_of(pod))[0])

    def _bind(self, pod: Object, node: str) -> None:
        def change(new: Object) -> None:
            new["spec"]["nodeName"] = node
            said = {"reason": None, "message": None, "lastProbeTime": None}
            set_condition(new, self._plane.now, "PodScheduled", "True", **said)

        self._plane.registry.modify(POD, namespace_of(pod), name_of(pod), change)
        message = f"Successfully assigned {namespace_of(pod)}/{name_of(pod)} to {node}"
        self._plane.event(pod, "Scheduled", message, _COMPONENT)

    def _refuse(self, pod: Object, reason: str, text: str, *, told: bool = True) -> None:
        self._plane.registry.modify(
            POD,
            namespace_of(pod),
            name_of(pod),
            lambda new: set_condition(new, self._plane.now, "PodScheduled", "False", reason=reason, message=text),
        )
        if told:
            self._plane.event(pod, "FailedScheduling", text, _COMPONENT, warning=True)


def unschedulable_text(reasons: list[str]) -> str:
    """As v1.36 words it: reasons sorted by their text, each with a count."""
    counts = sorted(f"{count} {reason}" for reason, count in Counter(reasons).items())
    full = sum(reason.startswith(("Insufficient", "Too many")) for reason in reasons)
    hopes = [f"{count} {text}" for count, text in ((full, _NO_VICTIM), (len(reasons) - full, _NO_HELP)) if count]
    preemption = f"preemption: 0/{len(reasons)} nodes are available: {', '.join(hopes)}."
    head = f"0/{len(reasons)} nodes are available: {', '.join(counts)}."
    return f"{head} no new claims to deallocate, {preemption}"


def _matters(change: Change) -> bool:
    """A node's heartbeat helps nobody."""
    if change.kind is not NODE or change.before is None:
        return True
    before, now = change.before, change.object
    same_labels = at(before, "metadata", "labels") == at(now, "metadata", "labels")
    same_ready = condition_status(before, "Ready") == condition_status(now, "Ready")
    return at(before, "spec") != at(now, "spec") or not same_labels or not same_ready
