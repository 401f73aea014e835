"""What the demo moves services in: a small GitHub with a sample homelab, and a simulated cluster that obeys it.

This is the only module that knows the sandbox. The service is told of both by its settings alone: a URL and a
kubeconfig. They have one clock, and that may skip what would be waited for in vain; of that alone it is told besides.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any, Literal

from failover_api.edges.demo.catalog import claim_pairs, demo_catalog, homelab
from failover_api.host_clock import HostClock
from failover_api.sandbox import Sandbox
from failover_api.sandbox.cluster.api.access import kubeconfig, make_certificate
from failover_api.sandbox.cluster.cluster import SimulatedCluster
from failover_api.sandbox.cluster.nodes.machine import NodeSpec
from failover_api.sandbox.cluster.objects.json_values import at
from failover_api.sandbox.cluster.objects.meta import condition_status
from failover_api.settings import Settings

_CAPACITY = {"cpu": "8", "memory": "32Gi", "pods": "110", "gpu.intel.com/i915": "1"}
NODES = (
    NodeSpec("k3s-cp", is_control_plane=True),
    NodeSpec("k3s-w1", labels={"role": "primary"}, capacity=_CAPACITY),
    NodeSpec("k3s-w2", labels={"role": "backup"}, capacity=_CAPACITY),
)
_FLUX = "clusters/homelab/flux-system/sync.yaml"
_RECEIVER = "flux-system/failover"
_TOKEN = "demo"  # noqa: S105 - of the simulated Flux's receiver
_SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "failover-receiver", "namespace": "flux-system"},
    "stringData": {"token": _TOKEN},
}
_START_S = 60.0  # until everything runs
_DEPENDENCY_S = 5.0  # --requeue-dependency of the kustomize-controller
_NOTICED_S = 120.0
_COPY_S = 10.0


@dataclass(frozen=True, slots=True)
class World:
    """`github` and `kubernetes` are URLs; `home` is a folder that goes away. `kubectl` is a kubeconfig for a person.

    Who only watches hears the API server's time every 20 s; after a skip `clocks` are told it at once.
    """

    sandbox: Sandbox
    cluster: SimulatedCluster
    github: str
    kubernetes: str
    home: Path
    kubectl: Path
    clocks: list[HostClock] = field(default_factory=list)

    @property
    def repository(self) -> str:
        """The page of the repository."""
        return f"{self.github}/{self.sandbox.repository.full_name}"

    @property
    def catalog(self) -> Path:
        return self.home / "services.yaml"

    def settings(self, root: str = "") -> Settings:
        """Those of a service below the path `root` that looks at this world and at nothing else."""
        key, config = self.home / "app.pem", self.home / "kubeconfig"
        for file, text in ((key, self.sandbox.private_key_pem), (config, kubeconfig(self.kubernetes))):
            file.touch(mode=0o600)
            file.write_text(text)
        return Settings(
            config=self.catalog,
            github_url=self.github,
            github_app_id=self.sandbox.app_id,
            github_private_key_file=key,
            github_installation_id=None,
            root_path=root,
            cluster=str(config),  # in a pod `auto` would be the real one
            cluster_context=None,
        )

    # Time

    @property
    def elapsed_s(self) -> float:
        return self.cluster.clock.elapsed

    def skip(self, seconds: float) -> None:
        self.cluster.clock.skip(seconds)
        date = {"date": formatdate(self.cluster.clock.now, usegmt=True)}
        for clock in self.clocks:
            clock.observe(date, asked_at=time.monotonic())

    def skip_until_noticed(self, node: str) -> float:
        """Skips until the control plane calls a node not Ready; the seconds since the call. Raises TimeoutError."""
        began = self.elapsed_s
        while self.is_ready(node):
            if self.elapsed_s - began > _NOTICED_S:
                raise TimeoutError(f"{node} is still Ready after {_NOTICED_S:g} s")
            self.skip(0.5)
        return self.elapsed_s - began

    # Fate

    def act(self, node: str, act: Literal["kill", "cut", "revive"]) -> bool:
        """Whether there is such a machine."""
        if node not in self.cluster.machines:
            return False
        getattr(self.cluster, act)(node)
        return True

    # What is there

    def nodes(self) -> list[tuple[str, bool, bool]]:
        """(name, is Ready as Kubernetes sees it, is well) of each."""
        well = {name: machine.is_on and machine.is_linked for name, machine in self.cluster.machines.items()}
        return [(name, self.is_ready(name), is_well) for name, is_well in well.items()]

    def is_ready(self, node: str) -> bool:
        found = self.cluster.get("Node", node)
        return found is not None and condition_status(found, "Ready") == "True"

    def replication(self, place: str) -> tuple[bool, str]:
        """Of a ReplicationSource: whether it is paused, and when it last synced."""
        found: Any = self.cluster.get("ReplicationSource", place)
        paused, last = at(found, "spec", "paused"), at(found, "status", "lastSyncTime")
        return bool(paused), str(last or "never")

    def written(self, claim: str) -> list[bytes]:
        """What apps have written to the volume of a claim, and is there: a line a second."""
        with self.cluster.clock.lock:
            return self.cluster.disk(claim).journal


@contextlib.contextmanager
def small_world(home: Path) -> Iterator[World]:
    """GitHub and cluster, once everything runs; time passes by itself from then on."""
    with contextlib.ExitStack() as opened:
        files = homelab()
        sandbox = opened.enter_context(contextlib.closing(Sandbox.create(home / "homelab.git", files=files)))
        cluster = _cluster(sandbox, files[_FLUX].decode())
        sandbox.clock = lambda: cluster.clock.now
        github = opened.enter_context(sandbox.serve())
        kubernetes = opened.enter_context(cluster.serve())
        kubectl = opened.enter_context(_for_kubectl(cluster, home))
        opened.enter_context(cluster.running())
        world = World(sandbox, cluster, github, kubernetes, home, kubectl)
        _write_catalog(world)
        yield world


@contextlib.contextmanager
def _for_kubectl(cluster: SimulatedCluster, home: Path) -> Iterator[Path]:
    """The same API over TLS, for kubectl sends a token no other way; gives the kubeconfig."""
    certificate, config = make_certificate(home / "cluster.pem"), home / "kubectl.yaml"
    with cluster.serve(certificate=certificate) as url:
        config.touch(mode=0o600)
        config.write_text(kubeconfig(url, certificate=certificate))
        yield config


def _cluster(sandbox: Sandbox, flux: str) -> SimulatedCluster:
    """It is now when everything runs: commits and pods are told by one clock."""
    cluster = SimulatedCluster(NODES, start=sandbox.now() - _START_S)
    cluster.install_flux(sandbox.repositories).kustomizations.dependency_s = _DEPENDENCY_S
    cluster.install_volsync()
    cluster.apply(_SECRET)
    cluster.apply(flux, "flux")
    cluster.advance(_START_S / 2)
    _copy_nightly(cluster)
    cluster.advance(_START_S - cluster.clock.elapsed)
    return cluster


def _copy_nightly(cluster: SimulatedCluster) -> None:
    """What the job on the NAS does for claims that VolSync does not fill: its pod, and the bytes of the other side."""
    pairs = claim_pairs()
    empty = [one for one in cluster.list("PersistentVolumeClaim") if at(one, "status", "phase") == "Pending"]
    for claim in empty:
        cluster.apply(_copier(claim))
    cluster.advance(_COPY_S)
    for claim in empty:
        namespace, name = claim["metadata"]["namespace"], claim["metadata"]["name"]
        with cluster.clock.lock:
            source, target = cluster.disk(f"{namespace}/{pairs[name]}"), cluster.disk(f"{namespace}/{name}")
            target.files = dict(source.files)
        cluster.delete("Pod", f"{namespace}/copy-{name}", force=True)


def _copier(claim: Any) -> dict[str, Any]:
    name, namespace = claim["metadata"]["name"], claim["metadata"]["namespace"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"copy-{name}", "namespace": namespace},
        "spec": {
            "containers": [{"name": "rsync", "image": "docker.io/instrumentisto/rsync-ssh:alpine3.22"}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}],
        },
    }


def _write_catalog(world: World) -> None:
    """The example catalog, whose Flux is told at once."""
    token = world.home / "receiver-token"
    token.touch(mode=0o600)
    token.write_text(_TOKEN)
    path = at(world.cluster.get("Receiver", _RECEIVER), "status", "webhookPath")
    world.catalog.write_text(demo_catalog(f"{world.kubernetes}{path}", token), encoding="utf-8")
