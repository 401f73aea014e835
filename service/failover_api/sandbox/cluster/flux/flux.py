"""Flux as it is installed: a namespace, its controllers as Deployments, and what they do while their pods run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.flux.kustomizations import Kustomizations
from failover_api.sandbox.cluster.flux.notifications import Notifications
from failover_api.sandbox.cluster.flux.releases import Releases
from failover_api.sandbox.cluster.flux.sources import Sources
from failover_api.sandbox.cluster.nodes.installed import controller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from failover_api.sandbox.cluster.applying import Applier
    from failover_api.sandbox.cluster.flux.repositories import Repositories
    from failover_api.sandbox.cluster.objects.json_values import Object
    from failover_api.sandbox.cluster.plane import Plane

NAMESPACE = "flux-system"
CONTROLLERS = ("source-controller", "kustomize-controller", "helm-controller", "notification-controller")


class Flux:
    """`runs` tells whether a pod with a label `app` runs on a node that reaches the API."""

    def __init__(self, plane: Plane, applier: Applier, repositories: Repositories, runs: Callable[[str], bool]) -> None:
        self.notifications = Notifications(plane, lambda: runs("notification-controller"))
        self.sources = Sources(plane, repositories, self.notifications, lambda: runs("source-controller"))
        of_kustomize = (self.sources, self.notifications, lambda: runs("kustomize-controller"))
        self.kustomizations = Kustomizations(plane, applier, *of_kustomize)
        self.releases = Releases(plane, applier, self.notifications, lambda: runs("helm-controller"))


def manifests(node: str) -> Iterator[Object]:
    """What is installed, with its pods on one node."""
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    for name in CONTROLLERS:
        yield controller(name, NAMESPACE, node, {"app.kubernetes.io/part-of": "flux"})
