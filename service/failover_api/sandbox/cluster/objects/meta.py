"""Metadata of an object: names, owners, conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from failover_api.sandbox.cluster.objects.json_values import Object, at, child

if TYPE_CHECKING:
    from collections.abc import Iterable


def name_of(obj: Object) -> str:
    return str(at(obj, "metadata", "name", default=""))


def namespace_of(obj: Object) -> str:
    return str(at(obj, "metadata", "namespace", default=""))


def uid_of(obj: Object) -> str:
    return str(at(obj, "metadata", "uid", default=""))


def labels_of(obj: Object) -> dict[str, str]:
    return dict(at(obj, "metadata", "labels", default={}))


def annotation(obj: Object, key: str) -> str | None:
    value = at(obj, "metadata", "annotations", default={}).get(key)
    return None if value is None else str(value)


def is_terminating(obj: Object) -> bool:
    return bool(at(obj, "metadata", "deletionTimestamp"))


def controller_of(obj: Object) -> Object | None:
    """The owner reference that is marked as controller."""
    owners = at(obj, "metadata", "ownerReferences", default=[])
    return next((owner for owner in owners if owner.get("controller")), None)


def owner_reference(owner: Object) -> Object:
    """Of a controller, for its dependents."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition(obj: Object, type_: str) -> Object | None:
    found: Iterable[Object] = at(obj, "status", "conditions", default=[])
    return next((one for one in found if one.get("type") == type_), None)


def condition_status(obj: Object, type_: str) -> str:
    """`True`, `False` or `Unknown`; empty where there is no such condition."""
    return str((condition(obj, type_) or {}).get("status", ""))


def set_condition(obj: Object, now: str, type_: str, status: str, **fields: Any) -> bool:
    """Sets a condition; its transition time moves only with its status. Whether anything changed.

    A field that is None is taken away.
    """
    conditions = child(obj, "status").setdefault("conditions", [])
    before = condition(obj, type_)
    after: Object = dict(before or {"type": type_})
    after["status"] = status
    for key, value in fields.items():
        if value is None:
            after.pop(key, None)
        else:
            after[key] = value
    if before is None or before.get("status") != status:
        after["lastTransitionTime"] = now
    if after == before:
        return False
    if before is None:
        conditions.append(after)
    else:
        before.clear()
        before.update(after)
    return True


def remove_condition(obj: Object, type_: str) -> None:
    conditions = at(obj, "status", "conditions", default=[])
    conditions[:] = [one for one in conditions if one.get("type") != type_]
