"""Many promotes at once: how many commits and requests they are, and how long the last of them takes.

Measured through the use cases, against a sandbox in a process of its own behind a delay. All that is timed are writes,
and one of GitHub's takes 300 ms and more besides the way (https://github.com/isomerpages/isomercms-backend/issues/18
has reads and writes of one client). The sandbox's own work is within that time, so a ratio shows what our code adds.
"""

import asyncio
import contextlib
import itertools
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

from bench.rig import repositories
from bench.rig.delay import delaying
from bench.rig.host import Host, hosting
from bench.rig.report import Row, at_most, exactly
from bench.rig.scratch import scratch
from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.failover import Failover
from failover_api.forge.http.rate_limit import RateLimit
from failover_api.wiring import open_failover

CALLERS = 100
ROUND_TRIP_S, SERVER_S = 0.050, 0.300
BEHIND = f"behind {ROUND_TRIP_S * 1000:.0f} ms and {SERVER_S * 1000:.0f} ms of server time"
P99_LIMIT, GROUP_LIMIT = 2.2, 1.3
RATE_PER_S, RATE_SERVICES = 200, 400
CYCLE = (Action.PROMOTE, Action.DEMOTE)


def measure(*, quick: bool = False) -> Iterator[Row]:
    """Storms and groups, then a steady stream: each on a host of its own, whose limits count nobody else's writes."""
    with scratch() as folder, _served(folder) as (host, url):
        yield from asyncio.run(_storm(host, _catalog(folder, CALLERS), url, 3 if quick else 7))
    with scratch() as folder, _served(folder) as (host, url):
        yield from asyncio.run(_stream(host, _catalog(folder, RATE_SERVICES), url, 2.0 if quick else 10.0))


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[tuple[Host, str]]:
    """A host, and its URL behind the delay."""
    with (
        hosting(repositories.generated(RATE_SERVICES), folder) as host,
        delaying(host.port, ROUND_TRIP_S, server_s=SERVER_S) as delay,
    ):
        yield host, delay.url


async def _storm(host: Host, catalog: Path, url: str, times: int) -> list[Row]:
    """Everybody at once, there and back; between two storms a single move, and then groups."""
    names = repositories.names(CALLERS)
    one_s, p99_s, group_s, commits, lost = [], [], [], [], 0
    async with open_failover(host.settings(catalog, url=url), rate_limit=RateLimit(())) as components:
        failover = components.failover
        await failover.list_all()
        for _, action in zip(range(2 * times), itertools.cycle(CYCLE), strict=False):
            one_s += [(await _timed(failover, names[0], one))[0] for one in CYCLE[:: 1 if action is CYCLE[0] else -1]]
            _forget(host)
            before = _commits(host)
            took = sorted(took for took, _ in await asyncio.gather(*(_timed(failover, name, action) for name in names)))
            p99_s.append(took[int(len(took) * 0.99) - 1])
            commits.append(_commits(host) - before)
            lost += _writes(host) - commits[-1]
        for _, action in zip(range(2 * times), itertools.cycle(CYCLE), strict=False):
            started = time.perf_counter()
            await failover.move_group("all", action, MoveRequest(by="bench"))
            group_s.append(time.perf_counter() - started)
    one, p99, group = statistics.median(one_s), statistics.median(p99_s), statistics.median(group_s)
    few = Row(
        f"commits of {CALLERS} promotes at once, {BEHIND}", f"{max(commits)}", "at most 3", max(commits) <= 3, gate=True
    )
    return [
        few,
        exactly(f"races they lost to each other, {BEHIND}", lost, 0, "write"),
        at_most(
            f"p99 of them / one promote, {BEHIND}",
            p99 / one,
            P99_LIMIT,
            "times",
            digits=2,
            note=f" ({p99 * 1000:.0f} ms; one {one * 1000:.0f} ms)",
        ),
        at_most(
            f"a group of {CALLERS} / one promote, {BEHIND}",
            group / one,
            GROUP_LIMIT,
            "times",
            digits=2,
            note=f" ({group * 1000:.0f} ms)",
        ),
    ]


async def _stream(host: Host, catalog: Path, url: str, seconds: float) -> list[Row]:
    names = repositories.names(RATE_SERVICES)
    async with open_failover(host.settings(catalog, url=url)) as components:
        await components.failover.list_all()
        _forget(host)
        moving: list[asyncio.Task[tuple[float, Any]]] = []
        moves = itertools.chain.from_iterable(((name, action) for name in names) for action in itertools.cycle(CYCLE))
        started = time.perf_counter()
        for number in range(int(RATE_PER_S * seconds)):
            name, action = next(moves)
            moving.append(asyncio.create_task(_timed(components.failover, name, action)))
            await asyncio.sleep(max(0.0, started + (number + 1) / RATE_PER_S - time.perf_counter()))
        outcomes = await asyncio.gather(*moving)
    asked = len(_requests(host))
    assert all(outcome.changed for _, outcome in outcomes)
    took = sorted(took for took, _ in outcomes)
    return [
        at_most(
            f"requests a promote, {RATE_PER_S} promotes a second for {seconds:.0f} s, {BEHIND}",
            asked / len(outcomes),
            0.05,
            "requests",
            digits=3,
            note=f" ({asked} for {len(outcomes)}; median {took[len(took) // 2]:.1f} s, longest {took[-1]:.1f} s)",
        )
    ]


async def _timed(failover: Failover, name: str, action: Action) -> tuple[float, Any]:
    started = time.perf_counter()
    outcome = await failover.move(name, action, MoveRequest(by="bench"))
    assert outcome.changed
    return time.perf_counter() - started, outcome


def _catalog(folder: Path, count: int) -> Path:
    services = repositories.names(count)
    path = folder / f"{count}.yaml"
    groups = f"groups: {{all: [{', '.join(services)}]}}\n"
    path.write_text(groups + repositories.catalog(services), encoding="utf-8")
    return path


def _requests(host: Host) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx2.get(f"{host.url}/_sandbox/requests").json()
    return found


def _writes(host: Host) -> int:
    return sum(r["method"] == "PUT" or r.get("operation") == "createCommitOnBranch" for r in _requests(host))


def _commits(host: Host) -> int:
    command = ["git", "--git-dir", str(host.git_dir), "rev-list", "--count", "main"]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _forget(host: Host) -> None:
    httpx2.delete(f"{host.url}/_sandbox/requests")
