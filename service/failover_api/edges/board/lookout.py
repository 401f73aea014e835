"""Where every service is, looked up once for all who look.

Nobody looks while nobody watches. However many do, they share what was seen in the last seconds, and one look at a time
is under way. What cannot be read for the moment is shown as it was, and says so.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from failover_api.errors import FailoverError, ForgeError, ForgeRateLimited, ForgeUnavailable
from failover_api.events import MoveEnded
from failover_api.reading.status import Status, Unreadable

FRESH_S = 5.0  # what was seen since then is shown again
APART_S = 1.0  # looks are at least so far apart, however often something moves
PATIENCE_S = 3.0  # how long a page waits for news when it has something to show
_PASSING = (ForgeError, ForgeUnavailable, ForgeRateLimited)

Found = Sequence[Status | Unreadable]
Look = Callable[[], Awaitable[Found]]


@dataclass(frozen=True, slots=True)
class View:
    """What was seen at `at`. `kept` says, by name, why services are shown as they were before."""

    statuses: tuple[Status | Unreadable, ...]
    at: datetime
    kept: Mapping[str, FailoverError]


@dataclass(frozen=True, slots=True)
class _Seen:
    view: View
    since: float  # time.monotonic() when the look began
    news: int


class Lookout:
    """Keeps what was last seen."""

    def __init__(self, *, fresh_s: float = FRESH_S, apart_s: float = APART_S, patience_s: float = PATIENCE_S) -> None:
        self._fresh_s, self._apart_s, self._patience_s = fresh_s, apart_s, patience_s
        self._seen: _Seen | None = None
        self._task: asyncio.Task[_Seen] | None = None
        self._news = 0

    def forget(self) -> None:
        """Something moved: what was seen is not believed any more."""
        self._news += 1

    def on_ended(self, event: MoveEnded) -> None:
        """A listener: a move that changed something, or may have, is news."""
        refused = event.error is not None and event.error.outcome == "not-applied"
        if not event.dry_run and not refused:
            self.forget()

    async def see(self, look: Look) -> View:
        """Where everything is; `look` is how to find out. Raises what `look` raises when nothing was ever seen."""
        wanted = self._news
        while not self._is_fresh(wanted):
            task = self._start(look)
            await asyncio.wait({task}, timeout=self._patience_s if self._seen else None)
            if not task.done():
                break
            self._seen = task.result()
            if self._seen.news >= wanted:
                break
        assert self._seen is not None
        return self._seen.view

    async def aclose(self) -> None:
        """Ends a look that is under way."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})

    def _is_fresh(self, news: int) -> bool:
        seen = self._seen
        return seen is not None and seen.news >= news and time.monotonic() - seen.since < self._fresh_s

    def _start(self, look: Look) -> "asyncio.Task[_Seen]":
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look(look))
        return self._task

    async def _look(self, look: Look) -> _Seen:
        if self._seen is not None:
            await asyncio.sleep(self._seen.since + self._apart_s - time.monotonic())
        news, since, at = self._news, time.monotonic(), datetime.now(UTC)
        return _Seen(_joined(await look(), at, self._seen), since, news)


def _joined(found: Found, at: datetime, seen: _Seen | None) -> View:
    """What was found; for what GitHub would not say just now, what was seen before."""
    before = {one.service.name: one for one in seen.view.statuses if isinstance(one, Status)} if seen else {}
    kept = {
        one.service.name: one.error
        for one in found
        if isinstance(one, Unreadable) and isinstance(one.error, _PASSING) and one.service.name in before
    }
    shown = tuple(before[one.service.name] if one.service.name in kept else one for one in found)
    nothing_new = seen is not None and bool(kept) and len(kept) == len(found)
    return View(shown, seen.view.at if seen and nothing_new else at, kept)
