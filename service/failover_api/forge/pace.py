"""The pace of writes: no more than GitHub allows, known before it has to be asked.

GitHub takes 80 requests that create content a minute, and 500 an hour, of each installation or person. A token bucket
for each of the two lets a storm through at once, and then makes those who come later wait, and be written together:
what it holds and what is refilled within its window are together less than GitHub takes.

A bucket is kept as the moment at which it will be full again (the generic cell rate algorithm): arithmetic on the
clock, with nothing to be refilled.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
"""

import time
from collections.abc import Callable, Sequence

from failover_api.errors import GitHubRateLimited

# What a bucket holds, and the seconds in which one more comes.
MINUTE = (45, 60 / 33)
HOUR = (400, 3600 / 98)
_ROUNDING_S = 0.001  # whoever waits for as long as they are told is never a rounding too early


class Pace:
    """Buckets for each key of the credentials; no limits: as many as anybody likes. `clock` gives seconds."""

    def __init__(
        self, limits: Sequence[tuple[int, float]] = (MINUTE, HOUR), *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits, self._clock = tuple(limits), clock
        self._full_at: dict[str, tuple[float, ...]] = {}

    def wait_s(self, key: str, calls: int = 1) -> float:
        """How long until so many writes may be sent; 0 when they may now. More than a bucket holds count as that."""
        now = self._clock()
        waits_s = (
            full_at - now - (size - min(calls, size)) * refill_s
            for (size, refill_s), full_at in zip(self._limits, self._known(key), strict=True)
        )
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
        now = self._clock()
        taken = tuple(
            max(full_at, now) + refill_s for (_, refill_s), full_at in zip(self._limits, self._known(key), strict=True)
        )
        self._full_at = {other: full for other, full in self._full_at.items() if max(full, default=0.0) > now}
        self._full_at[key] = taken

    def _known(self, key: str) -> tuple[float, ...]:
        return self._full_at.get(key) or (float("-inf"),) * len(self._limits)
