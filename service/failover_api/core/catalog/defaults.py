"""`defaults:` of services.yaml, put into each service that does not say otherwise.

`{service}` is the service's name, in any text. A default holds only where its key may stand; `null` in a service takes
one away.
"""

from collections.abc import Mapping
from typing import Any

SERVICE = "{service}"
WORKLOADS = ("deployment", "statefulset", "helmrelease")
_CLAIMS = ("primary_pvc", "backup_pvc")
_LABELS = ("primary_node_label", "backup_node_label")
_OF_A_WORKLOAD = {
    *("path", "node_label_key", *_LABELS, "volume_name", *_CLAIMS, "volumes", "node_path", "claim_path"),
}
_NULLABLE = {"fallback", "claims"}  # null is a value there


def with_defaults(data: Any) -> Any:
    """The data of services.yaml with each service complete. What is no mapping stays, for the schema to refuse."""
    if not isinstance(data, dict) or not isinstance(data.get("services"), dict):
        return data
    defaults = data["defaults"] if isinstance(data.get("defaults"), dict) else {}
    services = {
        name: _completed(name, own, defaults) if isinstance(own, dict) else own
        for name, own in data["services"].items()
    }
    return {**data, "services": services}


def without_nulls(data: Any) -> Any:
    """The data without what `null` takes away: what is left is each service's own, to be checked by the schema."""
    if not isinstance(data, dict) or not isinstance(data.get("services"), dict):
        return data
    defaults = data["defaults"] if isinstance(data.get("defaults"), dict) else {}
    services = {
        name: {key: own[key] for key in own if not _takes_away(key, own, defaults)} if isinstance(own, dict) else own
        for name, own in data["services"].items()
    }
    return {**data, "services": services}


def _completed(name: str, own: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    held = {key: value for key, value in defaults.items() if key not in own and _may_stand(key, own, defaults)}
    merged = {**held, **{key: value for key, value in own.items() if not _takes_away(key, own, defaults)}}
    return {key: _named(value, name) for key, value in merged.items()}


def _takes_away(key: str, own: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
    return own[key] is None and key in defaults and key not in _NULLABLE


def _may_stand(key: str, own: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
    """Whether a default holds in a service, by what the service says itself."""

    def is_there(*keys: str) -> bool:
        return any(own[key] is not None if key in own else defaults.get(key) is not None for key in keys)

    if key in _OF_A_WORKLOAD and not any(own.get(workload) for workload in WORKLOADS):
        return False
    match key:
        case "unblock":
            return bool(own.get("deployment"))
        case "volume_name" | "claim_path" if own.get("volumes") is not None:
            return False
        case "primary_pvc" | "backup_pvc":
            return own.get("volumes") is None and is_there("volume_name", "claim_path")
        case "volumes":
            return not any(own.get(single) is not None for single in ("volume_name", "claim_path", *_CLAIMS))
        case "node_label_key":
            return is_there(*_LABELS) and own.get("node_path") is None
        case "node_path":
            return is_there(*_LABELS) and bool(own.get("helmrelease")) and own.get("node_label_key") is None
        case "claim_path":
            return bool(own.get("helmrelease")) and own.get("volume_name") is None
        case "replication":  # where there are data to bring, something is stopped for it
            kind = defaults[key].get("kind") if isinstance(defaults[key], dict) else None
            return kind == "none" or is_there("workload") or any(own.get(workload) for workload in WORKLOADS)
        case "quiesce":
            return _may_stop(own, defaults["quiesce"])
        case _:
            return True


def _may_stop(own: Mapping[str, Any], quiesce: Any) -> bool:
    """Whether `quiesce` is of this kind of workload: what is below a HelmRelease's values is of no other."""
    is_below_values = isinstance(quiesce, dict) and str(quiesce.get("path")).startswith("spec.values")
    if own.get("helmrelease"):
        return is_below_values
    return not (is_below_values and any(own.get(workload) for workload in WORKLOADS))


def _named(value: Any, name: str) -> Any:
    match value:
        case str():
            return value.replace(SERVICE, name)
        case list():
            return [_named(item, name) for item in value]
        case dict():
            return {key: _named(item, name) for key, item in value.items()}
        case _:
            return value
