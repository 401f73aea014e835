"""All hazards of a move, from values alone.

    hazards(move, surroundings)      every finder is asked; each has a file of its own, by its slug

What is not known is not told: a finder that lacks its part of the surroundings finds nothing.
"""

from collections.abc import Iterable

from failover_api.core.catalog.model import Side
from failover_api.core.planning.plan import Plan
from failover_api.core.planning.state import Detection, State
from failover_api.core.safety.claim_unknown import claim_unknown
from failover_api.core.safety.data_left_behind import data_left_behind
from failover_api.core.safety.hazard import Hazard
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.safety.switch_moves import ServiceMove, planned_move

_FINDERS = (data_left_behind, claim_unknown)


def hazards(move: ServiceMove, surroundings: Surroundings) -> tuple[Hazard, ...]:
    """What may go wrong with one service, in the order of the finders."""
    return tuple(hazard for finder in _FINDERS for hazard in finder(move, surroundings))


def hazards_of_plans(plans: Iterable[Plan], surroundings: Surroundings) -> tuple[Hazard, ...]:
    """What may go wrong with each, in order; nothing with a plan that changes nothing."""
    return tuple(hazard for plan in plans for hazard in hazards(planned_move(plan), surroundings))


def other_side(detection: Detection) -> Side:
    """Where a status thinks of a move to: of a service that is on no one side, to backup."""
    return Side.PRIMARY if detection.state is State.BACKUP else Side.BACKUP
