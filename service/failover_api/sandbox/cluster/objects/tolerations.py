"""Taints, and who puts up with them. https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from failover_api.sandbox.cluster.objects.json_values import Object


def tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return toleration.get("key") == taint["key"] and (toleration.get("value") or "") == (taint.get("value") or "")


def is_tolerated(tolerations: Iterable[Object], taint: Object) -> bool:
    return any(tolerates(one, taint) for one in tolerations)


def tolerated_s(tolerations: Iterable[Object], taint: Object) -> float | None:
    """For how long: 0 not at all, None for ever."""
    fitting = [one for one in tolerations if tolerates(one, taint)]
    if not fitting:
        return 0.0
    limits = [float(one["tolerationSeconds"]) for one in fitting if one.get("tolerationSeconds") is not None]
    return min(limits) if limits else None
