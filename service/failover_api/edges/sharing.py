"""Who looks at the same thing within a second sees the same: GitHub is asked once.

What a caller of ours wrote, or GitHub's webhook told, is never hidden: then all is looked at anew.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from cachetools import LRUCache

from failover_api.event import Ended

T = TypeVar("T")
FRESH_S = 1.0
MAX_LOOKS = 256


class Looks:
    """Looks that are under way, or began less than a second ago and were answered."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looks: LRUCache[Hashable, tuple[float, asyncio.Future[Any]]] = LRUCache(MAX_LOOKS)

    def forget(self) -> None:
        """Something changed: nobody joins what began before."""
        self._looks.clear()

    def on_ended(self, event: Ended) -> None:
        """A move may have written."""
        if not event.dry_run:
            self.forget()

    async def share(self, what: Hashable, look: Callable[[], Awaitable[T]]) -> T:
        """The answer of a look at `what`. A refusal is shared by those who wait for it, and by nobody later."""
        began, task = self._looks.get(what, (-float("inf"), None))
        if task is None or self._clock() - began >= FRESH_S or (task.done() and not _is_answered(task)):
            task = asyncio.ensure_future(look())
            task.add_done_callback(_is_answered)
            self._looks[what] = (self._clock(), task)
        answer: T = await asyncio.shield(task)  # who leaves does not end it for the others
        return answer


def _is_answered(task: "asyncio.Future[Any]") -> bool:
    return not task.cancelled() and task.exception() is None
