"""What a pod's claims ask of a node, and the texts when they cannot be had."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.kinds import POD, PV, PVC, STORAGE_CLASS
from failover_api.sandbox.cluster.objects.meta import is_terminating, labels_of, name_of, namespace_of, uid_of
from failover_api.sandbox.cluster.objects.quantities import quantity
from failover_api.sandbox.cluster.objects.selectors import term_selects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from failover_api.sandbox.cluster.store import Store

NO_PROVISIONER = "kubernetes.io/no-provisioner"
ELSEWHERE = "node(s) didn't match PersistentVolume's node affinity"
OLD_ELSEWHERE = "node(s) had volume node affinity conflict"  # before v1.33
NONE_FITS = "node(s) didn't find available persistent volumes to bind"
IN_USE = (
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod"
)


@dataclass(slots=True)
class Claims:
    """`trouble` keeps the pod off every node. `waiting` are claims whose volume is made, or chosen, on its node."""

    trouble: str = ""
    volumes: list[Object] = field(default_factory=list)
    waiting: list[tuple[Object, Object]] = field(default_factory=list)  # claim, StorageClass
    is_in_use: bool = False


def claim_names(pod: Object) -> list[str]:
    volumes = at(pod, "spec", "volumes", default=[])
    return [name for one in volumes if (name := at(one, "persistentVolumeClaim", "claimName"))]


def claims_of(store: Store, pod: Object) -> Claims:
    found = Claims()
    for name in claim_names(pod):
        claim = store.get(PVC, namespace_of(pod), name)
        found.trouble = _trouble(store, claim, name) or _take(store, found, claim)
        if found.trouble:
            return found
        if claim is not None and "ReadWriteOncePod" in at(claim, "spec", "accessModes", default=[]):
            found.is_in_use = found.is_in_use or _has_other_user(store, pod, name)
    return found


def _trouble(store: Store, claim: Object | None, name: str) -> str:
    if claim is None:
        return f'persistentvolumeclaim "{name}" not found'
    if is_terminating(claim):
        return f'persistentvolumeclaim "{name}" is being deleted'
    volume = at(claim, "spec", "volumeName", default="")
    if volume and store.get(PV, "", volume) is None:
        return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{volume}"'
    return ""


def _take(store: Store, found: Claims, claim: Object | None) -> str:
    assert claim is not None
    volume = store.get(PV, "", at(claim, "spec", "volumeName", default=""))
    if volume is not None and at(claim, "status", "phase") == "Bound":
        found.volumes.append(volume)
        return ""
    of_class = store.get(STORAGE_CLASS, "", at(claim, "spec", "storageClassName", default=""))
    if of_class is None or of_class["volumeBindingMode"] != "WaitForFirstConsumer":
        return "pod has unbound immediate PersistentVolumeClaims"
    found.waiting.append((claim, of_class))
    return ""


def _has_other_user(store: Store, pod: Object, claim: str) -> bool:
    """Another pod that has a node and the claim; one that ended counts no more."""
    others = store.objects(POD, namespace_of(pod))
    return any(
        uid_of(one) != uid_of(pod)
        and at(one, "spec", "nodeName")
        and at(one, "status", "phase") not in ("Failed", "Succeeded")
        and claim in claim_names(one)
        for one in others
    )


def refuses(store: Store, claims: Claims, node: Object, minor: int) -> str:
    """Why a node does not do for the claims; empty when it does."""
    if claims.is_in_use:
        return IN_USE
    if not all(fits_volume(volume, node) for volume in claims.volumes):
        return ELSEWHERE if minor >= 33 else OLD_ELSEWHERE
    for claim, of_class in claims.waiting:
        if of_class["provisioner"] == NO_PROVISIONER:
            if static_volume(store, claim, node) is None:
                return NONE_FITS
        elif not _fits_topology(of_class, node):
            return NONE_FITS
    return ""


def fits_volume(volume: Object, node: Object) -> bool:
    terms = at(volume, "spec", "nodeAffinity", "required", "nodeSelectorTerms")
    return terms is None or any(term_selects(term, labels_of(node), name_of(node)) for term in terms)


def _fits_topology(of_class: Object, node: Object) -> bool:
    topologies = at(of_class, "allowedTopologies", default=[])
    if not topologies:
        return True
    terms = [
        {"matchExpressions": [{**one, "operator": "In"} for one in at(topology, "matchLabelExpressions", default=[])]}
        for topology in topologies
    ]
    return any(term_selects(term, labels_of(node), name_of(node)) for term in terms)


def static_volume(store: Store, claim: Object, node: Object | None) -> Object | None:
    """The smallest prepared volume that fits a claim, and a node where one is given."""
    fitting = [one for one in _fitting(store, claim) if node is None or fits_volume(one, node)]
    return min(fitting, key=_size, default=None)


def _fitting(store: Store, claim: Object) -> Iterator[Object]:
    spec = claim["spec"]
    wanted = quantity(at(spec, "resources", "requests", "storage", default="0"))
    for volume in store.objects(PV):
        reserved = at(volume, "spec", "claimRef")
        is_ours = bool(reserved) and (reserved.get("namespace"), reserved.get("name")) == (
            namespace_of(claim),
            name_of(claim),
        )
        if is_terminating(volume) or (reserved and not is_ours):
            continue
        if spec.get("volumeName") not in (None, name_of(volume)):
            continue
        same_class = at(volume, "spec", "storageClassName", default="") == spec.get("storageClassName", "")
        modes = set(at(volume, "spec", "accessModes", default=[]))
        if same_class and modes.issuperset(spec["accessModes"]) and _size(volume) >= wanted:
            yield volume


def _size(volume: Object) -> float:
    return quantity(at(volume, "spec", "capacity", "storage", default="0"))
