"""Apps as manifests: one replica, a node selector, one claim whose volume is on one node."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from failover_api.sandbox.cluster.cluster import SimulatedCluster

if TYPE_CHECKING:
    from collections.abc import Sequence

W1, W2, CP = "k3s-w1", "k3s-w2", "k3s-cp"
APP = "media/app"
ROLLING = {"type": "RollingUpdate"}
RECREATE = {"type": "Recreate"}
SIDES = {"primary": ("primary", "a"), "backup": ("backup", "b")}


def affinity(node: str) -> dict[str, Any]:
    requirement = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": [requirement]}]}}


def claim(name: str, node: str, *, mode: str = "ReadWriteOnce", namespace: str = "media") -> list[dict[str, Any]]:
    """A claim, and the volume on a node that it is bound to."""
    meta = {"name": name, "namespace": namespace}
    shared = {"accessModes": [mode], "storageClassName": ""}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"pv-{name}"},
        "spec": {
            **shared,
            "capacity": {"storage": "1Gi"},
            "hostPath": {"path": f"/data/{name}"},
            "nodeAffinity": affinity(node),
            "claimRef": meta,
        },
    }
    spec = {**shared, "volumeName": f"pv-{name}", "resources": {"requests": {"storage": "1Gi"}}}
    return [volume, {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}]


def pod_template(role: str, claim_name: str, **spec: Any) -> dict[str, Any]:
    annotations = spec.pop("annotations", {})
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}
    plain = {"containers": [{"name": "app", "image": "example.org/app:1"}], "volumes": [volume]}
    meta = {"labels": {"app": "app"}, "annotations": annotations}
    return {"metadata": meta, "spec": {"nodeSelector": {"role": role}, **plain, **spec}}


def deployment(side: str = "primary", strategy: Any = None, *, pod: Any = None, **spec: Any) -> dict[str, Any]:
    role, claim_name = SIDES[side]
    whole = {"replicas": 1, "selector": {"matchLabels": {"app": "app"}}, **spec}
    if strategy is not None:
        whole["strategy"] = strategy
    whole["template"] = pod_template(role, claim_name, **(pod or {}))
    meta = {"name": "app", "namespace": "media"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": whole}


def stateful_set(side: str = "primary", *, pod: Any = None, **spec: Any) -> dict[str, Any]:
    role, claim_name = SIDES[side]
    whole = {"replicas": 1, "serviceName": "app", "selector": {"matchLabels": {"app": "app"}}, **spec}
    whole["template"] = pod_template(role, claim_name, **(pod or {}))
    meta = {"name": "app", "namespace": "media"}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta, "spec": whole}


def apply(cluster: SimulatedCluster, *objects: dict[str, Any]) -> None:
    for one in objects:
        cluster.apply(json.loads(json.dumps(one)), "kustomize-controller")


def cluster_with_claims(mode: str = "ReadWriteOnce", **how: Any) -> SimulatedCluster:
    """Claim `a` is on k3s-w1, `b` on k3s-w2."""
    cluster = SimulatedCluster(**how)
    apply(cluster, *claim("a", W1, mode=mode), *claim("b", W2, mode=mode))
    cluster.advance(1)
    return cluster


def running(cluster: SimulatedCluster, *objects: dict[str, Any], for_s: float = 60.0) -> SimulatedCluster:
    """Applied, its pod Ready on k3s-w1, and some time gone by."""
    apply(cluster, *objects)
    cluster.wait_for(lambda: cluster.ready_pod(APP, W1), 10)
    cluster.advance(for_s)
    return cluster


def seconds_until_ready(cluster: SimulatedCluster, node: str = W2, at_most_s: float = 90.0, place: str = APP) -> float:
    return cluster.wait_for(lambda: cluster.ready_pod(place, node), at_most_s)


def has_no_pod(cluster: SimulatedCluster, seconds: float, node: str = W2) -> bool:
    """Whether no pod was Ready on a node for so long."""
    for _ in range(int(seconds / 5)):
        cluster.advance(5)
        if cluster.ready_pod(APP, node):
            return False
    return True


def condition(obj: Any, type_: str) -> dict[str, Any]:
    found: Sequence[dict[str, Any]] = (obj or {}).get("status", {}).get("conditions", [])
    return next((one for one in found if one["type"] == type_), {})


def ready_of(cluster: SimulatedCluster, node: str) -> str:
    return str(condition(cluster.get("Node", node), "Ready").get("status", ""))


def taints_of(cluster: SimulatedCluster, node: str) -> list[str]:
    """`key:effect`, without the prefix."""
    found = cluster.get("Node", node) or {"spec": {}}
    listed = found["spec"].get("taints", [])
    return sorted(f"{one['key'].removeprefix('node.kubernetes.io/')}:{one['effect']}" for one in listed)


def said(cluster: SimulatedCluster, reason: str) -> list[str]:
    """Messages of events with this reason."""
    return [str(one["message"]) for one in cluster.list("Event") if one["reason"] == reason]


def only_pod(cluster: SimulatedCluster) -> Any:
    (pod,) = cluster.pods(APP)
    return pod
