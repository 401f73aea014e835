"""Rounds: a look at all services once a minute, while somebody scrapes.

A scrape itself asks nobody. Without the rounds it would show where services were when somebody last looked, and no
alert could tell of what changed at night. When nothing moved a round costs one 304 for each branch, and one more for
its pull requests where there may be some; a 304 is free of GitHub's rate limit.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from failover_api.errors import FailoverError

ROUND_S = 60.0
IDLE_S = 600.0  # nobody has scraped for so long: nobody looks at the metrics any more
_log = logging.getLogger(__name__)


class Rounds:
    """`look` is a look at all services; whoever watches is told by it."""

    def __init__(
        self, look: Callable[[], Awaitable[object]], *, every_s: float = ROUND_S, idle_s: float = IDLE_S
    ) -> None:
        self._look, self._every_s, self._idle_s = look, every_s, idle_s
        self._wanted_at = float("-inf")
        self._wanted = asyncio.Event()

    def want(self) -> None:
        """Somebody scrapes: the rounds go on, or begin."""
        self._wanted_at = time.monotonic()
        self._wanted.set()

    async def walk(self) -> None:
        """Goes on for ever; cancel it to stop."""
        while True:
            await self._wanted.wait()
            if time.monotonic() - self._wanted_at > self._idle_s:
                self._wanted.clear()
                continue
            try:
                await self._look()
            except FailoverError as exc:  # there never was a good catalog
                _log.debug("nothing to look at", extra={"problem": exc.slug, "detail": exc.detail})
            except Exception:  # noqa: BLE001 - a defect of ours must not end the rounds
                _log.exception("a round failed")
            await asyncio.sleep(self._every_s)
