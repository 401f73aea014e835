"""Operations in waves that are under way: each is gone on with when it is its turn, also by a replica that began none.

What others have begun is seen in the newest moves of services, in Git; also after a restart. Where no service of the
catalog is after another nothing is watched.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from failover_api.core.catalog.model import Catalog
from failover_api.errors import FailoverError
from failover_api.events import Looked, Merged, MoveEnded, Serving
from failover_api.failover import Failover
from failover_api.watching.looks import look_again, news_or, services_of

EVERY_S = 2.0
IDLE_S = 5.0
WANTED_EVERY_S = 60.0
_log = logging.getLogger(__name__)


class WaveWatch:
    """`want` makes others look at all services, which tells what they have begun."""

    def __init__(
        self,
        failover: Failover,
        catalog: Callable[[], Catalog],
        *,
        want: Callable[[], None],
        every_s: float = EVERY_S,
    ) -> None:
        self._failover, self._catalog, self._want, self._every_s = failover, catalog, want, every_s
        self._has_news = asyncio.Event()
        self._wanted_at = float("-inf")

    def looked(self, event: Looked) -> None:
        """What Git says now."""
        if self._is_needed():
            self._failover.waves.note(event.statuses)

    def happened(self, _: MoveEnded | Merged | Serving) -> None:
        """Something that may be waited for."""
        self._has_news.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        await look_again(self.look, self._rest, "operations")

    async def look(self) -> None:
        """Once at everything that is under way."""
        if not self._is_needed():
            return
        if time.monotonic() - self._wanted_at > WANTED_EVERY_S:
            self._wanted_at = time.monotonic()
            self._want()
        for operation in self._failover.waves.running:
            try:
                await self._failover.waves.advance(operation)
            except FailoverError as exc:
                facts = {"operation": operation.id, "problem": exc.slug, "detail": exc.detail}
                _log.warning("an operation is not looked at", extra=facts)

    async def _rest(self) -> None:
        is_busy = self._is_needed() and bool(self._failover.waves.running)
        await news_or(self._has_news, self._every_s if is_busy else IDLE_S)

    def _is_needed(self) -> bool:
        return any(service.after for service in services_of(self._catalog))
