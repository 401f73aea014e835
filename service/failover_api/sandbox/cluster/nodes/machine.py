"""A machine: on or off, linked to the control plane or cut off, and the containers that really run on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.kinds import PVC
from failover_api.sandbox.cluster.objects.meta import name_of, namespace_of, uid_of
from failover_api.sandbox.cluster.scheduler.claims import claim_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from failover_api.sandbox.cluster.clock import Timer
    from failover_api.sandbox.cluster.nodes.disks import Disks
    from failover_api.sandbox.cluster.store import Store


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """What a machine is. `labels` are set by hand, so they are lost with the Node object; `own_labels` come back."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    own_labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Mapping[str, str], ...] = ()
    capacity: Mapping[str, str] = field(default_factory=lambda: {"cpu": "8", "memory": "32Gi", "pods": "110"})
    is_control_plane: bool = False


@dataclass(slots=True)
class Container:
    """All containers of a pod, as one. `volumes` are names of PersistentVolumes."""

    pod: Object
    volumes: tuple[str, ...]
    stopping: Timer | None = None
    is_writing: bool = False


@dataclass(slots=True)
class Machine:
    spec: NodeSpec
    is_on: bool = True
    is_linked: bool = True
    skew_s: float = 0.0  # how far its clock is ahead
    trouble: str = ""  # why its kubelet says that it is not ready
    containers: dict[str, Container] = field(default_factory=dict)  # by the UID of their pod

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def reaches_api(self) -> bool:
        return self.is_on and self.is_linked


class Runtime:
    """Starts and stops containers, and tells who listens. Apps write to their volumes while they run."""

    def __init__(self, store: Store, disks: Disks) -> None:
        self._store, self.disks = store, disks
        self.started: list[Callable[[Machine, Object], None]] = []
        self.stopped: list[Callable[[Machine, Object], None]] = []

    def start(self, machine: Machine, pod: Object) -> None:
        container = Container(pod, tuple(self.volumes_of(pod)))
        container.is_writing = not _is_job(pod)
        machine.containers[uid_of(pod)] = container
        if container.is_writing:
            for volume in container.volumes:
                self.disks.begin(volume, uid_of(pod), name_of(pod))
        for listener in self.started:
            listener(machine, pod)

    def stop(self, machine: Machine, uid: str) -> None:
        container = machine.containers.pop(uid, None)
        if container is None:
            return
        if container.stopping is not None:
            container.stopping.cancel()
        for volume in container.volumes:
            self.disks.end(volume, uid)
        for listener in self.stopped:
            listener(machine, container.pod)

    def volumes_of(self, pod: Object) -> list[str]:
        """Names of the PersistentVolumes that its claims are bound to."""
        claims = [self._store.get(PVC, namespace_of(pod), name) for name in claim_names(pod)]
        return [str(volume) for claim in claims if claim and (volume := at(claim, "spec", "volumeName"))]


def _is_job(pod: Object) -> bool:
    """A pod that does its work and ends."""
    return str(at(pod, "spec", "restartPolicy")) != "Always"
