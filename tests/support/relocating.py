"""A service with replication in a repository, and a simulated cluster with VolSync that is as the repository says."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from failover_api.core.catalog.model import Side
from failover_api.core.planning.request import MoveRequest
from failover_api.core.safety.relocation.ladder import State
from failover_api.core.safety.relocation.steps import Step
from failover_api.errors import OutcomeUnknown
from failover_api.operations.relocation_report import RelocationReport
from failover_api.sandbox.cluster.cluster import SimulatedCluster
from failover_api.wiring import Components
from tests.sandbox.cluster.apps import W1, W2, affinity
from tests.support.simulated import kubeconfig_of
from tests.support.stage import Stage

APP, VOLSYNC = "apps/sonarr/deployment.yaml", "apps/sonarr/volsync.yaml"
DIRECT = {"copyMethod": "Direct", "keySecret": "key"}
# The app of most tests was born on backup: nobody knows what it has left on primary.
ASKED = MoveRequest("ops-laptop", reason="k3s-w1 is back", accept=frozenset({"unsynced-overwritten"}))
CATALOG = """\
  sonarr:
    namespace: media
    deployment: sonarr
    volume_name: data
    primary_pvc: a
    backup_pvc: b
    primary_node_label: primary
    backup_node_label: backup
    nodes: {primary: k3s-w1, backup: k3s-w2}
    replication:
      kind: volsync
      to_backup: {source: sonarr-to-b, destination: sonarr-b}
      to_primary: {source: sonarr-to-a, destination: sonarr-a}
    relocate: {quiesce: 5m, final_sync: 10m, cutover: 5m}
"""
UNREPLICATED = CATALOG.partition("    replication:")[0]
MANUAL = f"{UNREPLICATED}    replication: {{kind: manual}}\n"
NO_DATA = f"{UNREPLICATED}    replication: {{kind: none}}\n"
BY_ITSELF = "    policy: pull_request\n    pull_request: {auto_merge: squash}\n"


def claims() -> Iterator[dict[str, Any]]:
    for name, node in (("a", W1), ("b", W2)):
        meta, shared = {"name": name, "namespace": "media"}, {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
        spec = {"hostPath": {"path": f"/data/{name}"}, "nodeAffinity": affinity(node), "claimRef": meta}
        volume = {**shared, "capacity": {"storage": "1Gi"}, **spec}
        yield {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"pv-{name}"}, "spec": volume}
        claim = {**shared, "volumeName": f"pv-{name}", "resources": {"requests": {"storage": "1Gi"}}}
        yield {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": claim}


def app(side: str = "backup") -> str:
    role, claim = ("primary", "a") if side == "primary" else ("backup", "b")
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": claim}}
    pod = {
        "nodeSelector": {"role": role},
        "containers": [{"name": "sonarr", "image": "ghcr.io/home/sonarr:1"}],
        "volumes": [volume],
    }
    labels = {"app": "sonarr"}
    spec = {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    meta = {"name": "sonarr", "namespace": "media"}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}, indent=1)


def volsync() -> str:
    """Both directions, each parked: as a promote has left it."""
    return "---\n".join(
        f"""\
apiVersion: volsync.backube/v1alpha1
kind: ReplicationSource
metadata: {{name: sonarr-to-{to}, namespace: media}}
spec:
  sourcePVC: {of}
  paused: true
  trigger: {{schedule: "*/3 * * * *"}}
  rsyncTLS: {{copyMethod: Direct, keySecret: key, address: volsync-rsync-tls-dst-sonarr-{to}.media.svc.cluster.local}}
---
apiVersion: volsync.backube/v1alpha1
kind: ReplicationDestination
metadata: {{name: sonarr-{to}, namespace: media}}
spec:
  paused: true
  rsyncTLS: {{copyMethod: Direct, keySecret: key, destinationPVC: {to}}}
"""
        for of, to in (("a", "b"), ("b", "a"))
    )


def by_restic() -> str:
    """As volsync(), by a repository for each direction."""
    return "---\n".join(
        f"""\
apiVersion: volsync.backube/v1alpha1
kind: ReplicationSource
metadata: {{name: sonarr-to-{to}, namespace: media}}
spec:
  sourcePVC: {of}
  paused: true
  trigger: {{schedule: "*/3 * * * *"}}
  restic: {{copyMethod: Direct, repository: from-{of}}}
---
apiVersion: volsync.backube/v1alpha1
kind: ReplicationDestination
metadata: {{name: sonarr-{to}, namespace: media}}
spec:
  paused: true
  trigger: {{schedule: "1-59/3 * * * *"}}
  restic: {{copyMethod: Direct, repository: from-{of}, destinationPVC: {to}}}
