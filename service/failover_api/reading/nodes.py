"""The nodes of the cluster and of the catalog, each with what is on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from failover_api.core.safety.node_states import NOT_SEEN, NodeHealth
from failover_api.core.safety.placement import Placement, placement
from failover_api.core.safety.surroundings import ClusterLook
from failover_api.reading.status import Status, Unreadable

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.safety.observed import Node


@dataclass(frozen=True, slots=True)
class NodeReport:
    """One node. `ready` is its own condition, `renewed_at` the time of its heartbeat (s); None: not seen.

    `active` are the services whose side in Git is that node, `standby` those whose other side is.
    """

    name: str
    health: NodeHealth
    ready: bool | None
    renewed_at: float | None
    is_unschedulable: bool | None
    active: tuple[str, ...]
    standby: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nodes:
    """All of them, by name; `unplaced` are the services of which nobody knows the node."""

    reports: tuple[NodeReport, ...]
    unplaced: tuple[str, ...]

    def named(self, name: str) -> NodeReport | None:
        return next((report for report in self.reports if report.name == name), None)


def nodes_of(statuses: Sequence[Status | Unreadable], look: ClusterLook | None) -> Nodes:
    """`look` is None where no cluster is configured: then all that is known is what the catalog says."""
    seen = _seen(look)
    places = {status.service.name: _place(status, seen) for status in statuses}
    named = {node for status in statuses for node in (*status.service.primary_nodes, *status.service.backup_nodes)}
    reports = tuple(_report(name, places, seen, look) for name in sorted({*seen, *named}))
    return Nodes(reports, tuple(name for name, place in places.items() if place.active is None))


def _seen(look: ClusterLook | None) -> Mapping[str, "Node"]:
    """Nodes that are seen now; what was seen before the cluster fell silent is not."""
    return {} if look is None else {node.name: node for node in look.view.nodes.current.values()}


def _place(status: Status | Unreadable, seen: Mapping[str, "Node"]) -> Placement:
    if isinstance(status, Unreadable):
        return Placement(None, frozenset())
    nodes = {} if status.service.is_elsewhere else seen
    running_on = status.cluster.node if status.cluster is not None else None
    return placement(status.service, status.detection, nodes, running_on)


def _report(
    name: str, places: Mapping[str, Placement], seen: Mapping[str, "Node"], look: ClusterLook | None
) -> NodeReport:
    node = seen.get(name)
    active = tuple(service for service, place in places.items() if place.active == name)
    standby = tuple(service for service, place in places.items() if name in place.standby)
    if node is None or look is None:
        return NodeReport(name, NOT_SEEN, None, None, None, active, standby)
    from failover_api.core.safety.node_health import node_health

    lease = next((lease for lease in look.view.leases.objects.values() if lease.node == name), None)
    heard_at = look.view.leases.heard_at
    health = node_health(node, lease, now=look.now, monotonic=look.monotonic, leases_heard_at=heard_at)
    ready = None if node.ready is None else node.ready.is_true
    renewed_at = lease.renewed_at if lease is not None else None
    return NodeReport(name, health, ready, renewed_at, node.is_unschedulable, active, standby)
