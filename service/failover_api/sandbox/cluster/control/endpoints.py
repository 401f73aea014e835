"""EndpointSlices: where the traffic of a Service goes.

https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.control.pods import has_ended, is_ready
from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.kinds import POD, SERVICE, SLICE
from failover_api.sandbox.cluster.objects.meta import (
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from failover_api.sandbox.cluster.plane import WorkQueue

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.plane import Plane
    from failover_api.sandbox.cluster.store import Change


class Endpoints:
    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._queue = WorkQueue(plane, self._sync)
        plane.store.subscribe(self._changed)

    def resync(self) -> None:
        for one in self._plane.store.objects(SERVICE):
            self._queue.add((namespace_of(one), name_of(one)))

    def _changed(self, change: Change) -> None:
        namespace = namespace_of(change.object)
        if change.kind is SERVICE and change.type != "DELETED":
            self._queue.add((namespace, name_of(change.object)))
        elif change.kind is POD:
            for one in self._plane.store.objects(SERVICE, namespace):
                if _selects(one, change.object):
                    self._queue.add((namespace, name_of(one)))

    def _sync(self, key: tuple[str, str]) -> None:
        service = self._plane.store.get(SERVICE, *key)
        if service is None or not at(service, "spec", "selector"):
            return
        pods = [pod for pod in self._plane.store.objects(POD, key[0]) if _selects(service, pod)]
        endpoints = [_endpoint(pod) for pod in pods if at(pod, "status", "podIP") and not has_ended(pod)]
        known = self._plane.store.owned_by(uid_of(service), SLICE)
        if known:
            self._plane.registry.modify(SLICE, key[0], name_of(known[0]), lambda new: new.update(endpoints=endpoints))
            return
        meta: Object = {
            "generateName": f"{key[1]}-",
            "namespace": key[0],
            "ownerReferences": [owner_reference(service)],
        }
        meta["labels"] = {"kubernetes.io/service-name": key[1]}
        ports = [{key: port[key] for key in ("name", "port", "protocol") if key in port} for port in _ports(service)]
        whole = {"metadata": meta, "addressType": "IPv4", "endpoints": endpoints, "ports": ports}
        self._plane.registry.create(SLICE, whole)


def _ports(service: Object) -> list[Object]:
    found: list[Object] = at(service, "spec", "ports", default=[])
    return found


def _selects(service: Object, pod: Object) -> bool:
    selector = at(service, "spec", "selector", default={})
    labels = labels_of(pod)
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def _endpoint(pod: Object) -> Object:
    """One that is being deleted is never ready again, though it may serve on."""
    serves, ends = is_ready(pod), is_terminating(pod)
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": serves and not ends, "serving": serves, "terminating": ends},
        "nodeName": at(pod, "spec", "nodeName"),
        "targetRef": {"kind": "Pod", "namespace": namespace_of(pod), "name": name_of(pod), "uid": uid_of(pod)},
    }
