"""The guard on a simulated cluster and a sandbox's repository, in steps: a second of the cluster is a round.

All is the real thing but for the watch: the cluster is listed before each round, so that ten minutes take seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from failover_api.automatic.control import Control
from failover_api.automatic.guard import Guard
from failover_api.automatic.leader import Leader
from failover_api.cluster.access import Access, Endpoint, Login
from failover_api.cluster.kinds import KINDS
from failover_api.cluster.kubernetes import Kubernetes
from failover_api.cluster.leases import observed
from failover_api.core.safety.observed import View
from failover_api.core.text.trailers import read_records
from failover_api.failover import Failover
from failover_api.reading.clusters import ClusterReader
from failover_api.sandbox.cluster.api.accounts import ADMIN_TOKEN
from failover_api.sandbox.cluster.cluster import SimulatedCluster
from failover_api.sandbox.cluster.nodes.machine import NodeSpec
from failover_api.sandbox.cluster.objects.kinds import LEASE, NODE
from tests.sandbox.cluster.apps import claim
from tests.support.stage import Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from failover_api.core.automatic.report import HoldLine
    from failover_api.core.catalog.model import Catalog
    from failover_api.core.text.trailers import Record
    from failover_api.sandbox.cluster.store import Change
    from failover_api.wiring import Components

SEEN = frozenset({
    "nodes", "leases", "deployments", "stateful_sets", "replica_sets", "pods", "claims", "volumes", "storage_classes",
    "replication_sources", "replication_destinations",
})  # fmt: skip
ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
W1, W2 = "k3s-w1", "k3s-w2"
WORKERS = (
    NodeSpec("k3s-cp", is_control_plane=True),
    NodeSpec("k3s-w1", labels={"role": "primary"}),
    NodeSpec("k3s-w2", labels={"role": "backup"}),
)


def file_of(name: str) -> str:
    return f"apps/media/{name}/deployment.yaml"


def manifest(name: str) -> str:
    labels = {"app": name}
    pod = {
        "nodeSelector": {"role": "primary"},
        "containers": [{"name": name, "image": f"ghcr.io/home/{name}:1.0"}],
        "volumes": [{"name": "config", "persistentVolumeClaim": {"claimName": f"pvc-{name}"}}],
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "strategy": ROLLING, "template": template}
    meta = {"name": name, "namespace": "media"}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}, indent=1)


def catalog(names: Sequence[str], *more: str, mode: str = "act", own: str = "act", **automatic: str) -> tuple[str, str]:
    """services and top of services.yaml; `more` are lines of each service."""
    keys = {"mode": mode, "dead_for": "60s", "fence": "none", **automatic}
    top = (
        "nodes: {primary: k3s-w1, backup: k3s-w2}\n"
        f"automatic: {{{', '.join(f'{key}: {value}' for key, value in keys.items())}}}\n"
    )
    lines = [f"automatic: {own}", "replication: {kind: none}", *more]
    services = "".join(
        f"  {name}:\n    namespace: media\n    deployment: {name}\n    path: {file_of(name)}\n"
        f"    volume_name: config\n    primary_pvc: pvc-{name}\n    backup_pvc: pvc-{name}-backup\n"
        "    primary_node_label: primary\n    backup_node_label: backup\n" + "".join(f"    {line}\n" for line in lines)
        for name in names
    )
    return services, top


class ListedCluster:
    """A cluster whose view is what was listed last; Leases are observed as a watch does."""

    def __init__(self, kubernetes: Kubernetes, monotonic: Callable[[], float]) -> None:
        self._kubernetes, self._monotonic, self._view = kubernetes, monotonic, View()
        self._changes = -1  # as of the last whole look

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kubernetes, name)

    async def refresh(self, changes: int) -> None:
        """Nodes and Leases each time; the others are listed when something of them has changed, as a watch tells."""
        before = self._view.leases.objects
        view = await self._listed() if changes == self._changes else View()
        if view.nodes.why_unseen():
            self._changes, view = changes, await self._kubernetes.look(frozenset({"media"}))
        if view.nodes.why_unseen():  # as of a watch: what was seen before stays, and grows old
            why = dict(view.nodes.unseen)
            old = self._view
            self._view = replace(old, nodes=replace(old.nodes, unseen=why), leases=replace(old.leases, unseen=why))
            return
        now = self._monotonic()
        leases = {key: observed(lease, before.get(key), now) for key, lease in view.leases.objects.items()}
        self._view = replace(view, leases=replace(view.leases, objects=leases))

    async def _listed(self) -> View:
        """As it was, and heard of now; with nodes and Leases of now."""
        listed = await self._kubernetes.list_nodes(timeout_s=2)
        heard = {"heard_at": listed.nodes.heard_at, "seen_at": listed.nodes.seen_at}
        others = {name: replace(getattr(self._view, name), **heard) for name in SEEN - {"nodes", "leases"}}
        return replace(self._view, nodes=listed.nodes, leases=listed.leases, **others)

    def view(self) -> View:
        return self._view

    async def look(self, scope: Any) -> View:
        return self._view


class Replica:
    """One process: its own connections, its own leadership, its own guard."""

    def __init__(self, world: World, components: Components, kubernetes: Kubernetes) -> None:
        self.world, self.kubernetes = world, kubernetes
        clock = world.monotonic
        self.cluster = ListedCluster(kubernetes, clock)
        self.control = Control(self.cluster, components.catalog.current, namespace=None)  # type: ignore[arg-type]  # steps, no watch
        self.control.leader = Leader(self.control._lease, monotonic=clock)
        components.failover.clusters = ClusterReader(self.cluster, timeout_s=2)  # type: ignore[arg-type]  # the same
        self.failover: Failover = components.failover
        self.components = components
        self.guard = Guard(
            self.cluster,  # type: ignore[arg-type]  # the same
            components.catalog.current,
            components.failover,
            self.control,
            components.events,
            git_clock=components.clock,
            monotonic=clock,
        )
        self.is_dead = False

    async def round(self) -> None:
        if self.is_dead:
            return
        await self.cluster.refresh(self.world.changes)
        await self.control.leader.step()
        await self.guard.round()

    async def settle(self) -> None:
        """What goes on beside the rounds comes to its end: reading Git, a move."""
        while (reading := self.guard._git._reading) is not None and not reading.done():
            await asyncio.wait({reading})
        if acting := list(self.guard._acting.values()):
            await asyncio.wait(acting)

    @property
    def view(self) -> str:
        return self.guard.report.view if self.guard.report is not None else "off"

    def state(self, node: str) -> str:
        report = self.guard.report
        line = report.node(node) if report is not None else None
        return line.state if line is not None else ""

    def holds(self, service: str) -> list[HoldLine]:
        report = self.guard.report
        lines = [line for line in (report.pending if report else ()) if line.service == service]
        return [hold for line in lines for hold in line.holds]

    def gates(self, service: str) -> list[str]:
        return [hold.gate for hold in self.holds(service)]


class World:
    """A cluster, a repository, and the replicas."""

    def __init__(self, stage: Stage, cluster: SimulatedCluster, url: str, names: Sequence[str]) -> None:
        self.stage, self.cluster, self.names = stage, cluster, names
        self._access = Access("a simulated cluster", Endpoint(url), Login(token=ADMIN_TOKEN), namespace="operations")
        self.replicas: list[Replica] = []
        self.changes = 0  # of what is neither a node nor a Lease
        cluster.store.watch(self._count)
        self._ticks = 0
        self._exits = contextlib.AsyncExitStack()

    def _count(self, change: Change) -> None:
        self.changes += change.kind not in (NODE, LEASE)

    def monotonic(self) -> float:
        """It never stands quite still."""
        self._ticks += 1
        return self.cluster.clock.elapsed + self._ticks * 1e-6

    async def add(self) -> Replica:
        components = await self._exits.enter_async_context(self.stage.open())
        kinds = [kind for kind in KINDS if kind.field in SEEN]
        kubernetes = Kubernetes("x", lambda: self._access, timeout_s=2, kinds=kinds, monotonic=self.monotonic)
        self._exits.push_async_callback(kubernetes.aclose)
        replica = Replica(self, components, kubernetes)
        self.replicas.append(replica)
        return replica

    async def pass_(self, seconds: float, *, step_s: float = 1.0, until: Callable[[], bool] | None = None) -> float:
        """Lets time pass, a round each second; ends when something is so. Gives the seconds that passed."""
        began = self.cluster.clock.elapsed
        while self.cluster.clock.elapsed - began < seconds:
            self.cluster.advance(step_s)
            for replica in self.replicas:
                await replica.round()
            for replica in self.replicas:
                await replica.settle()
            self.apply()
            if until is not None and until():
                break
        return self.cluster.clock.elapsed - began

    _applied = ""

    def apply(self) -> None:
        """As Flux, from the branch."""
        head = self.stage.messages[0] + str(len(self.stage.messages))
        if head != self._applied:
            self._applied = head
            for name in self.names:
                self.cluster.apply((self.stage.read(file_of(name)) or b"").decode(), "kustomize-controller")

    @property
    def commits(self) -> list[list[Record]]:
        """What each of our commits says, newest first."""
        return [list(read_records(message)) for message in self.stage.moves]

    async def aclose(self) -> None:
        await self._exits.aclose()


@contextlib.asynccontextmanager
async def guarded(
    stage: Stage,
    names: Sequence[str] = ("sonarr", "radarr"),
    *,
    replicas: int = 1,
    nodes: Sequence[NodeSpec] = WORKERS,
    declared: tuple[str, str] | None = None,
) -> AsyncIterator[World]:
    """Everything runs, one replica leads, and has looked for long enough."""
    stage.commit({file_of(name): manifest(name) for name in names})
    services, top = declared or catalog(names)
    stage.declare(services, top=top)
    cluster = SimulatedCluster(nodes, start=time.time() - 400)
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "operations"}})
    for name in names:
        for one, node in ((f"pvc-{name}", "k3s-w1"), (f"pvc-{name}-backup", "k3s-w2")):
            for each in claim(one, node):
                cluster.apply(each)
    with cluster.serve() as url:
        world = World(stage, cluster, url, names)
        world.apply()
        cluster.advance(400)
        for _ in range(replicas):
            await world.add()
        try:
            yield world
        finally:
            await world.aclose()


def current(world: World) -> Catalog:
    return world.replicas[0].components.catalog.current()


async def watching(world: World) -> None:
    """The minute in which it only looks is over."""
    await world.pass_(70, step_s=5)
    assert [replica.view for replica in world.replicas if replica.control.leader.leads] == ["watching"]


async def moved_after(world: World, at_most_s: float = 240) -> float:
    return await world.pass_(at_most_s, until=lambda: bool(world.commits))
