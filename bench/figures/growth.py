"""Whether a warm promote takes longer in a large repository, or with many services in the catalog.

The two of a pair are measured by turns, so that whatever else the machine does meets both.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.figures.flows import warm
from bench.rig import repositories
from bench.rig.delay import Delay, delaying
from bench.rig.host import Host, hosting
from bench.rig.report import Row, at_most
from bench.rig.scratch import scratch
from failover_api.core.catalog.load import parse_catalog

LARGE_FILES, SMALL_FILES = 20_000, 20
MANY_SERVICES = 1_000
ROUND_TRIP_S = 0.050
LIMIT = 1.05
Side = tuple[Host, Path, str]  # a sandbox, a catalog, and which of its services moves


def measure(*, quick: bool = False) -> Iterator[Row]:
    """Files in the repository, then services in the catalog."""
    large = LARGE_FILES // 10 if quick else LARGE_FILES
    with ExitStack() as stack:
        folders = [stack.enter_context(scratch()) for _ in range(3)]
        hosts = [
            stack.enter_context(hosting(repositories.generated(count), folder))
            for count, folder in zip((SMALL_FILES, large), folders[1:], strict=True)
        ]
        delays = [stack.enter_context(delaying(host.port, ROUND_TRIP_S)) for host in hosts]
        names = repositories.names(MANY_SERVICES)
        one = _catalog(folders[0] / "one.yaml", names[:1])
        other = _catalog(folders[0] / "other.yaml", names[1:2])
        many = _catalog(folders[0] / "many.yaml", names)
        times = 20 if quick else 100

        small_side, large_side = (hosts[0], one, names[0]), (hosts[1], one, names[0])
        pair = asyncio.run(_by_turns((small_side, large_side), delays, times))
        yield _row(f"{large:,} files in the repository / {SMALL_FILES}", pair)

        few_side, many_side = (hosts[1], other, names[1]), (hosts[1], many, names[2])
        pair = asyncio.run(_by_turns((few_side, many_side), [delays[1]] * 2, times))
        yield _row(f"{MANY_SERVICES:,} services in the catalog / 1", pair)
        yield _catalog_row(500, 20)


def _catalog_row(many: int, few: int) -> Row:
    """Reading services.yaml: the time for each service must not grow with their number."""
    many_s, few_s = (_read_s(count) for count in (many, few))
    ratio = (many_s / many) / (few_s / few)
    return Row(
        f"reading a catalog, for each service: {many} services / {few}",
        f"{ratio:.2f} times ({many_s * 1000:.0f} ms / {few_s * 1000:.1f} ms in all)",
    )


def _read_s(services: int) -> float:
    """The best of five."""
    text = repositories.catalog(repositories.names(services))

    def read() -> float:
        started = time.process_time()
        assert len(parse_catalog(text, file="services.yaml").services) == services
        return time.process_time() - started

    return min(read() for _ in range(5))


def _catalog(path: Path, names: list[str]) -> Path:
    path.write_text(repositories.catalog(names), encoding="utf-8")
    return path


async def _by_turns(sides: tuple[Side, Side], delays: list[Delay], times: int) -> tuple[float, float]:
    """The median seconds of a warm promote on each side."""
    (host, catalog, name), (other_host, other_catalog, other_name) = sides
    async with (
        warm(host, catalog, delays[0], name) as one,
        warm(other_host, other_catalog, delays[1], other_name) as other,
    ):
        pairs = [(await one(), await other()) for _ in range(times)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def _row(what: str, pair: tuple[float, float]) -> Row:
    note = f" ({pair[1] * 1000:.1f} ms / {pair[0] * 1000:.1f} ms)"
    return at_most(f"warm promote behind 50 ms, {what}", pair[1] / pair[0], LIMIT, "times", digits=2, note=note)
