"""In what state a node is, by its own word and by its Lease, as far as one look can tell.

    ready      Ready, and its Lease is renewed
    suspect    its Lease is not renewed, or it is not ready; it may pass
    dead       both, for `dead_for_s`
    unwell     it says itself that it is not ready: it lives, and obeys
    planned    cordoned, whatever else it is
    unknown    not seen, or it says nothing of itself

Kubernetes says Unknown of a node some 50 s after the last renewal of its Lease, so Unknown is both. A Lease that stands
still while Kubernetes says Ready means that nobody is judging, or not yet. Flapping takes a memory, and is not told.
"""

from failover_api.core.safety.node_states import NOT_SEEN, STALE_S, NodeHealth, NodeState
from failover_api.core.safety.observed import Lease, Node

DEAD_FOR_S = 300.0


def node_health(
    node: Node,
    lease: Lease | None,
    *,
    now: float,
    monotonic: float,
    leases_heard_at: float | None = None,
    dead_for_s: float = DEAD_FOR_S,
) -> NodeHealth:
    """`now` is the API server's time, `monotonic` ours: the Lease is judged by how long we have seen it stand still.

    `leases_heard_at` (monotonic) is when anything was last heard of Leases, and no further that goes; None: just now.
    """
    ready = node.ready
    still_s = monotonic - lease.unchanged_since if lease is not None else 0.0
    unheard_s = 0.0 if leases_heard_at is None else monotonic - leases_heard_at
    is_still = still_s - unheard_s >= STALE_S
    if node.is_unschedulable:
        return NodeHealth(NodeState.PLANNED, ready.since if ready is not None else None)
    if ready is None:
        return NOT_SEEN
    if ready.is_true:
        return NodeHealth(NodeState.SUSPECT, now - still_s) if is_still else NodeHealth(NodeState.READY, ready.since)
    if ready.status == "False":
        return NodeHealth(NodeState.SUSPECT if is_still else NodeState.UNWELL, ready.since)
    is_dead = ready.since is not None and now - ready.since >= dead_for_s
    return NodeHealth(NodeState.DEAD if is_dead else NodeState.SUSPECT, ready.since)
