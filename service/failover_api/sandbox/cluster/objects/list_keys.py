"""Which lists are merged element by element, and by which keys their elements are told apart.

All other lists are atomic. https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEYS: dict[str, tuple[str, ...]] = {
    "addresses": ("type",),
    "conditions": ("type",),
    "containers": ("name",),
    "env": ("name",),
    "ephemeralContainers": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}

# Maps that are replaced whole.
ATOMIC_MAPS = frozenset({"nodeSelector", "selector"})


def keys_of_list(field: str, elements: Iterable[object]) -> tuple[str, ...]:
    """No keys for a list that is atomic. `ports` are told apart by what they have: a container's or a service's."""
    listed = list(elements)
    if not all(isinstance(one, dict) for one in listed):
        return ()
    if field == "ports":
        has_container_port = any("containerPort" in one for one in listed if isinstance(one, dict))
        return ("containerPort" if has_container_port else "port", "protocol")
    return _KEYS.get(field, ())
