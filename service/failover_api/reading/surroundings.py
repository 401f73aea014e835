"""What is known around services: what hazards are found in, beside the plan.

A dry run reads it where it is not known, for a bounded time; a move waits for none of it. What was read is
kept as long as it is surely still so; what is not known is left out.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cachetools import TTLCache

from failover_api.core.catalog.model import Branch, Service
from failover_api.core.planning.state import State
from failover_api.core.safety.hazard import Hazard
from failover_api.core.safety.hazards import FINDERS, Finder, untold_left_out, with_cluster
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.safety.switch_moves import ServiceMove
from failover_api.deadline import within_deadline
from failover_api.errors import FailoverError, ForgeUnavailable
from failover_api.forge.port import Files
from failover_api.reading.branch_knowledge import BranchReader
from failover_api.reading.history import Entry

MOVES_KEPT_S = 600.0  # another replica may move a service there and back, and its file is what it was
MAX_SERVICES = 16_384
LOOK_S = 5.0  # a dry run waits no longer; what was read by then is kept for the next
UNREAD_S = 60.0  # so long nobody else waits for what could not be read
_Key = tuple[Branch, str]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FoundHazards:
    """What was found; `failed` are the finders that broke by a defect of ours, so what they look for is not known."""

    hazards: tuple[Hazard, ...] = ()
    failed: tuple[str, ...] = ()


def find_hazards(move: Callable[[], ServiceMove], around: Surroundings) -> FoundHazards:
    """What may go wrong with a move. A defect of ours in finding it keeps nobody from moving, and no other finder from
    telling: it is logged, and the finder is named.
    """
    try:
        planned = move()
    except Exception:  # noqa: BLE001 - a warning that cannot be given must not stand in the way of a failover
        _log.exception("hazards could not be found by a defect")
        return FoundHazards(failed=tuple(map(_name, FINDERS)))
    found: list[Hazard] = []
    failed: list[str] = []
    for finder in FINDERS if planned.switches else ():
        try:
            for hazard in finder(planned, around):
                found.append(hazard)  # noqa: PERF402 - what it told before it broke counts
        except Exception:  # noqa: BLE001 - as above
            _log.exception("hazards could not be found by a defect", extra={"finder": _name(finder)})
            failed.append(_name(finder))
    if planned.switches:
        try:
            found = list(with_cluster(planned, found, around))
        except Exception:  # noqa: BLE001 - as above
            _log.exception("hazards could not be found by a defect", extra={"finder": "cluster"})
            failed.append("cluster")
    return FoundHazards(untold_left_out(planned, found), tuple(failed))


def _too_late() -> FailoverError:
    return ForgeUnavailable(f"the repository's other manifests were not read within {LOOK_S:g} s", retry_after_s=5.0)


def _name(finder: Finder) -> str:
    return finder.__name__.replace("_", "-")


class SurroundingsReader:
    """Keeps what was read around services. `clock` is time.monotonic(), unless a test moves it."""

    def __init__(self, files: Files, clock: Callable[[], float] = time.monotonic) -> None:
        self._branches = BranchReader(files)
        self._unread: TTLCache[Branch, bool] = TTLCache(MAX_SERVICES, UNREAD_S, timer=clock)
        self._reading: dict[Branch, asyncio.Lock] = {}
        self._there_since: TTLCache[_Key, str] = TTLCache(MAX_SERVICES, MOVES_KEPT_S, timer=clock)

    def of(self, services: Sequence[Service]) -> Surroundings:
        """Around services of one branch."""
        keys = {service.name: (service.branch, service.name) for service in services}
        there_since = {name: at for name, key in keys.items() if (at := self._there_since.get(key)) is not None}
        known = self._branches.last(services[0].branch)
        if known is None:
            return Surroundings(there_since=there_since)
        return Surroundings(known.claims, known.neighbours, there_since)

    async def look(self, services: Sequence[Service]) -> Surroundings:
        """As of(), with what is not known read first. What cannot be read, or not in time, is left out."""
        branch, now = services[0].branch, time.monotonic()
        around = self.of(services)
        if around.is_complete or branch in self._unread:
            return around
        try:
            read = await within_deadline(self._read_once(branch, now), deadline_s=LOOK_S, late=_too_late)
        except FailoverError as exc:
            self._unread[branch] = True
            _log.warning("hazards are incomplete", extra={"problem": exc.slug, "detail": exc.detail})
            return around
        except Exception:  # noqa: BLE001 - as in find_hazards()
            self._unread[branch] = True
            _log.exception("hazards could not be found by a defect", extra={"finder": "repository"})
            return around
        return replace(read, there_since=around.there_since)

    async def _read_once(self, branch: Branch, not_before: float) -> Surroundings:
        """Those who ask meanwhile wait for the same, and for no second attempt when it fails."""
        async with self._reading.setdefault(branch, asyncio.Lock()):
            known = self._branches.last(branch)
            if known is not None:
                return Surroundings(known.claims, known.neighbours)
            return Surroundings() if branch in self._unread else await self.read(branch, not_before=not_before)

    async def read(self, branch: Branch, *, not_before: float) -> Surroundings:
        """Reads the other manifests of a branch, for those who come later too. Raises as BranchReader.read()."""
        known = await self._branches.read(branch, not_before=not_before)
        return Surroundings(known.claims, known.neighbours)

    def saw(self, service: Service, state: State, last_move: Entry | None) -> None:
        """A service was seen in a state, with its newest move."""
        self.moved(service)
        record = last_move.record if last_move is not None and last_move.verified else None
        if last_move is not None and record is not None and record.after == state.value:
            self._there_since[service.branch, service.name] = last_move.logged.at

    def moved(self, service: Service) -> None:
        """It may be elsewhere now."""
        self._there_since.pop((service.branch, service.name), None)
