"""The simulated cluster: its state, its controllers, its machines, and the acts of persons and of fate upon them."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from failover_api.sandbox.cluster.api.accounts import Account, Rule
from failover_api.sandbox.cluster.api.app import Api
from failover_api.sandbox.cluster.applying import Applier
from failover_api.sandbox.cluster.clock import START, Clock
from failover_api.sandbox.cluster.control.manager import Manager
from failover_api.sandbox.cluster.flux.flux import Flux
from failover_api.sandbox.cluster.flux.flux import manifests as flux_manifests
from failover_api.sandbox.cluster.flux.repositories import Repositories
from failover_api.sandbox.cluster.manifests import documents
from failover_api.sandbox.cluster.nodes.disks import Disks
from failover_api.sandbox.cluster.nodes.installed import controller
from failover_api.sandbox.cluster.nodes.kubelet import Kubelet
from failover_api.sandbox.cluster.nodes.machine import Machine, NodeSpec, Runtime
from failover_api.sandbox.cluster.objects.json_values import Object, at, child
from failover_api.sandbox.cluster.objects.kinds import KINDS, NAMESPACE, POD, PV, PVC, kind_of
from failover_api.sandbox.cluster.objects.meta import (
    condition_status,
    controller_of,
    is_terminating,
    labels_of,
    namespace_of,
)
from failover_api.sandbox.cluster.plane import Plane
from failover_api.sandbox.cluster.scheduler.scheduler import Scheduler
from failover_api.sandbox.cluster.volsync.movers import Movers
from failover_api.sandbox.cluster.volsync.replication import Replication
from failover_api.sandbox.http.serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from failover_api.sandbox.cluster.nodes.disks import Disk
    from failover_api.sandbox.cluster.objects.kinds import Kind
    from failover_api.sandbox.hosting.repository import Repository

NODES = (
    NodeSpec("k3s-cp", is_control_plane=True),
    NodeSpec("k3s-w1", labels={"role": "primary"}),
    NodeSpec("k3s-w2", labels={"role": "backup"}),
)
_NAMESPACES = ("default", "kube-system", "kube-node-lease", "kube-public")
_OUT_OF_SERVICE = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}
_STEP_S = 0.05


class SimulatedCluster:
    """`seed` makes the story: the same seed and the same acts are the same to the millisecond.

    `start` is what its clock shows at first, in seconds since the epoch.
    """

    def __init__(self, nodes: Sequence[NodeSpec] = NODES, *, seed: int = 1, start: float = START) -> None:
        self.clock = Clock(start)
        self.plane = Plane(self.clock, seed)
        self.store, self.registry = self.plane.store, self.plane.registry
        self.applier = Applier(self.registry)
        self.api = Api(self.plane, self.applier)
        self.disks = Disks(self.clock)
        self.runtime = Runtime(self.store, self.disks)
        self.machines: dict[str, Machine] = {}
        self._kubelets: dict[str, Kubelet] = {}
        self.scheduler = Scheduler(self.plane)
        self.manager = Manager(self.plane, self._is_reached)
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
            self.apply(one, "flux")
        return self.flux

    def install_volsync(self, node: str = "") -> Movers:
        """VolSync, its pod on a node, the first unless one is named."""

        def complete(machine: str, uid: str, phase: str) -> None:
            self._kubelets[machine].complete(uid, phase)

        movers = Movers(self.plane, self.runtime, self.machines, complete)
        Replication(self.plane, movers, lambda: self._is_running("volsync"))
        self._make_namespace("volsync-system")
        self.apply(controller("volsync", "volsync-system", node or next(iter(self.machines)), {}), "flux")
        return movers

    def _is_running(self, app: str) -> bool:
        """Whether a pod with this label `app` runs on a machine that reaches the API."""
        return any(
            machine.reaches_api and any(labels_of(each.pod).get("app") == app for each in machine.containers.values())
            for machine in self.machines.values()
        )

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

    # How others reach it

    @contextlib.contextmanager
    def serve(self, port: int = 0, *, certificate: Path | None = None) -> Iterator[str]:
        """Serves the API on 127.0.0.1 from a thread; gives the base URL. See api/certificate.py for TLS."""
        with serving(self.api, port, certificate=certificate) as url:
            try:
                yield url
            finally:
                self.api.watches.end_all()

    def grant(self, token: str, user: str, *rules: Rule) -> None:
        """An account with these rights, and with those that bindings in the cluster give it."""
        self.api.accounts.by_token[token] = Account(user, rules)

    def restart_api(self, *, down_s: float = 0.2, blind_s: float = 0.1) -> None:
        """Watches break, connections are cut for a while, then all is forbidden for a moment, then all is well."""
        self.api.is_down = True
        self.api.watches.cut_all()
        threading.Timer(down_s, self._api_is_up, (blind_s,)).start()

    def _api_is_up(self, blind_s: float) -> None:
        self.api.accounts.blind = True
        self.api.is_down = False
        with self.clock.lock:
            self.store.compact()
        threading.Timer(blind_s, self._api_sees).start()

    def _api_sees(self) -> None:
        self.api.accounts.blind = False

    # What a person with kubectl does. `place` is NAMESPACE/NAME, or NAME.

    def apply(self, text: str | Object, manager: str = "kubectl", *, force: bool = True) -> list[Object]:
        """Applies YAML documents, or one object, server-side. Namespaces are made where they are missing."""
        with self.clock.lock:
            applied = []
            for one in documents(text) if isinstance(text, str) else [text]:
                kind = self._kind(str(one.get("kind")), one.get("apiVersion"))
                if kind.namespaced:
                    self._make_namespace(child(one, "metadata").setdefault("namespace", "default"))
                applied.append(self.applier.apply(kind, one, manager, force=force)[0])
            return applied

    def get(self, kind: str, place: str) -> Object | None:
        """It is not to be changed."""
        with self.clock.lock:
            return self.store.get(self._kind(kind), *_place(place))

    def list(self, kind: str, namespace: str = "") -> Sequence[Object]:
        with self.clock.lock:
            return self.store.objects(self._kind(kind), namespace)

    def modify(self, kind: str, place: str, change: Callable[[Object], object]) -> Object:
        with self.clock.lock:
            return self.registry.modify(self._kind(kind), *_place(place), change)

    def delete(self, kind: str, place: str, *, force: bool = False, propagation: str = "Background") -> None:
        """`force`: without waiting for the node to say that a pod has ended."""
        with self.clock.lock:
            grace_s = 0 if force else None
            self.registry.delete(self._kind(kind), *_place(place), grace_s=grace_s, propagation=propagation)

    def scale(self, kind: str, place: str, replicas: int) -> None:
        self.modify(kind, place, lambda new: new["spec"].update(replicas=replicas))

    def label(self, node: str, key: str, value: str | None) -> None:
        def change(new: Object) -> None:
            labels = child(new["metadata"], "labels")
            labels.pop(key, None)
            if value is not None:
                labels[key] = value

        self.modify("Node", node, change)

    def cordon(self, node: str, *, on: bool = True) -> None:
        def change(new: Object) -> None:
            new["spec"].pop("unschedulable", None)
            if on:
                new["spec"]["unschedulable"] = True

        self.modify("Node", node, change)

    def taint_out_of_service(self, node: str, *, on: bool = True) -> None:
        """A person says that the node is off: what is to end there counts as ended."""

        def change(new: Object) -> None:
            taints = [one for one in at(new, "spec", "taints", default=[]) if one["key"] != _OUT_OF_SERVICE["key"]]
            new["spec"]["taints"] = [*taints, dict(_OUT_OF_SERVICE)] if on else taints

        self.modify("Node", node, change)

    def lose_volume(self, name: str) -> None:
        """A PersistentVolume is gone, whoever uses it."""
        with self.clock.lock:
            volume = self.registry.get(PV, "", name)
            self.registry.delete(PV, "", name)
            for finalizer in at(volume, "metadata", "finalizers", default=[]):
                self.registry.drop_finalizer(PV, self.registry.get(PV, "", name), finalizer)

    # What fate does to machines

    def add_node(self, spec: NodeSpec) -> None:
        with self.clock.lock:
            machine = self.machines[spec.name] = Machine(spec)
            kubelet = self._kubelets[spec.name] = Kubelet(self.plane, machine, self.runtime)
            kubelet.join()
            for key, value in spec.labels.items():
                self.label(spec.name, key, value)

    def kill(self, node: str) -> None:
        """The power goes off."""
        with self.clock.lock:
            self._kubelets[node].power_off()

    def cut(self, node: str) -> None:
        """The network is gone: what runs there runs on, and writes on."""
        with self.clock.lock:
            self._kubelets[node].cut()

    def revive(self, node: str) -> None:
        """It boots, or its network is back."""
        with self.clock.lock:
            machine = self.machines[node]
            if not machine.is_on:
                machine.is_linked = True
                self._kubelets[node].boot()
            elif not machine.is_linked:
                self._kubelets[node].link()

    def restart_kubelet(self, node: str) -> None:
        with self.clock.lock:
            self._kubelets[node].restart()

    def shut_down(self, node: str) -> None:
        """In order, as `shutdownGracePeriod` lets a kubelet do it."""
        with self.clock.lock:
            self._kubelets[node].shut_down()

    def trouble(self, node: str, text: str = "container runtime network not ready: NetworkReady=false") -> None:
        """The kubelet lives and says that it is not ready; empty: it is well again."""
        with self.clock.lock:
            self._kubelets[node].report_trouble(text)

    def kubelet(self, node: str) -> Kubelet:
        return self._kubelets[node]

    # What is there to look at

    def pods(self, place: str) -> Sequence[Object]:
        """The pods of a Deployment or a StatefulSet, newest last, those of a dead node too."""
        namespace, name = _place(place)
        with self.clock.lock:
            found = [pod for pod in self.store.objects(POD, namespace) if _workload(pod) == name]
        return sorted(found, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def ready_pod(self, place: str, node: str | None = None) -> Object | None:
        """A pod that is Ready and not being deleted, on this node if one is given."""
        for pod in self.pods(place):
            is_on_it = node is None or at(pod, "spec", "nodeName") == node
            if is_on_it and condition_status(pod, "Ready") == "True" and not is_terminating(pod):
                return pod
        return None

    def containers(self, place: str) -> Sequence[str]:
        """The machines on which containers of a workload run at this moment, whatever the API server believes."""
        with self.clock.lock:
            running = [(one.name, each.pod) for one in self.machines.values() for each in one.containers.values()]
        return [name for name, pod in running if (namespace_of(pod), _workload(pod)) == _place(place)]

    def disk(self, claim: str) -> Disk:
        """What is on the volume of a claim. Raises KeyError when it has none."""
        with self.clock.lock:
            found = self.store.get(PVC, *_place(claim))
            volume = at(found, "spec", "volumeName")
            if volume is None:
                raise KeyError(claim)
            return self.disks.of(volume)

    # Inside

    def _is_reached(self, node: str) -> bool:
        return node in self.machines and self.machines[node].reaches_api

    def _make_namespace(self, name: str) -> None:
        if self.store.get(NAMESPACE, "", name) is None:
            self.registry.create(NAMESPACE, {"metadata": {"name": name}})

    def _kind(self, kind: str, api_version: Any = None) -> Kind:
        """Raises KeyError."""
        found = kind_of(api_version, kind) if api_version else next((one for one in KINDS if one.kind == kind), None)
        if found is None:
            raise KeyError(f"{api_version or ''} {kind}")
        return found


def _place(place: str) -> tuple[str, str]:
    namespace, _, name = place.rpartition("/")
    return namespace, name


def _workload(pod: Object) -> str:
    """The name of the Deployment, StatefulSet or Job that a pod belongs to."""
    owner = controller_of(pod) or {}
    name = str(owner.get("name", ""))
    return name.rpartition("-")[0] if owner.get("kind") == "ReplicaSet" else name
