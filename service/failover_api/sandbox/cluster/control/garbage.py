"""The garbage collector: what has lost its owner goes too, unless the owner was deleted with `Orphan`.

https://kubernetes.io/docs/concepts/architecture/garbage-collection/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.kinds import NAMESPACE, Kind
from failover_api.sandbox.cluster.objects.meta import is_terminating, name_of, namespace_of, uid_of
from failover_api.sandbox.cluster.objects.refusals import ApiError
from failover_api.sandbox.cluster.plane import WorkQueue

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.plane import Plane
    from failover_api.sandbox.cluster.store import Change

_FOREGROUND, _ORPHAN = "foregroundDeletion", "orphan"


class GarbageCollector:
    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._gone = WorkQueue(plane, self._collect, latency_s=(0.1, 0.4))
        self._waiting = WorkQueue(plane, self._finish, latency_s=(0.05, 0.2))
        self._namespaces = WorkQueue(plane, self._empty, latency_s=(0.1, 0.4))
        plane.store.subscribe(self._changed)

    def resync(self) -> None:
        for kind in list(self._plane.store.kinds()):
            for one in self._plane.store.objects(kind):
                if is_terminating(one):
                    self._waiting.add((kind, namespace_of(one), name_of(one)))

    def _changed(self, change: Change) -> None:
        if change.type == "DELETED":
            self._gone.add(uid_of(change.object))
            return
        if not is_terminating(change.object):
            return
        if change.kind is NAMESPACE:
            self._namespaces.add(name_of(change.object))
        if {_FOREGROUND, _ORPHAN} & set(at(change.object, "metadata", "finalizers", default=[])):
            self._waiting.add((change.kind, namespace_of(change.object), name_of(change.object)))

    def _collect(self, uid: str) -> None:
        for kind, one in self._plane.store.dependents(uid):
            self._delete(kind, one)

    def _finish(self, key: tuple[Kind, str, str]) -> None:
        """An owner that waits for its dependents to be orphaned, or gone."""
        kind = key[0]
        one = self._plane.store.get(*key)
        if one is None:
            return
        finalizers = at(one, "metadata", "finalizers", default=[])
        if _ORPHAN in finalizers:
            self._orphan(uid_of(one))
            self._plane.registry.drop_finalizer(kind, one, _ORPHAN)
        elif _FOREGROUND in finalizers:
            dependents = self._plane.store.dependents(uid_of(one))
            for of, each in dependents:
                self._delete(of, each, "Foreground" if self._plane.store.dependents(uid_of(each)) else "")
            if dependents:
                self._waiting.add_after(key, 0.5)
            else:
                self._plane.registry.drop_finalizer(kind, one, _FOREGROUND)

    def _orphan(self, uid: str) -> None:
        def change(new: Object) -> None:
            owners = new["metadata"]["ownerReferences"]
            new["metadata"]["ownerReferences"] = [one for one in owners if one["uid"] != uid]

        for kind, one in self._plane.store.dependents(uid):
            self._plane.registry.modify(kind, namespace_of(one), name_of(one), change)

    def _empty(self, namespace: str) -> None:
        """A namespace that is being deleted loses all that is in it, then goes."""
        found = self._plane.store.get(NAMESPACE, "", namespace)
        if found is None or not is_terminating(found):
            return
        inside = [
            (kind, one)
            for kind in list(self._plane.store.kinds())
            if kind.namespaced
            for one in self._plane.store.objects(kind, namespace)
        ]
        for kind, one in inside:
            self._delete(kind, one)
        if inside:
            self._namespaces.add_after(namespace, 1.0)
        else:
            self._plane.registry.drop_finalizer(NAMESPACE, found, "kubernetes")

    def _delete(self, kind: Kind, one: Object, propagation: str = "") -> None:
        if is_terminating(one):
            return
        try:
            place = (namespace_of(one), name_of(one))
            self._plane.registry.delete(kind, *place, uid=uid_of(one), propagation=propagation)
        except ApiError as exc:
            if exc.code != 404:
                raise
