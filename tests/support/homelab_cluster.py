"""The stage's sonarr in an API server of the test's own: what runs, who applies it, and its two nodes.

with homelab_cluster(folder) as cluster:
    cluster.applied("backup", commit)     Flux applied the commit, and a pod runs there
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.fake_kubernetes import FakeKubernetes

Json = dict[str, Any]
NODES, PODS, CLAIMS = "/api/v1/nodes", "/api/v1/pods", "/api/v1/persistentvolumeclaims"
DEPLOYMENTS, REPLICA_SETS = "/apis/apps/v1/deployments", "/apis/apps/v1/replicasets"
KUSTOMIZATIONS = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations"
GIT_REPOSITORIES = "/apis/source.toolkit.fluxcd.io/v1/gitrepositories"
APPLICATIONS = "/apis/argoproj.io/v1alpha1/applications"
_NODES = {"primary": "k3s-w1", "backup": "k3s-w2"}


def at(ago_s: float = 0) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago_s))


@dataclass
class HomelabCluster:
    """`kubeconfig` is what FAILOVER_CLUSTER names."""

    server: FakeKubernetes
    kubeconfig: Path
    strategy: str = "RollingUpdate"
    is_of_argo: bool = False
    times: str = ""  # of all that happened; "": now
    generations: tuple[int, int] | None = None  # of what Flux has: its newest, and the one it has taken up

    def node(self, name: str, *, ready: str = "True") -> None:
        role = "primary" if name == "k3s-w1" else "backup"
        labels = {"role": role, "kubernetes.io/hostname": name}
        condition = {"type": "Ready", "status": ready, "lastTransitionTime": self.times or at(120)}
        self.server.put(NODES, {"metadata": {"name": name, "labels": labels}, "status": {"conditions": [condition]}})

    def applied(self, side: str, commit: str, *, pod: str = "ready", terminating: int = 0) -> None:
        """Flux applied the commit, and Kubernetes made of it what `pod` says: "ready", "unready" or "none"."""
        self.flux(commit)
        self.deployment(side, updated=pod != "none", terminating=terminating)
        if pod != "none":
            self.pod(side, is_ready=pod == "ready")

    def flux(
        self,
        commit: str,
        *,
        applied: str | None = None,
        ready: str = "True",
        message: str = "",
        source_kind: str = "GitRepository",
    ) -> None:
        """The source is at the commit; what is applied may be another."""
        meta, observed = self._of_flux("apps")
        source = {"kind": source_kind, "name": "flux-system"}
        condition = {
            "type": "Ready",
            "status": ready,
            "reason": "ReconciliationSucceeded" if ready == "True" else "ReconciliationFailed",
            "message": message,
            "lastTransitionTime": self.times or at(),
        }
        self.server.put(
            KUSTOMIZATIONS,
            {
                "metadata": meta,
                "spec": {"sourceRef": source, "path": "./apps"},
                "status": {
                    **observed,
                    "lastAppliedRevision": f"main@sha1:{applied or commit}",
                    "conditions": [condition],
                    "inventory": {"entries": [{"id": "media_sonarr_apps_Deployment", "v": "v1"}]},
                },
            },
        )
        artifact = {"revision": f"main@sha1:{commit}", "lastUpdateTime": self.times or at()}
        meta, observed = self._of_flux("flux-system")
        self.server.put(GIT_REPOSITORIES, {"metadata": meta, "status": {**observed, "artifact": artifact}})

    def _of_flux(self, name: str) -> tuple[Json, Json]:
        """Metadata, and what the status says of its generation."""
        meta: Json = {"name": name, "namespace": "flux-system"}
        if self.generations is None:
            return meta, {}
        newest, observed = self.generations
        return {**meta, "generation": newest}, {"observedGeneration": observed}

    def argo(self, repository: str, commit: str, *, sync: str = "Synced") -> None:
        """Argo CD's Application of the repository; it syncs by itself."""
        source = {"repoURL": f"https://github.com/{repository}.git", "path": "apps"}
        self.server.put(
            APPLICATIONS,
            {
                "metadata": {"name": "apps", "namespace": "argocd"},
                "spec": {"source": source, "syncPolicy": {"automated": {}}},
                "status": {"sync": {"status": sync, "revision": commit}, "health": {"status": "Healthy"}},
            },
        )

    def deployment(self, side: str, *, updated: bool = True, terminating: int = 0) -> None:
        claim = "pvc-sonarr" if side == "primary" else "pvc-sonarr-backup"
        revision = "1" if side == "primary" else "2"
        volumes = [{"name": "config", "persistentVolumeClaim": {"claimName": claim}}]
        labels = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
        labels = {} if self.is_of_argo else labels
        status: Json = {"observedGeneration": 1, "terminatingReplicas": terminating}
        self.server.put(
            DEPLOYMENTS,
            {
                "metadata": {
                    "name": "sonarr",
                    "namespace": "media",
                    "uid": "d1",
                    "generation": 1,
                    "labels": labels,
                    "annotations": {"deployment.kubernetes.io/revision": revision},
                },
                "spec": {
                    "replicas": 1,
                    "strategy": {"type": self.strategy},
                    "template": {"spec": {"nodeSelector": {"role": side}, "volumes": volumes}},
                },
                "status": {**status, "updatedReplicas": 1} if updated else status,
            },
        )
        for each, number in (("primary", "1"), ("backup", "2")):
            self.server.put(
                REPLICA_SETS,
                {
                    "metadata": {
                        "name": f"sonarr-{each}",
                        "namespace": "media",
                        "uid": f"rs-{each}",
                        "annotations": {"deployment.kubernetes.io/revision": number},
                        "ownerReferences": [{"kind": "Deployment", "name": "sonarr", "uid": "d1", "controller": True}],
                    }
                },
            )

    def pod(self, side: str, *, is_ready: bool = True, deleted_ago_s: float | None = None) -> None:
        claim = "pvc-sonarr" if side == "primary" else "pvc-sonarr-backup"
        owner = {"kind": "ReplicaSet", "name": f"sonarr-{side}", "uid": f"rs-{side}", "controller": True}
        meta: Json = {
            "name": f"sonarr-{side}-x",
            "namespace": "media",
            "labels": {"pod-template-hash": side},
            "creationTimestamp": self.times or at(),
            "ownerReferences": [owner],
        }
        if deleted_ago_s is not None:
            meta["deletionTimestamp"] = at(deleted_ago_s)
        condition = {
            "type": "Ready",
            "status": "True" if is_ready else "False",
            "lastTransitionTime": self.times or at(),
        }
        volumes = [{"name": "config", "persistentVolumeClaim": {"claimName": claim}}]
        self.server.put(
            PODS,
            {
                "metadata": meta,
                "spec": {"nodeName": _NODES[side], "volumes": volumes},
                "status": {"phase": "Running", "conditions": [condition]},
            },
        )

    def no_pod(self, side: str) -> None:
        self.server.remove(PODS, f"sonarr-{side}-x", "media")


@contextlib.contextmanager
def homelab_cluster(folder: Path) -> Iterator[HomelabCluster]:
    """sonarr runs on primary; who applied it is not said yet."""
    server = FakeKubernetes()
    server.longest_window_s = 1.5
    with server.serve() as url:
        file = folder / "kubeconfig"
        file.write_text(
            "current-context: home\ncontexts: [{name: home, context: {cluster: home}}]\n"
            f'clusters: [{{name: home, cluster: {{server: "{url}"}}}}]\n',
            encoding="utf-8",
        )
        cluster = HomelabCluster(server, file)
        for name in _NODES.values():
            cluster.node(name)
        for claim in ("pvc-sonarr", "pvc-sonarr-backup"):
            meta = {"name": claim, "namespace": "media"}
            server.put(CLAIMS, {"metadata": meta, "spec": {}, "status": {"phase": "Bound"}})
        cluster.deployment("primary")
        cluster.pod("primary")
        yield cluster
