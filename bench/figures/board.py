"""The board: what a page costs the server and the wire, and that viewers cost GitHub nothing.

The app runs in this process without a socket, so a page's time is the server's alone; the sandbox is in a process of
its own, except where its requests are counted.
"""

import asyncio
import itertools
import re
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from bench.rig import repositories
from bench.rig.host import hosting
from bench.rig.report import Row, at_most, exactly
from bench.rig.scratch import scratch
from failover_api.core.catalog.model import Branch
from failover_api.edges.app import create_app
from failover_api.edges.http.throttle import Throttle
from failover_api.events import BranchMoved, Events
from failover_api.overview import USUAL, Intervals
from failover_api.sandbox import Sandbox
from failover_api.settings import Settings
from failover_api.wiring import Components

SHOWN, MANY = 20, 200
VIEWERS = 200
PAGE_LIMIT_MS = 100.0
TRANSFER_LIMIT_KB = 50.0  # 1 kB is 1,000 bytes
MANY_LIMIT_MS, MANY_LIMIT_KB = 200.0, 150.0


def measure(*, quick: bool = False) -> Iterator[Row]:
    """A board of twenty services, and of two hundred."""
    for shown, pages in ((SHOWN, _pages), (MANY, _large_page)):
        with scratch() as folder:
            catalog = folder / "services.yaml"
            catalog.write_text(repositories.catalog(repositories.names(shown)), encoding="utf-8")
            with hosting(repositories.generated(shown), folder) as host:
                yield from asyncio.run(pages(host.settings(catalog), times=20 if quick else 100))
    with scratch() as folder:
        yield asyncio.run(count_viewers(folder))


async def _pages(settings: Settings, *, times: int) -> list[Row]:
    what = f"board of {SHOWN} services, server time of a page"
    async with _browsing(settings) as (client, _):
        transferred_kb = await _transferred_kb(client)
        shared_ms = [await _page_ms(client) for _ in range(times)]
    async with _browsing(settings, Intervals(fresh_s=0, apart_s=0)) as (client, _):
        await client.get("/")
        looked_ms = [await _page_ms(client) for _ in range(times)]
    return [
        at_most(f"{what}, as it was seen in the last seconds", statistics.median(shared_ms), PAGE_LIMIT_MS, "ms"),
        at_most(f"{what}, with a look at GitHub (a 304)", statistics.median(looked_ms), PAGE_LIMIT_MS, "ms"),
        at_most(
            f"board of {SHOWN} services, transferred with style and script", transferred_kb, TRANSFER_LIMIT_KB, "kB"
        ),
    ]


async def _large_page(settings: Settings, *, times: int) -> list[Row]:
    what = f"board of {MANY} services"
    async with _browsing(settings, Intervals(fresh_s=0, apart_s=0, patience_s=60)) as (client, _):
        page = await client.get("/")
        assert page.text.count('<li class="row"') == MANY
        looked_ms = [await _page_ms(client) for _ in range(times)]
    return [
        at_most(
            f"{what}, server time of a page, with a look at GitHub (a 304)",
            statistics.median(looked_ms),
            MANY_LIMIT_MS,
            "ms",
        ),
        at_most(f"{what}, the page, not compressed", len(page.content) / 1000, MANY_LIMIT_KB, "kB"),
    ]


async def count_viewers(folder: Path) -> Row:
    """What GitHub is asked while many look at once, and ask again for news."""
    sandbox = Sandbox.create(folder / "homelab.git", files=repositories.generated(SHOWN))
    catalog = folder / "services.yaml"
    catalog.write_text(repositories.catalog(repositories.names(SHOWN)), encoding="utf-8")
    with sandbox.serve() as url:
        settings = Settings.model_validate({"config": catalog, "github_url": url, "github_token": sandbox.token})
        intervals = Intervals(fresh_s=60, apart_s=0)  # a busy machine is no second look
        async with _browsing(settings, intervals) as (client, events):
            etag = (await client.get("/cards")).headers["etag"]
            events.publish(BranchMoved(Branch("acme/homelab", "main")))
            before = len(sandbox.requests)
            await asyncio.gather(*(client.get("/") for _ in range(VIEWERS)))
            await asyncio.gather(*(client.get("/cards", headers={"if-none-match": etag}) for _ in range(VIEWERS)))
            asked = len(sandbox.requests) - before
    sandbox.close()
    return exactly(f"requests: {VIEWERS} viewers of the board at once, and asking for news", asked, 1)


@asynccontextmanager
async def _browsing(
    settings: Settings, intervals: Intervals = USUAL
) -> AsyncIterator[tuple[httpx2.AsyncClient, Events]]:
    app = create_app(settings, open_to_all=True)
    app.state.throttle = Throttle(clock=itertools.count().__next__)  # one caller is all viewers: nobody is throttled
    transport = httpx2.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://board.test") as client,
    ):
        components: Components = app.state.components
        components.overview.intervals = intervals
        yield client, components.events


async def _page_ms(client: httpx2.AsyncClient) -> float:
    started = time.perf_counter()
    (await client.get("/")).raise_for_status()
    return (time.perf_counter() - started) * 1000


async def _transferred_kb(client: httpx2.AsyncClient) -> float:
    """The bodies of a first visit; a later one has style and script already."""
    page = await client.get("/")
    assert page.text.count('<li class="row"') == SHOWN
    urls = sorted(set(re.findall(r'"(/static/[^"]+)"', page.text)))
    files = [await client.get(url, headers={"accept-encoding": "gzip"}) for url in urls]
    sizes = [int(answer.headers["content-length"]) for answer in (page, *files)]
    return sum(sizes) / 1000
