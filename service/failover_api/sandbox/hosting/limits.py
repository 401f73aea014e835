"""Rate limits: so many requests an hour, and so many writes a minute and an hour, as GitHub counts them.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from failover_api.sandbox.hosting.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR_S = 3600
ANONYMOUS_PER_HOUR = 60


@dataclass(slots=True)
class Window:
    """What one identity has used in its hour."""

    reset: int
    used: int = 0


class Limits:
    """Counts per identity, so all tokens of an installation share one budget, and REST and GraphQL share the writes.

    The limits on writes are off (None) until a test sets them; GitHub's own are 80 a minute and 500 an hour.
    `minute_s` and `hour_s` say how long those two are: a test that cannot wait makes them short.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.requests_per_hour = 5000
        self.writes_per_minute: int | None = None
        self.writes_per_hour: int | None = None
        self.minute_s = 60.0
        self.hour_s = 3600.0
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[tuple[str, str], Window] = {}
        self._writes: defaultdict[str, deque[float]] = defaultdict(deque)

    def admit(self, key: str, resource: str, *, writes: bool) -> None:
        """Counts a request. Raises Refusal when a limit is reached; that one is free."""
        with self._lock:
            window = self._window(key, resource)
            if window.used >= self._limit(key):
                raise Refusal("requests_exhausted", who=key)
            if writes and (wait_s := self.write_wait_s(key)):
                raise Refusal("writes_exhausted", wait_s=wait_s)
            window.used += 1
            if writes:
                self._writes[key].append(self._clock())

    def give_back(self, key: str, resource: str) -> None:
        """A read that turned out to be free."""
        with self._lock:
            self._window(key, resource).used -= 1

    def forget(self) -> None:
        """Everybody starts anew."""
        with self._lock:
            self._windows.clear()
            self._writes.clear()

    def exhaust(self) -> None:
        """Every identity seen so far has nothing left in its hour."""
        for (key, _), window in self._windows.items():
            window.used = self._limit(key)

    def overview(self, key: str, resource: str) -> dict[str, int]:
        window, limit = self._window(key, resource), self._limit(key)
        remaining = max(0, limit - window.used)
        return {"limit": limit, "remaining": remaining, "reset": window.reset, "used": window.used}

    def _limit(self, key: str) -> int:
        return ANONYMOUS_PER_HOUR if key == "anonymous" else self.requests_per_hour

    def _window(self, key: str, resource: str) -> Window:
        window = self._windows.get((key, resource))
        if window is None or window.reset <= self._clock():
            window = Window(int(self._clock()) + HOUR_S)
            self._windows[key, resource] = window
        return window

    def write_wait_s(self, key: str) -> float:
        """Until this identity may write again; 0 when it may now. `key` as in `Actor.key`, such as 'user ID 1'."""
        writes, now = self._writes[key], self._clock()
        while writes and writes[0] <= now - max(self.minute_s, self.hour_s):
            writes.popleft()
        limits = (self.writes_per_minute, self.minute_s), (self.writes_per_hour, self.hour_s)
        waits = [writes[-most] + span_s - now for most, span_s in limits if most and len(writes) >= most]
        return max([0.0, *waits])
