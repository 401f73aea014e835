"""The time of a warm promote behind a round trip, against the least it can take; and what an idle connection costs.

The least is one round trip and what the server takes, which is measured too: a PUT of the same size, prepared
beforehand and sent over a plain socket behind the same delay.
"""

import asyncio
import http.client
import itertools
import json
import statistics
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import httpx2

from bench.rig import repositories
from bench.rig.delay import Delay, delaying
from bench.rig.host import Host, hosting
from bench.rig.report import Row, at_most, exactly
from bench.rig.scratch import scratch
from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.forge.http.rate_limit import RateLimit
from failover_api.wiring import open_failover

RATIO_LIMITS = {0.050: 1.10, 0.020: 1.20}  # by round trip in seconds
IDLE_S = 6.0  # httpx2 drops a connection after 5 s unless it is told otherwise


def measure(*, quick: bool = False) -> Iterator[Row]:
    """Each round trip, then the idle connection."""
    with scratch() as folder, hosting(repositories.sample(), folder) as host:
        for round_trip_s, limit in RATIO_LIMITS.items():
            with delaying(host.port, round_trip_s) as delay:
                promote_s, least_s = asyncio.run(_compare(host, delay, 30 if quick else 100))
            yield at_most(
                f"warm promote / least possible, behind {round_trip_s * 1000:.0f} ms",
                promote_s / least_s,
                limit,
                "times",
                digits=2,
                note=f" ({promote_s * 1000:.1f} ms; a bare PUT {least_s * 1000:.1f} ms)",
            )
        with delaying(host.port, 0.050) as delay:
            yield from asyncio.run(_idle(host, delay))


async def _compare(host: Host, delay: Delay, times: int) -> tuple[float, float]:
    """Median seconds of a warm promote and of a bare PUT, both behind the delay, taken by turns.

    Of a service with a `path`: each bare PUT moves the branch, after which one without is searched for again.
    """
    bare = BarePut(host, delay)
    async with warm(host, repositories.SAMPLE_CATALOG, delay, "paperless-db") as promote:
        pairs = [(await promote(), bare.put()) for _ in range(times)]
    bare.close()
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


class BarePut:
    """A file that is written over a plain socket, with nothing to read or to think: what a promote takes at least."""

    def __init__(self, host: Host, delay: Delay, path: str = "apps/media/jellyfin/app.yaml") -> None:
        self._line = http.client.HTTPConnection(delay.url.removeprefix("http://"))
        self._headers = {"Authorization": f"Bearer {host.token}", "User-Agent": "bench"}
        self._url = f"/repos/acme/homelab/contents/{quote(path, safe='')}"
        self._line.request("GET", self._url, headers=self._headers)
        found = json.loads(self._line.getresponse().read())
        self._sha, self._data, self._count = found["sha"], b64decode(found["content"]), 0

    def put(self) -> float:
        """Seconds that one PUT took."""
        self._count += 1
        content = b64encode(self._data + b"# %d\n" % self._count).decode()
        body = json.dumps({"message": "bench", "content": content, "sha": self._sha, "branch": "main"})
        started = time.perf_counter()
        self._line.request("PUT", self._url, body, self._headers)
        answer = self._line.getresponse().read()
        took_s = time.perf_counter() - started
        self._sha = json.loads(answer)["content"]["sha"]
        return took_s

    def close(self) -> None:
        self._line.close()


@asynccontextmanager
async def warm(host: Host, catalog: Path, delay: Delay, name: str) -> AsyncIterator[Callable[[], Awaitable[float]]]:
    """A move to be timed: its service, token and connection are warm. Every second one is the way back."""
    async with open_failover(host.settings(catalog, url=delay.url), rate_limit=RateLimit(())) as components:
        there_and_back = (Action.PROMOTE, Action.DEMOTE)
        for action in there_and_back:
            await components.failover.move(name, action, MoveRequest(by="bench"))
        actions = itertools.cycle(there_and_back)

        async def move() -> float:
            started = time.perf_counter()
            outcome = await components.failover.move(name, next(actions), MoveRequest(by="bench"))
            assert outcome.commit
            return time.perf_counter() - started

        yield move


async def _idle(host: Host, delay: Delay) -> list[Row]:
    """Our client and one with httpx2's defaults, both idle for the same time, then one request each."""
    url = f"{delay.url}/repos/acme/homelab/branches/main"
    headers = {"authorization": f"Bearer {host.token}"}
    async with (
        warm(host, repositories.SAMPLE_CATALOG, delay, "sonarr") as promote,
        httpx2.AsyncClient(headers=headers) as default,
    ):
        await default.get(url)
        await asyncio.sleep(IDLE_S)
        before = delay.connections()
        ours_s = await promote()
        between = delay.connections()
        started = time.perf_counter()
        await default.get(url)
        default_trips = (time.perf_counter() - started) / delay.round_trip_s
        new = delay.connections() - between
    idle = f"after {IDLE_S:.0f} s idle"
    return [
        exactly(f"new connections for a promote {idle}", between - before, 0, "connection"),
        Row(f"time of that promote {idle}", f"{ours_s / delay.round_trip_s:.2f} round trips of 50 ms"),
        Row(
            f"the same with httpx2's defaults: one GET {idle}",
            f"{new} new connection, {default_trips:.2f} round trips (plain TCP; a TLS handshake would come on top)",
        ),
    ]
