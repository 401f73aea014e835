"""python -m bench.rig.cluster_host SERVICES: a simulated cluster in a process of its own; prints its URL and waits.

Each service has a Deployment with its pod, two claims with their volumes, and a Kustomization; all in namespace media.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from failover_api.sandbox.cluster.api.accounts import ADMIN_TOKEN
from failover_api.sandbox.cluster.cluster import SimulatedCluster

NAMESPACE = "media"
_NODES = {"primary": "k3s-w1", "backup": "k3s-w2"}


@contextlib.contextmanager
def clustering(services: int, scratch: Path) -> Iterator[Path]:
    """Serves a cluster with so many services; gives a kubeconfig for it."""
    command = [sys.executable, "-m", "bench.rig.cluster_host", str(services)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().strip()
            kubeconfig = scratch / "kubeconfig"
            kubeconfig.write_text(
                f"""\
current-context: bench
contexts: [{{name: bench, context: {{cluster: bench, user: admin}}}}]
clusters: [{{name: bench, cluster: {{server: "{url}"}}}}]
users: [{{name: admin, user: {{token: {ADMIN_TOKEN}}}}}]
""",
                encoding="utf-8",
            )
            yield kubeconfig
        finally:
            process.kill()


def objects(name: str) -> Iterator[dict[str, Any]]:
    """What one service has in the cluster."""
    for side, node in _NODES.items():
        yield from _claim(f"{name}-{side}", node)
    labels = {"app": name}
    volume = {"name": "config", "persistentVolumeClaim": {"claimName": f"{name}-primary"}}
    container = {"name": "app", "image": f"ghcr.io/home/{name}:1.0"}
    pod = {"nodeSelector": {"role": "primary"}, "containers": [container], "volumes": [volume]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }
    yield {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": "flux-system"},
        "spec": {
            "interval": "1h",
            "prune": True,
            "path": f"./apps/{name}",
            "sourceRef": {"kind": "GitRepository", "name": "homelab"},
        },
    }


def _claim(name: str, node: str) -> Iterator[dict[str, Any]]:
    meta = {"name": name, "namespace": NAMESPACE}
    shared = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    on_node = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    yield {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"pv-{name}"},
        "spec": {
            **shared,
            "capacity": {"storage": "1Gi"},
            "hostPath": {"path": f"/data/{name}"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [on_node]}]}},
            "claimRef": meta,
        },
    }
    spec = {**shared, "volumeName": f"pv-{name}", "resources": {"requests": {"storage": "1Gi"}}}
    yield {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}


def main() -> None:
    cluster = SimulatedCluster()
    for number in range(int(sys.argv[1])):
        for one in objects(f"service-{number}"):
            cluster.apply(one, "kustomize-controller")
    cluster.advance(10)
    with cluster.serve() as url, cluster.running():
        print(url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
