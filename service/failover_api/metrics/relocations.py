"""Relocations that this process has seen under way, and when each service was drilled last."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client import Metric

from failover_api.metrics.gauge import gauge

if TYPE_CHECKING:  # nothing of it is loaded where nothing is relocated
    from failover_api.operations.relocation_report import RelocationReport

STATES = ("running", "waiting", "stopped", "done")


def relocation_metrics(seen: "Mapping[str, RelocationReport]", drills: Mapping[str, float]) -> Iterator[Metric]:
    """`seen` is the newest of each service; `drills` the time (s) at which its newest drill ended."""
    yield gauge(
        "failover_relocation_state",
        "1 for the state of a service's newest relocation that this process has seen under way, 0 for the others.",
        ("service", "state"),
        [((name, state), report.state.value == state) for name, report in seen.items() for state in STATES],
    )
    yield gauge(
        "failover_relocation_step",
        "The step of that relocation: 1 reverse, 2 quiesce, 3 final-sync, 4 cutover, 5 protect.",
        ("service",),
        [((name,), report.step.number) for name, report in seen.items()],
    )
    yield gauge(
        "failover_relocation_waited_seconds",
        "For how long that step has been under way; absent once the relocation is over.",
        ("service",),
        [((name,), report.waited_s) for name, report in seen.items() if report.is_under_way],
    )
    yield gauge(
        "failover_relocation_downtime_seconds",
        "For how long the app served nowhere in that relocation, from quiesce seen to serving; absent before that.",
        ("service",),
        [((name,), report.downtime_s) for name, report in seen.items() if report.downtime_s is not None],
    )
    yield gauge(
        "failover_last_drill_timestamp_seconds",
        "When the newest drill of a service ended: relocated there and home again. By Git; absent while none is known.",
        ("service",),
        [((name,), at) for name, at in drills.items()],
    )
