"""What may go wrong with a move, and what did."""

from collections.abc import Iterable

from failover_api.core.safety.hazard import Hazard
from failover_api.edges.models.problems import HazardBody, ProblemBody, RefusedBody
from failover_api.edges.problems import problem, refused
from failover_api.errors import FailoverError


def hazard_bodies(hazards: Iterable[Hazard]) -> list[HazardBody]:
    return [
        HazardBody(
            slug=hazard.slug,
            severity=hazard.severity,
            about=hazard.about,
            where=hazard.where,
            detail=hazard.detail,
            cure=hazard.cure,
        )
        for hazard in hazards
    ]


def refused_body(service: str, error: FailoverError) -> RefusedBody:
    return RefusedBody(**refused(service, error))


def problem_body(error: FailoverError) -> ProblemBody:
    return ProblemBody(**problem(error, instance=None))
