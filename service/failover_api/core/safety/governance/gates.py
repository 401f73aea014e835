"""Why an automatic move is not made: the gates, and a hold at one of them."""

from dataclasses import dataclass
from enum import StrEnum


class Gate(StrEnum):
    """In the order in which they are told. The first six are of the nodes, the others of the service."""

    BLIND = "blind"
    STORM = "storm"
    STARTING = "starting"
    PLANNED = "planned"
    FLAPPING = "flapping"
    STALE_ALERT = "stale-alert"
    OPT_IN = "opt-in"
    PAUSED = "paused"
    BLOCKED = "blocked"
    STILL_SERVING = "still-serving"
    RELOCATING = "relocating"
    IN_WAVES = "in-waves"
    TARGET = "target"
    HAZARD = "hazard"
    DATA_AGE = "data-age"
    FENCE = "fence"
    POLICY = "policy"
    MAX_SERVICES = "max-services"
    GIT_UNREACHABLE = "git-unreachable"
    WAY_BACK = "way-back"


class Proposal(StrEnum):
    """What is done instead, where a person has to say yes."""

    PULL_REQUEST = "pull-request"  # it is opened, and people are told
    COMMAND = "command"  # people are told what to run


@dataclass(frozen=True, slots=True)
class Hold:
    """`detail` says why, `cure` what to do about it. `until` is when it ends by itself (cluster's clock), if ever."""

    gate: Gate
    detail: str
    cure: str
    until: float | None = None
    proposal: Proposal | None = None


PASSING = frozenset({Gate.STARTING, Gate.BLIND, Gate.GIT_UNREACHABLE})  # who asks is told to ask again
