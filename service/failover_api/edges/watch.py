"""What `serve` watches by itself, put together: rollouts where there is a cluster, what could be moved, and nodes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from failover_api.core.safety.replication_states import ReplicationStatus
from failover_api.core.safety.rollout.stages import Stage
from failover_api.edges.guarding import Guarding
from failover_api.events import BranchMoved, Looked, Merged, MoveEnded, Serving
from failover_api.metrics.counters import Counters
from failover_api.metrics.gauges import Gauges
from failover_api.watching.drills import DrillWatch
from failover_api.watching.looks import services_of
from failover_api.watching.readiness import Readiness
from failover_api.watching.waves import WaveWatch
from failover_api.wiring import Components

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.operations.relocation_report import RelocationReport
    from failover_api.watching.relocations import RelocationWatch
    from failover_api.watching.rollouts import RolloutWatch


@dataclass(frozen=True, slots=True)
class Watches:
    """`rollouts` and `relocating` are None where no cluster is configured."""

    readiness: Readiness
    rollouts: "RolloutWatch | None"
    guarding: Guarding
    drills: DrillWatch
    relocating: "RelocationWatch | None" = None

    def relocations(self) -> "Mapping[str, RelocationReport]":
        """The newest of each service that was seen under way."""
        return {} if self.relocating is None else self.relocating.seen

    def stages(self) -> Mapping[str, Stage]:
        return {} if self.rollouts is None else self.rollouts.stages()

    def replications(self) -> Mapping[str, ReplicationStatus]:
        return {} if self.rollouts is None else self.rollouts.replications()


@asynccontextmanager
async def watching(components: Components) -> AsyncIterator[Watches]:
    """Watches until it is left."""
    readiness = Readiness(components.failover)
    waves = WaveWatch(components.failover, components.catalog.current, want=components.overview.want)
    components.events.subscribe(Looked, waves.looked)
    components.events.subscribe(MoveEnded, waves.happened)
    components.events.subscribe(Merged, waves.happened)
    components.events.subscribe(Serving, waves.happened)
    drills = DrillWatch(components.failover, components.catalog.current)
    works = [readiness.run(), waves.run(), drills.run()]
    rollouts, verifier, relocations = None, None, None
    if components.cluster is not None:
        from failover_api.watching.rollouts import RolloutWatch
        from failover_api.watching.verifier import Verifier

        components.cluster.watch(lambda: components.catalog.current().namespaces)
        verifier = Verifier(components.cluster.clock.now)
        components.failover.clusters.verified = verifier.found
        rollouts = RolloutWatch(
            components.failover,
            components.events,
            verifier,
            want=components.overview.want,
            names=lambda: _names(components),
        )
        components.events.subscribe(Looked, rollouts.looked)
        components.events.subscribe(MoveEnded, rollouts.move_ended)
        components.events.subscribe(Merged, rollouts.merged)
        works.append(rollouts.run())
        from failover_api.watching.relocations import RelocationWatch

        relocations = RelocationWatch(components.failover, components.catalog.current)
        components.events.subscribe(MoveEnded, relocations.happened)
        components.events.subscribe(BranchMoved, relocations.happened)
        works.append(relocations.run())
    guarding = Guarding(components)
    works.append(guarding.run())
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield Watches(readiness, rollouts, guarding, drills, relocations)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if rollouts is not None and verifier is not None:
            await asyncio.gather(rollouts.aclose(), verifier.aclose())


def _names(components: Components) -> frozenset[str]:
    return frozenset(service.name for service in services_of(components.catalog.current))


def gauges_of(counters: Counters, components: Components, watches: Watches) -> Gauges:
    """What can be looked up when somebody scrapes."""
    return Gauges(
        counters,
        components.overview,
        catalog=components.catalog,
        credentials=components.credentials,
        failover=components.failover,
        notifier=components.notifier,
        stages=watches.stages,
        replications=watches.replications,
        ready=lambda: watches.readiness.ready,
        automatic=watches.guarding.seen,
        relocations=watches.relocations,
        drills=lambda: watches.drills.ended,
    )
