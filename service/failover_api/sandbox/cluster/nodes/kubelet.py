"""A kubelet: it runs what is bound to its node, stops what is to end, and renews the node's Lease.

    cut off        containers run on and write on; nothing is said to anybody
    linked again   it lists its pods within 2 s, and only then stops what was deleted meanwhile
    off            containers are gone
    booted         it knows no pod of before: what the API server lists as being deleted is never started again

https://kubernetes.io/docs/concepts/architecture/nodes/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.control.attachments import is_attached
from failover_api.sandbox.cluster.control.pods import delete_pod, has_ended
from failover_api.sandbox.cluster.nodes import statuses
from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.kinds import LEASE, NODE, POD
from failover_api.sandbox.cluster.objects.meta import (
    annotation,
    condition_status,
    is_terminating,
    name_of,
    namespace_of,
    set_condition,
    uid_of,
)
from failover_api.sandbox.cluster.objects.refusals import ApiError
from failover_api.sandbox.cluster.objects.times import micro
from failover_api.sandbox.cluster.plane import WorkQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from failover_api.sandbox.cluster.clock import Timer
    from failover_api.sandbox.cluster.nodes.machine import Machine, Runtime
    from failover_api.sandbox.cluster.plane import Plane
    from failover_api.sandbox.cluster.store import Change

LEASES = "kube-node-lease"
LEASE_EVERY_S = (10.0, 10.4)
STATUS_EVERY_S = 300.0
STOP_S, READY_S = "sandbox/stop-seconds", "sandbox/ready-seconds"  # annotations of a pod: what its app needs
_COMPONENT = "kubelet"


class Kubelet:
    def __init__(self, plane: Plane, machine: Machine, runtime: Runtime) -> None:
        self._plane, self.machine, self._runtime = plane, machine, runtime
        self._has_listed = True
        self._is_fresh = False  # it booted, and its pods of before are not all up again
        self._boots = 0
        self._unready: set[str] = set()  # UIDs of pods that run and are not ready yet
        self._lease: Timer | None = None
        self.queue = WorkQueue(plane, self._sync, latency_s=(0.03, 0.12), runs=self._speaks)
        plane.store.subscribe(self._changed)

    def _speaks(self) -> bool:
        return self.machine.reaches_api and self._has_listed

    # What happens to the machine

    def join(self) -> None:
        """The first boot."""
        self._register()
        self._renew()
        self._plane.clock.every(STATUS_EVERY_S, self._post_status)

    def power_off(self) -> None:
        self.machine.is_on = False
        self._boots += 1
        for uid in list(self.machine.containers):
            self._runtime.stop(self.machine, uid)
        self._unready.clear()

    def boot(self) -> None:
        """Its runtime is empty."""
        self.machine.is_on = self._is_fresh = True
        self._plane.clock.after(60.0, self._settled)
        self._come_back(self._plane.between(0.3, 0.8))

    def restart(self) -> None:
        """The kubelet alone; containers run on. It registers its node if that is gone."""
        self._come_back(self._plane.between(1.0, 6.0))

    def cut(self) -> None:
        self.machine.is_linked = False

    def link(self) -> None:
        self.machine.is_linked = True
        self._come_back(self._plane.between(0.1, 2.0), registers=False)

    def _settled(self) -> None:
        self._is_fresh = False

    def _come_back(self, wait_s: float, *, registers: bool = True) -> None:
        self._has_listed = False
        boots = self._boots

        def listed() -> None:
            if boots != self._boots or not self.machine.reaches_api:
                return
            self._has_listed = True
            if registers:
                self._register()
            self._renew()
            self._post_status()
            for uid in sorted({*self.machine.containers, *(uid_of(pod) for pod in self._pods())}):
                self.queue.add(uid)

        self._plane.clock.after(wait_s, listed)

    # The node

    def _register(self) -> None:
        if self.machine.reaches_api and self._plane.store.get(NODE, "", self.machine.name) is None:
            self._plane.registry.create(NODE, statuses.new_node(self.machine.spec))
            self._post_status()

    def _renew(self) -> None:
        if self._lease is not None:
            self._lease.cancel()
        self._lease = self._plane.clock.after(self._plane.between(*LEASE_EVERY_S), self._renew)
        node = self._plane.store.get(NODE, "", self.machine.name)
        if not self.machine.reaches_api or node is None:
            return
        renewed = micro(self._plane.clock.now + self.machine.skew_s)
        if self._plane.store.get(LEASE, LEASES, self.machine.name) is None:
            self._plane.registry.create(LEASE, statuses.new_lease(node, renewed))
            return

        def change(new: Object) -> None:
            new["spec"]["renewTime"] = renewed

        self._plane.registry.modify(LEASE, LEASES, self.machine.name, change)

    def _post_status(self) -> None:
        if self._speaks() and self._plane.store.get(NODE, "", self.machine.name) is not None:
            now = self._plane.now
            self._plane.registry.modify(
                NODE, "", self.machine.name, lambda new: statuses.say_node(new, now, self.machine.trouble)
            )

    def report_trouble(self, trouble: str) -> None:
        """Empty: it is well again."""
        self.machine.trouble = trouble
        self._post_status()

    # Pods

    def _pods(self) -> list[Object]:
        return self._plane.store.pods_on(POD, self.machine.name)

    def _changed(self, change: Change) -> None:
        if change.kind is POD and at(change.object, "spec", "nodeName") == self.machine.name:
            self.queue.add(uid_of(change.object))

    def _sync(self, uid: str) -> None:
        pod = self._find(uid)
        container = self.machine.containers.get(uid)
        if container is not None:
            if pod is None or is_terminating(pod) or has_ended(pod):
                self._begin_stop(uid, pod)
            elif condition_status(pod, "Ready") != "True" and uid not in self._unready:
                self._unready.add(uid)
                self._later(uid, self._plane.between(5.0, 9.0), self._become_ready)
        elif pod is not None and is_terminating(pod):
            self._later(uid, self._plane.between(1.0, 2.3) if self._is_fresh else 0.1, self._finish)
        elif pod is not None and not has_ended(pod):
            self._later(uid, self._plane.between(0.15, 0.4) + (0.8 if self._is_fresh else 0.0), self._start)

    def _later(self, uid: str, wait_s: float, act: Callable[[str], None]) -> None:
        """Unless the machine went off, or was cut off, before."""
        boots = self._boots

        def due() -> None:
            if boots == self._boots and self._speaks():
                try:
                    act(uid)
                except ApiError:
                    self.queue.add(uid)

        self._plane.clock.after(wait_s, due)

    def _find(self, uid: str) -> Object | None:
        pod = self._plane.store.find(POD, uid)
        return pod if pod is not None and at(pod, "spec", "nodeName") == self.machine.name else None

    def _start(self, uid: str) -> None:
        pod = self._find(uid)
        if pod is None or is_terminating(pod) or has_ended(pod) or uid in self.machine.containers:
            return
        if not all(is_attached(self._plane, one, self.machine.name) for one in self._runtime.volumes_of(pod)):
            self._later(uid, 0.5, self._start)
            return
        self._runtime.start(self.machine, pod)
        self._unready.add(uid)
        now, ip = self._plane.now, f"10.42.{len(self.machine.name)}.{self._plane.rng.randint(2, 250)}"
        self._plane.registry.modify(
            POD, namespace_of(pod), name_of(pod), lambda new: statuses.say_started(new, now, ip)
        )
        self._plane.event(pod, "Started", f"Started container {pod['spec']['containers'][0]['name']}", _COMPONENT)
        ready_s = annotation(pod, READY_S)
        self._later(uid, float(ready_s) if ready_s else self._plane.between(0.05, 0.2), self._become_ready)

    def _become_ready(self, uid: str) -> None:
        self._unready.discard(uid)
        pod, node = self._find(uid), self._plane.store.get(NODE, "", self.machine.name)
        if pod is None or uid not in self.machine.containers or has_ended(pod) or is_terminating(pod):
            return
        if node is None or condition_status(node, "Ready") != "True":
            self._unready.add(uid)
            self._later(uid, 1.0, self._become_ready)
            return
        now = self._plane.now
        self._plane.registry.modify(POD, namespace_of(pod), name_of(pod), lambda new: statuses.say_ready(new, now))

    def _begin_stop(self, uid: str, pod: Object | None) -> None:
        container = self.machine.containers[uid]
        if container.stopping is not None:
            return
        asked = annotation(container.pod, STOP_S)
        grace_s = float(at(pod, "metadata", "deletionGracePeriodSeconds", default=2))
        stop_s = float(asked) if asked else self._plane.between(0.2, 0.6)
        boots = self._boots

        def stopped() -> None:
            """Containers end though the machine may be cut off by now; who speaks then says so."""
            if boots == self._boots:
                self._runtime.stop(self.machine, uid)
                self.queue.add(uid)

        container.stopping = self._plane.clock.after(min(stop_s, max(grace_s, 2.0)), stopped)

    def _finish(self, uid: str) -> None:
        """The object of a pod whose containers have ended goes."""
        pod = self._find(uid)
        if pod is not None and is_terminating(pod) and uid not in self.machine.containers:
            delete_pod(self._plane, pod, force=True)

    def complete(self, uid: str, phase: str) -> None:
        """A pod that does its work and ends has ended."""
        pod = self._find(uid)
        self._runtime.stop(self.machine, uid)
        if pod is not None and self._speaks():
            now = self._plane.now
            self._plane.registry.modify(
                POD, namespace_of(pod), name_of(pod), lambda new: statuses.say_ended(new, now, phase)
            )

    def shut_down(self) -> None:
        """In order: the kubelet ends its pods and says so, then the machine goes off."""
        self.report_trouble("node is shutting down")
        now = self._plane.now
        said = "Pod was terminated in response to imminent node shutdown."

        def change(new: Object) -> None:
            statuses.say_ended(new, now, "Failed")
            new["status"] |= {"reason": "Terminated", "message": said}
            set_condition(new, now, "DisruptionTarget", "True", reason="TerminationByKubelet", message=said)

        for uid in list(self.machine.containers):
            pod = self._find(uid)
            self._runtime.stop(self.machine, uid)
            if pod is not None:
                self._plane.registry.modify(POD, namespace_of(pod), name_of(pod), change)
        self._plane.clock.after(5.0, self.power_off)
