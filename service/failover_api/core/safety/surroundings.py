"""What is known around a move, when it is planned: read before, and given to the hazards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from failover_api.core.catalog.model import Service, Side
from failover_api.core.catalog.runtime import DEPLOYMENT, STATEFUL_SET
from failover_api.core.search.known_claims import KnownClaims
from failover_api.core.search.known_neighbours import KnownNeighbours

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.safety.observed import View
    from failover_api.core.safety.rollout.live import Index

_WORKLOADS = {DEPLOYMENT: "deployments", STATEFUL_SET: "stateful_sets"}
_NEEDED, _OF_THE_CLUSTER = ("pods", "claims"), ("nodes", "volumes", "storage_classes")


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

    def is_seen_for(self, service: Service) -> bool:
        """Whether all is seen that may stop a move of a service. Of one that runs elsewhere nothing is looked for."""
        if service.is_elsewhere:
            return True
        kinds = {one.kind for side in Side if (one := service.workload(side)) is not None}
        needed = [_WORKLOADS[kind] for kind in (kinds if kinds and kinds <= _WORKLOADS.keys() else _WORKLOADS)]
        if service.replication is not None and service.replication.pairs:
            needed += ["replication_sources", "replication_destinations"]
        places = [""] if service.namespaces is None else sorted(service.namespaces)
        whys = (getattr(self.view, name).why_unseen(place) for name in (*needed, *_NEEDED) for place in places)
        return not any(whys) and not any(getattr(self.view, name).why_unseen() for name in _OF_THE_CLUSTER)


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

    def is_complete_for(self, service: Service) -> bool:
        """The same of one service: a cluster that is seen in part may hide what stops it."""
        return self.is_complete and (self.cluster is None or self.cluster.is_seen_for(service))


NOT_LOOKED_AT = Surroundings()
