"""What a cluster adds: to a promote, to a status, and when it hangs; and what comes after the commit, step by step.

The cluster is the simulated one of the demo, its clock as fast as ours. How soon Flux fetches and applies, and how long
a container takes to start, is what the simulation takes (cluster/flux, cluster/nodes): the steps show the order and the
waiting, and are no promise for a real cluster.
"""

import asyncio
import itertools
import socket
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.rig.delay import delaying
from bench.rig.report import Row, at_most, exactly, spread
from bench.rig.scratch import scratch
from bench.rig.world_host import HostedWorld, hosting_world
from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.edges.demo.world import World, small_world
from failover_api.forge.http.rate_limit import RateLimit
from failover_api.forge.http.traffic import RequestCompleted
from failover_api.sandbox.cluster.api.access import kubeconfig
from failover_api.sandbox.cluster.objects.json_values import at
from failover_api.sandbox.cluster.objects.meta import condition_status, labels_of
from failover_api.settings import Settings
from failover_api.wiring import Components, open_failover

RATIO_LIMIT, STATUS_LIMIT_MS, TIMEOUT_S = 1.05, 60.0, 2.0
ROUND_TRIP_S = 0.050
STEPS = ("committed", "fetched", "applied", "scheduled", "ready")
MOVED = ("sonarr", "radarr", "jellyfin", "nextcloud", "home-assistant")  # Deployments that roll, one after the other
DIES = "k3s-w1"
_GIVE_UP_S = 60.0
_SERVICE, _BLOCK = "paperless", 12


def measure(*, quick: bool = False) -> Iterator[Row]:
    """Promote and status with a cluster, a cluster that hangs, then from the call to serving."""
    with scratch() as folder, hosting_world(folder) as host:
        with delaying(host.port, ROUND_TRIP_S) as delay:
            yield from asyncio.run(_promotes(host, delay.url, 1 if quick else 5))
        yield asyncio.run(_statuses(host, 10 if quick else 60))
        yield asyncio.run(_hanging(host, folder))
    with scratch() as folder, small_world(folder) as world:
        moved = asyncio.run(_from_call_to_serving(world, MOVED[:1] if quick else MOVED))
    for step in STEPS:
        seconds = [times[step] for times in moved]
        yield Row(
            f"from the call to serving, node dead, simulated cluster in real time: {step}",
            spread(seconds, digits=2),
        )


# A promote, a status


@dataclass(slots=True)
class _Mover:
    """Moves a service there and back. Its requests to GitHub are counted."""

    components: Components
    counted: list[RequestCompleted]
    _actions: Iterator[Action] = field(default_factory=lambda: itertools.cycle((Action.PROMOTE, Action.DEMOTE)))

    async def move(self) -> float:
        """Seconds that it took."""
        began = time.perf_counter()
        outcome = await self.components.failover.move(_SERVICE, next(self._actions), MoveRequest(by="bench"))
        assert outcome.commit
        return time.perf_counter() - began

    async def warm_moves(self) -> tuple[list[float], int]:
        """Seconds of each, and the requests that all of them took; two before them read what there is."""
        for _ in range(2):
            await self.move()
        self.counted.clear()
        return [await self.move() for _ in range(_BLOCK)], len(self.counted)


@asynccontextmanager
async def _mover(settings: Settings) -> AsyncIterator[_Mover]:
    """As `serve` has it: what the cluster has is kept in memory, and has been seen once."""
    counted: list[RequestCompleted] = []

    def traffic(event: object) -> None:
        if isinstance(event, RequestCompleted):
            counted.append(event)

    async with open_failover(settings, traffic=traffic, rate_limit=RateLimit(())) as components:
        if components.cluster is not None:
            namespaces = components.catalog.current().namespaces
            components.cluster.watch(lambda: namespaces)
            status = await components.failover.status(_SERVICE)
            assert status.cluster is not None, "the cluster is not seen"
        yield _Mover(components, counted)


async def _promotes(host: HostedWorld, github: str, blocks: int) -> list[Row]:
    """With and without a cluster, in blocks by turns: what one writes, the other has to read again."""
    seen: list[float] = []
    unseen: list[float] = []
    requests = 0
    async with (
        _mover(host.settings(github, host.kubeconfig)) as with_it,
        _mover(host.settings(github, None)) as without,
    ):
        for _ in range(blocks):
            took, count = await with_it.warm_moves()
            seen, requests = seen + took, requests + count
            unseen += (await without.warm_moves())[0]
    took_s, least_s = statistics.median(seen), statistics.median(unseen)
    note = f" ({took_s * 1000:.1f} ms / {least_s * 1000:.1f} ms)"
    what = "warm promote behind 50 ms, cluster seen / no cluster"
    return [
        exactly(f"requests: {len(seen)} promotes, warm, with the cluster seen", requests, len(seen)),
        at_most(what, took_s / least_s, RATIO_LIMIT, "times", digits=2, note=note),
    ]


