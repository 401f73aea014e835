"""Claims and volumes: binding, provisioning, protection, and what becomes of a claim whose volume is gone.

The provisioner is part of it: it makes a volume on the node that the scheduler chose, as local-path does, and answers
only while that node is reached.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.admission import PV_PROTECTION, PVC_PROTECTION
from failover_api.sandbox.cluster.control.pods import has_ended
from failover_api.sandbox.cluster.objects.json_values import Object, at, child
from failover_api.sandbox.cluster.objects.kinds import POD, PV, PVC, STORAGE_CLASS
from failover_api.sandbox.cluster.objects.meta import annotation, is_terminating, name_of, namespace_of, uid_of
from failover_api.sandbox.cluster.plane import WorkQueue
from failover_api.sandbox.cluster.scheduler.claims import NO_PROVISIONER, claim_names, static_volume
from failover_api.sandbox.cluster.scheduler.scheduler import SELECTED_NODE

if TYPE_CHECKING:
    from collections.abc import Callable

    from failover_api.sandbox.cluster.objects.kinds import Kind
    from failover_api.sandbox.cluster.plane import Plane
    from failover_api.sandbox.cluster.store import Change

_COMPONENT = "persistentvolume-controller"
_ASK_AGAIN_S = 15.0
_LOST = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"


class Volumes:
    """`reaches` tells whether a node would answer; `provisioners` are those that answer at all."""

    def __init__(self, plane: Plane, reaches: Callable[[str], bool]) -> None:
        self._plane, self._reaches = plane, reaches
        self.provisioners = {"rancher.io/local-path"}
        self.queue = WorkQueue(plane, self._sync)
        self._provisioning = WorkQueue(plane, self._provision, latency_s=(0.1, 0.4), runs=lambda: True)
        plane.store.subscribe(self._changed)

    def resync(self) -> None:
        for claim in self._plane.store.objects(PVC):
            self.queue.add((namespace_of(claim), name_of(claim)))

    def _changed(self, change: Change) -> None:
        if change.kind is PVC:
            if change.type == "DELETED":
                self._release(change.object)
            self.queue.add((namespace_of(change.object), name_of(change.object)))
        elif change.kind in (PV, STORAGE_CLASS):
            if change.kind is PV and change.type == "ADDED":
                self._plane.clock.after(0.0, lambda: self._offer(name_of(change.object)))
            self.resync()
        elif change.kind is POD:
            self._pod_changed(change)

    def _pod_changed(self, change: Change) -> None:
        if change.type == "DELETED" or has_ended(change.object):
            for name in claim_names(change.object):
                self.queue.add((namespace_of(change.object), name))

    def _offer(self, volume: str) -> None:
        found = self._plane.store.get(PV, "", volume)
        if found is not None and at(found, "status", "phase") == "Pending":
            phase = "Bound" if at(found, "spec", "claimRef", "uid") else "Available"
            self._set_phase(PV, found, phase)

    def _sync(self, key: tuple[str, str]) -> None:
        claim = self._plane.store.get(PVC, *key)
        if claim is None:
            return
        volume = self._plane.store.get(PV, "", at(claim, "spec", "volumeName", default=""))
        if is_terminating(claim) and not self._is_used(claim):
            self._plane.registry.drop_finalizer(PVC, claim, PVC_PROTECTION)
        elif at(claim, "status", "phase") == "Bound":
            if volume is None:
                self._set_phase(PVC, claim, "Lost")
                self._plane.event(claim, "ClaimLost", _LOST, _COMPONENT, warning=True)
        elif at(claim, "status", "phase") == "Pending":
            self._bring(claim)

    def _is_used(self, claim: Object) -> bool:
        pods = self._plane.store.objects(POD, namespace_of(claim))
        return any(name_of(claim) in claim_names(pod) and not has_ended(pod) for pod in pods)

    def _bring(self, claim: Object) -> None:
        """A claim without a volume: a prepared one, a new one, or an event that says what is waited for."""
        name = at(claim, "spec", "storageClassName", default="")
        of_class = self._plane.store.get(STORAGE_CLASS, "", name)
        waits = of_class is not None and of_class["volumeBindingMode"] == "WaitForFirstConsumer"
        reserved = self._reserved(claim)
        if reserved is not None or not waits:
            volume = reserved or static_volume(self._plane.store, claim, None)
            if volume is not None:
                self._bind(claim, volume)
                return
        node = annotation(claim, SELECTED_NODE)
        if of_class is None:
            self._say_class_missing(claim, name)
        elif waits and not node:
            message = "waiting for first consumer to be created before binding"
            self._plane.event(claim, "WaitForFirstConsumer", message, _COMPONENT)
        elif of_class["provisioner"] != NO_PROVISIONER:
            self._ask(claim, of_class["provisioner"])

    def _reserved(self, claim: Object) -> Object | None:
        uid = uid_of(claim)
        found = (one for one in self._plane.store.objects(PV) if at(one, "spec", "claimRef", "uid") == uid)
        wanted = at(claim, "spec", "volumeName", default="")
        return next(found, None) or (static_volume(self._plane.store, claim, None) if wanted else None)

    def _say_class_missing(self, claim: Object, name: str) -> None:
        if name:
            message = f'storageclass.storage.k8s.io "{name}" not found'
            self._plane.event(claim, "ProvisioningFailed", message, _COMPONENT, warning=True)
        else:
            message = "no persistent volumes available for this claim and no storage class is set"
            self._plane.event(claim, "FailedBinding", message, _COMPONENT)

    def _ask(self, claim: Object, provisioner: str) -> None:
        message = (
            f"Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the "
            "system administrator. If volume creation is delayed, please verify that the provisioner is running and "
            "correctly registered."
        )
        self._plane.event(claim, "ExternalProvisioning", message, _COMPONENT)
        self._provisioning.add((namespace_of(claim), name_of(claim)))

    def _provision(self, key: tuple[str, str]) -> None:
        claim = self._plane.store.get(PVC, *key)
        of_class = self._plane.store.get(STORAGE_CLASS, "", at(claim, "spec", "storageClassName", default=""))
        if claim is None or of_class is None or at(claim, "spec", "volumeName"):
            return
        node = annotation(claim, SELECTED_NODE)
        if of_class["provisioner"] not in self.provisioners or (node and not self._reaches(node)):
            self._provisioning.add_after(key, _ASK_AGAIN_S)
            return
        volume = self._plane.registry.create(PV, _volume_for(claim, of_class, node))
        message = f"Successfully provisioned volume {name_of(volume)}"
        self._plane.event(claim, "ProvisioningSucceeded", message, of_class["provisioner"])

    def _bind(self, claim: Object, volume: Object) -> None:
        def bind_volume(new: Object) -> None:
            new["spec"]["claimRef"] = _reference(claim)
            new["status"]["phase"] = "Bound"

        def bind_claim(new: Object) -> None:
            new["spec"]["volumeName"] = name_of(volume)
            modes, capacity = at(volume, "spec", "accessModes"), at(volume, "spec", "capacity")
            new["status"] = {"phase": "Bound", "accessModes": modes, "capacity": capacity}
            child(new["metadata"], "annotations")["pv.kubernetes.io/bind-completed"] = "yes"

        self._plane.registry.modify(PV, "", name_of(volume), bind_volume)
        self._plane.registry.modify(PVC, namespace_of(claim), name_of(claim), bind_claim)

    def _release(self, claim: Object) -> None:
        """The claim is gone: its volume is kept as Released, or deleted, as its policy says."""
        volume = self._plane.store.get(PV, "", at(claim, "spec", "volumeName", default=""))
        if volume is None or at(volume, "spec", "claimRef", "uid") != uid_of(claim):
            return
        self._set_phase(PV, volume, "Released")
        volume = self._plane.registry.get(PV, "", name_of(volume))
        if at(volume, "spec", "persistentVolumeReclaimPolicy") == "Delete" or is_terminating(volume):
            self._plane.registry.delete(PV, "", name_of(volume))
            self._plane.registry.drop_finalizer(PV, volume, PV_PROTECTION)

    def _set_phase(self, kind: Kind, one: Object, phase: str) -> None:
        def change(new: Object) -> None:
            new["status"]["phase"] = phase

        self._plane.registry.modify(kind, namespace_of(one), name_of(one), change)


def _reference(claim: Object) -> Object:
    reference = {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": namespace_of(claim)}
    return {**reference, "name": name_of(claim), "uid": uid_of(claim)}


def _volume_for(claim: Object, of_class: Object, node: str | None) -> Object:
    name = f"pvc-{uid_of(claim)}"
    spec: Object = {
        "accessModes": claim["spec"]["accessModes"],
        "capacity": {"storage": at(claim, "spec", "resources", "requests", "storage")},
        "claimRef": _reference(claim),
        "persistentVolumeReclaimPolicy": of_class["reclaimPolicy"],
        "storageClassName": name_of(of_class),
        "volumeMode": "Filesystem",
        "hostPath": {"path": f"/opt/local-path-provisioner/{name}_{namespace_of(claim)}_{name_of(claim)}"},
    }
    if node:
        requirement = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [requirement]}]}}
    provisioner = {"pv.kubernetes.io/provisioned-by": of_class["provisioner"]}
    return {"metadata": {"name": name, "annotations": provisioner}, "spec": spec}
