"""Relocates home what was moved away by itself, once its node has been well for long enough (`failback: act`).

It calls nothing but relocate, which loses nothing: what has no `replication` is proposed to people, and stays. Each way
home is begun once: who aborts one, or sees it stop, goes on by hand.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable

from cachetools import LRUCache

from failover_api.core.catalog.model import Side
from failover_api.core.planning.request import MoveRequest, Permit
from failover_api.core.safety.governance import AUTOMATIC, Return
from failover_api.core.wording import cut
from failover_api.errors import FailoverError
from failover_api.operations.relocation_report import RelocationReport

MAX_KEPT = 1024
AGAIN_S = 300.0  # what refused one may need a person
_log = logging.getLogger(__name__)

Start = Callable[[str, Side, MoveRequest], Awaitable[RelocationReport]]


class Homecoming:
    """`start` begins a relocation, or says how far it is. `permit` gives what is asked right before its first write."""

    def __init__(
        self, start: Start, permit: Callable[[Return], Permit], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._start, self._permit, self._monotonic = start, permit, monotonic
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._not_before: LRUCache[str, float] = LRUCache(MAX_KEPT)  # by key: it is not begun again before
        self._told: LRUCache[str, str | None] = LRUCache(MAX_KEPT)  # by key: the operation that was
        self.why_not: LRUCache[str, str] = LRUCache(MAX_KEPT)  # by key: what refused it the last time

    def round(self, returns: Iterable[Return]) -> None:
        """Begins what may go home now, and waits for none of it."""
        wanted = [one for one in returns if one.is_act and not one.holds]
        for one in wanted:
            if one.service not in self._under_way and self._monotonic() >= self._not_before.get(one.key, 0.0):
                self._not_before[one.key] = self._monotonic() + AGAIN_S
                self._under_way[one.service] = asyncio.create_task(self._bring(one))

    async def _bring(self, one: Return) -> None:
        """One relocation. What fails is told, and tried again later: the key keeps it one."""
        facts = {"service": one.service, "node": one.node}
        request = MoveRequest(
            by=AUTOMATIC,
            reason=f"{cut(one.node)} is well again",
            key=one.key,
            trigger=AUTOMATIC,
            evidence=(f"node {cut(one.node)} has been ready for long enough (`failback_after`)",),
            permit=self._permit(one),
        )
        try:
            report = await self._start(one.service, Side.PRIMARY, request)
            self.why_not.pop(one.key, None)
            if self._told.get(one.key, "") != report.operation:
                self._told[one.key] = report.operation
                _log.warning("relocated home by itself", extra={**facts, "operation": report.operation})
        except FailoverError as exc:
            self.why_not[one.key] = exc.detail
            _log.warning("not relocated home", extra={**facts, "problem": exc.slug, "detail": exc.detail})
        except Exception:  # noqa: BLE001 - a defect of ours must not end the watching
            _log.exception("not relocated home by a defect", extra=facts)
        finally:
            self._under_way.pop(one.service, None)

    async def aclose(self) -> None:
        """Waits for what is being written."""
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
