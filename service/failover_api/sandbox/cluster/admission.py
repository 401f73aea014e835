"""What admission adds to an object at its creation, and what it refuses.

https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at, child
from failover_api.sandbox.cluster.objects.kinds import (
    NAMESPACE,
    POD,
    PRIORITY_CLASS,
    PV,
    PVC,
    QUOTA,
    SECRET,
    SERVICE_ACCOUNT,
    STORAGE_CLASS,
)
from failover_api.sandbox.cluster.objects.meta import annotation, name_of, namespace_of
from failover_api.sandbox.cluster.objects.refusals import forbidden
from failover_api.sandbox.cluster.objects.secrets import fold_string_data

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.objects.kinds import Kind
    from failover_api.sandbox.cluster.store import Store

PVC_PROTECTION, PV_PROTECTION = "kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_BUILT_IN = ("system-cluster-critical", "system-node-critical")
TOLERATION_S = 300


def admit(store: Store, kind: Kind, obj: Object) -> None:
    """Raises ApiError 403."""
    if kind is POD:
        _pod(store, obj)
    elif kind is PVC:
        _protect(obj, PVC_PROTECTION)
        _default_class(store, obj)
        obj["status"] = {"phase": "Pending"}
    elif kind is PV:
        _protect(obj, PV_PROTECTION)
        obj["status"] = {"phase": "Pending"}
    elif kind is SECRET:
        fold_string_data(obj)
    elif kind is NAMESPACE:
        child(child(obj, "metadata"), "labels")["kubernetes.io/metadata.name"] = name_of(obj)
        _protect(obj, "kubernetes")
        obj["status"] = {"phase": "Active"}


def _protect(obj: Object, finalizer: str) -> None:
    finalizers = obj["metadata"].setdefault("finalizers", [])
    if finalizer not in finalizers:
        finalizers.append(finalizer)


def _default_class(store: Store, claim: Object) -> None:
    if claim["spec"].get("storageClassName") is None:
        classes = (one for one in store.objects(STORAGE_CLASS) if annotation(one, _DEFAULT_CLASS) == "true")
        if default := next(classes, None):
            claim["spec"]["storageClassName"] = name_of(default)


def _pod(store: Store, pod: Object) -> None:
    spec, namespace = pod["spec"], namespace_of(pod)
    account = spec.setdefault("serviceAccountName", "default")
    if account != "default" and store.get(SERVICE_ACCOUNT, namespace, account) is None:
        why = f'error looking up service account {namespace}/{account}: serviceaccount "{account}" not found'
        raise forbidden(POD, name_of(pod), why)
    priority = spec.get("priorityClassName")
    if priority and priority not in _BUILT_IN and store.get(PRIORITY_CLASS, "", priority) is None:
        raise forbidden(POD, name_of(pod), f"no PriorityClass with name {priority} was found")
    _quota(store, pod)
    _tolerations(spec)


def _quota(store: Store, pod: Object) -> None:
    namespace = namespace_of(pod)
    for quota in store.objects(QUOTA, namespace):
        limit = at(quota, "spec", "hard", "pods")
        used = sum(at(one, "status", "phase") not in ("Failed", "Succeeded") for one in store.objects(POD, namespace))
        if limit is not None and used >= int(limit):
            why = f"exceeded quota: {name_of(quota)}, requested: pods=1, used: pods={used}, limited: pods={limit}"
            raise forbidden(POD, name_of(pod), why)


def _tolerations(spec: Object) -> None:
    """A pod puts up with a node that is not ready, or not reached, for 300 s, unless it says how long itself."""
    tolerations = spec.setdefault("tolerations", [])
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(_covers(one, key) for one in tolerations):
            wait = {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATION_S}
            tolerations.append(wait)


def _covers(toleration: Object, key: str) -> bool:
    same_key = toleration.get("key") == key or (not toleration.get("key") and toleration.get("operator") == "Exists")
    return same_key and toleration.get("effect") in (None, "", "NoExecute")
