"""The attach-detach controller: a disk of a storage system hangs on one node at a time.

It is taken off a node only when the kubelet says that it is unmounted, after 6 minutes without such word, or at once
where a person has said that the node is out of service. Here any PersistentVolume with `csi` is such a disk.

https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#storage-force-detach-on-timeout
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.control.pod_gc import OUT_OF_SERVICE
from failover_api.sandbox.cluster.control.pods import has_ended
from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.kinds import ATTACHMENT, NODE, POD, PV, PVC
from failover_api.sandbox.cluster.objects.meta import name_of, namespace_of
from failover_api.sandbox.cluster.plane import WorkQueue
from failover_api.sandbox.cluster.scheduler.claims import claim_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from failover_api.sandbox.cluster.plane import Plane
    from failover_api.sandbox.cluster.store import Change

UNMOUNT_WAIT_S = 360.0
_LOOK_S = 2.0
_COMPONENT = "attachdetach-controller"


class Attachments:
    """`mounts` tells the volumes that containers of a node have; None while the node is not reached."""

    def __init__(self, plane: Plane, mounts: Callable[[str], set[str] | None]) -> None:
        self._plane, self._mounts = plane, mounts
        self._unused: dict[str, float] = {}  # attachments that no pod wants -> since when
        self._queue = WorkQueue(plane, self._sync, latency_s=(0.1, 0.5))
        plane.store.subscribe(self._changed)

    def resync(self) -> None:
        self._queue.add("all")

    def _changed(self, change: Change) -> None:
        if change.kind in (POD, ATTACHMENT, NODE) and self._has_disks():
            self.resync()

    def _has_disks(self) -> bool:
        return any("csi" in one["spec"] for one in self._plane.store.objects(PV))

    def _sync(self, key: str) -> None:
        wanted = self._wanted()
        for one in self._plane.store.objects(ATTACHMENT):
            place = (one["spec"]["source"]["persistentVolumeName"], one["spec"]["nodeName"])
            if place in wanted:
                self._unused.pop(name_of(one), None)
            else:
                self._detach(one, *place)
        for (volume, node), pod in wanted.items():
            self._attach(volume, node, pod, wanted)
        if self._unused:
            self._queue.add_after(key, _LOOK_S)

    def _wanted(self) -> dict[tuple[str, str], Object]:
        """{(volume, node): a pod that wants it there}. A pod that is being deleted wants it still."""
        found = {}
        for pod in self._plane.store.objects(POD):
            node = at(pod, "spec", "nodeName")
            if node and not has_ended(pod):
                for name in claim_names(pod):
                    claim = self._plane.store.get(PVC, namespace_of(pod), name)
                    volume = self._plane.store.get(PV, "", at(claim, "spec", "volumeName", default=""))
                    if volume is not None and "csi" in volume["spec"]:
                        found[name_of(volume), node] = pod
        return found

    def _attach(self, volume: str, node: str, pod: Object, wanted: dict[tuple[str, str], Object]) -> None:
        attached = self._plane.store.objects(ATTACHMENT)
        places = {one["spec"]["nodeName"] for one in attached if _volume(one) == volume}
        if node in places:
            return
        if places:
            users = [name_of(one) for (of, where), one in wanted.items() if of == volume and where in places]
            whose = (
                f"Volume is already used by pod(s) {', '.join(users)}"
                if users
                else ("Volume is already exclusively attached to one node and can't be attached to another")
            )
            text = f'Multi-Attach error for volume "{volume}" {whose}'
            self._plane.event(pod, "FailedAttachVolume", text, _COMPONENT, warning=True)
            return
        driver = self._plane.registry.get(PV, "", volume)["spec"]["csi"]["driver"]
        spec = {"attacher": driver, "nodeName": node, "source": {"persistentVolumeName": volume}}
        digest = hashlib.sha256(f"{volume}{driver}{node}".encode()).hexdigest()
        made = self._plane.registry.create(ATTACHMENT, {"metadata": {"name": f"csi-{digest}"}, "spec": spec})
        self._plane.clock.after(self._plane.between(0.3, 1.0), lambda: self._say_attached(made, pod))

    def _say_attached(self, one: Object, pod: Object) -> None:
        if self._plane.store.get(ATTACHMENT, "", name_of(one)) is not None:
            self._plane.registry.set_status(ATTACHMENT, one, {"attached": True})
            text = f'AttachVolume.Attach succeeded for volume "{_volume(one)}"'
            self._plane.event(pod, "SuccessfulAttachVolume", text, _COMPONENT)

    def _detach(self, one: Object, volume: str, node: str) -> None:
        since = self._unused.setdefault(name_of(one), self._plane.clock.elapsed)
        mounted = self._mounts(node)
        is_free = mounted is not None and volume not in mounted
        is_late = self._plane.clock.elapsed - since >= UNMOUNT_WAIT_S
        if is_free or is_late or self._is_out_of_service(node):
            self._unused.pop(name_of(one))
            self._plane.registry.delete(ATTACHMENT, "", name_of(one))

    def _is_out_of_service(self, name: str) -> bool:
        taints = at(self._plane.store.get(NODE, "", name), "spec", "taints", default=[])
        return any(taint["key"] == OUT_OF_SERVICE for taint in taints)


def _volume(attachment: Object) -> str:
    return str(attachment["spec"]["source"]["persistentVolumeName"])


def is_attached(plane: Plane, volume: str, node: str) -> bool:
    """Whether a volume can be used on a node; one that is no disk of a storage system always can."""
    found = plane.store.get(PV, "", volume)
    if found is None or "csi" not in found["spec"]:
        return True
    attachments = plane.store.objects(ATTACHMENT)
    return any(
        _volume(one) == volume and one["spec"]["nodeName"] == node and at(one, "status", "attached")
        for one in attachments
    )
