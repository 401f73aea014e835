"""All hazards of a move, from values alone.

    hazards(move, surroundings)      every finder is asked, in the order of the look: is it applied, does a pod come
                                     of it, is its volume there, what becomes of the data
    cluster_hazards                  the same, of what is seen in a cluster, where there is one

What is not known is not told: a finder that lacks its part of the surroundings finds nothing. What needs the service's
own documents alone is always told.
"""

from collections.abc import Callable, Iterable, Sequence

from failover_api.core.catalog.model import Service, Side
from failover_api.core.hazard_slugs import OF_ANY_AGE, UNSEEN
from failover_api.core.planning.state import Detection, State
from failover_api.core.safety.claim_moves import claim_moves
from failover_api.core.safety.finders.blocked_pods import recreate_blocks, statefulset_blocks
from failover_api.core.safety.finders.claim_unknown import claim_unknown
from failover_api.core.safety.finders.data_left_behind import data_left_behind
from failover_api.core.safety.finders.fixed_field import fixed_field
from failover_api.core.safety.finders.helm_rolls_back import helm_rolls_back
from failover_api.core.safety.finders.not_applied import ssa_ignored, suspended
from failover_api.core.safety.finders.replication import replication_left, source_may_return
from failover_api.core.safety.finders.rolling_on_one_volume import rolling_on_one_volume
from failover_api.core.safety.finders.scaled_by_other import scaled_by_other
from failover_api.core.safety.finders.starts_nothing import starts_nothing
from failover_api.core.safety.finders.strategy_alone import strategy_alone
from failover_api.core.safety.hazard import Hazard, Severity, merged
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.safety.switch_moves import ServiceMove

Finder = Callable[[ServiceMove, Surroundings], Iterable[Hazard]]
FINDERS: tuple[Finder, ...] = (
    suspended,
    ssa_ignored,
    strategy_alone,
    fixed_field,
    starts_nothing,
    scaled_by_other,
    recreate_blocks,
    statefulset_blocks,
    rolling_on_one_volume,
    helm_rolls_back,
    claim_unknown,
    source_may_return,
    replication_left,
    data_left_behind,
)


def hazards(move: ServiceMove, surroundings: Surroundings) -> tuple[Hazard, ...]:
    """What may go wrong with one service, in the order of the finders; nothing with a move that changes nothing."""
    if not move.switches:
        return ()
    found = [hazard for finder in FINDERS for hazard in finder(move, surroundings)]
    return untold_left_out(move, with_cluster(move, found, surroundings))


def with_cluster(move: ServiceMove, found: Sequence[Hazard], surroundings: Surroundings) -> Sequence[Hazard]:
    """What was found in Git, joined with what is found in the cluster, where that was looked at."""
    if surroundings.cluster is None:
        return found
    from failover_api.core.safety.cluster_hazards import (  # without a cluster it is not loaded
        cluster_hazards,
        joined,
        weighed_by_cluster,
    )

    claims, look = claim_moves(move, surroundings), surroundings.cluster
    return joined(weighed_by_cluster(move, look, claims, found), cluster_hazards(move, look, claims))


def untold_left_out(move: ServiceMove, found: Iterable[Hazard]) -> tuple[Hazard, ...]:
    """What was found, without what the service's catalog entry accepts, unless that stops the move."""
    return tuple(hazard for hazard in found if not _is_accepted(move.service, hazard))


def _is_accepted(service: Service, hazard: Hazard) -> bool:
    """Whether the catalog turns it off: what does not stop the move, and the one stop that it may name alone."""
    return hazard.slug in service.accept and (hazard.severity is not Severity.STOP or hazard.slug == OF_ANY_AGE)


def once_for_a_group(found: Sequence[Hazard]) -> list[Hazard]:
    """That the cluster is not seen is said once of several services, and so is all else that many meet alike."""
    found = list(dict.fromkeys(found))
    unseen = [hazard for hazard in found if hazard.slug == UNSEEN]
    return [*(hazard for hazard in found if hazard.slug != UNSEEN), *merged(unseen)]


def other_side(detection: Detection) -> Side:
    """Where a status thinks of a move to: of a service that is on no one side, to backup."""
    return Side.PRIMARY if detection.state is State.BACKUP else Side.BACKUP
