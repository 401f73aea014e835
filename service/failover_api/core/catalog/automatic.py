"""Automatic failover, as services.yaml has it: `automatic`, and what an alert means. Off by default."""

from dataclasses import dataclass
from enum import StrEnum

MIN_DEAD_FOR_S = 60.0
IS_OFF = "Automatic failover is off: `automatic.mode` is none."


class Mode(StrEnum):
    """Whether services move by themselves."""

    NONE = "none"
    OBSERVE = "observe"  # says what it would do
    ACT = "act"


class Fence(StrEnum):
    """What must be known of a dead node before anything is moved off it."""

    REQUIRED = "required"  # that it is off: by a taint with the pod gone, or by a person
    WITNESS = "witness"  # or by an alert that means so
    NONE = "none"  # a node that is only cut off may write on to its own copy


class Failback(StrEnum):
    """What becomes of services whose node has come back."""

    NONE = "none"
    PROPOSE = "propose"
    ACT = "act"


@dataclass(frozen=True, slots=True)
class Automatic:
    """The top-level block. A service takes part where its own mode says so."""

    mode: Mode = Mode.NONE
    dead_for_s: float = 300.0
    fence: Fence = Fence.REQUIRED
    max_data_age_s: float = 7200.0
    block_s: float = 3600.0  # no second automatic move of a service within
    max_services: int = 20  # of one event
    ignore_nodes: tuple[str, ...] = ()
    failback: Failback = Failback.NONE
    failback_after_s: float = 1800.0


OFF = Automatic()


class Meaning(StrEnum):
    """What a firing alert says."""

    NODE_OFF = "node-off"  # a witness; it moves nothing by itself
    EVACUATE = "evacuate"
    PROMOTE = "promote"


@dataclass(frozen=True, slots=True)
class AlertRule:
    """An alert whose labels equal `match`, and what it means.

    `node` is a name that may hold labels of the alert in braces, as in `{node}`; of node-off and evacuate. `service` or
    `group` is what a promote moves.
    """

    match: tuple[tuple[str, str], ...]
    means: Meaning
    node: str | None = None
    service: str | None = None
    group: str | None = None
    even_if_ready: bool = False  # of a promote: the app is broken, though its pod is Ready
