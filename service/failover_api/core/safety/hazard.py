"""A hazard as a value, and several of one kind as one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from failover_api.core.wording import one_line

MAX_NAMED = 5  # services that one line for several names


class Severity(StrEnum):
    """How much a hazard matters: the later, the more."""

    INFO = "info"
    WARN = "warn"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Hazard:
    """One thing that may go wrong, and what to do about it.

    `about` is the document, `where` its file and line, None when it is no one place. `detail` says what and why,
    `cure` what to do: a sentence or two each.
    """

    slug: str
    severity: Severity
    about: str
    where: str | None
    detail: str
    cure: str


def hazard_from(body: Mapping[str, Any]) -> Hazard:
    """The hazard that a JSON body of ours, perhaps of another version, speaks of."""
    severity = body["severity"] if body["severity"] in set(Severity) else Severity.WARN
    return Hazard(
        slug=str(body["slug"]),
        severity=Severity(severity),
        about=str(body["about"]),
        where=body["where"],
        detail=str(body["detail"]),
        cure=str(body["cure"]),
    )


# What is said of several, by slug: what, and what to do.
_OF_SEVERAL: Mapping[str, tuple[str, str]] = {
    "data-left-behind": (
        "What was written on backup stays behind, and primary goes on with the data it had before",
        "Sync each back first; a dry run of one service names its claims, and replication that the move restarts",
    ),
    "claim-unknown": (
        "The claim to move to is nowhere in the repository",
        "Run `failover check`, which names each; for claims that are made elsewhere write `claims: external`",
    ),
}


def worst(hazards: Iterable[Hazard]) -> Severity | None:
    """The highest severity; None where there is no hazard."""
    order = list(Severity)
    return max((hazard.severity for hazard in hazards), key=order.index, default=None)


def merged(hazards: Sequence[Hazard]) -> list[Hazard]:
    """One for each slug, the worst first: of a group's many services one line says it."""
    by_slug: dict[str, list[Hazard]] = {}
    for hazard in hazards:
        by_slug.setdefault(hazard.slug, []).append(hazard)
    order = list(Severity)
    return sorted(map(_merged, by_slug.values()), key=lambda hazard: -order.index(hazard.severity))


def _merged(alike: Sequence[Hazard]) -> Hazard:
    first, *others = alike
    if not others:
        return first
    names = list(dict.fromkeys(one_line(hazard.about) for hazard in alike))
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    about = ", ".join(names[:MAX_NAMED]) + more
    detail, cure = _OF_SEVERAL.get(first.slug, (first.detail.removesuffix("."), first.cure.removesuffix(".")))
    severity = worst(alike) or first.severity
    return replace(first, severity=severity, about=about, where=None, detail=f"{detail}: {about}.", cure=f"{cure}.")
