"""The states of nodes, and of the view of all of them, as values."""

from dataclasses import dataclass
from enum import StrEnum

STALE_S = 25.0  # a Lease is renewed every ten


class NodeState(StrEnum):
    """Of one node."""

    READY = "ready"
    SUSPECT = "suspect"
    DEAD = "dead"
    FLAPPING = "flapping"
    UNWELL = "unwell"
    PLANNED = "planned"
    UNKNOWN = "unknown"


class ViewState(StrEnum):
    """Of all that is seen of the nodes: only while it is `watching` anything may follow from a node's death."""

    WATCHING = "watching"
    BLIND = "blind"
    STORM = "storm"
    STARTING = "starting"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class NodeHealth:
    """`since` is by the API server's clock (s); None: not known."""

    state: NodeState
    since: float | None = None


NOT_SEEN = NodeHealth(NodeState.UNKNOWN)
