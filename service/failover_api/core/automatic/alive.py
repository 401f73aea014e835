"""Whether a node lives, as far as that can be told: then nobody can say that it is off."""

from failover_api.core.safety.node_states import STALE_S
from failover_api.core.safety.observed import Lease, Node
from failover_api.core.wording import cut


def why_alive(node: Node | None, lease: Lease | None, *, now: float, monotonic: float) -> str:
    """Why nobody can say that a node is off, "" when one can.

    `now` is the API server's time (s), `monotonic` ours. A Lease is fresh that we saw renewed lately. Of a node that
    Kubernetes does not hear of, its own word has to be young as well: we may have begun to look a moment ago. So of one
    that the cluster does not have any more: None.
    """
    if node is not None and node.is_ready:
        return f"{cut(node.name)} is Ready: Kubernetes hears of it"
    is_silent = node is None or (node.ready is not None and node.ready.status == "Unknown")
    if lease is None or lease.renewed_at is None:
        return "" if node is None or is_silent else f"{cut(node.name)} has no Lease, and Kubernetes hears of it"
    is_fresh = monotonic - lease.unchanged_since < STALE_S
    if is_silent:
        is_fresh = is_fresh and now - lease.renewed_at < STALE_S
    return f"the Lease of {cut(lease.node)} is fresh: its kubelet lives" if is_fresh else ""
