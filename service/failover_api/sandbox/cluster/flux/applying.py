"""How Flux applies: in stages, each tried whole before any of it is written, and what is left over is pruned.

One object that is refused stops all that comes with it and after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at, child, copied
from failover_api.sandbox.cluster.objects.kinds import kind_of
from failover_api.sandbox.cluster.objects.meta import annotation, labels_of, name_of, namespace_of
from failover_api.sandbox.cluster.objects.refusals import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from failover_api.sandbox.cluster.applying import Applier
    from failover_api.sandbox.cluster.objects.kinds import Kind
    from failover_api.sandbox.cluster.registry import Registry

_PREFIX = "kustomize.toolkit.fluxcd.io/"
_FIRST = ("Namespace", "CustomResourceDefinition")
_CLASSES = ("StorageClass", "PriorityClass", "ClusterRole")


class ApplyFailed(Exception):
    pass


@dataclass(slots=True)
class Applied:
    """`entries` is the inventory; `changed` says what was done, such as `Deployment/media/app configured`."""

    entries: list[Object] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)


class FluxApply:
    def __init__(self, registry: Registry, applier: Applier, manager: str) -> None:
        self._registry, self._applier, self._manager = registry, applier, manager

    def apply(self, objects: Iterable[Object], *, forces: bool = False) -> Applied:
        """Raises ApplyFailed; then nothing of that stage, or of a later one, was written."""
        applied = Applied()
        for stage in _stages(list(objects)):
            known = [(self._kind(one), one) for one in stage]
            chosen = [(kind, one) for kind, one in known if not self._is_ignored(kind, one)]
            for kind, one in chosen:
                self._try(kind, one, forces)
            for kind, one in chosen:
                self._write(kind, one, forces, applied)
            applied.entries = [
                *applied.entries,
                *(_entry(kind, one) for kind, one in known if (kind, one) not in chosen),
            ]
        return applied

    def prune(self, before: Iterable[Object], now: Iterable[Object]) -> list[str]:
        """Deletes what the inventory had and has no more, but what is marked to be kept."""
        kept = {entry["id"] for entry in now}
        pruned = []
        for entry in before:
            namespace, name, group, kind_name = entry["id"].split("_")
            kind = kind_of(f"{group}/{entry['v']}" if group else entry["v"], kind_name)
            found = self._registry.store.get(kind, namespace, name) if kind and entry["id"] not in kept else None
            if kind is not None and found is not None and not _is_marked(found, "prune", "disabled"):
                self._registry.delete(kind, namespace, name)
                pruned.append(f"{titled(found)} deleted")
        return pruned

    def _kind(self, one: Object) -> Kind:
        kind = kind_of(one.get("apiVersion"), one.get("kind"))
        if kind is None:
            why = f'no matches for kind "{one.get("kind")}" in version "{one.get("apiVersion")}"'
            raise ApplyFailed(f"{titled(one)} dry-run failed: {why}")
        if kind.namespaced:
            child(one, "metadata").setdefault("namespace", "default")
        return kind

    def _is_ignored(self, kind: Kind, one: Object) -> bool:
        live = self._registry.store.get(kind, namespace_of(one), name_of(one))
        for each in filter(None, (one, live)):
            if _is_marked(each, "ssa", "ignore") or _is_marked(each, "reconcile", "disabled"):
                return True
        return live is not None and _is_marked(one, "ssa", "ifnotpresent")

    def _try(self, kind: Kind, one: Object, forces: bool) -> None:
        try:
            self._applier.apply(kind, copied(one), self._manager, force=True, dry_run=True)
        except ApiError as exc:
            if not (_can_be_replaced(exc) and _forces(one, forces)):
                raise ApplyFailed(f"{titled(one)} dry-run failed ({exc.reason}): {exc.message}") from exc

    def _write(self, kind: Kind, one: Object, forces: bool, applied: Applied) -> None:
        place = (namespace_of(one), name_of(one))
        before = self._registry.store.get(kind, *place)
        self._applier.take_over(kind, *place, self._manager)
        try:
            after, is_new = self._applier.apply(kind, copied(one), self._manager, force=True)
        except ApiError as exc:
            if not (_can_be_replaced(exc) and _forces(one, forces)):
                raise ApplyFailed(f"{titled(one)} apply failed: {exc.message}") from exc
            self._registry.delete(kind, *place)
            after, is_new = self._applier.apply(kind, copied(one), self._manager, force=True)
        applied.entries.append(_entry(kind, one))
        if is_new or before is None:
            applied.changed.append(f"{titled(one)} created")
        elif after["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]:
            applied.changed.append(f"{titled(one)} configured")


def titled(one: Object) -> str:
    """`Deployment/media/app`."""
    return "/".join(filter(None, (str(one.get("kind")), namespace_of(one), name_of(one))))


def _entry(kind: Kind, one: Object) -> Object:
    return {"id": "_".join((namespace_of(one), name_of(one), kind.group, kind.kind)), "v": kind.version}


def _stages(objects: list[Object]) -> list[list[Object]]:
    first = [one for one in objects if one.get("kind") in _FIRST]
    classes = [one for one in objects if one.get("kind") in _CLASSES]
    rest = [one for one in objects if one.get("kind") not in (*_FIRST, *_CLASSES)]
    return [stage for stage in (first, classes, rest) if stage]


def _is_marked(one: Object, what: str, value: str) -> bool:
    marks = (annotation(one, _PREFIX + what), labels_of(one).get(_PREFIX + what))
    return any(str(mark).lower() == value for mark in marks if mark)


def _forces(one: Object, forces: bool) -> bool:
    return forces or _is_marked(one, "force", "enabled")


def _can_be_replaced(exc: ApiError) -> bool:
    return exc.code == 422 and ("immutable" in exc.message or "updates to statefulset spec" in exc.message)


def inventory_of(one: Object) -> list[Object]:
    found: list[Object] = at(one, "status", "inventory", "entries", default=[])
    return found
