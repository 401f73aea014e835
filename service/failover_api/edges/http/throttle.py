"""The rate limit on looks: 5 a second for each caller, 30 at once. Moves are not counted."""

import time
from collections.abc import Callable

from cachetools import LRUCache

from failover_api.errors import TooManyRequests

A_SECOND, AT_ONCE = 5, 30
MAX_CALLERS = 4096


class Throttle:
    """A token bucket for each caller, kept as the moment at which it is full again."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: LRUCache[str, float] = LRUCache(MAX_CALLERS)

    def take(self, caller: str) -> None:
        """Counts a look. Raises TooManyRequests, and counts nothing, when it is one too many."""
        now = self._clock()
        full_at = max(now, self._full_at.get(caller, now)) + 1 / A_SECOND
        wait_s = full_at - now - AT_ONCE / A_SECOND
        if wait_s > 1e-6:
            raise TooManyRequests(f"more than {A_SECOND} looks a second; moves are not counted", retry_after_s=wait_s)
        self._full_at[caller] = full_at
