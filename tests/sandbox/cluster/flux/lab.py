"""A repository in the sandbox and a cluster whose Flux applies it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.sandbox.cluster.apps import RECREATE, claim, cluster_with_claims, condition, deployment

if TYPE_CHECKING:
    from failover_api.sandbox import Sandbox
    from failover_api.sandbox.cluster.cluster import SimulatedCluster

DEPLOYMENT = "apps/app/deployment.yaml"
URL = "https://github.com/acme/homelab"
HOUR = "1h"


def source(**spec: Any) -> dict[str, Any]:
    meta = {"name": "lab", "namespace": "flux-system"}
    whole = {"interval": "5m", "url": URL, "ref": {"branch": "main"}, **spec}
    return {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": meta, "spec": whole}


def kustomization(name: str = "apps", path: str = "./apps", **spec: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "flux-system"}
    of = {"sourceRef": {"kind": "GitRepository", "name": "lab"}, "path": path}
    whole = {"interval": HOUR, "retryInterval": "1m", "prune": True, **of, **spec}
    api = "kustomize.toolkit.fluxcd.io/v1"
    return {"apiVersion": api, "kind": "Kustomization", "metadata": meta, "spec": whole}


def text(one: dict[str, Any]) -> bytes:
    return json.dumps(one, indent=1).encode()


FILES = {
    DEPLOYMENT: text(deployment(strategy=RECREATE)),
    "apps/app/config.yaml": text({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "media"},
        "data": {"colour": "blue"},
    }),
    "README.md": b"# A lab\n",
}  # fmt: skip


def lab(sandbox: Sandbox, **spec: Any) -> SimulatedCluster:
    """Applied once; `spec` is the Kustomization's."""
    cluster = cluster_with_claims()
    cluster.install_flux(sandbox.repositories)
    cluster.advance(3)
    cluster.apply(source(), "flux")
    cluster.apply(kustomization(**spec), "flux")
    cluster.advance(10)
    return cluster


def ready(cluster: SimulatedCluster, name: str = "apps", kind: str = "Kustomization") -> tuple[str, str, str]:
    told = condition(cluster.get(kind, f"flux-system/{name}"), "Ready")
    return told.get("status", ""), told.get("reason", ""), told.get("message", "")


def status(cluster: SimulatedCluster, name: str = "apps", kind: str = "Kustomization") -> dict[str, Any]:
    found = cluster.get(kind, f"flux-system/{name}")
    assert found is not None
    return dict(found["status"])


def ask(cluster: SimulatedCluster) -> None:
    """A person runs `flux reconcile source git lab`."""

    def change(new: dict[str, Any]) -> None:
        new["metadata"].setdefault("annotations", {})["reconcile.fluxcd.io/requestedAt"] = str(cluster.clock.now)

    cluster.modify("GitRepository", "flux-system/lab", change)


def more_claims(cluster: SimulatedCluster, name: str, node: str) -> None:
    for one in claim(name, node):
        cluster.apply(one)
