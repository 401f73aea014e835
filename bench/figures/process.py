"""The service as a process: how soon it is ready, the memory it holds, the CPU one promote takes."""

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2

from bench.rig import repositories
from bench.rig.git_servers import free_port
from bench.rig.host import Host, hosting
from bench.rig.report import Row, at_most, median, skipped
from bench.rig.scratch import scratch
from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.events import MoveEnded
from failover_api.failover import Failover
from failover_api.forge.http.rate_limit import RateLimit
from failover_api.metrics.counters import Counters
from failover_api.settings import Settings
from failover_api.wiring import open_failover

START_LIMIT_S = 1.5
MEMORY_LIMIT_MB = 75.0
CPU_LIMIT_MS = 5.0
_GIVE_UP_S = 60.0


def measure(*, quick: bool = False) -> Iterator[Row]:
    """Start, memory and CPU, on the sample homelab with a GitHub App."""
    with scratch() as folder, hosting(repositories.sample(), folder) as host:
        yield from _served(host, starts=2 if quick else 7)
        yield from _cpu(host, promotes=60 if quick else 300)


def _served(host: Host, *, starts: int) -> Iterator[Row]:
    if not Path("/proc/self/status").exists():
        yield skipped("memory and start of `failover serve`", "no /proc on this system")
        return
    settings = host.settings(repositories.SAMPLE_CATALOG, as_app=True)
    with serving(settings) as (url, _, _):  # the first writes the .pyc files, those of what is imported late too
        httpx2.get(f"{url}/api/failover/radarr").raise_for_status()
    yield at_most(
        "process start to /readyz 200", median(lambda: _start_s(settings), starts), START_LIMIT_S, "s", digits=2
    )
    with serving(settings) as (url, process, _):
        idle_mb = rss_mb(process.pid)
        httpx2.post(f"{url}/api/failover/radarr/promote").raise_for_status()
        used_mb = rss_mb(process.pid)
    yield at_most("memory (RSS) of the service, ready and idle", idle_mb, MEMORY_LIMIT_MB, "MB")
    yield Row(
        "memory (RSS) of the service after a promote as an App: PyGithub is imported by then", f"{used_mb:.1f} MB"
    )


def _start_s(settings: Settings) -> float:
    with serving(settings) as (_, _, took_s):
        return took_s


@contextlib.contextmanager
def serving(settings: Settings, **variables: str) -> Iterator[tuple[str, "subprocess.Popen[bytes]", float]]:
    """`failover serve` as an App, in a process of its own: its URL, the process, how long it took to be ready.

    `settings` say where catalog, GitHub and cluster are; all else is said by `variables` of the environment.
    """
    key_file = settings.github_private_key_file
    assert key_file, "an App has a key"
    ours = ("FAILOVER_", "PYTHONDONTWRITEBYTECODE")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environ |= {
        "FAILOVER_CONFIG": str(settings.config),
        "FAILOVER_GITHUB_URL": settings.github_url,
        "FAILOVER_GITHUB_APP_ID": settings.github_app_id or "",
        "FAILOVER_GITHUB_PRIVATE_KEY_FILE": str(key_file),
        "FAILOVER_CLUSTER": settings.cluster,
        "PYTHONPYCACHEPREFIX": str(key_file.parent / "pycache"),  # compiled once, as an image has it
        **variables,
    }
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    started = time.perf_counter()
    command = [sys.executable, "-m", "failover_api", "serve", "--insecure-no-auth", "--port", str(port)]
    process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
    try:
        _wait_until_ready(url, process)
        yield url, process, time.perf_counter() - started
    finally:
        process.terminate()
        process.wait()


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _GIVE_UP_S
    with httpx2.Client() as http:
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(httpx2.TransportError):  # nobody listens yet, or it has no time
                if http.get(f"{url}/readyz").status_code == 200:
                    return
            time.sleep(0.005)
    raise RuntimeError("`failover serve` was not ready in time")


def rss_mb(pid: int) -> float:
    """Resident memory, as the kernel counts it for the container's limit too (1 MB is 1024 KiB)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kib) / 1024


def _cpu(host: Host, *, promotes: int) -> Iterator[Row]:
    async def run() -> list[float]:
        counters = Counters()  # as the service has it
        async with open_failover(
            host.settings(repositories.SAMPLE_CATALOG),
            rate_limit=RateLimit(()),
            traffic=counters.traffic,
        ) as components:
            components.events.subscribe(MoveEnded, counters.move_ended)
            await _cpu_ms(components.failover, 30)  # whoever is warm has imported everything
            return await _cpu_ms(components.failover, promotes)

    taken = asyncio.run(run())
    yield at_most("CPU of one warm promote, client side", statistics.median(taken), CPU_LIMIT_MS, "ms", digits=2)


async def _cpu_ms(failover: Failover, promotes: int) -> list[float]:
    """Process CPU time (user and system, all threads) of each move; every second one is the way back."""
    taken = []
    for number in range(promotes):
        action = Action.DEMOTE if number % 2 else Action.PROMOTE
        before = time.process_time()
        outcome = await failover.move("sonarr", action, MoveRequest(by="bench"))
        taken.append((time.process_time() - before) * 1000)
        assert outcome.commit
    return taken
