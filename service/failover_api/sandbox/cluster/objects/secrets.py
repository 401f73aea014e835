"""What ConfigMaps and Secrets hold."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import at

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.objects.json_values import Object


def plain_data(one: Object) -> dict[str, str]:
    """As text, of a Secret too."""
    data = at(one, "data", default={})
    if one.get("kind") != "Secret":
        return {key: str(value) for key, value in data.items()}
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def fold_string_data(secret: Object) -> None:
    """`stringData` is for writing alone: it becomes `data`."""
    for key, value in (secret.pop("stringData", None) or {}).items():
        secret.setdefault("data", {})[key] = base64.b64encode(str(value).encode()).decode()
