"""Once an hour: which services could be moved now, and where to. What stops one is found before it is needed."""

import asyncio
import logging
from collections.abc import Iterator, Mapping

from failover_api.core.catalog.model import Branch, Side
from failover_api.core.safety.hazard import Severity
from failover_api.core.safety.surroundings import NOT_LOOKED_AT, Surroundings
from failover_api.errors import FailoverError, ManifestError
from failover_api.failover import Failover
from failover_api.reading.status import Status, Unreadable
from failover_api.reading.surroundings import find_hazards

EVERY_S = 3600.0
FIRST_S = 60.0  # after the start: others come first then
Ready = Mapping[tuple[str, Side], bool]
_log = logging.getLogger(__name__)


class Readiness:
    """The newest result. `ready` is {(service, side to move to): whether it could}; empty until the first look.

    `looks` counts them.
    """

    def __init__(self, failover: Failover, *, every_s: float = EVERY_S, first_s: float = FIRST_S) -> None:
        self._failover, self._every_s, self._first_s = failover, every_s, first_s
        self.ready: Ready = {}
        self.looks = 0

    async def run(self) -> None:
        """Until it is cancelled."""
        await asyncio.sleep(self._first_s)
        while True:
            try:
                await self.look()
            except FailoverError as exc:
                _log.warning("whether services could move was not looked at", extra={"problem": exc.slug})
            except Exception:  # noqa: BLE001 - a defect of ours must not end the watching
                _log.exception("a look at readiness failed")
            await asyncio.sleep(self._every_s)

    async def look(self) -> None:
        """At both directions of every service, as a dry run would; nothing is written."""
        statuses = await self._failover.list_all(try_moves=True)
        around = {branch: await self._around(branch) for branch in {each.service.branch for each in statuses}}
        self.ready = dict(_all(statuses, around))
        self.looks += 1

    async def _around(self, branch: Branch) -> Surroundings:
        try:
            return await self._failover.look_around(branch)
        except FailoverError:
            return NOT_LOOKED_AT


def _all(
    statuses: list[Status | Unreadable], around: Mapping[Branch, Surroundings]
) -> Iterator[tuple[tuple[str, Side], bool]]:
    for status in statuses:
        for side in Side:
            is_ready = isinstance(status, Status) and _could_move(status, side, around[status.service.branch])
            yield (status.service.name, side), is_ready


def _could_move(status: Status, side: Side, around: Surroundings) -> bool:
    if status.obstacles or isinstance(status.unblocking, ManifestError) or side not in status.ways:
        return False
    found = find_hazards(lambda: status.ways[side], around).hazards
    return all(hazard.severity is not Severity.STOP for hazard in found)
