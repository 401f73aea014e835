"""The values that the API server fills in where a manifest says nothing.

https://kubernetes.io/docs/reference/kubernetes-api/ has them beside each field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at, child

if TYPE_CHECKING:
    from collections.abc import Callable

_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def fill_defaults(obj: Object) -> Object:
    """Fills them into `obj` and gives it back."""
    fill = _BY_KIND.get(str(obj.get("kind")))
    if fill is not None and isinstance(obj.get("spec"), dict):
        fill(obj["spec"])
    elif fill is not None and obj.get("kind") == "StorageClass":
        fill(obj)
    return obj


def _set(target: Object, **values: object) -> None:
    for key, value in values.items():
        if target.get(key) is None:
            target[key] = value


def _pod_spec(spec: Object) -> None:
    _set(spec, restartPolicy="Always", terminationGracePeriodSeconds=30, dnsPolicy="ClusterFirst")
    _set(spec, securityContext={}, schedulerName="default-scheduler")
    for group in ("containers", "initContainers"):
        for container in at(spec, group, default=[]):
            _container(container)


def _container(container: Object) -> None:
    is_latest = ":" not in str(container.get("image", "")).rpartition("/")[2]
    _set(container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File", resources={})
    _set(container, imagePullPolicy="Always" if is_latest else "IfNotPresent")
    for port in at(container, "ports", default=[]):
        _set(port, protocol="TCP")
    for probe in filter(None, (container.get(name) for name in _PROBES)):
        _set(probe, **_PROBE)
        if isinstance(probe.get("httpGet"), dict):
            _set(probe["httpGet"], scheme="HTTP")


def _template(spec: Object) -> None:
    template = child(spec, "template")
    child(child(template, "metadata"), "labels")
    if isinstance(template.get("spec"), dict):
        _pod_spec(template["spec"])


def _deployment(spec: Object) -> None:
    _set(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = child(spec, "strategy")
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _set(child(strategy, "rollingUpdate"), maxSurge="25%", maxUnavailable="25%")
    _template(spec)


def _replica_set(spec: Object) -> None:
    _set(spec, replicas=1)
    _template(spec)


def _stateful_set(spec: Object) -> None:
    _set(spec, replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady", serviceName="")
    _set(child(spec, "persistentVolumeClaimRetentionPolicy"), whenDeleted="Retain", whenScaled="Retain")
    strategy = child(spec, "updateStrategy")
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _set(child(strategy, "rollingUpdate"), partition=0)
    for claim in at(spec, "volumeClaimTemplates", default=[]):
        _set(claim.setdefault("spec", {}), volumeMode="Filesystem")
    _template(spec)


def _claim(spec: Object) -> None:
    _set(spec, volumeMode="Filesystem")


def _volume(spec: Object) -> None:
    _set(spec, volumeMode="Filesystem", persistentVolumeReclaimPolicy="Retain")


def _storage_class(whole: Object) -> None:
    _set(whole, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def _service(spec: Object) -> None:
    _set(spec, type="ClusterIP", sessionAffinity="None", internalTrafficPolicy="Cluster")
    for port in at(spec, "ports", default=[]):
        _set(port, protocol="TCP", targetPort=port.get("port"))


def _job(spec: Object) -> None:
    _set(spec, parallelism=1, completions=1, backoffLimit=6)
    _template(spec)


def _budget(spec: Object) -> None:
    _set(spec, selector={})


_BY_KIND: dict[str, Callable[[Object], None]] = {
    "Pod": _pod_spec,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "StatefulSet": _stateful_set,
    "PersistentVolumeClaim": _claim,
    "PersistentVolume": _volume,
    "StorageClass": _storage_class,
    "Service": _service,
    "Job": _job,
    "PodDisruptionBudget": _budget,
}
