"""Which pull requests of ours somebody merged.

    with GitHub's webhook     its delivery says so, once, to one of the replicas
    without                   the process that opened a pull request hears of every look, until it is open no more

So it is told once, mostly, although the replicas share nothing. What is lost: without the webhook, a merge after the
process that opened the pull request has ended.
"""

import asyncio
import contextvars
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cachetools import LRUCache

from failover_api.core.catalog.model import Branch
from failover_api.core.text.trailers import Record, read_records
from failover_api.errors import FailoverError
from failover_api.events import Events, Looked, Merged, MoveEnded
from failover_api.reading.status import Status

APART_S = 60.0
WATCHED_S = 7 * 24 * 3600.0
MAX_WATCHED = 100

_Key = tuple[Branch, int]


@dataclass(frozen=True, slots=True)
class _Proposed:
    """An open pull request that moves `service`, and is watched until time.monotonic() is `until`."""

    service: str
    url: str
    operation: str
    until: float


class Merges:
    """Publishes each merge once. `watches` is False where GitHub's webhook says it; `status` is Failover.status().

    The looks are others'. Where one shows that a pull request is open no more, its service is looked at more closely,
    `apart_s` apart.
    """

    def __init__(
        self, status: Callable[[str], Awaitable[Status]], events: Events, *, watches: bool, apart_s: float = APART_S
    ) -> None:
        self._status, self._events, self._watches, self._apart_s = status, events, watches, apart_s
        self._reported: LRUCache[_Key, bool] = LRUCache(1024)
        self._watched: dict[_Key, _Proposed] = {}
        self._settling: set[asyncio.Task[None]] = set()

    def is_watching(self) -> bool:
        """Whether it wants to hear of looks."""
        return bool(self._watched or self._settling)

    def move_ended(self, event: MoveEnded) -> None:
        """Watches what was proposed here."""
        outcome = event.news
        if not self._watches or outcome is None or not outcome.is_pending or event.is_tidy:
            return
        services = [plan.service for plan in outcome.plans if plan.changes]
        pull, operation = outcome.pull_request, outcome.operation
        if services and pull is not None and operation is not None and len(self._watched) < MAX_WATCHED:
            proposed = _Proposed(services[0].name, pull.url, operation, time.monotonic() + WATCHED_S)
            self._watched.setdefault((services[0].branch, pull.number), proposed)

    def looked(self, event: Looked) -> None:
        """Looks more closely at what is open no more, and drops what was open for a week."""
        statuses = {status.service.name: status for status in event.statuses}
        for key, proposed in list(self._watched.items()):
            status = statuses.get(proposed.service)
            is_gone = isinstance(status, Status) and not _is_open(key, status)
            if is_gone or time.monotonic() > proposed.until:
                del self._watched[key]
            if is_gone:
                # In no request's context: its id would stand in our lines.
                task = asyncio.create_task(self._settle(key, proposed), context=contextvars.Context())
                self._settling.add(task)
                task.add_done_callback(self._settling.discard)

    def report(self, merged: Merged) -> None:
        """Publishes it, unless it was published before."""
        key = (merged.branch, merged.number)
        if merged.records and key not in self._reported:
            self._reported[key] = True
            self._events.publish(merged)

    async def aclose(self) -> None:
        """Ends what is under way."""
        settling = list(self._settling)
        for task in settling:
            task.cancel()
        await asyncio.gather(*settling, return_exceptions=True)

    async def _settle(self, key: _Key, proposed: _Proposed) -> None:
        """Finds out whether it was merged; it was not when it was closed, or moved over."""
        for wait_s in (0.0, self._apart_s):  # the listing of pull requests may be ahead of the branch
            await asyncio.sleep(wait_s)
            status = await self._read(proposed)
            if status is None:
                return
            if _is_open(key, status):
                self._watched[key] = proposed
                return
            move = status.last_move
            if move is not None and move.record is not None and move.record.operation == proposed.operation:
                records = _all_of(move.logged.message, move.record)
                self.report(Merged(*key, proposed.url, records, move.logged.url))
                return

    async def _read(self, proposed: _Proposed) -> Status | None:
        """Where the service is, as soon as that can be read; None when it never could."""
        while time.monotonic() < proposed.until:
            try:
                return await self._status(proposed.service)
            except FailoverError:
                await asyncio.sleep(self._apart_s)
        return None


def _is_open(key: _Key, status: Status) -> bool:
    return status.pull_request is not None and status.pull_request.number == key[1]


def _all_of(message: str, record: Record) -> tuple[Record, ...]:
    """Every service that the operation moved, as far as the merge's message says."""
    records = tuple(other for other in read_records(message) if other.operation == record.operation)
    return records or (record,)
