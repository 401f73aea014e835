"""The warnings of `failover check`, those of one kind in one line, so that many services fit a screen."""

import re
from collections.abc import Sequence
from typing import Any

from failover_api.core.hazard_slugs import SLUGS
from failover_api.core.wording import listed

Body = dict[str, Any]

FEW = 4  # that get a line each, whatever their kind
MAX_NAMED = 5
BESIDE = "; warning: "  # what stands before it is well
_SLUG = re.compile(r" \(([a-z-]+)\)$")


def warning_lines(checks: Sequence[Body]) -> list[str]:
    """The kinds in the order of their first; what is well besides comes last."""
    checks = sorted(checks, key=lambda check: BESIDE in check["detail"])
    if len(checks) <= FEW:
        return [_whole(check) for check in checks]
    kinds: dict[tuple[str, ...], list[Body]] = {}
    for check in checks:
        kinds.setdefault(_kind(check), []).append(check)
    return [_line(kind[0], alike) for kind, alike in kinds.items()]


def is_merged(checks: Sequence[Body]) -> bool:
    """Whether any line stands for several."""
    return len(warning_lines(checks)) < len(checks)


def _kind(check: Body) -> tuple[str, ...]:
    """What it is about, and why: the slug of a hazard, the beginning of a hint."""
    word, _, subject = check["name"].partition(" ")
    if slug := _slug(check):
        return word, slug
    if BESIDE in check["detail"]:
        return word, check["detail"].rpartition(BESIDE)[2].partition(":")[0]
    if word == "claim":
        return (word,)
    return word, check["detail"].replace(subject, "") if subject else check["detail"]


def _line(word: str, alike: Sequence[Body]) -> str:
    first, *others = alike
    if not others:
        return _whole(first)
    names = list(dict.fromkeys(check["name"].partition(" ")[2] for check in alike))
    counted = f"{len(names)} service{'' if len(names) == 1 else 's'}"
    slug = _slug(first)
    return f"{word}{f' {slug}' if slug else ''}: {counted} ({listed(names, MAX_NAMED)}): {_of_many(alike)}"


def _of_many(alike: Sequence[Body]) -> str:
    """What is said of a kind: of hazards there are words for many, unless all are told the same; else the first stands
    for all.
    """
    check = alike[0]
    kind = SLUGS.get(_slug(check))
    if kind is not None and kind.several:
        is_one = len({each["detail"] for each in alike}) == 1
        return str(check["detail"]) if is_one else f"{kind.several}. {kind.cure}."
    return f"such as {_whole(check).partition(' ')[2]}"


def _slug(check: Body) -> str:
    found = _SLUG.search(check["detail"])
    return found[1] if found and found[1] in SLUGS else ""


def _whole(check: Body) -> str:
    return f"{check['name']}: {check['detail'].rpartition(BESIDE)[2]}"
