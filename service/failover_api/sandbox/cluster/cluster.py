"""The simulated cluster: how others reach it, and the acts of persons and of fate upon it."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from failover_api.sandbox.cluster.api.accounts import Account, Rule
from failover_api.sandbox.cluster.manifests import documents
from failover_api.sandbox.cluster.objects.json_values import Object, at, child, copied
from failover_api.sandbox.cluster.objects.kinds import KINDS, POD, PV, PVC, kind_of
from failover_api.sandbox.cluster.objects.meta import (
    condition_status,
    controller_of,
    is_terminating,
    namespace_of,
)
from failover_api.sandbox.cluster.world import World
from failover_api.sandbox.http.serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from failover_api.sandbox.cluster.nodes.disks import Disk
    from failover_api.sandbox.cluster.objects.kinds import Kind

_OUT_OF_SERVICE = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}
_ACTS = ("kill", "cut", "revive")


class SimulatedCluster(World):
    """A cluster of three machines unless others are given. What can be installed in it is in World."""

    # How others reach it

    @contextlib.contextmanager
    def serve(self, port: int = 0, *, certificate: Path | None = None) -> Iterator[str]:
        """Serves the API on 127.0.0.1 from a thread; gives the base URL. For TLS see api/access.py."""
        self.api.control, self.api.machine = self._control, self._machine
        with serving(self.api, port, certificate=certificate) as url:
            try:
                yield url
            finally:
                self.api.watches.end_all()

    def grant(self, token: str, user: str, *rules: Rule) -> None:
        """An account with these rights, and with those that bindings in the cluster give it."""
        self.api.accounts.by_token[token] = Account(user, rules)

    def guard_nodes(self, user: str, *, on: bool = True) -> None:
        """The policy of the component `fence` looks at what this account writes of nodes, or not any more."""
        users = self.api.node_policy.users
        (users.add if on else users.discard)(user)

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

    def plant(self, one: Object) -> Object:
        """Stores an object as it is, past every rule and behind the controllers' backs: what clients may meet."""
        planted = copied(one)
        with self.clock.lock:
            meta = child(planted, "metadata")
            meta.setdefault("uid", self.registry.new_uid())
            return self.store.put(self._kind(str(one["kind"]), one["apiVersion"]), planted, planted=True)

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

    def kill(self, node: str) -> None:
        """The power goes off."""
        with self.clock.lock:
            self.kubelets[node].power_off()

    def cut(self, node: str) -> None:
        """The network is gone: what runs there runs on, and writes on."""
        with self.clock.lock:
            self.kubelets[node].cut()

    def revive(self, node: str) -> None:
        """It boots, or its network is back."""
        with self.clock.lock:
            machine = self.machines[node]
            if not machine.is_on:
                machine.is_linked = True
                self.kubelets[node].boot()
            elif not machine.is_linked:
                self.kubelets[node].link()

    def restart_kubelet(self, node: str) -> None:
        with self.clock.lock:
            self.kubelets[node].restart()

    def shut_down(self, node: str) -> None:
        """In order, as `shutdownGracePeriod` lets a kubelet do it."""
        with self.clock.lock:
            self.kubelets[node].shut_down()

    def trouble(self, node: str, text: str = "container runtime network not ready: NetworkReady=false") -> None:
        """The kubelet lives and says that it is not ready; empty: it is well again."""
        with self.clock.lock:
            self.kubelets[node].report_trouble(text)

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

    def _control(self, node: str, act: str) -> bool:
        """What somebody outside this process asks of a machine; whether there is such a machine, and such an act."""
        if node not in self.machines or act not in _ACTS:
            return False
        getattr(self, act)(node)
        return True

    def _machine(self, node: str) -> Object | None:
        """What a machine is, for somebody outside this process; None: there is none of this name."""
        with self.clock.lock:
            machine = self.machines.get(node)
            if machine is None:
                return None
            behind_s = round(self.clock.behind_s, 1)
            return {"name": node, "is_on": machine.is_on, "is_linked": machine.is_linked, "behind_s": behind_s}

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
