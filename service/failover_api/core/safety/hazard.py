"""A hazard as a value, and several of one kind as one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from failover_api.core.hazard_slugs import SLUGS, Severity
from failover_api.core.wording import listed, one_line

__all__ = ["Hazard", "Severity", "hazard_from", "merged", "worst"]

MAX_NAMED = 5  # services that one line for several names


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
    if all(other == first for other in others):
        return first  # one thing, which many meet
    names = list(dict.fromkeys(one_line(hazard.about) for hazard in alike))
    about = listed(names, MAX_NAMED)
    slug = SLUGS.get(first.slug)
    detail = (slug and slug.several) or first.detail.removesuffix(".")
    cure = (slug and slug.cure) or first.cure.removesuffix(".")
    severity = worst(alike) or first.severity
    return replace(first, severity=severity, about=about, where=None, detail=f"{detail}: {about}.", cure=f"{cure}.")
