"""The text that Prometheus reads."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.exposition import choose_encoder

from failover_api.metrics.counters import Counters
from failover_api.metrics.gauges import Gauges
from failover_api.overview import Overview

_OPEN = "application/openmetrics-text; version=1.0.0"


class Metrics:
    """All there is to scrape. Whoever scrapes wants to know where services are."""

    def __init__(self, counters: Counters, gauges: Gauges, overview: Overview) -> None:
        self._counters, self._gauges, self._overview = counters, gauges, overview
        counters.registry.register(gauges)
        ProcessCollector(registry=counters.registry)

    def text(self, accept: str = "") -> tuple[bytes, str]:
        """Prometheus' text, or OpenMetrics when `accept` asks for it; and its content type."""
        self._overview.want()
        self._counters.keep(self._gauges.services())
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
