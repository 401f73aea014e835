"""Autoscalers: their limits, and 0 replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from failover_api.sandbox.cluster.objects.refusals import ApiError
from tests.sandbox.cluster.apps import APP, apply, condition, deployment

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.cluster import SimulatedCluster


def autoscaler(**spec: Any) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"}
    whole = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 3, **spec}
    meta = {"name": "app", "namespace": "media"}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": meta, "spec": whole}


def replicas(cluster: SimulatedCluster) -> int:
    found = cluster.get("Deployment", APP)
    assert found is not None
    return int(found["spec"]["replicas"])


def test_0_replicas_switch_it_off(cluster: SimulatedCluster) -> None:
    apply(cluster, autoscaler(), deployment(replicas=0))
    cluster.advance(40)
    told = condition(cluster.get("HorizontalPodAutoscaler", APP), "ScalingActive")
    assert (told["status"], told["reason"]) == ("False", "ScalingDisabled")
    assert told["message"] == "scaling is disabled since the replica count of the target is zero"
    assert replicas(cluster) == 0


def test_its_limit_is_kept_within_35_s(cluster: SimulatedCluster) -> None:
    apply(cluster, autoscaler(), deployment(replicas=5))
    assert cluster.wait_for(lambda: replicas(cluster) == 3, 35) <= 35


def test_a_least_number_of_0_needs_another_metric(cluster: SimulatedCluster) -> None:
    with pytest.raises(ApiError, match=r"spec.minReplicas"):
        apply(cluster, autoscaler(minReplicas=0))
    apply(cluster, autoscaler(minReplicas=0, metrics=[{"type": "External"}]))
