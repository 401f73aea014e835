"""Drills, as Git's history tells them: a service was relocated to its other side and home again, to see that it works.

Both ways have a reason that begins with `drill`; nothing else marks them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from failover_api.core.planning.request import RELOCATE

REASON = "drill"
_DRILL = re.compile(rf"{REASON}\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PastMove:
    """A move of a service, as its commit says. `at` (s) is the time of the commit."""

    action: str
    before: str
    after: str
    reason: str
    at: float

    @property
    def is_drill(self) -> bool:
        return self.action == RELOCATE and _DRILL.match(self.reason) is not None


def reason_of(words: str = "") -> str:
    """What the commits of a drill say; `words` are a person's own."""
    return f"{REASON}: {words}" if words else REASON


def last_drill(moves: Sequence[PastMove]) -> float | None:
    """When the newest drill came home (s), of moves from the newest to the oldest; None where there is none."""
    for home, there in pairwise(moves):
        if home.is_drill and there.is_drill and (home.before, home.after) == (there.after, there.before):
            return home.at
    return None
