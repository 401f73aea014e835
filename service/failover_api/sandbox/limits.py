"""GitHub's rate limits: so many requests an hour, and so many writes a minute and an hour.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from failover_api.sandbox.call import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR_S = 3600
ANONYMOUS_PER_HOUR = 60

SECONDARY_TEXT = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
    "If you reach out to GitHub Support for help, please include the request ID {request_id}."
)
SECONDARY_URL = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"
PRIMARY_URL = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"


def primary_text(who: str) -> str:
    return (
        f"API rate limit exceeded for {who}. If you reach out to GitHub Support for help, "
        "please include the request ID {request_id}."
    )


@dataclass(slots=True)
class Window:
    """What one identity has used in its hour."""

    reset: int
    used: int = 0
    writes: deque[float] = field(default_factory=deque)


class Limits:
    """Counts per identity, so all tokens of an installation share one budget.

    The limits on writes are off (None) until a test sets them; GitHub's own are 80 a minute and 500 an hour.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.requests_per_hour = 5000
        self.writes_per_minute: int | None = None
        self.writes_per_hour: int | None = None
        self._clock = clock
        self._windows: dict[tuple[str, str], Window] = {}

    def check(self, key: str, resource: str, *, writes: bool) -> None:
        """Raises Refused 403 with GitHub's headers when a limit is reached."""
        window = self._window(key, resource)
        if window.used >= self._limit(key):
            raise Refused(403, primary_text(key), url=PRIMARY_URL)
        if writes and (wait := self._wait_s(window)):
            raise Refused(403, SECONDARY_TEXT, url=SECONDARY_URL, headers={"Retry-After": str(wait)})

    def spend(self, key: str, resource: str, *, writes: bool) -> None:
        window = self._window(key, resource)
        window.used += 1
        if writes:
            window.writes.append(self._clock())

    def exhaust(self) -> None:
        """Every identity seen so far has nothing left in its hour."""
        for (key, _), window in self._windows.items():
            window.used = self._limit(key)

    def headers(self, key: str, resource: str) -> dict[str, str]:
        values = self.overview(key, resource)
        named = {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in values.items()}
        return {**named, "X-RateLimit-Resource": resource}

    def overview(self, key: str, resource: str) -> dict[str, Any]:
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

    def _wait_s(self, window: Window) -> int:
        """Seconds until another write is allowed; 0 when it is now."""
        now = self._clock()
        while window.writes and window.writes[0] <= now - HOUR_S:
            window.writes.popleft()
        last_minute = sum(at > now - 60 for at in window.writes)
        if self.writes_per_hour is not None and len(window.writes) >= self.writes_per_hour:
            return max(1, int(window.writes[0] + HOUR_S - now))
        return 60 if self.writes_per_minute is not None and last_minute >= self.writes_per_minute else 0
