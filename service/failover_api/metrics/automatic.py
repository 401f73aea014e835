"""What is so of automatic failover when somebody asks. While it is off there is its mode, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import Metric

from failover_api.core.catalog.automatic import Mode
from failover_api.core.safety.node_states import NodeState, ViewState
from failover_api.metrics.gauge import gauge

if TYPE_CHECKING:  # nothing of it is loaded while it is off
    from failover_api.core.automatic.report import Report

VIEWS = [view for view in ViewState if view is not ViewState.OFF]  # a leader looks


@dataclass(frozen=True, slots=True)
class AutomaticSeen:
    """`leads`: this replica does; `is_led`: it sees that some replica does. `report` is None unless it leads."""

    mode: Mode = Mode.NONE
    leads: bool = False
    is_led: bool = False
    is_paused: bool = False
    report: "Report | None" = None


def automatic_metrics(seen: AutomaticSeen) -> Iterator[Metric]:
    """What a replica that does not lead cannot know has no series there."""
    yield gauge(
        "failover_automatic_mode",
        "1 for the mode of automatic failover in the catalog in force, 0 for the others.",
        ("mode",),
        [((mode.value,), mode is seen.mode) for mode in Mode],
    )
    if seen.mode is Mode.NONE:
        return
    yield gauge(
        "failover_automatic_leads", "1 on the replica that leads: it alone judges nodes.", (), [((), seen.leads)]
    )
    yield gauge("failover_automatic_led", "1 when this replica sees that some replica leads.", (), [((), seen.is_led)])
    yield gauge("failover_automatic_paused", "1 while a pause of all services is in force.", (), [((), seen.is_paused)])
    if seen.report is not None:
        yield from _of_leader(seen.report)


def _of_leader(report: "Report") -> Iterator[Metric]:
    yield gauge(
        "failover_automatic_view",
        "1 for what the leader makes of the cluster as a whole, 0 for the others; it acts under watching alone.",
        ("view",),
        [((view.value,), view.value == report.view) for view in VIEWS],
    )
    yield gauge(
        "failover_automatic_nodes",
        "Nodes by the state in which the leader sees them.",
        ("state",),
        [((state.value,), sum(node.state == state.value for node in report.nodes)) for state in NodeState],
    )
    dead = {node.name for node in report.nodes if node.state == NodeState.DEAD.value}
    # One of which nobody can tell where it is, is held on each node that it may be on.
    held = {(line.service, line.holds[0].gate) for line in report.pending if line.holds and line.node in dead}
    yield gauge(
        "failover_automatic_held",
        "1 for a service on a dead node that is not moved by itself, with the first gate that holds it.",
        ("service", "gate"),
        [(key, 1.0) for key in sorted(held)],
    )
