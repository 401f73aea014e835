"""fixed-field: the move changes a field that Kubernetes lets nobody change, so what applies it is refused.

https://kubernetes.io/docs/reference/kubernetes-api/ ; the API server's own validation is the list.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from failover_api.core.safety.documents import Document
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.safety.switch_moves import ServiceMove
from failover_api.core.search.neighbours import FLUX
from failover_api.core.splice.paths import Path, format_path
from failover_api.core.wording import cut

SLUG = "fixed-field"
_FORCE = f"{FLUX}/force"
_VOLUME_SOURCES = frozenset(
    {"awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume", "flocker"}
    | {"gcePersistentDisk", "glusterfs", "hostPath", "iscsi", "local", "nfs", "portworxVolume", "quobyte", "rbd"}
    | {"scaleIO", "storageos", "vsphereVolume"}
)
_STATEFULSET_FREE = frozenset(
    {"replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "minReadySeconds"}
    | {"persistentVolumeClaimRetentionPolicy"}
)
_HAS_DATA = frozenset({"PersistentVolumeClaim", "PersistentVolume"})  # made anew it would be without its data


def fixed_field(move: ServiceMove, surroundings: Surroundings) -> Iterator[Hazard]:
    """One for each document."""
    for document in move.documents:
        fixed = [path for path in document.moved if _is_fixed(document, path)]
        if fixed and not _is_made_anew(document):
            fields = ", ".join(cut(format_path(path)) for path in fixed)
            keys = [step for step in fixed[0] if isinstance(step, str)]
            yield Hazard(
                SLUG,
                Severity.STOP,
                document.label,
                document.where(*keys),
                f"{cut(document.label)}: {fields} cannot be changed once the object is there. Kubernetes refuses it "
                "(422), and Flux then applies nothing of that Kustomization.",
                _cure(document),
            )


def _is_fixed(document: Document, path: Path) -> bool:
    rule = _RULES.get(document.kind)
    return rule is not None and len(path) > 1 and rule(document, path)


def _is_made_anew(document: Document) -> bool:
    """Whether Flux deletes the object and makes it anew when it is refused. A claim's data would be lost by that."""
    says = [document.after.text("metadata", where, _FORCE) for where in ("annotations", "labels")]
    return any((said or "").lower() == "enabled" for said in says) and document.kind not in _HAS_DATA


def _below_spec(fields: frozenset[str], document: Document, path: Path) -> bool:
    return path[0] == "spec" and path[1] in fields


def _but_in_spec(free: frozenset[str], document: Document, path: Path) -> bool:
    return path[0] == "spec" and path[1] not in free


def _at_top(fields: frozenset[str], document: Document, path: Path) -> bool:
    return path[0] in fields


def _of_claim(document: Document, path: Path) -> bool:
    may_grow = path[1:3] == ("resources", "requests") or path[1] == "volumeAttributesClassName"
    return path[0] == "spec" and not may_grow


def _of_pod(document: Document, path: Path) -> bool:
    is_image = path[1] in {"containers", "initContainers"} and path[-1] == "image"
    return path[0] == "spec" and path[1] not in {"activeDeadlineSeconds", "tolerations"} and not is_image


def _of_immutable(document: Document, path: Path) -> bool:
    return document.before.is_true("immutable") and path[0] in {"data", "binaryData", "stringData"}


_RULES: Mapping[str, Callable[[Document, Path], bool]] = {
    "StatefulSet": partial(_but_in_spec, _STATEFULSET_FREE),
    "Deployment": partial(_below_spec, frozenset({"selector"})),
    "DaemonSet": partial(_below_spec, frozenset({"selector"})),
    "ReplicaSet": partial(_below_spec, frozenset({"selector"})),
    "Job": partial(_below_spec, frozenset({"selector", "template", "completionMode"})),
    "Pod": _of_pod,
    "PersistentVolumeClaim": _of_claim,
    "PersistentVolume": partial(_below_spec, _VOLUME_SOURCES | {"nodeAffinity", "volumeMode"}),
    "Service": partial(_below_spec, frozenset({"clusterIP", "clusterIPs"})),
    "StorageClass": partial(_at_top, frozenset({"parameters"})),
    "RoleBinding": partial(_at_top, frozenset({"roleRef"})),
    "ClusterRoleBinding": partial(_at_top, frozenset({"roleRef"})),
    "ConfigMap": _of_immutable,
    "Secret": _of_immutable,
}


def _cure(document: Document) -> str:
    if document.kind == "StatefulSet":
        return (
            "Name the claims in `spec.template.spec.volumes` and switch them there; or keep a second StatefulSet for "
            "the other side, and switch the `replicas` of both."
        )
    if document.kind in _HAS_DATA:
        return "Make a second object for the other side, and switch its name where it is used."
    return "Take the switch out of the catalog; make a second object for the other side, and switch between the two."
