"""The node lifecycle controller: nodes that are not heard of, their taints, and the rule for storms.

A Lease that was not renewed for 50 s makes a node Unknown; it is looked at every 5 s. When more than two nodes, and at
least 55 % of a zone, are not Ready, nothing is evicted there; when no zone has a Ready node, the fault is taken to be
the control plane's own, and NoExecute taints are taken off.

https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at, copied
from failover_api.sandbox.cluster.objects.kinds import LEASE, NODE, POD
from failover_api.sandbox.cluster.objects.meta import (
    condition_status,
    labels_of,
    name_of,
    namespace_of,
    set_condition,
)
from failover_api.sandbox.cluster.plane import WorkQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from failover_api.sandbox.cluster.plane import Plane
    from failover_api.sandbox.cluster.store import Change

PERIOD_S = 5.0
GRACE_S, OLD_GRACE_S = 50.0, 40.0  # --node-monitor-grace-period, before v1.32 the second
EVICTION_EVERY_S = 10.0  # --node-eviction-rate 0.1
STORM_SHARE = 0.55
LEASES = "kube-node-lease"
NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
_ZONE = "topology.kubernetes.io/zone"
_COMPONENT = "node-controller"
_KUBELET = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


class NodeLifecycle:
    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._heard: dict[str, tuple[str, float]] = {}  # node -> its renewTime, and when we saw it change
        self._grace_s = GRACE_S if plane.minor >= 32 else OLD_GRACE_S
        self._next_eviction: dict[str, float] = {}
        self._taints = WorkQueue(plane, self._taint_no_schedule, latency_s=(0.02, 0.1))
        plane.store.subscribe(self._changed)
        plane.clock.every(PERIOD_S, self._monitor, first=plane.between(0.5, PERIOD_S))

    def forget(self) -> None:
        """As when the controller-manager starts anew: all times begin with its own first look."""
        self._heard = {name_of(node): ("", self._plane.clock.elapsed) for node in self._nodes()}

    def resync(self) -> None:
        for node in self._nodes():
            self._taints.add(name_of(node))

    def _nodes(self) -> list[Object]:
        return self._plane.store.objects(NODE)

    def _changed(self, change: Change) -> None:
        name = name_of(change.object)
        if change.kind is NODE:
            if change.type == "DELETED":
                self._heard.pop(name, None)
            else:
                self._taints.add(name)
        elif change.kind is LEASE and namespace_of(change.object) == LEASES and self._plane.manager_runs:
            renewed = str(at(change.object, "spec", "renewTime", default=""))
            if change.type != "DELETED" and self._heard.get(name, ("", 0.0))[0] != renewed:
                self._heard[name] = renewed, self._plane.clock.elapsed

    # Who is not heard of

    def _monitor(self) -> None:
        if not self._plane.manager_runs:
            return
        for node in self._nodes():
            _, heard = self._heard.setdefault(name_of(node), ("", self._plane.clock.elapsed))
            if self._plane.clock.elapsed - heard >= self._grace_s and condition_status(node, "Ready") != "Unknown":
                self._lose(name_of(node))
        self._judge_pods()
        self._evict()

    def _lose(self, name: str) -> None:
        def change(new: Object) -> None:
            said = {"reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
            for type_ in _KUBELET:
                set_condition(new, self._plane.now, type_, "Unknown", **said)

        node = self._plane.registry.modify(NODE, "", name, change)
        self._plane.event(node, "NodeNotReady", f"Node {name} status is now: NodeNotReady", _COMPONENT)

    def _judge_pods(self) -> None:
        """Pods of a node that is not Ready are not ready either; their kubelet says when they are again."""
        for node in self._nodes():
            if condition_status(node, "Ready") not in ("True", ""):
                self._soon(self._unready, name_of(node), (0.15, 0.3))

    def _unready(self, node: str) -> None:
        current = self._plane.store.get(NODE, "", node)
        if current is None or condition_status(current, "Ready") == "True":
            return
        for pod in self._plane.store.pods_on(POD, node):
            if condition_status(pod, "Ready") == "True":
                self._plane.registry.modify(
                    POD,
                    namespace_of(pod),
                    name_of(pod),
                    lambda new: set_condition(new, self._plane.now, "Ready", "False", reason=None, message=None),
                )
                self._plane.event(pod, "NodeNotReady", "Node is not ready", _COMPONENT, warning=True)

    def _soon(self, act: Callable[[str], None], node: str, between_s: tuple[float, float]) -> None:
        self._plane.clock.after(self._plane.between(*between_s), lambda: act(node))

    # Taints

    def _taint_no_schedule(self, name: str) -> None:
        node = self._plane.store.get(NODE, "", name)
        if node is None:
            return
        wanted = set(filter(None, [_bad(node)]))
        if at(node, "spec", "unschedulable"):
            wanted.add(UNSCHEDULABLE)
        self._set_taints(node, "NoSchedule", wanted, (NOT_READY, UNREACHABLE, UNSCHEDULABLE))

    def _evict(self) -> None:
        """NoExecute, one node of a zone each 10 s; none while a storm goes over it."""
        zones: dict[str, list[Object]] = {}
        for node in self._nodes():
            zones.setdefault(labels_of(node).get(_ZONE, ""), []).append(node)
        if all(_bad(node) for node in self._nodes()):
            for node in self._nodes():
                self._set_taints(node, "NoExecute", set(), (NOT_READY, UNREACHABLE))
            return
        for zone, nodes in zones.items():
            self._evict_zone(zone, nodes)

    def _evict_zone(self, zone: str, nodes: list[Object]) -> None:
        bad = [node for node in nodes if _bad(node)]
        for node in nodes:
            if node not in bad:
                self._set_taints(node, "NoExecute", set(), (NOT_READY, UNREACHABLE))
        if len(bad) > 2 and len(bad) / len(nodes) >= STORM_SHARE:
            return
        for node in bad:
            has = {taint["key"] for taint in at(node, "spec", "taints", default=[]) if taint["effect"] == "NoExecute"}
            if _bad(node) in has:
                continue
            if self._plane.clock.elapsed < self._next_eviction.get(zone, 0.0):
                return
            self._next_eviction[zone] = self._plane.clock.elapsed + EVICTION_EVERY_S
            self._soon(self._execute, name_of(node), (0.1, 0.2))

    def _execute(self, name: str) -> None:
        node = self._plane.store.get(NODE, "", name)
        if node is not None and (key := _bad(node)):
            self._set_taints(node, "NoExecute", {key}, (NOT_READY, UNREACHABLE))

    def _set_taints(self, node: Object, effect: str, wanted: set[str], ours: tuple[str, ...]) -> None:
        taints = copied(at(node, "spec", "taints", default=[]))
        have = {taint["key"] for taint in taints if taint["effect"] == effect and taint["key"] in ours}
        if have == wanted:
            return
        kept = [one for one in taints if one["effect"] != effect or one["key"] not in ours or one["key"] in wanted]
        kept += [{"key": key, "effect": effect, "timeAdded": self._plane.now} for key in sorted(wanted - have)]

        def change(new: Object) -> None:
            new["spec"]["taints"] = kept
            if not kept:
                del new["spec"]["taints"]

        self._plane.registry.modify(NODE, "", name_of(node), change)


def _bad(node: Object) -> str:
    """The key of the taint for a node's state; empty when it is Ready."""
    match condition_status(node, "Ready"):
        case "True":
            return ""
        case "False":
            return NOT_READY
    return UNREACHABLE
