"""Whether an object is as it is meant to be, by the rules of kstatus that Flux waits by.

https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.meta import condition, condition_status, is_terminating

if TYPE_CHECKING:
    from collections.abc import Callable

CURRENT, IN_PROGRESS, FAILED, NOT_FOUND, TERMINATING = "Current", "InProgress", "Failed", "NotFound", "Terminating"


def status_of(one: Object | None) -> str:
    if one is None:
        return NOT_FOUND
    if is_terminating(one):
        return TERMINATING
    seen = at(one, "status", "observedGeneration")
    if seen is not None and seen < at(one, "metadata", "generation", default=0):
        return IN_PROGRESS
    rule = _RULES.get(str(one.get("kind")))
    return rule(one) if rule is not None else CURRENT


def _count(one: Object, key: str) -> int:
    return int(at(one, "status", key, default=0))


def _deployment(one: Object) -> str:
    if (condition(one, "Progressing") or {}).get("reason") == "ProgressDeadlineExceeded":
        return FAILED
    wanted = int(at(one, "spec", "replicas", default=1))
    keys = ("replicas", "updatedReplicas", "availableReplicas", "readyReplicas")
    if any(_count(one, key) < wanted for key in keys) or _count(one, "replicas") > _count(one, "updatedReplicas"):
        return IN_PROGRESS
    return CURRENT if wanted == 0 or condition_status(one, "Available") == "True" else IN_PROGRESS


def _stateful_set(one: Object) -> str:
    """With OnDelete it counts as good whatever runs."""
    if at(one, "spec", "updateStrategy", "type") == "OnDelete":
        return CURRENT
    wanted = int(at(one, "spec", "replicas", default=1))
    if _count(one, "readyReplicas") < wanted or _count(one, "currentReplicas") < wanted:
        return IN_PROGRESS
    same = at(one, "status", "currentRevision") == at(one, "status", "updateRevision")
    return CURRENT if same else IN_PROGRESS


def _claim(one: Object) -> str:
    return CURRENT if at(one, "status", "phase") == "Bound" else IN_PROGRESS


def _by_ready(one: Object) -> str:
    told = condition(one, "Ready")
    if told is None or at(one, "status", "observedGeneration") != at(one, "metadata", "generation"):
        return IN_PROGRESS
    return {"True": CURRENT, "False": FAILED}.get(str(told["status"]), IN_PROGRESS)


_RULES: dict[str, Callable[[Object], str]] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "PersistentVolumeClaim": _claim,
    "HelmRelease": _by_ready,
    "Kustomization": _by_ready,
    "GitRepository": _by_ready,
    "OCIRepository": _by_ready,
}
