"""Which services could be moved now, and where to: what stops one is found before it is needed.

Once an hour, and soon after a node has become ready, or is ready no more: that decides about many of them at once.
"""

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping

from failover_api.core.catalog.model import Branch, Side
from failover_api.core.planning.state import State
from failover_api.core.safety.hazard import Severity
from failover_api.core.safety.surroundings import NOT_LOOKED_AT, Surroundings
from failover_api.errors import FailoverError, ManifestError
from failover_api.failover import Failover
from failover_api.reading.status import Status, Unreadable
from failover_api.reading.surroundings import find_hazards

EVERY_S = 3600.0
FIRST_S = 60.0  # after the start: others come first then
APART_S = 30.0  # between two looks, however often a node comes and goes
Ready = Mapping[tuple[str, Side], bool]
_log = logging.getLogger(__name__)


class Readiness:
    """The newest result. `ready` is {(service, side to move to): whether it could}; empty until the first look.

    `looks` counts them, `looked_at` (s) is the time of the last one.
    """

    def __init__(
        self, failover: Failover, *, every_s: float = EVERY_S, first_s: float = FIRST_S, apart_s: float = APART_S
    ) -> None:
        self._failover, self._every_s, self._first_s, self._apart_s = failover, every_s, first_s, apart_s
        self.ready: Ready = {}
        self.looks = 0
        self.looked_at: float | None = None

    async def run(self) -> None:
        """Until it is cancelled."""
        await asyncio.sleep(self._first_s)
        while True:
            nodes = self._ready_nodes()
            try:
                await self.look()
            except FailoverError as exc:
                _log.warning("whether services could move was not looked at", extra={"problem": exc.slug})
            except Exception:  # noqa: BLE001 - a defect of ours must not end the watching
                _log.exception("a look at readiness failed")
            await self._rest(nodes)

    async def _rest(self, nodes: frozenset[str]) -> None:
        """Until it is time again, or other nodes are ready than at the look."""
        end = time.monotonic() + self._every_s
        while (left_s := end - time.monotonic()) > 0:
            await asyncio.sleep(min(left_s, self._apart_s))
            if self._ready_nodes() != nodes:
                return

    def _ready_nodes(self) -> frozenset[str]:
        """From memory; none where nodes are not seen."""
        view = self._failover.clusters.view()
        nodes = view.nodes.objects.values() if view is not None else ()
        return frozenset(node.name for node in nodes if node.is_ready)

    async def look(self) -> None:
        """At both directions of every service, as a dry run would; nothing is written."""
        statuses = await self._failover.list_all(try_moves=True)
        around = {branch: await self._around(branch) for branch in {each.service.branch for each in statuses}}
        self.ready, self.looked_at = dict(_all(statuses, around)), time.time()
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
    """As somebody would move it who neither forces nor accepts anything."""
    if status.detection.state is State.UNKNOWN:
        return False
    if status.obstacles or isinstance(status.unblocking, ManifestError) or side not in status.ways:
        return False
    found = find_hazards(lambda: status.ways[side], around).hazards
    return all(hazard.severity is not Severity.STOP for hazard in found)
