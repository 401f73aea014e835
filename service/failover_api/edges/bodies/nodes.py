"""The nodes under the services."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from failover_api.core.rfc3339 import rfc3339_or_none
from failover_api.core.safety.node_states import NodeHealth, NodeState
from failover_api.edges.models.nodes import NodeBody, NodesListBody, OnNodeBody
from failover_api.reading.nodes import NodeReport, Nodes

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.automatic.report import NodeLine, Report


_STATES = frozenset(NodeState)


def nodes_body(
    nodes: Nodes, *, visible: Callable[[str], bool] = lambda _: True, judged: "Report | None" = None
) -> NodesListBody:
    """`visible` says which services may be named; `judged` is what automatic failover makes of the nodes."""
    return NodesListBody(
        nodes=[_node(report, visible, judged.node(report.name) if judged else None) for report in nodes.reports],
        as_of=rfc3339_or_none(judged.as_of) if judged else None,
    )


def _node(report: NodeReport, visible: Callable[[str], bool], judged: "NodeLine | None") -> NodeBody:
    health = NodeHealth(NodeState(judged.state), judged.since) if judged and judged.state in _STATES else report.health
    on_it = OnNodeBody(
        active=[name for name in report.active if visible(name)],
        standby=[name for name in report.standby if visible(name)],
    )
    return NodeBody(
        name=report.name,
        state=health.state,
        since=rfc3339_or_none(health.since),
        ready=report.ready,
        renewed_at=rfc3339_or_none(report.renewed_at),
        unschedulable=report.is_unschedulable,
        services=on_it,
    )
