"""YAML manifests as objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.objects.json_values import Object


def documents(text: str) -> list[Object]:
    """The objects of a text, a List taken apart. Raises ValueError."""
    yaml = YAML(typ="safe", pure=False)
    yaml.version = None
    try:
        found = [plain(one) for one in yaml.load_all(text) if one is not None]
    except Exception as exc:
        raise ValueError(f"it is no YAML: {exc}") from exc
    if not all(isinstance(one, dict) for one in found):
        raise ValueError("a document is no mapping")
    return [
        item
        for one in found
        for item in (one["items"] if str(one.get("kind")).endswith("List") and "items" in one else [one])
    ]


def plain(value: Any) -> Any:
    """As JSON has it: keys are text, a time is its text."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else str(value)
