"""What etcd is to the API server: objects, one version for all, and the changes that led here.

Law: an object that is stored is never changed, only replaced. Whoever wants another copies it first.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.meta import controller_of, name_of, namespace_of, uid_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from failover_api.sandbox.cluster.objects.kinds import Kind

_LOG_AT_MOST = 20_000


@dataclass(frozen=True, slots=True)
class Change:
    version: int
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    kind: Kind
    object: Object
    before: Object | None


class Store:
    """Not safe to share between threads: callers hold the clock's lock."""

    def __init__(self) -> None:
        self.version = 1
        self.compacted = 1  # changes up to this version are forgotten
        self._objects: dict[Kind, dict[tuple[str, str], Object]] = {}
        self._log: list[Change] = []
        self._listeners: list[Callable[[Change], None]] = []
        self._watchers: list[Callable[[Change], None]] = []
        self._by_owner: dict[str, dict[tuple[Kind, str, str], None]] = {}
        self._by_node: dict[str, dict[tuple[str, str], None]] = {}
        self._by_uid: dict[str, tuple[Kind, tuple[str, str]]] = {}

    def subscribe(self, listener: Callable[[Change], None]) -> None:
        """It is called after each change."""
        self._listeners.append(listener)

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        return self._objects.get(kind, {}).get((namespace, name))

    def watch(self, watcher: Callable[[Change], None]) -> None:
        """As `subscribe`, for who only looks: it is told of planted objects too."""
        self._watchers.append(watcher)

    def objects(self, kind: Kind, namespace: str = "") -> list[Object]:
        """In the order of namespace and name; all namespaces unless one is given."""
        found = self._objects.get(kind, {})
        return [found[key] for key in sorted(found) if not namespace or key[0] == namespace]

    def objects_at(self, kind: Kind, namespace: str, version: int) -> list[Object]:
        """As `objects` was at a version that is not compacted."""
        found = dict(self._objects.get(kind, {}))
        for change in reversed(self.since(version)):
            if change.kind is kind:
                key = (namespace_of(change.object), name_of(change.object))
                if change.before is None:
                    found.pop(key, None)
                else:
                    found[key] = change.before
        return [found[key] for key in sorted(found) if not namespace or key[0] == namespace]

    def owned_by(self, uid: str, kind: Kind) -> list[Object]:
        """Those whose controller has this UID."""
        return [self._objects[kind][ns, name] for of, ns, name in self._by_owner.get(uid, ()) if of is kind]

    def dependents(self, uid: str) -> list[tuple[Kind, Object]]:
        """All that name this UID as their controller."""
        return [(kind, self._objects[kind][ns, name]) for kind, ns, name in self._by_owner.get(uid, ())]

    def find(self, kind: Kind, uid: str) -> Object | None:
        """The object with this UID."""
        of, key = self._by_uid.get(uid, (kind, ("", "")))
        return self._objects.get(kind, {}).get(key) if of is kind else None

    def count_on(self, node: str) -> int:
        """How many pods are bound to a node."""
        return len(self._by_node.get(node, ()))

    def pods_on(self, pod: Kind, node: str) -> list[Object]:
        return [self._objects[pod][key] for key in self._by_node.get(node, ())]

    def put(self, kind: Kind, obj: Object, *, planted: bool = False) -> Object:
        """Stores `obj` under the next version, which is written into it. Controllers do not hear of a planted one."""
        key = (namespace_of(obj), name_of(obj))
        kept = self._objects.setdefault(kind, {})
        before = kept.get(key)
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        if before is not None:
            self._forget(kind, key, before)
        kept[key] = obj
        self._remember(kind, key, obj)
        self._tell(Change(self.version, "ADDED" if before is None else "MODIFIED", kind, obj, before), planted)
        return obj

    def remove(self, kind: Kind, namespace: str, name: str) -> None:
        before = self._objects[kind].pop((namespace, name))
        self._forget(kind, (namespace, name), before)
        self.version += 1
        last = {**before, "metadata": {**before["metadata"], "resourceVersion": str(self.version)}}
        self._tell(Change(self.version, "DELETED", kind, last, before))

    def since(self, version: int) -> list[Change]:
        """Changes after `version`, which must not be compacted."""
        return self._log[bisect.bisect_right(self._log, version, key=lambda change: change.version) :]

    def compact(self) -> None:
        """Forgets all changes."""
        self.compacted = self.version
        self._log.clear()

    def kinds(self) -> Iterator[Kind]:
        yield from self._objects

    def _tell(self, change: Change, planted: bool = False) -> None:
        self._log.append(change)
        if len(self._log) > _LOG_AT_MOST:
            half = len(self._log) // 2
            self.compacted = self._log[half - 1].version
            del self._log[:half]
        for listener in self._watchers if planted else [*self._listeners, *self._watchers]:
            listener(change)

    def _remember(self, kind: Kind, key: tuple[str, str], obj: Object) -> None:
        self._by_uid[uid_of(obj)] = kind, key
        if owner := controller_of(obj):
            self._by_owner.setdefault(str(owner["uid"]), {})[(kind, *key)] = None
        if kind.kind == "Pod" and (node := at(obj, "spec", "nodeName")):
            self._by_node.setdefault(node, {})[key] = None

    def _forget(self, kind: Kind, key: tuple[str, str], obj: Object) -> None:
        self._by_uid.pop(uid_of(obj), None)
        if owner := controller_of(obj):
            self._by_owner.get(str(owner["uid"]), {}).pop((kind, *key), None)
        if kind.kind == "Pod" and (node := at(obj, "spec", "nodeName")):
            self._by_node.get(node, {}).pop(key, None)
