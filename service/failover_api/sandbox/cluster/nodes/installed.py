"""Controllers that are installed in a cluster, as Deployments: Flux's, VolSync's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.objects.json_values import Object

_CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}


def controller(name: str, namespace: str, node: str, labels: dict[str, str]) -> Object:
    """One pod on one node, the control plane too."""
    pod = {
        "nodeSelector": {"kubernetes.io/hostname": node},
        "tolerations": [_CONTROL_PLANE],
        "containers": [{"name": "manager", "image": f"example.org/{name}:1"}],
    }
    whole = {**labels, "app": name}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": whole},
        "spec": {**spec, "template": {"metadata": {"labels": whole}, "spec": pod}},
    }
