"""Relocations that are under way: each is gone on with, also one that another replica began, and after a restart.

What is under way is told by the newest commits of the branches; nothing is kept. Where no service of the catalog has
`replication`, or no cluster is configured, nothing is watched: who sees no cluster may not judge that a step is late.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from cachetools import LRUCache

from failover_api.core.catalog.model import Catalog
from failover_api.core.safety.relocation.ladder import State
from failover_api.core.safety.relocation.steps import Step
from failover_api.errors import FailoverError
from failover_api.events import BranchMoved, MoveEnded
from failover_api.failover import Failover
from failover_api.operations.relocation_report import RelocationReport
from failover_api.watching.looks import look_again, news_or, services_of

EVERY_S = 2.0
IDLE_S = 10.0
FIND_EVERY_S = 30.0
SLOW_AFTER_S, SLOW_S = 600.0, 30.0  # a step that may take as long as it needs, and does
AGAIN_S, MAX_AGAIN_S = 5.0, 60.0  # after the first failure, and after many
_log = logging.getLogger(__name__)


class RelocationWatch:
    """`told` is given every report that says something else than the one before. `every_s` may be changed."""

    def __init__(
        self,
        failover: Failover,
        catalog: Callable[[], Catalog],
        *,
        every_s: float = EVERY_S,
        told: Callable[[RelocationReport], None] = lambda _: None,
    ) -> None:
        self._failover, self._catalog, self.every_s, self._told = failover, catalog, every_s, told
        self._running: set[str] = set()
        self._found_at = float("-inf")
        self._failures: dict[str, tuple[int, float]] = {}  # how many in a row, and when it is tried again
        self._words: LRUCache[tuple[str, str], tuple[object, ...]] = LRUCache(1024)
        self._has_news = asyncio.Event()
        self._seen: LRUCache[str, RelocationReport] = LRUCache(1024)

    @property
    def seen(self) -> Mapping[str, RelocationReport]:
        """The newest relocation of each service, as it was when it was last looked at; only those seen under way."""
        return dict(self._seen)

    def happened(self, _: MoveEnded | BranchMoved) -> None:
        """Somebody may have begun one, or made a step."""
        self._found_at = float("-inf")
        self._has_news.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        await look_again(self.look, self._rest, "relocations")

    async def look(self) -> None:
        """Once at everything that is under way."""
        if not self._is_needed():
            return
        if time.monotonic() - self._found_at > FIND_EVERY_S:
            await self._find()
        for name in sorted(self._running):
            if time.monotonic() >= self._failures.get(name, (0, 0.0))[1]:
                await self._advance(name)

    async def _find(self) -> None:
        self._found_at = time.monotonic()  # of what happens from now on this may miss something
        try:
            self._running |= await self._failover.relocations.under_way()
        except FailoverError as exc:
            self._found_at = float("-inf")
            _log.warning("relocations are not looked for", extra={"problem": exc.slug, "detail": exc.detail})

    async def _advance(self, name: str) -> None:
        try:
            report = await self._failover.relocations.advance(name)
            if report is not None and report.is_part:
                await self._failover.group_relocations.follow(report)
                self._found_at = self._found_at if report.is_under_way else float("-inf")  # the next, begun or held
        except FailoverError as exc:
            self._failed(name, exc)
            return
        except Exception:  # noqa: BLE001 - a defect that one meets must not keep the others from going on
            _log.exception("a relocation does not go on by a defect", extra={"service": name})
            self._put_off(name)
            return
        self._failures.pop(name, None)
        if report is None or not report.is_under_way:
            self._running.discard(name)
        elif report.limit_s is None and report.waited_s > SLOW_AFTER_S:
            self._failures[name] = 0, time.monotonic() + SLOW_S
        if report is not None and not self._is_of_the_past(report):
            self._seen[name] = report
            self._tell(report)

    def _is_of_the_past(self, report: RelocationReport) -> bool:
        """Whether it had served on its target, and a later move has followed, before this process looked.

        Git does not say that the last step has come to its end, so it looks as if it had been stopped in that.
        """
        before = self._seen.get(report.service)
        is_known = before is not None and before.operation == report.operation
        return report.state is State.STOPPED and report.step is Step.PROTECT and not is_known

    def _failed(self, name: str, error: FailoverError) -> None:
        if error.slug == "unknown-service":  # it was taken out of the catalog
            self._running.discard(name)
            return
        facts = {"service": name, "problem": error.slug, "detail": error.detail, "seconds": self._put_off(name)}
        _log.warning("a relocation does not go on, and will be tried again", extra=facts)

    def _put_off(self, name: str) -> float:
        """For how long (s)."""
        count = self._failures.get(name, (0, 0.0))[0]
        wait_s = min(MAX_AGAIN_S, AGAIN_S * 2.0 ** min(count, 10))
        self._failures[name] = count + 1, time.monotonic() + wait_s
        return wait_s

    def _tell(self, report: RelocationReport) -> None:
        """Once for each step and state, and again while it waits: what is silent is forgotten."""
        words = (report.position, report.state, report.words)
        its = report.operation or "", report.service
        if self._words.get(its) == words:
            return
        self._words[its] = words
        level = logging.INFO if report.state in {State.RUNNING, State.DONE} else logging.WARNING
        facts = {"service": report.service, "operation": report.operation, "to": report.target.value}
        state = {"step": report.step.label, "state": report.state.value, "detail": report.reason}
        _log.log(level, "relocation", extra={**facts, **state, "seconds": round(report.waited_s)})
        self._told(report)

    async def _rest(self) -> None:
        await news_or(self._has_news, self.every_s if self._running else IDLE_S)

    def _is_needed(self) -> bool:
        has_any = any(service.replication is not None for service in services_of(self._catalog))
        return has_any and self._failover.clusters.is_there
