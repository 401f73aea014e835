"""Server-side apply, without owners of fields: what a manager applied before is all that is remembered.

A field that the manager applied before and leaves out now is taken away, if it is still as it was applied. Defaults
that the server filled in beside it go with it; defaults elsewhere stay, and this is why `Recreate` is refused after a
defaulted `rollingUpdate`.

https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from failover_api.sandbox.cluster.objects.defaults import fill_defaults
from failover_api.sandbox.cluster.objects.json_values import Object, copied
from failover_api.sandbox.cluster.objects.list_keys import ATOMIC_MAPS, keys_of_list

if TYPE_CHECKING:
    from collections.abc import Iterator

_MISSING: Any = object()


def apply(live: Object, manifest: Object, before: Object | None) -> Object:
    """`live` with `manifest` applied to it, by a manager that applied `before`."""
    merged = _merged(copied(live), manifest, "")
    if before is not None:
        filled = fill_defaults(copied(before))
        merged = _pruned(merged, before, filled, manifest, "")
    return dict(merged)


def conflicts(live: Object, manifest: Object, other: Object) -> list[str]:
    """Fields that another manager applied, that are still as it applied them, and that `manifest` would change."""
    return list(_conflicts(live, manifest, other, ""))


def _merged(target: Any, patch: Any, field: str) -> Any:
    if isinstance(patch, dict) and isinstance(target, dict) and field not in ATOMIC_MAPS:
        for key, value in patch.items():
            target[key] = _merged(target.get(key), value, key)
        return target
    if isinstance(patch, list) and isinstance(target, list):
        keys = keys_of_list(field, [*target, *patch])
        if keys:
            return _merged_elements(target, patch, keys)
    return copied(patch)


def _merged_elements(target: list[Any], patch: list[Any], keys: tuple[str, ...]) -> list[Any]:
    for element in patch:
        same = _same(target, element, keys)
        if same is None:
            target.append(copied(element))
        else:
            _merged(same, element, "")
    return target


def _same(elements: list[Any], wanted: Any, keys: tuple[str, ...]) -> Any:
    """A key that an element leaves out is its default, and only protocol has one."""
    defaults = {"protocol": "TCP"}
    identity = [wanted.get(key, defaults.get(key)) for key in keys]
    return next((one for one in elements if [one.get(key, defaults.get(key)) for key in keys] == identity), None)


def _pruned(merged: Any, before: Any, filled: Any, now: Any, field: str) -> Any:
    """`merged` without what `before` had and `now` has not. `filled` is `before` with its defaults."""
    if isinstance(before, dict) and isinstance(merged, dict) and field not in ATOMIC_MAPS:
        for key, value in before.items():
            if isinstance(now, dict) and key in now:
                if key in merged:
                    merged[key] = _pruned(merged[key], value, filled.get(key), now[key], key)
            elif key in merged:
                _take_away(merged, key, filled.get(key), key)
        return merged
    keys = keys_of_list(field, [*before, *merged]) if isinstance(before, list) and isinstance(merged, list) else ()
    if keys and isinstance(now, list):
        return _pruned_elements(merged, before, filled, now, keys)
    return merged


def _pruned_elements(merged: list[Any], before: Any, filled: Any, now: Any, keys: tuple[str, ...]) -> list[Any]:
    for element in before:
        current, whole = _same(merged, element, keys), _same(filled, element, keys)
        if current is None:
            continue
        kept = _same(now, element, keys)
        if kept is not None:
            _pruned(current, element, whole, kept, "")
            continue
        left = _left_over(current, whole, "")
        if left is _MISSING or all(key in keys for key in left):
            merged = [one for one in merged if one is not current]
    return merged


def _take_away(target: Object, key: str, owned: Any, field: str) -> None:
    left = _left_over(target[key], owned, field)
    if left is _MISSING:
        del target[key]
    else:
        target[key] = left


def _left_over(value: Any, owned: Any, field: str) -> Any:
    """What is in `value` and not in `owned`, or has another value there; _MISSING when nothing is."""
    if isinstance(value, dict) and isinstance(owned, dict) and field not in ATOMIC_MAPS:
        left = {key: _left_over(one, owned[key], key) if key in owned else one for key, one in value.items()}
        left = {key: one for key, one in left.items() if one is not _MISSING}
        return left or _MISSING
    keys = keys_of_list(field, [*value, *owned]) if isinstance(value, list) and isinstance(owned, list) else ()
    if keys:
        return [one for one in value if _same(owned, one, keys) is None] or _MISSING
    return _MISSING if value == owned else value


def _conflicts(live: Any, new: Any, other: Any, path: str) -> Iterator[str]:
    field = path.rpartition(".")[2]
    if isinstance(new, dict) and isinstance(other, dict) and isinstance(live, dict) and field not in ATOMIC_MAPS:
        for key in new:
            if key in other and key in live:
                yield from _conflicts(live[key], new[key], other[key], f"{path}.{key}")
    elif isinstance(new, list) and isinstance(other, list) and (keys := keys_of_list(field, [*new, *other])):
        for element in new:
            theirs, current = _same(other, element, keys), _same(live, element, keys)
            if theirs is not None and current is not None:
                named = ",".join(f'{key}="{element.get(key)}"' for key in keys)
                yield from _conflicts(current, element, theirs, f"{path}[{named}]")
    elif new != other and live == other:
        yield path
