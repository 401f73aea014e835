"""JSON values: copies, and places in them."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def copied(value: Any) -> Any:
    """A copy that shares no dict or list."""
    if isinstance(value, dict):
        return {key: copied(one) for key, one in value.items()}
    if isinstance(value, list):
        return [copied(one) for one in value]
    return value


def at(value: Any, *path: str, default: Any = None) -> Any:
    """What is at `path` below nested objects; `default` where there is nothing, or null."""
    for key in path:
        if not isinstance(value, dict):
            return default
        value = value.get(key)
    return default if value is None else value


def child(value: Object, key: str) -> Object:
    """The object at `key`, made when it is absent or null."""
    inner = value.get(key)
    if not isinstance(inner, dict):
        inner = value[key] = {}
    return inner


def without_nulls(value: Any) -> Any:
    """As the API server reads a manifest: a key that is null is not there."""
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [without_nulls(one) for one in value]
    return value
