"""The text that Prometheus reads."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.exposition import choose_encoder

from failover_api.config_file import ConfigFile
from failover_api.core.catalog.model import Catalog
from failover_api.failover import Failover
from failover_api.forge.http.credentials import Credentials
from failover_api.metrics.counters import Counters
from failover_api.metrics.gauges import Gauges
from failover_api.metrics.rounds import ROUND_S, Rounds

_OPEN = "application/openmetrics-text; version=1.0.0"


class Metrics:
    """All there is to scrape. Whoever scrapes wants the rounds to go on."""

    def __init__(self, counters: Counters, gauges: Gauges, rounds: Rounds) -> None:
        self._counters, self._standing, self._rounds = counters, gauges, rounds
        counters.registry.register(gauges)
        ProcessCollector(registry=counters.registry)

    def text(self, accept: str = "") -> tuple[bytes, str]:
        """Prometheus' text, or OpenMetrics when `accept` asks for it; and its content type."""
        self._rounds.want()
        self._counters.keep(self._standing.services())
        encode, content_type = choose_encoder(_OPEN if _wants_open(accept) else "")
        return encode(_Plain(self._counters.registry)), content_type


def _wants_open(accept: str) -> bool:
    """Only which of the two: the library trips over a version it cannot read, and repeats what it was given."""
    return any(kind.partition(";")[0].strip() == _OPEN.partition(";")[0] for kind in accept.split(","))


@dataclass(frozen=True, slots=True)
class _Plain:
    """A registry without the `_created` series, which double the size and say little here."""

    registry: CollectorRegistry

    def collect(self) -> Iterator[Metric]:
        for metric in self.registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


@asynccontextmanager
async def open_metrics(
    counters: Counters,
    *,
    catalog: ConfigFile[Catalog],
    credentials: Credentials,
    failover: Failover,
    every_s: float = ROUND_S,
) -> AsyncIterator[Metrics]:
    """What `counters` counts and what stands; the rounds are `every_s` apart and end with it."""
    rounds = Rounds(failover.list_all, every_s=every_s)
    gauges = Gauges(counters, catalog=catalog, credentials=credentials, failover=failover)
    walking = asyncio.create_task(rounds.walk())
    try:
        yield Metrics(counters, gauges, rounds)
    finally:
        walking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await walking
