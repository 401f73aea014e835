"""What is known around a move, when it is planned: read before, and given to the hazards."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from failover_api.core.search.known_claims import KnownClaims
from failover_api.core.search.known_neighbours import KnownNeighbours


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Of one branch. `claims` and `neighbours` are of its other manifests, None when they were not looked at.

    `there_since` is when services were moved to where they are, by name (RFC 3339); without those of which that is not
    known.
    """

    claims: KnownClaims | None = None
    neighbours: KnownNeighbours | None = None
    there_since: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether all was looked at that hazards are found in."""
        return self.claims is not None and self.neighbours is not None


NOT_LOOKED_AT = Surroundings()
