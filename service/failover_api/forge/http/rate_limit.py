"""Our own rate limit for writes, so that GitHub's secondary limit is not reached.

GitHub allows 80 requests that create content a minute, and 500 an hour, of each installation or person. A token bucket
for each of the two lets a burst through at once; later moves wait, and are then written together. What a bucket holds
and what is refilled within its window are together less than GitHub allows.

Processes of one installation do not know of each other, so each keeps to a share of both limits. Shares that sum to
1, of at least MIN_SHARE each, stay under the limits in every window. Shares from twice MIN_SHARE up to a half
do so also when each process is restarted once in the window and has forgotten what it sent. A smaller share still has
room for all writes of one pull request, since a half-made one is of no use.

A process whose share is 1 may not be alone all the same: then the use of others, as GitHub's replies show it, counts
too (shared_limits).

A bucket is stored as the time at which it will be full again (generic cell rate algorithm): nothing has to be refilled.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
"""

import time
from collections.abc import Callable, Sequence
from typing import Self

from failover_api.errors import ForgeRateLimited
from failover_api.forge.http.shared_limits import OtherClientsUse

# What a bucket holds, and the seconds in which one more comes.
MINUTE = (45, 60 / 27)  # with room for the first writes of another process that nobody has seen yet
HOUR = (400, 3600 / 98)
# Of the whole installation, with a margin: requests that are sent together do not arrive together.
A_MINUTE, AN_HOUR = 78, 498
MIN_BURST = 6  # the writes of one pull request
MIN_SHARE = MIN_BURST / A_MINUTE
_ROUNDING_S = 0.001  # whoever waits as long as they were told is never too early by a rounding error


class RateLimit:
    """Buckets for each account. `limits` are (size, seconds for one more) each; none: no limit. `clock` gives seconds.

    `others` is the use of others that count against the same limits; None: there are none.
    """

    def __init__(
        self,
        limits: Sequence[tuple[int, float]] = (MINUTE, HOUR),
        *,
        others: OtherClientsUse | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits, self._clock, self.others = tuple(limits), clock, others
        self._full_at: dict[str, tuple[float, ...]] = {}

    @classmethod
    def of_share(cls, share: float, *, clock: Callable[[], float] = time.monotonic) -> Self:
        """The limit for one of several processes of one installation. `share` is above 0 and at most 1."""
        if share == 1:
            return cls(others=OtherClientsUse(clock=clock), clock=clock)
        return cls((limit_of(share, A_MINUTE, 60.0), limit_of(share, AN_HOUR, 3600.0)), clock=clock)

    def wait_s(self, key: str, calls: int = 1) -> float:
        """How long until `calls` writes may be sent (at most as many as a bucket holds); 0 when they may be now."""
        now = self._clock()
        waits_s = (
            full_at - now - (size - min(calls, size)) * refill_s
            for (size, refill_s), full_at in zip(self._limits, self._known(key), strict=True)
        )
        wait_s = max(waits_s, default=0.0)
        if self.others is not None:
            wait_s = max(wait_s, self.others.wait_s(key, calls))
        return wait_s if wait_s > _ROUNDING_S else 0.0

    def check(self, key: str) -> None:
        """Raises ForgeRateLimited when no write may be sent."""
        wait_s = self.wait_s(key)
        if wait_s > 0:
            text = f"too many writes for GitHub: the next may be sent in {wait_s:.1f} s"
            raise ForgeRateLimited(text, retry_after_s=wait_s, secondary=True)

    def drain(self, key: str, wait_s: float) -> None:
        """Empties the minute's bucket, so that one write may be sent after `wait_s`, and then one at a time.

        For when GitHub has refused a write that our count allowed: others use the limit, too.
        """
        known = self._known(key)
        if known:
            size, refill_s = self._limits[0]
            self._full_at[key] = (max(known[0], self._clock() + wait_s + (size - 1) * refill_s), *known[1:])

    def take(self, key: str) -> None:
        """Counts a write that is sent now. Raises ForgeRateLimited, and counts nothing, when none may be sent."""
        self.check(key)
        now = self._clock()
        taken = tuple(
            max(full_at, now) + refill_s for (_, refill_s), full_at in zip(self._limits, self._known(key), strict=True)
        )
        self._full_at = {other: full for other, full in self._full_at.items() if max(full, default=0.0) > now}
        self._full_at[key] = taken
        if self.others is not None:
            self.others.wrote(key)

    def _known(self, key: str) -> tuple[float, ...]:
        return self._full_at.get(key) or (float("-inf"),) * len(self._limits)


def limit_of(share: float, most: int, window_s: float) -> tuple[int, float]:
    """(size of the bucket, seconds for one more) for a share of `most` writes in a window.

    The size is counted twice where the share allows it: a process that is restarted begins with a full bucket.
    """
    own = int(share * most + 1e-9)
    size = max(MIN_BURST, own * 2 // 5)
    refills = own - 2 * size if own > 2 * size else own - size
    if refills > 0:
        return size, window_s / refills
    return size, window_s + 1.0 if own >= MIN_BURST else window_s / (share * most)
