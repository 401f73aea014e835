"""The state of the simulated cluster: its controllers, its machines, what is installed in it, and its time."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.api.app import Api
from failover_api.sandbox.cluster.applying import Applier
from failover_api.sandbox.cluster.clock import START, Clock
from failover_api.sandbox.cluster.control.manager import Manager
from failover_api.sandbox.cluster.flux.flux import Flux
from failover_api.sandbox.cluster.flux.flux import manifests as flux_manifests
from failover_api.sandbox.cluster.flux.repositories import Repositories
from failover_api.sandbox.cluster.nodes.disks import Disks
from failover_api.sandbox.cluster.nodes.installed import controller
from failover_api.sandbox.cluster.nodes.kubelet import Kubelet
from failover_api.sandbox.cluster.nodes.machine import Machine, NodeSpec, Runtime
from failover_api.sandbox.cluster.objects.json_values import child
from failover_api.sandbox.cluster.objects.kinds import NAMESPACE, NODE, kind_of
from failover_api.sandbox.cluster.objects.meta import labels_of
from failover_api.sandbox.cluster.plane import MINOR, Plane
from failover_api.sandbox.cluster.scheduler.scheduler import Scheduler
from failover_api.sandbox.cluster.volsync.movers import Movers
from failover_api.sandbox.cluster.volsync.replication import Replication

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from failover_api.sandbox.cluster.objects.json_values import Object
    from failover_api.sandbox.hosting.repository import Repository

NODES = (
    NodeSpec("k3s-cp", is_control_plane=True),
    NodeSpec("k3s-w1", labels={"role": "primary"}),
    NodeSpec("k3s-w2", labels={"role": "backup"}),
)
_NAMESPACES = ("default", "kube-system", "kube-node-lease", "kube-public")
_STEP_S = 0.05


class World:
    """`seed` makes the story: the same seed and the same acts are the same to the millisecond.

    `start` is what its clock shows at first, in seconds since the epoch. `minor` is that of Kubernetes' version: before
    35 there are no terminatingReplicas, before 34 and 33 texts of the scheduler differ, before 32 a node is given 40 s.
    """

    def __init__(
        self, nodes: Sequence[NodeSpec] = NODES, *, seed: int = 1, start: float = START, minor: int = MINOR
    ) -> None:
        self.clock = Clock(start)
        self.plane = Plane(self.clock, seed, minor)
        self.store, self.registry = self.plane.store, self.plane.registry
        self.applier = Applier(self.registry)
        self.api = Api(self.plane, self.applier)
        self.disks = Disks(self.clock)
        self.runtime = Runtime(self.store, self.disks)
        self.machines: dict[str, Machine] = {}
        self.kubelets: dict[str, Kubelet] = {}
        self.scheduler = Scheduler(self.plane)
        self.manager = Manager(self.plane, self._mounts)
        self.flux: Flux | None = None
        for name in _NAMESPACES:
            self.registry.create(NAMESPACE, {"metadata": {"name": name}})
        for spec in nodes:
            self.add_node(spec)

    # What is installed in it

    def install_flux(self, repositories: Mapping[str, Repository], node: str = "") -> Flux:
        """Flux, its pods on a node, the first unless one is named. `repositories` are those of the sandbox."""
        self.flux = Flux(self.plane, self.applier, Repositories(repositories), self._is_running)
        self.api.hook = self.flux.notifications.hook
        for one in flux_manifests(node or next(iter(self.machines))):
            self._install(one)
        return self.flux

    def install_volsync(self, node: str = "") -> Movers:
        """VolSync, its pod on a node, the first unless one is named."""

        def complete(machine: str, uid: str, phase: str) -> None:
            self.kubelets[machine].complete(uid, phase)

        movers = Movers(self.plane, self.runtime, self.machines, complete)
        Replication(self.plane, movers, lambda: self._is_running("volsync"))
        self._make_namespace("volsync-system")
        self._install(controller("volsync", "volsync-system", node or next(iter(self.machines)), {}))
        return movers

    def _is_running(self, app: str) -> bool:
        """Whether a pod with this label `app` runs on a machine that reaches the API."""
        return any(
            machine.reaches_api and any(labels_of(each.pod).get("app") == app for each in machine.containers.values())
            for machine in self.machines.values()
        )

    def _install(self, one: Object) -> None:
        kind = kind_of(one["apiVersion"], one["kind"])
        assert kind is not None
        with self.clock.lock:
            self.applier.apply(kind, one, "flux", force=True)

    # Machines

    def add_node(self, spec: NodeSpec) -> None:
        with self.clock.lock:
            machine = self.machines[spec.name] = Machine(spec)
            kubelet = self.kubelets[spec.name] = Kubelet(self.plane, machine, self.runtime)
            kubelet.join()
            self.registry.modify(NODE, "", spec.name, lambda new: child(new["metadata"], "labels").update(spec.labels))

    def _mounts(self, node: str) -> set[str] | None:
        """The volumes that containers of a machine have; None while it does not reach the API."""
        machine = self.machines.get(node)
        if machine is None or not machine.reaches_api:
            return None
        return {volume for each in machine.containers.values() for volume in each.volumes}

    def _make_namespace(self, name: str) -> None:
        if self.store.get(NAMESPACE, "", name) is None:
            self.registry.create(NAMESPACE, {"metadata": {"name": name}})

    # Time

    def advance(self, seconds: float) -> None:
        """Lets so much time pass."""
        self.clock.advance(seconds)

    def wait_for(self, is_so: Callable[[], object], at_most_s: float) -> float:
        """Lets time pass until something is so; the seconds that it took. Raises TimeoutError."""
        began = self.clock.elapsed
        while not is_so():
            if self.clock.elapsed - began > at_most_s:
                raise TimeoutError(f"not so within {at_most_s} s")
            self.clock.advance(_STEP_S)
        return self.clock.elapsed - began

    @contextlib.contextmanager
    def running(self, scale: float = 1.0) -> Iterator[None]:
        """Time passes by itself, `scale` times as fast as outside."""
        with self.clock.running(scale):
            yield
