"""The states of nodes, as values."""

from dataclasses import dataclass
from enum import StrEnum


class NodeState(StrEnum):
    """Of one node."""

    READY = "ready"
    SUSPECT = "suspect"
    DEAD = "dead"
    UNWELL = "unwell"
    PLANNED = "planned"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NodeHealth:
    """`since` is by the API server's clock (s); None: not known."""

    state: NodeState
    since: float | None = None


NOT_SEEN = NodeHealth(NodeState.UNKNOWN)