async def _statuses(host: HostedWorld, times: int) -> Row:
    async def median_ms(cluster: Path | None) -> float:
        async with _mover(host.settings(host.github, cluster)) as mover:
            return statistics.median([await _status_ms(mover.components) for _ in range(times)])

    with_it, without = await median_ms(host.kubeconfig), await median_ms(None)
    what = "status of one service on loopback: with the cluster more than without"
    note = f" ({with_it:.1f} ms / {without:.1f} ms)"
    return at_most(what, with_it - without, STATUS_LIMIT_MS, "ms", note=note)


async def _status_ms(components: Components) -> float:
    began = time.perf_counter()
    await components.failover.status(_SERVICE)
    return 1000 * (time.perf_counter() - began)


async def _hanging(host: HostedWorld, folder: Path) -> Row:
    """From a cold start: a service that runs knows that nothing is seen."""
    with _silent() as url:
        file = folder / "hanging"
        file.write_text(kubeconfig(url), encoding="utf-8")
        hanging_s, without_s = await _longest_s(host, file), await _longest_s(host, None)
    what = "a cluster that hangs delays the longest of 4 promotes, from a cold start"
    note = f" ({hanging_s:.2f} s / {without_s:.2f} s)"
    return at_most(what, max(0.0, hanging_s - without_s), TIMEOUT_S, "s", digits=2, note=note)


async def _longest_s(host: HostedWorld, cluster: Path | None) -> float:
    settings = host.settings(host.github, cluster).model_copy(update={"cluster_timeout_s": TIMEOUT_S})
    async with open_failover(settings, rate_limit=RateLimit(())) as components:
        mover = _Mover(components, [])
        return max([await mover.move() for _ in range(4)])


@contextmanager
def _silent() -> Iterator[str]:
    """An API server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


# From the call to serving


async def _from_call_to_serving(world: World, services: Sequence[str]) -> list[dict[str, float]]:
    """Seconds from the call to each step, of each service."""
    async with open_failover(world.settings(), rate_limit=RateLimit(())) as components:
        namespaces = components.catalog.current().namespaces
        assert components.cluster is not None
        components.cluster.watch(lambda: namespaces)
        await asyncio.to_thread(_kill, world)
        return [await _steps_of(components, world, service) for service in services]


def _kill(world: World) -> None:
    """Until that is seen; nothing is skipped."""
    world.act(DIES, "kill")
    while world.is_ready(DIES):
        time.sleep(0.5)
    time.sleep(2)


async def _steps_of(components: Components, world: World, service: str) -> dict[str, float]:
    began = time.perf_counter()
    outcome = await components.failover.move(service, Action.PROMOTE, MoveRequest(by="bench"))
    committed_s = time.perf_counter() - began
    assert outcome.commit
    return {"committed": committed_s} | await steps_after(world, service, outcome.commit.sha, began)


async def steps_after(world: World, service: str, commit: str, began: float) -> dict[str, float]:
    """Seconds from `began` (time.perf_counter()) to each step that follows a commit; it waits for the last."""
    took: dict[str, float] = {}
    due = time.perf_counter() + _GIVE_UP_S
    while "ready" not in took:
        now = time.perf_counter()
        assert now < due, f"{service}: {took}"
        for step in _reached(world, service, commit):
            took.setdefault(step, now - began)
        await asyncio.sleep(0.005)
    return took


def _reached(world: World, service: str, commit: str) -> Iterator[str]:
    """The steps that the cluster has done by now."""
    list_of = world.cluster.list
    if _has(world.cluster.get("GitRepository", "flux-system/flux-system"), commit, "status", "artifact", "revision"):
        yield "fetched"
    if _has(world.cluster.get("Kustomization", "flux-system/apps"), commit, "status", "lastAppliedRevision"):
        yield "applied"
    pods = [pod for pod in list_of("Pod") if service in labels_of(pod).values()]
    new = [pod for pod in pods if at(pod, "spec", "nodeName") not in (None, DIES)]
    if new:
        yield "scheduled"
    if any(condition_status(pod, "Ready") == "True" for pod in new):
        yield "ready"


def _has(found: Mapping[str, Any] | None, commit: str, *path: str) -> bool:
    return commit in str(at(found, *path, default=""))
