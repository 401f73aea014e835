"""The pace of writes: no more than GitHub allows, known before it has to be asked.

GitHub takes 80 requests that create content a minute, and 500 an hour, of each installation or person. Each window is
counted exactly: the moments of the last writes are kept, so that a storm may use all of a minute at once.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
"""

import time
from collections import deque
from collections.abc import Callable, Sequence

from failover_api.errors import GitHubRateLimited

# How many writes in how many seconds, a little under what GitHub takes: its windows are not quite ours.
MINUTE = (76, 60.0)
HOUR = (480, 3600.0)
_ROUNDING_S = 0.001  # whoever waits for as long as they are told is never a rounding too early


class Pace:
    """Windows for each key of the credentials; no limits: as many as anybody likes. `clock` gives seconds."""

    def __init__(
        self, limits: Sequence[tuple[int, float]] = (MINUTE, HOUR), *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits, self._clock = tuple(limits), clock
        self._most = max((size for size, _ in self._limits), default=0)
        self._sent_at: dict[str, deque[float]] = {}

    def wait_s(self, key: str, calls: int = 1) -> float:
        """How long until so many writes may be sent; 0 when they may now. More than a window holds count as that."""
        sent_at, now = self._sent_at.get(key, ()), self._clock()
        rooms = ((size - min(calls, size) + 1, window_s) for size, window_s in self._limits)
        waits_s = (sent_at[-room] + window_s - now for room, window_s in rooms if len(sent_at) >= room)
        wait_s = max(waits_s, default=0.0)
        return wait_s if wait_s > _ROUNDING_S else 0.0

    def check(self, key: str) -> None:
        """Raises GitHubRateLimited when no write may be sent."""
        wait_s = self.wait_s(key)
        if wait_s > 0:
            text = f"too many writes for GitHub: the next may be sent in {wait_s:.1f} s"
            raise GitHubRateLimited(text, retry_after_s=wait_s, secondary=True)

    def take(self, key: str) -> None:
        """Counts a write that is sent now. Raises GitHubRateLimited, and counts nothing, when none may be."""
        self.check(key)
        if self._most:
            self._sent_at.setdefault(key, deque(maxlen=self._most)).append(self._clock())
