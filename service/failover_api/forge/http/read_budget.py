"""How much of GitHub's rate limits reads of low priority may use: the rest is kept for moves.

    per hour          a fifth of the requests that GitHub allows is kept for moves, as its replies count them
    per minute        of 900 points (a read 1, a write 5, also when it is a 304) 100 are kept, as we count them

Status pages are told to wait before GitHub would refuse everybody, moves included.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#calculating-points-for-the-secondary-rate-limit
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from failover_api.errors import ForgeRateLimited
from failover_api.forge.http.traffic import Quota

KEPT_OF_HOUR = 0.2
A_MINUTE, KEPT_OF_MINUTE = 900, 100
READ, WRITE = 1, 5
_WINDOW_S = 60
_is_low_priority: ContextVar[bool] = ContextVar("is_looking", default=False)


@contextmanager
def low_priority() -> Iterator[None]:
    """Requests made within, and by tasks started within, move nothing: they are refused first."""
    token = _is_low_priority.set(True)
    try:
        yield
    finally:
        _is_low_priority.reset(token)


class ReadBudget:
    """Counts points for each account. `most` is how many a minute may be used before low priority is refused."""

    def __init__(self, *, most: int = A_MINUTE - KEPT_OF_MINUTE, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._quotas: dict[tuple[str, str], Quota] = {}
        self._points: dict[str, deque[list[int]]] = {}  # for each second of the last minute, and its points

    def check(self, account: str, resource: str, *, now: float) -> None:
        """Raises ForgeRateLimited at low priority, when what is left is for moves. `now` is GitHub's wall clock (s)."""
        if not _is_low_priority.get():
            return
        wait_s = max(self._until_reset(account, resource, now), self._until_points(account))
        if wait_s > 0:
            text = f"what GitHub still answers is kept for moves: look again in {wait_s:.0f} s"
            raise ForgeRateLimited(text, retry_after_s=wait_s)

    def spend(self, account: str, points: int) -> None:
        """Counts a request that is sent now."""
        second = int(self._clock())
        seconds = self._points.setdefault(account, deque(maxlen=_WINDOW_S + 1))
        if seconds and seconds[-1][0] == second:
            seconds[-1][1] += points
        else:
            seconds.append([second, points])

    def observe(self, account: str, quota: Quota) -> None:
        """Takes what a reply says is left."""
        self._quotas[account, quota.resource] = quota

    def _until_reset(self, account: str, resource: str, now: float) -> float:
        quota = self._quotas.get((account, resource))
        if quota is None or quota.remaining > quota.limit * KEPT_OF_HOUR:
            return 0.0
        return max(0.0, quota.reset_at - now)

    def _until_points(self, account: str) -> float:
        """Until enough of the last minute's points are a minute old."""
        now = self._clock()
        recent = [(second, points) for second, points in self._points.get(account, ()) if second + _WINDOW_S + 1 > now]
        over = sum(points for _, points in recent) + READ - self._most
        for second, points in recent:
            if over <= 0:
                return 0.0
            over -= points
            if over <= 0:
                return second + _WINDOW_S + 1 - now
        return 0.0