"""
        for of, to in (("a", "b"), ("b", "a"))
    )


def running_to_backup() -> str:
    """As before any promote: the first of the two is not paused."""
    return volsync().replace("  paused: true\n", "", 2)


@dataclass
class Homelab:
    """`files` are applied as they stand on the branch, as Flux would."""

    stage: Stage
    cluster: SimulatedCluster
    kubeconfig: Path
    files: tuple[str, ...] = (APP, VOLSYNC)

    def apply(self) -> None:
        for file in self.files:
            self.cluster.apply((self.stage.read(file) or b"").decode(), "kustomize-controller")

    def pass_by(self, seconds: float) -> None:
        """Flux comes a moment after the commit."""
        self.cluster.advance(6)
        self.apply()
        self.cluster.advance(seconds)

    @contextlib.contextmanager
    def obeyed(self, *, seconds: float = 5.0) -> Iterator[None]:
        """Flux and the clock go on by themselves, many times as fast as they would."""
        is_over = threading.Event()

        def go_on() -> None:
            while not is_over.wait(0.15):
                self.pass_by(seconds)

        thread = threading.Thread(target=go_on, daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def open(self) -> AbstractAsyncContextManager[Components]:
        """The service, over this cluster."""
        return self.stage.open(**self._cluster)

    def client(self, **changes: Any) -> AbstractAsyncContextManager[httpx2.AsyncClient]:
        """The same behind HTTP."""
        return self.stage.client(**self._cluster, **changes)

    @property
    def _cluster(self) -> dict[str, Any]:
        return {"cluster": str(self.kubeconfig), "cluster_timeout_s": 10}

    async def looked(self) -> None:
        """Gives `serve` the time for a look of its own."""
        await asyncio.sleep(0.3)

    def messages(self) -> list[str]:
        """The first lines of all commits, oldest first."""
        return [message.partition("\n")[0] for message in reversed(self.stage.messages)]


@contextlib.contextmanager
def homelab(
    stage: Stage, folder: Path, *, catalog: str = CATALOG, side: str = "backup", replication: str = ""
) -> Iterator[Homelab]:
    stage.commit({APP: app(side), VOLSYNC: replication or volsync()})
    stage.declare(catalog)
    cluster = SimulatedCluster()
    cluster.install_volsync()
    for one in claims():
        cluster.apply(one)
    with kubeconfig_of(cluster, folder) as kubeconfig:
        lab = Homelab(stage, cluster, kubeconfig)
        lab.pass_by(60)
        yield lab


async def until(
    lab: Homelab, components: Components, wanted: State = State.DONE, *, at_most: int = 60, seconds: float = 5.0
) -> list[RelocationReport]:
    """Goes on, and lets time pass between; what was told each time."""
    told: list[RelocationReport] = []
    for _ in range(at_most):
        report = await components.failover.relocations.advance("sonarr")
        assert report is not None
        told.append(report)
        if report.state is wanted:
            return told
        lab.pass_by(seconds)
    raise AssertionError(f"it never is {wanted}: {told[-1].step} {told[-1].state} {told[-1].reason}")


async def start(components: Components, target: Side = Side.PRIMARY) -> RelocationReport:
    return await components.failover.relocations.start("sonarr", target, ASKED)


async def until_step(lab: Homelab, components: Components, step: Step) -> None:
    """Until a step is under way."""
    for _ in range(60):
        report = await components.failover.relocations.advance("sonarr")
        assert report is not None
        if report.step is step:
            return
        lab.pass_by(2)
    raise AssertionError(f"it never comes to {step}")


async def until_next(lab: Homelab, components: Components) -> None:
    """Until another step is made."""
    before = len(lab.messages())
    for _ in range(60):
        with contextlib.suppress(OutcomeUnknown):
            await components.failover.relocations.advance("sonarr")
        if len(lab.messages()) > before:
            return
        lab.pass_by(2)
    raise AssertionError("no step is made")


@contextlib.contextmanager
def later(components: Components, seconds: float) -> Iterator[None]:
    """By the Git host's clock, which dates commits."""
    sight = components.failover.relocations._sight
    now = sight._now
    sight._now = lambda: now() + seconds
    try:
        yield
    finally:
        sight._now = now


@contextlib.contextmanager
def proposing(stage: Stage, folder: Path, options: str = BY_ITSELF) -> Iterator[Homelab]:
    with homelab(stage, folder, catalog=CATALOG + options) as lab:
        yield lab


def numbers(stage: Stage) -> list[int]:
    return [pull["number"] for pull in stage.pulls()]


async def until_open(lab: Homelab, *replicas: Components) -> int:
    """All go on, and let time pass, until a pull request is open: its number."""
    for _ in range(60):
        for components in replicas:
            await components.failover.relocations.advance("sonarr")
        if found := numbers(lab.stage):
            (number,) = found
            return number
        lab.pass_by(2)
    raise AssertionError("none is opened")


async def until_reviewed(lab: Homelab, components: Components) -> int:
    """From now on each waits for a review; the number of the first that does."""
    lab.stage.sandbox.protect(repository=lab.stage.repository)
    return await until_open(lab, components)
