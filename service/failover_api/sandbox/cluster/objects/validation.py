"""What the API server refuses of an object: 422, with the texts of kube-apiserver v1.36."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.meta import name_of
from failover_api.sandbox.cluster.objects.refusals import ApiError, bad_request, invalid
from failover_api.sandbox.cluster.objects.selectors import selects
from failover_api.sandbox.cluster.objects.times import is_micro

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from failover_api.sandbox.cluster.objects.kinds import Kind

Cause = tuple[str, str]

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_LABEL_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_STATEFUL_SET_FIELDS = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_STATEFUL_SET_FIXED = (
    "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
    "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are "
    "forbidden"
)
_CLAIM_FIXED = (
    "Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound "
    "claims"
)
_POD_FIXED = (
    "Forbidden: pod updates may not change fields other than `spec.containers[*].image`, "
    "`spec.initContainers[*].image`, `spec.activeDeadlineSeconds`, `spec.tolerations` (only additions to existing "
    "tolerations), `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def validate(kind: Kind, new: Object, old: Object | None) -> None:
    """Raises ApiError. `old` is the object before an update, None at its creation."""
    causes = [*_names(new), *_shape(kind, new)]
    if old is not None:
        causes += _fixed(kind, new, old)
    if causes:
        raise invalid(kind, name_of(new), *causes)


def _names(new: Object) -> Iterator[Cause]:
    name = name_of(new)
    if len(name) > 253 or not (_NAME.fullmatch(name) or new.get("kind") in _FREE_NAMES):
        yield "metadata.name", f'Invalid value: "{name}": {_LABEL_TEXT}'


_FREE_NAMES = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


def _shape(kind: Kind, new: Object) -> Iterator[Cause]:
    check = _SHAPES.get(kind.kind)
    if check is not None and isinstance(new.get("spec"), dict):
        yield from check(new["spec"])


def _fixed(kind: Kind, new: Object, old: Object) -> Iterator[Cause]:
    check = _FIXED.get(kind.kind)
    if check is not None:
        yield from check(at(new, "spec", default={}), at(old, "spec", default={}))


def _template(spec: Object) -> Iterator[Cause]:
    labels = at(spec, "template", "metadata", "labels", default={})
    if not spec.get("selector"):
        yield "spec.selector", "Required value"
    elif not selects(spec["selector"], labels):
        yield (
            "spec.template.metadata.labels",
            f"Invalid value: {_json(labels)}: `selector` does not match template `labels`",
        )
    if not at(spec, "template", "spec", "containers", default=[]):
        yield "spec.template.spec.containers", "Required value"
    if at(spec, "template", "spec", "restartPolicy", default="Always") != "Always":
        policy = at(spec, "template", "spec", "restartPolicy")
        yield "spec.template.spec.restartPolicy", f'Unsupported value: "{policy}": supported values: "Always"'
    if (at(spec, "replicas", default=0)) < 0:
        yield "spec.replicas", f"Invalid value: {spec['replicas']}: must be greater than or equal to 0"


def _deployment(spec: Object) -> Iterator[Cause]:
    yield from _template(spec)
    strategy = at(spec, "strategy", default={})
    match strategy.get("type"):
        case "Recreate":
            if "rollingUpdate" in strategy:
                text = "Forbidden: may not be specified when strategy `type` is 'Recreate'"
                yield "spec.strategy.rollingUpdate", text
        case "RollingUpdate":
            update = at(strategy, "rollingUpdate", default={})
            if str(update.get("maxSurge")) in ("0", "0%") and str(update.get("maxUnavailable")) in ("0", "0%"):
                text = f"Invalid value: {_json(update['maxUnavailable'])}: may not be 0 when `maxSurge` is 0"
                yield "spec.strategy.rollingUpdate.maxUnavailable", text
        case other:
            text = f'Unsupported value: "{other}": supported values: "Recreate", "RollingUpdate"'
            yield "spec.strategy.type", text


def _autoscaler(spec: Object) -> Iterator[Cause]:
    outside = {"Object", "External"}
    if spec.get("minReplicas") == 0 and not any(one.get("type") in outside for one in at(spec, "metrics", default=[])):
        yield "spec.minReplicas", "Invalid value: 0: must be greater than or equal to 1"
    if int(spec.get("maxReplicas", 0)) < 1:
        yield "spec.maxReplicas", "Invalid value: 0: must be greater than 0"


def _pod(spec: Object) -> Iterator[Cause]:
    if not spec.get("containers"):
        yield "spec.containers", "Required value"


def _claim(spec: Object) -> Iterator[Cause]:
    if not spec.get("accessModes"):
        yield "spec.accessModes", "Required value: at least 1 access mode is required"
    if not at(spec, "resources", "requests", "storage"):
        yield "spec.resources[storage]", "Required value"


_SHAPES: dict[str, Callable[[Object], Iterator[Cause]]] = {
    "Deployment": _deployment,
    "ReplicaSet": _template,
    "StatefulSet": _template,
    "Pod": _pod,
    "PersistentVolumeClaim": _claim,
    "HorizontalPodAutoscaler": _autoscaler,
}


def _selector_fixed(new: Object, old: Object) -> Iterator[Cause]:
    if new.get("selector") != old.get("selector"):
        yield "spec.selector", f"Invalid value: {_json(new.get('selector'))}: field is immutable"


def _stateful_set_fixed(new: Object, old: Object) -> Iterator[Cause]:
    if _without(new, *_STATEFUL_SET_FIELDS) != _without(old, *_STATEFUL_SET_FIELDS):
        yield "spec", _STATEFUL_SET_FIXED


def _claim_fixed(new: Object, old: Object) -> Iterator[Cause]:
    free = ("resources", "volumeAttributesClassName", *(() if old.get("volumeName") else ("volumeName",)))
    if _without(new, *free) != _without(old, *free):
        yield "spec", _CLAIM_FIXED


def _pod_fixed(new: Object, old: Object) -> Iterator[Cause]:
    free = ("containers", "initContainers", "tolerations", "activeDeadlineSeconds", "schedulingGates")
    bound = () if old.get("nodeName") else ("nodeName",)
    images = [[_without(one, "image") for one in spec.get("containers", [])] for spec in (new, old)]
    if _without(new, *free, *bound) != _without(old, *free, *bound) or images[0] != images[1]:
        yield "spec", _POD_FIXED


_FIXED: dict[str, Callable[[Object, Object], Iterator[Cause]]] = {
    "Deployment": _selector_fixed,
    "ReplicaSet": _selector_fixed,
    "StatefulSet": _stateful_set_fixed,
    "PersistentVolumeClaim": _claim_fixed,
    "Pod": _pod_fixed,
}


def check_lease(obj: Object) -> None:
    """Its times have exactly six fraction digits. Raises ApiError 400."""
    for field in ("acquireTime", "renewTime"):
        value = at(obj, "spec", field)
        if value is not None and not is_micro(str(value)):
            raise bad_request(
                'Lease in version "v1" cannot be handled as a Lease: parsing time '
                f'"{value}" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "{value}" as ".000000"'
            )


def no_version(kind: Kind, name: str) -> ApiError:
    """A PUT without a resourceVersion, of a kind that needs one."""
    return invalid(kind, name, ("metadata.resourceVersion", "Invalid value: 0: must be specified for an update"))


def _without(spec: Object, *fields: str) -> Object:
    return {key: value for key, value in spec.items() if key not in fields}


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
