"""Which hazards stop a move, as its problem tells them, and what has to be accepted for it to go on."""

from collections.abc import Mapping, Sequence
from typing import Any

from failover_api.core.safety.hazard import Severity

UNSAFE = "unsafe-move"


def stops_of(problem: Mapping[str, Any]) -> list[str]:
    """What to accept: SLUG, or SERVICE:SLUG where not every service that is refused meets it.

    None where anything else refuses a service, since accepting does not help there.
    """
    refused: Sequence[Mapping[str, Any]] = problem.get("refused") or ()
    if any(_slug(one) != UNSAFE for one in refused) or _slug(problem) != UNSAFE:
        return []
    if len(refused) <= 1:
        return _stops(refused[0] if refused else problem)
    own = {str(one["service"]): _stops(one) for one in refused}
    return [
        named
        for slug in dict.fromkeys(slug for slugs in own.values() for slug in slugs)
        for named in ([slug] if all(slug in slugs for slugs in own.values()) else _named(slug, own))
    ]


def _named(slug: str, own: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{service}:{slug}" for service, slugs in own.items() if slug in slugs]


def _stops(problem: Mapping[str, Any]) -> list[str]:
    stops = (hazard for hazard in problem.get("hazards") or () if hazard["severity"] == Severity.STOP)
    return list(dict.fromkeys(str(hazard["slug"]) for hazard in stops))


def _slug(problem: Mapping[str, Any]) -> str:
    return str(problem.get("type", "")).rpartition(":")[2]
