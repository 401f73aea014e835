"""Relocates home what was moved away by itself, once its node has been well for long enough (`failback: act`).

It calls nothing but relocate, which loses nothing: what has no `replication` is proposed to people, and stays. Each way
home is begun once: who aborts one, or sees it stop, goes on by hand. One app at a time stands still, in the order of
`after`: the next is begun once nobody is relocated any more.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from cachetools import LRUCache

from failover_api.core.catalog.model import Catalog, Side
from failover_api.core.planning.request import MoveRequest, Permit
from failover_api.core.safety.governance import AUTOMATIC, Gate, Hold, Return
from failover_api.core.safety.relocation.in_order import in_order
from failover_api.core.wording import cut, listed
from failover_api.errors import FailoverError
from failover_api.operations.relocation_report import RelocationReport

MAX_KEPT = 1024
AGAIN_S = 300.0  # what refused one may need a person
LOOK_EVERY_S = 10.0  # whether somebody is relocated still
_BY_ITSELF = "It goes on by itself."
_log = logging.getLogger(__name__)

Start = Callable[[str, Side, MoveRequest], Awaitable[RelocationReport]]


class Homecoming:
    """`start` begins a relocation, or says how far it is. `permit` gives what is asked right before its first write.

    `running` names a service that is relocated now, whoever has begun that; "": none is.
    """

    def __init__(
        self,
        start: Start,
        permit: Callable[[Return], Permit],
        *,
        running: Callable[[], Awaitable[str]],
        catalog: Callable[[], Catalog],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._start, self._permit, self._running = start, permit, running
        self._catalog, self._monotonic = catalog, monotonic
        self._at = ""  # who is relocated, as it was seen last
        self._look_at = 0.0
        self._under_way: asyncio.Task[None] | None = None
        self._not_before: LRUCache[str, float] = LRUCache(MAX_KEPT)  # by key: it is not begun again before
        self._told: LRUCache[str, str | None] = LRUCache(MAX_KEPT)  # by key: the operation that was
        self._ended: LRUCache[str, bool] = LRUCache(MAX_KEPT)  # by key: it was begun, and is not under way any more
        self.why_not: LRUCache[str, str] = LRUCache(MAX_KEPT)  # by key: what refused it the last time

    def round(self, returns: Sequence[Return]) -> None:
        """Begins what may go home now, unless somebody is relocated, and waits for none of it."""
        due = next((one for one in self._turns(returns, "") if self._is_free(one)), None)
        is_busy = self._under_way is not None and not self._under_way.done()
        if not is_busy and (due is not None or self._at) and self._monotonic() >= self._look_at:
            self._look_at = self._monotonic() + LOOK_EVERY_S
            self._under_way = asyncio.create_task(self._go_on(due))

    def in_turn(self, returns: Sequence[Return]) -> list[Return]:
        """As they are told: each that goes home by itself is held until its turn."""
        return self._turns(returns, self._at)

    def _turns(self, returns: Sequence[Return], at: str) -> list[Return]:
        """`at` is who is relocated; with nobody it is the turn of the first that may go.

        For one whose way home has ended elsewhere, which is for people, nobody waits.
        """
        home = {one.service: Side.PRIMARY for one in returns if one.is_act and not self._ended.get(one.key)}
        if not home:
            return list(returns)
        waits_for = in_order(home, self._catalog()).waits_for
        ordered = [_after(one, sorted(waits_for.get(one.service, ()))) for one in returns]
        first = at or next((one.service for one in ordered if self._is_free(one)), "")
        return [one if not one.is_act or first in {"", one.service} else _behind(one, first) for one in ordered]

    def _is_free(self, one: Return) -> bool:
        return one.is_act and not one.holds and self._monotonic() >= self._not_before.get(one.key, 0.0)

    async def _go_on(self, due: Return | None) -> None:
        try:
            self._at = await self._running()
        except FailoverError as exc:
            _log.info("relocations were not read", extra={"problem": exc.slug, "detail": exc.detail})
        except Exception:  # noqa: BLE001 - a defect of ours must not end the watching
            _log.exception("relocations were not read by a defect")
        else:
            if due is not None and not self._at:
                await self._bring(due)

    async def _bring(self, one: Return) -> None:
        """One relocation. What fails is told, and tried again later: the key keeps it one."""
        facts = {"service": one.service, "node": one.node}
        self._not_before[one.key] = self._monotonic() + AGAIN_S
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
            self._ended[one.key] = not report.is_under_way
            self._at = one.service if report.is_under_way else ""
            self.why_not.pop(one.key, None)
            if self._told.get(one.key, "") != report.operation:
                self._told[one.key] = report.operation
                _log.warning("relocated home by itself", extra={**facts, "operation": report.operation})
        except FailoverError as exc:
            self._look_at = 0.0  # others need not wait for it
            self.why_not[one.key] = exc.detail
            _log.warning("not relocated home", extra={**facts, "problem": exc.slug, "detail": exc.detail})
        except Exception:  # noqa: BLE001 - a defect of ours must not end the watching
            _log.exception("not relocated home by a defect", extra=facts)

    async def aclose(self) -> None:
        """Waits for what is being written."""
        if self._under_way is not None:
            await asyncio.gather(self._under_way, return_exceptions=True)


def _after(one: Return, others: Sequence[str]) -> Return:
    """Held by those that go home before it."""
    if not others:
        return one
    goes = "goes" if len(others) == 1 else "go"
    return _held(one, f"{listed([cut(name) for name in others], 5)} {goes} home first (`after`).")


def _behind(one: Return, first: str) -> Return:
    return _held(one, f"{cut(first)} is relocated first: one app at a time stands still.")


def _held(one: Return, detail: str) -> Return:
    return replace(one, holds=(*one.holds, Hold(Gate.RELOCATING, detail, _BY_ITSELF)))
