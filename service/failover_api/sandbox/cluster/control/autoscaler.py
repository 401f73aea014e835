"""HorizontalPodAutoscalers, as far as they matter to a failover: limits, and that 0 replicas switch one off.

No metric is measured, so nothing is scaled within the limits.
https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.kinds import AUTOSCALER, kind_of
from failover_api.sandbox.cluster.objects.meta import name_of, namespace_of, set_condition

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.plane import Plane

_EVERY_S = 15.0
_DISABLED = "scaling is disabled since the replica count of the target is zero"


class Autoscalers:
    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        plane.clock.every(_EVERY_S, self._round, first=plane.between(1.0, _EVERY_S))

    def _round(self) -> None:
        if self._plane.manager_runs:
            for one in self._plane.store.objects(AUTOSCALER):
                self._look(one)

    def _look(self, one: Object) -> None:
        reference = one["spec"]["scaleTargetRef"]
        kind = kind_of(reference.get("apiVersion", "apps/v1"), reference["kind"])
        target = self._plane.store.get(kind, namespace_of(one), reference["name"]) if kind is not None else None
        if kind is None or target is None:
            self._say(one, "AbleToScale", "False", "FailedGetScale", f'"{reference["name"]}" not found')
            return
        replicas = int(at(target, "spec", "replicas", default=1))
        minimum, maximum = int(at(one, "spec", "minReplicas", default=1)), int(one["spec"]["maxReplicas"])
        if replicas == 0 and minimum != 0:
            self._say(one, "ScalingActive", "False", "ScalingDisabled", _DISABLED)
            return
        self._say(one, "ScalingActive", "True", "ValidMetricFound", "the autoscaler is within its limits")
        wanted = min(max(replicas, minimum), maximum)
        if wanted != replicas:
            self._plane.registry.modify(
                kind, namespace_of(target), name_of(target), lambda new: new["spec"].update(replicas=wanted)
            )

    def _say(self, one: Object, type_: str, status: str, reason: str, message: str) -> None:
        def change(new: Object) -> None:
            set_condition(new, self._plane.now, type_, status, reason=reason, message=message)

        self._plane.registry.modify(AUTOSCALER, namespace_of(one), name_of(one), change)
