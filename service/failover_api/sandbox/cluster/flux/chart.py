"""What a chart in the manner of bjw-s' app-template makes of its values.

Simplified: no chart is fetched and no template is run. Controllers with their containers, pod options, persistence
and services become workloads, claims and Services; the rest of the values has no effect. Values without controllers
make one Deployment of `nodeSelector` and `persistence`.

https://bjw-s-labs.github.io/helm-charts/docs/app-template/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from failover_api.sandbox.cluster.objects.json_values import Object, at, copied

if TYPE_CHECKING:
    from collections.abc import Iterator

_POD_OPTIONS = (
    "nodeSelector",
    "affinity",
    "tolerations",
    "securityContext",
    "terminationGracePeriodSeconds",
    "priorityClassName",
    "hostNetwork",
)
_CONTAINER = ("resources", "ports", "securityContext", "args", "command")
_MAIN = {"main": {"containers": {"main": {"image": {"repository": "example.org/app", "tag": "1"}}}}}


def render(release: str, namespace: str, values: Object) -> list[Object]:
    """Raises ValueError for values that cannot be rendered."""
    controllers = {
        name: one for name, one in at(values, "controllers", default=_MAIN).items() if (one or {}).get("enabled", True)
    }
    names = {name: release if len(controllers) == 1 else f"{release}-{name}" for name in controllers}
    objects = [_workload(release, namespace, values, name, names[name], one or {}) for name, one in controllers.items()]
    return [*_claims(release, namespace, values), *objects, *_services(release, namespace, values, controllers)]


def _labels(release: str, controller: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/controller": controller,
        "app.kubernetes.io/instance": release,
        "app.kubernetes.io/name": release,
    }


def _object(api_version: str, kind: str, name: str, namespace: str, labels: Object, spec: Object) -> Object:
    meta = {"name": name, "namespace": namespace, "labels": {**labels, "app.kubernetes.io/managed-by": "Helm"}}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, "spec": spec}


def _workload(release: str, namespace: str, values: Object, controller: str, name: str, one: Object) -> Object:
    labels = _labels(release, controller)
    annotations = {
        **at(values, "defaultPodOptions", "annotations", default={}),
        **at(one, "pod", "annotations", default={}),
    }
    template = {
        "metadata": {"labels": labels, "annotations": annotations},
        "spec": _pod(release, values, controller, one),
    }
    spec: Object = {"replicas": one.get("replicas", 1), "selector": {"matchLabels": labels}, "template": template}
    if one.get("type", "deployment") == "statefulset":
        spec |= {"serviceName": name, "updateStrategy": {"type": one.get("strategy", "RollingUpdate")}}
        return _object("apps/v1", "StatefulSet", name, namespace, labels, spec)
    spec["strategy"] = _strategy(one)
    return _object("apps/v1", "Deployment", name, namespace, labels, spec)


def _strategy(one: Object) -> Object:
    """Recreate unless the values say otherwise, as the chart has it."""
    strategy: Object = {"type": one.get("strategy", "Recreate")}
    given = {"maxSurge": at(one, "rollingUpdate", "surge"), "maxUnavailable": at(one, "rollingUpdate", "unavailable")}
    update = {key: value for key, value in given.items() if value is not None}
    if update and strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = update
    return strategy


def _pod(release: str, values: Object, controller: str, one: Object) -> Object:
    options = {**at(values, "defaultPodOptions", default={}), **at(one, "pod", default={})}
    if "nodeSelector" in values:
        options.setdefault("nodeSelector", values["nodeSelector"])
    spec = {key: copied(options[key]) for key in _POD_OPTIONS if key in options}
    persistence = dict(_persistence(values, controller))
    spec["containers"] = [
        _container(name, each, persistence) for name, each in at(one, "containers", default={}).items()
    ]
    if not spec["containers"]:
        raise ValueError(f"controller {controller} has no containers")
    spec["volumes"] = [_volume(release, key, each) for key, each in persistence.items()]
    return spec


def _persistence(values: Object, controller: str) -> Iterator[tuple[str, Object]]:
    for key, one in at(values, "persistence", default={}).items():
        mounts = at(one, "advancedMounts")
        if one.get("enabled", True) and (mounts is None or controller in mounts):
            yield key, one


def _container(name: str, one: Object, persistence: dict[str, Object]) -> Object:
    image = at(one, "image", default={})
    container: Object = {"name": name, "image": f"{image.get('repository', 'example.org/app')}:{image.get('tag', '1')}"}
    container |= {key: copied(one[key]) for key in _CONTAINER if key in one}
    if env := at(one, "env", default={}):
        container["env"] = [
            {"name": key, "value": str(value)} for key, value in env.items() if not isinstance(value, (dict, list))
        ]
    mounts = [(key, mount) for key, each in persistence.items() for mount in _mounts(key, each)]
    if mounts:
        container["volumeMounts"] = [{"name": key, **mount} for key, mount in mounts]
    return container


def _mounts(key: str, one: Object) -> list[Object]:
    given = at(one, "globalMounts")
    if given is None:
        return [{"mountPath": f"/{key}"}]
    return [
        {name: mount[name] for name in ("readOnly", "subPath") if name in mount}
        | {"mountPath": mount.get("path", f"/{key}")}
        for mount in given
    ]


def _volume(release: str, key: str, one: Object) -> Object:
    source: dict[str, Any]
    match one.get("type", "persistentVolumeClaim"):
        case "persistentVolumeClaim":
            source = {"persistentVolumeClaim": {"claimName": str(one.get("existingClaim") or f"{release}-{key}")}}
        case "nfs":
            source = {"nfs": {"server": one["server"], "path": one["path"]}}
        case "hostPath":
            source = {"hostPath": {"path": one["hostPath"]}}
        case "configMap":
            source = {"configMap": {"name": one["name"]}}
        case "secret":
            source = {"secret": {"secretName": one["name"]}}
        case _:
            source = {"emptyDir": {}}
    return {"name": key, **source}


def _claims(release: str, namespace: str, values: Object) -> Iterator[Object]:
    """A claim of the release's own, where the values name no existing one."""
    for key, one in at(values, "persistence", default={}).items():
        if one.get("type", "persistentVolumeClaim") != "persistentVolumeClaim" or one.get("existingClaim"):
            continue
        if not one.get("enabled", True):
            continue
        spec: Object = {"accessModes": [one.get("accessMode", "ReadWriteOnce")]}
        spec["resources"] = {"requests": {"storage": one.get("size", "1Gi")}}
        if one.get("storageClass"):
            spec["storageClassName"] = one["storageClass"]
        yield _object("v1", "PersistentVolumeClaim", f"{release}-{key}", namespace, _labels(release, "none"), spec)


def _services(release: str, namespace: str, values: Object, controllers: Object) -> Iterator[Object]:
    services = at(values, "service", default={})
    for key, one in services.items():
        if not one.get("enabled", True):
            continue
        controller = one.get("controller") or next(iter(controllers))
        ports = [{"name": name, "port": int(port["port"])} for name, port in at(one, "ports", default={}).items()]
        labels = _labels(release, controller)
        name = release if len(services) == 1 else f"{release}-{key}"
        yield _object("v1", "Service", name, namespace, labels, {"selector": labels, "ports": ports})
