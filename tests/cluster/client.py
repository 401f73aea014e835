"""The client on a simulated cluster, with the rights of the component cluster-view."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from failover_api.cluster.access import Access, Endpoint, Login
from failover_api.cluster.kubernetes import Kubernetes
from failover_api.sandbox.cluster.api.accounts import Rule

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MEDIA = frozenset({"media"})
READ = ("get", "list", "watch")
RIGHTS = (
    Rule(READ, ("nodes", "persistentvolumes", "pods", "persistentvolumeclaims")),
    Rule(READ, ("storageclasses",), ("storage.k8s.io",)),
    Rule(READ, ("deployments", "replicasets", "statefulsets"), ("apps",)),
    Rule(READ, ("horizontalpodautoscalers",), ("autoscaling",)),
    Rule(READ, ("kustomizations",), ("kustomize.toolkit.fluxcd.io",)),
    Rule(READ, ("helmreleases",), ("helm.toolkit.fluxcd.io",)),
    Rule(READ, ("gitrepositories", "ocirepositories", "buckets"), ("source.toolkit.fluxcd.io",)),
    Rule(READ, ("applications",), ("argoproj.io",)),
    Rule(READ, ("replicationsources", "replicationdestinations"), ("volsync.backube",)),
    Rule(READ, ("leases",), ("coordination.k8s.io",), namespace="kube-node-lease"),
)


@contextlib.asynccontextmanager
async def opened(url: str, account: str = "ours", *, timeout_s: float = 10.0) -> AsyncIterator[Kubernetes]:
    access = Access("a simulated cluster", Endpoint(url), Login(token=account))
    cluster = Kubernetes("x", lambda: access, timeout_s=timeout_s)
    try:
        yield cluster
    finally:
        await cluster.aclose()
