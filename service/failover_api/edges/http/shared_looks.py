"""Shared looks: callers who look at the same thing at once, or again and again, share one look at GitHub.

The first few looks are always of now. Only what is looked at more often than once a second is shared for a second.
After a write through this replica, or an event from GitHub's webhook or from Flux, everything is looked at again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from cachetools import LRUCache

from failover_api.events import BranchMoved, FluxReported, MoveEnded, StageChanged

T = TypeVar("T")
FRESH_S = 1.0
AT_ONCE = 10  # looks at one thing that are all of now, after a rest
MAX_LOOKS = 256


@dataclass(slots=True)
class _Look:
    """The newest at one thing. `tokens` are how many more are of now, as of `began`; one comes back each FRESH_S."""

    began: float
    tokens: float
    task: asyncio.Future[Any]

    def is_joined(self, now: float, tokens: float) -> bool:
        """Whether who comes now gets its answer; `tokens` as of now."""
        if not self.task.done():
            return now - self.began < FRESH_S
        return tokens < 1 and _is_answered(self.task)


class Looks:
    """Looks that are under way, or began less than a second ago and were answered."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looks: LRUCache[Hashable, _Look] = LRUCache(MAX_LOOKS)

    def move_ended(self, event: MoveEnded) -> None:
        """A move may have written: nobody joins what began before."""
        if not event.dry_run:
            self._looks.clear()

    def branch_moved(self, event: BranchMoved) -> None:
        """Nobody joins what began before."""
        self._looks.clear()

    def flux_reported(self, event: FluxReported) -> None:
        """Nobody joins what began before."""
        self._looks.clear()

    def stage_changed(self, event: StageChanged) -> None:
        """Nobody joins what began before."""
        self._looks.clear()

    async def share(self, what: Hashable, look: Callable[[], Awaitable[T]]) -> T:
        """The answer of a look at `what`. A refusal is shared by those who wait for it, and by nobody later."""
        now, known = self._clock(), self._looks.get(what)
        tokens = float(AT_ONCE) if known is None else min(AT_ONCE, known.tokens + (now - known.began) / FRESH_S)
        if known is None or not known.is_joined(now, tokens):
            task = asyncio.ensure_future(look())
            task.add_done_callback(_is_answered)
            known = self._looks[what] = _Look(now, max(0.0, tokens - 1), task)
        answer: T = await asyncio.shield(known.task)  # who leaves does not end it for the others
        return answer


def _is_answered(task: "asyncio.Future[Any]") -> bool:
    return not task.cancelled() and task.exception() is None
