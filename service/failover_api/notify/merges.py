"""Pull requests of ours that somebody merged.

    with GitHub's webhook     its delivery says so, once, to one of the replicas
    without                   the process that opened a pull request looks every minute, until it is merged or closed

So it is told once, mostly, although the replicas share nothing. What is lost: without the webhook, a merge after the
process that opened the pull request has ended.
"""

import asyncio
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from cachetools import LRUCache

from failover_api.core.catalog.model import Branch
from failover_api.core.text.trailers import Record, read_records
from failover_api.errors import FailoverError
from failover_api.events import MoveEnded
from failover_api.reading.status import Status

LOOK_S = 60.0
WATCHED_S = 7 * 24 * 3600.0
MAX_WATCHED = 100
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Merged:
    """A pull request of ours, merged into `branch`. `records` say what it moved; `commit` is its URL, if known."""

    branch: Branch
    number: int
    url: str
    records: tuple[Record, ...]
    commit: str = ""


MergeListener = Callable[[Merged], None]


class Merges:
    """Tells each merge once. `looks` is False where GitHub's webhook says it; `status` is Failover.status()."""

    def __init__(
        self,
        status: Callable[[str], Awaitable[Status]],
        listeners: Sequence[MergeListener],
        *,
        looks: bool,
        look_s: float = LOOK_S,
    ) -> None:
        self._status, self._listeners, self._look_s = status, tuple(listeners), look_s
        self.looks = looks
        self._told: LRUCache[tuple[Branch, int], bool] = LRUCache(1024)
        self._watched: dict[tuple[Branch, int], asyncio.Task[None]] = {}

    def __call__(self, event: MoveEnded) -> None:
        """A listener: watches what was proposed here."""
        outcome = event.news
        if not self.looks or outcome is None or not outcome.is_pending:
            return
        moving = [plan.service for plan in outcome.plans if plan.changes]
        pull, operation = outcome.pull_request, outcome.operation
        if not moving or pull is None or operation is None or len(self._watched) >= MAX_WATCHED:
            return
        key = (moving[0].branch, pull.number)
        if key not in self._watched:
            work = self._watch(key, moving[0].name, pull.url, operation)
            self._watched[key] = asyncio.create_task(work, context=contextvars.Context())

    @property
    def watched(self) -> int:
        """How many pull requests it looks at."""
        return len(self._watched)

    def saw(self, merged: Merged) -> None:
        """Tells it, unless it was told before."""
        key = (merged.branch, merged.number)
        if key in self._told or not merged.records:
            return
        self._told[key] = True
        for listener in self._listeners:
            try:
                listener(merged)
            except Exception:  # noqa: BLE001 - a listener's defect is not GitHub's
                _log.exception("a listener failed")

    async def aclose(self) -> None:
        """Ends the watching."""
        watching = list(self._watched.values())
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)

    async def _watch(self, key: tuple[Branch, int], service: str, url: str, operation: str) -> None:
        try:
            merged = await self._until_merged(key, service, url, operation)
            if merged is not None:
                self.saw(merged)
        finally:
            self._watched.pop(key, None)

    async def _until_merged(self, key: tuple[Branch, int], service: str, url: str, operation: str) -> Merged | None:
        """None when it was closed otherwise, or moved over, or stayed open for a week."""
        branch, number = key
        end = time.monotonic() + WATCHED_S
        gone = 0
        while time.monotonic() < end and gone < 2:  # the listing of pull requests may be ahead of the branch
            await asyncio.sleep(self._look_s)
            try:
                status = await self._status(service)
            except FailoverError:
                continue
            move = status.last_move
            if move is not None and move.record is not None and move.record.operation == operation:
                return Merged(branch, number, url, _all_of(move.logged.message, move.record), move.logged.url)
            pull = status.pull_request
            gone = 0 if pull is not None and pull.number == number else gone + 1
        return None


def _all_of(message: str, record: Record) -> tuple[Record, ...]:
    """Every service that the operation moved, as far as the merge's message says."""
    found = tuple(other for other in read_records(message) if other.operation == record.operation)
    return found or (record,)
