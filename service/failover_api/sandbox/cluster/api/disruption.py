"""The subresource `eviction`: how a drain asks a pod to leave, and how a budget refuses it.

https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.control.pods import is_ready
from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.kinds import DISRUPTION_BUDGET, POD
from failover_api.sandbox.cluster.objects.meta import labels_of, name_of, namespace_of, set_condition
from failover_api.sandbox.cluster.objects.quantities import share_of
from failover_api.sandbox.cluster.objects.refusals import ApiError
from failover_api.sandbox.cluster.objects.selectors import selects

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.api.request import Target
    from failover_api.sandbox.cluster.registry import Registry


def evict(registry: Registry, target: Target) -> Object:
    """Raises ApiError 429 when a budget forbids it."""
    pod = registry.get(POD, target.namespace, target.name)
    for budget in registry.store.objects(DISRUPTION_BUDGET, target.namespace):
        if selects(at(budget, "spec", "selector"), labels_of(pod)):
            _check(registry, budget)
    said = {"reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}
    registry.modify(
        POD,
        target.namespace,
        target.name,
        lambda new: set_condition(new, registry.now, "DisruptionTarget", "True", **said),
    )
    registry.delete(POD, target.namespace, target.name)
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def _check(registry: Registry, budget: Object) -> None:
    pods = registry.store.objects(POD, namespace_of(budget))
    chosen = [pod for pod in pods if selects(at(budget, "spec", "selector"), labels_of(pod))]
    healthy = sum(map(is_ready, chosen))
    minimum = at(budget, "spec", "minAvailable")
    if minimum is not None:
        needed = share_of(minimum, len(chosen), up=True)
    else:
        needed = len(chosen) - share_of(at(budget, "spec", "maxUnavailable", default=0), len(chosen), up=True)
    if healthy - 1 < needed:
        why = f"The disruption budget {name_of(budget)} needs {needed} healthy pods and has {healthy} currently"
        message = "Cannot evict pod as it would violate the pod's disruption budget."
        raise ApiError(429, "TooManyRequests", message, {"causes": [{"reason": "DisruptionBudget", "message": why}]})
