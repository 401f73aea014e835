"""When each service was drilled last: an hourly look at Git's history of those that can be relocated."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping

from failover_api.core.catalog.model import Catalog
from failover_api.core.rfc3339 import seconds_of
from failover_api.core.safety.relocation.drills import PastMove, last_drill
from failover_api.errors import FailoverError
from failover_api.failover import Failover
from failover_api.reading.history import Entry
from failover_api.watching.looks import look_again, services_of

EVERY_S = 3600.0
FIRST_S = 30.0  # after the start: others come first then
LIMIT = 100  # entries of a service's history that are looked through
_log = logging.getLogger(__name__)


class DrillWatch:
    """`ended` is {service: when its newest drill ended (s)}, as the last look found it."""

    def __init__(
        self, failover: Failover, catalog: Callable[[], Catalog], *, every_s: float = EVERY_S, first_s: float = FIRST_S
    ) -> None:
        self._failover, self._catalog, self._every_s, self._first_s = failover, catalog, every_s, first_s
        self.ended: Mapping[str, float] = {}

    async def run(self) -> None:
        """Until it is cancelled."""
        await asyncio.sleep(self._first_s)
        await look_again(self.look, lambda: asyncio.sleep(self._every_s), "drills")

    async def look(self) -> None:
        """At every service with replication. What cannot be read now keeps what was known."""
        found: dict[str, float] = {}
        for name in self._names():
            at = await self._last(name)
            if at is not None:
                found[name] = at
        self.ended = found

    async def _last(self, name: str) -> float | None:
        try:
            page = await self._failover.history(name, limit=LIMIT)
        except FailoverError as exc:
            _log.info("the last drill is not known", extra={"service": name, "problem": exc.slug})
            return self.ended.get(name)
        return last_drill(list(_moves(page.entries)))

    def _names(self) -> list[str]:
        return [service.name for service in services_of(self._catalog) if service.replication is not None]


def _moves(entries: tuple[Entry, ...]) -> Iterator[PastMove]:
    """Those that are ours, by their proof or for want of one."""
    for entry in entries:
        record, at = entry.record, seconds_of(entry.logged.at)
        if record is not None and at is not None:
            yield PastMove(record.action, record.before, record.after, record.provenance.reason, at)
