"""What the cluster says of a relocation, as plain values. Times are the API server's (s)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.safety.observed import Replication


LOST_AFTER_S = 60.0  # Kubernetes says that a node is not ready some 50 s after it was last heard of


@dataclass(frozen=True, slots=True)
class Ends:
    """The two ends of a replication; None: not in the cluster."""

    source: "Replication | None" = None
    destination: "Replication | None" = None


@dataclass(frozen=True, slots=True)
class Holder:
    """A pod with a claim of either side, or of the app itself: `claim` is "" where it has none of them.

    `is_mover`: of the replication towards the target.
    """

    name: str
    claim: str
    node: str = ""
    is_mover: bool = False
    has_ended: bool = False
    created_at: float | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """The workload that is stopped: `replicas` as they are in its spec. Each change of a spec is a new generation."""

    name: str
    uid: str = ""
    generation: int | None = None
    observed_generation: int | None = None
    replicas: int | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """One look. `unseen` says why something that is needed is not seen: then nothing but `now` is believed.

    `origin_down` and `target_down` are nodes of the side that are not ready, or are gone; `lost` are those of both that
    have been so for LOST_AFTER_S, longer than most restarts of a node take to be seen. `is_serving`: a ready pod on
    the target, with its claims, and what `verify` asks for; else `why_not_serving`. `waited_s` is by our own clock: how
    long ago whoever looks has first seen the newest commit; it counts where the clocks of host and cluster differ.
    `quiet_since` is when whoever looks first saw the app as stopped as it is now; None: it remembers nothing.
    """

    now: float
    unseen: str = ""
    towards: Ends = Ends()
    away: Ends = Ends()
    holders: tuple[Holder, ...] = ()
    workload: Running | None = None
    origin_down: tuple[str, ...] = ()
    target_down: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    is_serving: bool = False
    why_not_serving: str = ""
    waited_s: float = 0.0
    quiet_since: float | None = None
    host_now: float | None = None  # the Git host's time, by which commits are dated; None: that is `now`

    def since(self, committed_at: float) -> float:
        """How long ago a commit was made (s)."""
        return (self.now if self.host_now is None else self.host_now) - committed_at
