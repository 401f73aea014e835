"""Automatic failover in this process: begun and ended as the catalog's `automatic.mode` says, at any time.

While it is `none`, nothing of it is loaded and nothing runs.
"""

import asyncio
import logging
from typing import TYPE_CHECKING

from failover_api.core.catalog.automatic import Mode
from failover_api.errors import ClusterNeeded, FailoverError
from failover_api.metrics.automatic import AutomaticSeen
from failover_api.wiring import Components

if TYPE_CHECKING:
    from failover_api.automatic.guard import Guard
    from failover_api.core.automatic.report import Report

FRESH_S = 30.0  # of what another replica says of the nodes
LOOK_S = 1.0  # at the mode: whoever switches it off waits no longer
_log = logging.getLogger(__name__)


class Guarding:
    """`guard` is None while the mode is none."""

    def __init__(self, components: Components) -> None:
        self._components = components
        self.guard: Guard | None = None
        self._complaint = ""

    @property
    def mode(self) -> Mode:
        """As the catalog in force has it; none where there never was a good one."""
        try:
            return self._components.catalog.current().automatic.mode
        except FailoverError:
            return Mode.NONE

    def judged(self) -> "Report | None":
        """What is made of the nodes by the replica that leads, if that is of just now; None while the mode is none."""
        if self.guard is None or self._components.cluster is None:
            return None
        report = self._components.automatic.control().judged()
        is_fresh = report is not None and self._components.cluster.clock.now() - report.as_of < FRESH_S
        return report if is_fresh else None

    def seen(self) -> AutomaticSeen:
        """As metrics have it."""
        if self.guard is None or self._components.cluster is None:
            return AutomaticSeen(self.mode)
        control, now = self._components.automatic.control(), self._components.cluster.clock.now()
        is_paused = any(not pause.services and now < pause.until for pause in control.notes.pauses)
        leader = control.leader
        return AutomaticSeen(self.mode, leader.leads, leader.is_led, is_paused, self.guard.report)

    async def run(self) -> None:
        """Until it is cancelled; then what is being written is waited for."""
        while True:
            if self.mode is not Mode.NONE:
                try:
                    await self._guard()
                except ClusterNeeded as exc:
                    self._complain(exc.detail)
                except Exception:  # noqa: BLE001 - a defect of ours must not end the watching
                    _log.exception("automatic failover ended by a defect, and begins anew")
            await asyncio.sleep(LOOK_S)

    async def _guard(self) -> None:
        """Guards until the mode is none."""
        automatic = self._components.automatic
        self.guard = automatic.guard(
            self._components.failover, self._components.events, git_clock=self._components.clock
        )
        _log.info("automatic failover begins", extra={"mode": self.mode.value})
        running = asyncio.create_task(self.guard.run())
        try:
            while self.mode is not Mode.NONE and not running.done():
                await asyncio.wait({running}, timeout=LOOK_S)
        finally:
            running.cancel()
            (ended,) = await asyncio.gather(running, return_exceptions=True)
            automatic.guard_ended()
            self.guard = None
        if isinstance(ended, Exception):
            raise ended
        _log.info("automatic failover ends", extra={"mode": self.mode.value})

    def _complain(self, detail: str) -> None:
        """Once."""
        if self._complaint != detail:
            self._complaint = detail
            _log.warning("automatic failover does not run", extra={"detail": detail})
