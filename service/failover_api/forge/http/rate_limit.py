"""The pace of writes: no more than GitHub allows, known before it has to be asked.

GitHub takes 80 requests that create content a minute, and 500 an hour, of each installation or person. A token bucket
for each of the two lets a storm through at once, and then makes those who come later wait, and be written together:
what it holds and what is refilled within its window are together less than GitHub takes.

Processes that work as one installation know nothing of each other, so each keeps to a share of both limits. Shares of
together 1, of at least SMALLEST each, stay under them in every window; of at most a half, and at least twice that, also
when each process was started anew once within it and has forgotten what it sent. A smaller share still has room for the
writes of one pull request at once, since one that is half made helps nobody.

Whoever has all of it may not be alone all the same: then what GitHub's replies show of others counts too (others.py).

A bucket is kept as the moment at which it will be full again (the generic cell rate algorithm): arithmetic on the
clock, with nothing to be refilled.

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
# Of the whole installation, with something to spare: requests of one moment do not arrive in one moment.
A_MINUTE, AN_HOUR = 78, 498
MIN_BURST = 6  # the writes of one pull request
MIN_SHARE = MIN_BURST / A_MINUTE
_ROUNDING_S = 0.001  # whoever waits for as long as they are told is never a rounding too early


class RateLimit:
    """Buckets for each key of the credentials; no limits: as many as anybody likes. `clock` gives seconds.

    `others` is what is known of those who share the limits unasked; None: nobody does.
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
        """The pace of one of several processes that work as one installation."""
        if share == 1:
            return cls(others=OtherClientsUse(clock=clock), clock=clock)
        return cls((limit_of(share, A_MINUTE, 60.0), limit_of(share, AN_HOUR, 3600.0)), clock=clock)

    def wait_s(self, key: str, calls: int = 1) -> float:
        """How long until so many writes may be sent; 0 when they may now. More than a bucket holds count as that."""
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
        """After `wait_s` one write, and then as many as come: GitHub took no more, so others spend too."""
        known = self._known(key)
        if known:
            size, refill_s = self._limits[0]
            self._full_at[key] = (max(known[0], self._clock() + wait_s + (size - 1) * refill_s), *known[1:])

    def take(self, key: str) -> None:
        """Counts a write that is sent now. Raises ForgeRateLimited, and counts nothing, when none may be."""
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
    """What a bucket holds, and the seconds in which one more comes, for a share of `most` in a window.

    What it holds counts twice where the share allows it: a process that is started anew begins with a full one.
    """
    own = int(share * most + 1e-9)
    size = max(MIN_BURST, own * 2 // 5)
    refills = own - 2 * size if own > 2 * size else own - size
    if refills > 0:
        return size, window_s / refills
    return size, window_s + 1.0 if own >= MIN_BURST else window_s / (share * most)
