"""A cluster that is watched: what it takes of memory and CPU, and what it adds to a status.

The cluster is simulated, in a process of its own; the service is `failover serve` with a kubeconfig.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2

from bench.figures.process import rss_mb, serving
from bench.rig import repositories
from bench.rig.cluster_host import NAMESPACE, clustering
from bench.rig.host import Host, hosting
from bench.rig.report import Row, at_most, skipped
from bench.rig.scratch import scratch
from failover_api.cluster.kubeconfig import kubeconfig_access
from failover_api.cluster.kubernetes import Kubernetes

SERVICES = 200
MEMORY_LIMIT_MB, CPU_LIMIT_PERCENT, LOOK_LIMIT_MS = 12.0, 1.0, 60.0
_SETTLED_S = 20.0


def measure(*, quick: bool = False) -> Iterator[Row]:
    """Watching at rest, and one look."""
    services = 20 if quick else SERVICES
    with scratch() as folder, hosting(repositories.sample(), folder) as host, clustering(services, folder) as file:
        yield from _watching(host, file, services, rest_s=5.0 if quick else 60.0)
        yield from asyncio.run(_looks(file, services, times=5 if quick else 30))


def _watching(host: Host, kubeconfig: Path, services: int, *, rest_s: float) -> Iterator[Row]:
    what = f"{services} services watched in a cluster"
    if not Path("/proc/self/status").exists():
        yield skipped(f"{what}: memory and CPU", "no /proc on this system")
        return
    settings = host.settings(repositories.SAMPLE_CATALOG, as_app=True)
    with serving(settings, FAILOVER_CLUSTER=str(kubeconfig)):  # the first writes the .pyc files
        time.sleep(1)
    found: list[tuple[float, float]] = []
    for cluster in ("none", str(kubeconfig)):
        with serving(settings, FAILOVER_CLUSTER=cluster) as (url, process, _):
            httpx2.get(f"{url}/api/failover").raise_for_status()  # what the first look at GitHub loads is in both
            found.append(at_rest(process.pid, _SETTLED_S, rest_s))
    (without_mb, idle), (with_mb, watching) = found
    yield at_most(f"{what}: memory (RSS) more than without", with_mb - without_mb, MEMORY_LIMIT_MB, "MB")
    yield at_most(f"{what}: CPU at rest more than without", watching - idle, CPU_LIMIT_PERCENT, "%", digits=2)


def at_rest(pid: int, settle_s: float, rest_s: float) -> tuple[float, float]:
    """MB of memory (RSS) of a process that has settled, then its CPU in % of one core."""
    time.sleep(settle_s)
    return rss_mb(pid), _cpu_percent(pid, rest_s)


def _cpu_percent(pid: int, seconds: float) -> float:
    """Of one core, while nobody asks for anything."""
    began_s, began = _cpu_s(pid), time.perf_counter()
    time.sleep(seconds)
    return 100 * (_cpu_s(pid) - began_s) / (time.perf_counter() - began)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _looks(kubeconfig: Path, services: int, *, times: int) -> list[Row]:
    cluster = Kubernetes("bench", lambda: kubeconfig_access(kubeconfig), timeout_s=30)
    scope = frozenset({NAMESPACE})
    asked = statistics.median([await _look_ms(cluster, scope) for _ in range(times)])
    cluster.watch(lambda: scope)
    await cluster.look(scope)
    watched = statistics.median([await _look_ms(cluster, scope) for _ in range(times)])
    await cluster.aclose()
    return [
        at_most(f"a look at a cluster of {services} services, watched: from memory", watched, LOOK_LIMIT_MS, "ms"),
        Row(f"a look at a cluster of {services} services, not watched: all of it is listed", f"{asked:.0f} ms"),
    ]


async def _look_ms(cluster: Kubernetes, scope: frozenset[str]) -> float:
    began = time.perf_counter()
    view = await cluster.look(scope)
    assert not view.deployments.why_unseen(NAMESPACE), view.deployments.why_unseen(NAMESPACE)
    return 1000 * (time.perf_counter() - began)
