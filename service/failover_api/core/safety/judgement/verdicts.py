"""What the judgement says: of each node, and of the view as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from failover_api.core.safety.node_states import NodeHealth, NodeState, ViewState


@dataclass(frozen=True, slots=True)
class NodeVerdict:
    """`since` and `acts_at` are by the API server's clock (s), `reason` is a sentence, "" where all is well.

    `died_at` is the cluster's own time of death: since when Kubernetes calls it Unknown, the same for whoever looks;
    None while it is heard of. `acts_at` is when something would follow from that, if it stays so; None: not in sight.
    `is_due`: it is dead, and has been long enough. `is_counted`: it is neither ignored nor down for a day.
    `is_alive`: its kubelet was heard of lately, so it obeys. `is_ready` is its condition, of `ready_since` by its own
    word; `ready_for_s` is how long ago we saw it turn True, None: never. `renewed_at` is the value of its Lease,
    `still_s` for how long we have seen that value. `is_out_of_service`: it has that taint.
    """

    name: str
    uid: str
    state: NodeState
    since: float | None
    reason: str
    died_at: float | None = None
    acts_at: float | None = None
    is_due: bool = False
    is_counted: bool = True
    is_ignored: bool = False
    is_alive: bool = False
    is_ready: bool = False
    ready_since: float | None = None
    ready_for_s: float | None = None
    renewed_at: float | None = None
    still_s: float = 0.0
    is_out_of_service: bool = False

    @property
    def health(self) -> NodeHealth:
        return NodeHealth(self.state, self.since)


@dataclass(frozen=True, slots=True)
class ViewVerdict:
    """`since` is by the API server's clock (s), None: not yet. `ends_at` is when it ends by itself, None: not known."""

    state: ViewState
    since: float | None
    reason: str = ""
    ends_at: float | None = None


NOTHING_SEEN = ViewVerdict(ViewState.STARTING, None)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Of one sample: `now` and `monotonic` are the sample's, `heard_at` that of its older half (monotonic).

    `nodes` is empty while nothing is seen; `lone_leases` are of nodes that are not there, by name: when renewed;
    `lone_alive` are those of them that live by that.
    """

    now: float
    monotonic: float
    heard_at: float | None
    view: ViewVerdict
    nodes: Mapping[str, NodeVerdict] = field(default_factory=dict)
    lone_leases: Mapping[str, float] = field(default_factory=dict)
    lone_alive: frozenset[str] = frozenset()
