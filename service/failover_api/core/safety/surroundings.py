"""What is known around a move, when it is planned: read before, and given to the hazards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from failover_api.core.search.known_claims import KnownClaims
from failover_api.core.search.known_neighbours import KnownNeighbours

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.safety.observed import View
    from failover_api.core.safety.rollout.live import Index


@dataclass(frozen=True)
class ClusterLook:
    """What a look at the cluster showed, at a moment: `now` by the API server's clock (s), `monotonic` by ours.

    `was_seen`: it has answered before.
    """

    view: "View"
    now: float
    was_seen: bool = False
    monotonic: float = 0.0

    @cached_property
    def index(self) -> "Index":
        """What is looked up in the view for many services, made once."""
        from failover_api.core.safety.rollout.live import index_of

        return index_of(self.view)

    @property
    def is_seen(self) -> bool:
        """Whether it answers: for anything at all."""
        return self.view.answers


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Of one branch. `claims` and `neighbours` are of its other manifests, None when they were not looked at.

    `there_since` is when services were moved to where they are, by name (RFC 3339); without those of which that is not
    known. `cluster` is None where none is configured.
    """

    claims: KnownClaims | None = None
    neighbours: KnownNeighbours | None = None
    there_since: Mapping[str, str] = field(default_factory=dict)
    cluster: ClusterLook | None = None

    @property
    def is_complete(self) -> bool:
        """Whether all was looked at that hazards are found in."""
        is_seen = self.cluster is None or (self.cluster.is_seen and self.cluster.view.is_whole)
        return self.claims is not None and self.neighbours is not None and is_seen


NOT_LOOKED_AT = Surroundings()
