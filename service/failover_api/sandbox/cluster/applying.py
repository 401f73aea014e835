"""Server-side apply on what is stored: what each manager applied last, and what kubectl changed by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from failover_api.sandbox.cluster.objects.json_values import Object, at, copied, without_nulls
from failover_api.sandbox.cluster.objects.meta import name_of, namespace_of, uid_of
from failover_api.sandbox.cluster.objects.refusals import ApiError, bad_request, conflict
from failover_api.sandbox.cluster.objects.server_side_apply import apply, conflicts

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.objects.kinds import Kind
    from failover_api.sandbox.cluster.registry import Registry


class Applier:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._applied: dict[str, dict[str, Object]] = {}  # UID -> manager -> what it applied last
        self._by_hand: dict[str, Object] = {}  # UID -> what kubectl changed otherwise

    def apply(
        self, kind: Kind, manifest: Object, manager: str, *, force: bool = False, dry_run: bool = False
    ) -> tuple[Object, bool]:
        """The object afterwards, and whether it is new. Raises ApiError."""
        given = without_nulls(manifest)
        given.pop("status", None)
        for field in ("managedFields", "creationTimestamp"):
            at(given, "metadata", default={}).pop(field, None)
        live = self._registry.store.get(kind, namespace_of(given), name_of(given))
        if live is None:
            made = self._registry.create(kind, given, dry_run=dry_run)
            self._remember(made, manager, given, dry_run)
            return made, True
        self._check(kind, live, given, manager, force)
        new = apply(live, given, self._applied.get(uid_of(live), {}).get(manager))
        updated = self._registry.update(kind, new, dry_run=dry_run)
        self._remember(live, manager, given, dry_run)
        return updated, False

    def changed_by_hand(self, before: Object, after: Object) -> None:
        """kubectl wrote to an object, without apply: a manager may take this over later."""
        changed = _changed(before.get("spec"), after.get("spec"))
        if changed:
            noted = self._by_hand.setdefault(uid_of(after), {"spec": {}})
            noted["spec"] = {**noted["spec"], **changed}

    def take_over(self, kind: Kind, namespace: str, name: str, manager: str) -> None:
        """What kubectl changed by hand counts as applied by `manager`, as Flux does before it applies."""
        live = self._registry.store.get(kind, namespace, name)
        by_hand = self._by_hand.pop(uid_of(live), None) if live is not None else None
        if live is not None and by_hand is not None:
            mine = self._applied.setdefault(uid_of(live), {}).setdefault(manager, {})
            self._applied[uid_of(live)][manager] = apply(copied(mine), by_hand, None)

    def _check(self, kind: Kind, live: Object, given: Object, manager: str, force: bool) -> None:
        version = at(given, "metadata", "resourceVersion")
        if version and version != live["metadata"]["resourceVersion"]:
            raise conflict(kind, name_of(given))
        if force:
            return
        others = {name: one for name, one in self._applied.get(uid_of(live), {}).items() if name != manager}
        found = [(name, path) for name, one in others.items() for path in conflicts(live, given, one)]
        found = [(name, path) for name, path in found if path not in (".apiVersion", ".kind")]
        if found:
            said = [f'conflict with "{name}": {path}' for name, path in found]
            causes = [
                {"reason": "FieldManagerConflict", "message": f'conflict with "{name}"', "field": path}
                for name, path in found
            ]
            count = f"{len(found)} conflict{'s' if len(found) > 1 else ''}"
            raise ApiError(409, "Conflict", f"Apply failed with {count}: {'; '.join(said)}", {"causes": causes})

    def _remember(self, obj: Object, manager: str, given: Object, dry_run: bool) -> None:
        if not manager:
            raise bad_request(
                'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
            )
        if not dry_run:
            self._applied.setdefault(uid_of(obj), {})[manager] = given


def _changed(before: Any, after: Any) -> Object:
    """What is new or different in `after`, below nested objects."""
    if not isinstance(after, dict):
        return {}
    before = before if isinstance(before, dict) else {}
    changed: Object = {}
    for key, value in after.items():
        if isinstance(value, dict):
            if inner := _changed(before.get(key), value):
                changed[key] = inner
        elif before.get(key) != value:
            changed[key] = value
    return changed
