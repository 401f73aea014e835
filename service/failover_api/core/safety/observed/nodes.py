"""Nodes, their heartbeats, and what may run on which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from failover_api.core.safety.observed.objects import Condition

NO_LABELS: Mapping[str, str] = {}
_CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


@dataclass(frozen=True, slots=True)
class Taint:
    """`effect` is NoSchedule, PreferNoSchedule or NoExecute."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True)
class Toleration:
    """An empty `key` with Exists tolerates every taint, an empty `effect` every effect."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    def tolerates(self, taint: Taint) -> bool:
        """https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"""
        if self.effect and self.effect != taint.effect:
            return False
        if self.operator == "Exists":
            return self.key in {"", taint.key}
        return self.operator == "Equal" and self.key == taint.key and self.value == taint.value


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a label has to be. `key` is a label's, or `metadata.name`."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def is_met_by(self, labels: Mapping[str, str]) -> bool:
        """One with an operator that is not known is not met: nothing is taken to be where it may not be."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value in self.values
            case "NotIn":
                return value not in self.values
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
            case "Gt" | "Lt":
                return _is_beyond(value, self.operator, self.values)
            case _:
                return False


def _is_beyond(value: str | None, operator: str, bounds: Sequence[str]) -> bool:
    try:
        number, bound = int(value or ""), int(bounds[0])
    except (ValueError, IndexError):
        return False
    return number > bound if operator == "Gt" else number < bound


# Any of the terms has to be met, and of a term every requirement.
NodeTerms = tuple[tuple[Requirement, ...], ...]


@dataclass(frozen=True, slots=True)
class Node:
    """`ready` is its condition of that name."""

    name: str
    uid: str = ""
    labels: Mapping[str, str] = field(default_factory=lambda: NO_LABELS)
    taints: tuple[Taint, ...] = ()
    is_unschedulable: bool = False
    ready: Condition | None = None

    @property
    def is_ready(self) -> bool:
        return self.ready is not None and self.ready.is_true

    @property
    def is_control_plane(self) -> bool:
        return any(label in self.labels for label in _CONTROL_PLANE)

    def meets(self, terms: NodeTerms) -> bool:
        """Whether it meets any of the terms; an empty one is met by no node."""
        facts = {**self.labels, "metadata.name": self.name}
        return any(all(each.is_met_by(facts) for each in term) for term in terms if term)


@dataclass(frozen=True, slots=True)
class Lease:
    """A node's heartbeat. `renewed_at` is by the node's clock; `unchanged_since` is when we first saw that value."""

    node: str
    renewed_at: float | None = None
    duration_s: int | None = None
    unchanged_since: float = 0.0
