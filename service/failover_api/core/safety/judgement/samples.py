"""What one look shows of the nodes: all that the judgement takes in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from failover_api.core.safety.node_states import STALE_S

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.safety.observed import Lease, Node, View

UNREACHABLE, OUT_OF_SERVICE = "node.kubernetes.io/unreachable", "node.kubernetes.io/out-of-service"


@dataclass(frozen=True, slots=True)
class NodeSample:
    """A node and its Lease.

    `ready` is its condition: True, False, Unknown, "" where it says nothing; `ready_since` is by the cluster's clocks.
    `renewed_at` is by the node's clock, which may be wrong: it is compared with nothing but itself; None: no Lease.
    `is_evicted`: it has the NoExecute taint that Kubernetes gives a node it has given up, and no storm.
    """

    name: str
    uid: str
    ready: str = ""
    ready_since: float | None = None
    renewed_at: float | None = None
    is_unschedulable: bool = False
    is_evicted: bool = False
    is_out_of_service: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """`now` is the API server's time (s), `monotonic` our own clock (s), which only measures how long something took.

    `nodes_heard_at` and `leases_heard_at` are when the server last said anything of either (monotonic); None: never.
    `why_unseen` says why not, "" when both are seen. `lone_leases`: of nodes that are not there, when each was renewed;
    `lone_alive` are those of them whose Lease was seen to be renewed a moment ago, by our own clock.
    """

    now: float
    monotonic: float
    nodes: Mapping[str, NodeSample] = field(default_factory=dict)
    nodes_heard_at: float | None = None
    leases_heard_at: float | None = None
    why_unseen: str = ""
    lone_leases: Mapping[str, float] = field(default_factory=dict)
    lone_alive: frozenset[str] = frozenset()

    @property
    def heard_at(self) -> float | None:
        """Since when nothing of the two is newer: a node is judged by both."""
        if self.nodes_heard_at is None or self.leases_heard_at is None:
            return None
        return min(self.nodes_heard_at, self.leases_heard_at)


def sample_of(view: "View", *, now: float, monotonic: float) -> Sample:
    """A view of the cluster as a sample, at this moment of the API server's clock and of ours."""
    leases = {lease.node: lease for lease in view.leases.objects.values()}
    nodes = {node.name: _node(node, leases.get(node.name)) for node in view.nodes.objects.values()}
    why = view.nodes.why_unseen() or view.leases.why_unseen()
    lone = {name: one.renewed_at for name, one in leases.items() if name not in nodes and one.renewed_at is not None}
    alive = frozenset(name for name in lone if monotonic - leases[name].unchanged_since < STALE_S)
    return Sample(now, monotonic, nodes, view.nodes.heard_at, view.leases.heard_at, why, lone, alive)


def _node(node: "Node", lease: "Lease | None") -> NodeSample:
    return NodeSample(
        name=node.name,
        uid=node.uid,
        ready=node.ready.status if node.ready is not None else "",
        ready_since=node.ready.since if node.ready is not None else None,
        renewed_at=lease.renewed_at if lease is not None else None,
        is_unschedulable=node.is_unschedulable,
        is_evicted=any(taint.key == UNREACHABLE and taint.effect == "NoExecute" for taint in node.taints),
        is_out_of_service=any(taint.key == OUT_OF_SERVICE for taint in node.taints),
    )
