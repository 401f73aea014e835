"""Telling people what happened, off the path of whoever asked for it.

    a move ended, a pull request was merged      messages.py: what there is to tell
    who wants to know                            the catalog's `notifications`, as it is at that moment
    one delivery for each URL                     delivery.py: in order, with retries; one that hangs holds up no other

A full queue drops; the end of the process waits for some seconds. Nothing of it fails or delays a move.
"""

import asyncio
import contextlib
import contextvars
import logging
from collections import Counter
from collections.abc import Callable, Sequence

from failover_api.core.catalog.model import Catalog
from failover_api.core.catalog.notification import Event, Notification
from failover_api.core.text.notice import Notice
from failover_api.errors import NotReady
from failover_api.events import AutomaticTold, Blocked, Merged, MoveEnded, RelocationTold, Serving
from failover_api.notify.delivery import MISSING, TRY_S, WAITS_S, Delivery, Kind, Message, Send, is_installed, send
from failover_api.notify.messages import (
    notice_of,
    notice_of_automatic,
    notice_of_blocked,
    notice_of_merge,
    notice_of_relocation,
    notice_of_serving,
)
from failover_api.notify.url_file import Target, read_targets

MAX_WAITING = 200  # notices whose URLs are not read yet
DRAIN_S = 5.0  # at the end of the process
KNOWN_WITHIN_S = 1.0  # a move's answer waits no longer for what is wrong with the files of URLs
KINDS: dict[Event, Kind] = {
    Event.MOVED: "success",
    Event.PROPOSED: "info",
    Event.MERGED: "success",
    Event.REFUSED: "warning",
    Event.FAILED: "failure",
    Event.OUTCOME_UNKNOWN: "failure",
    Event.ROLLED_BACK: "success",
    Event.SERVING: "success",
    Event.BLOCKED: "failure",
    Event.SUSPECT: "warning",
    Event.ACTING: "warning",
    Event.HELD: "failure",
    Event.FAILBACK: "info",
    Event.RELOCATING: "info",
    Event.RELOCATED: "success",
    Event.RELOCATION_STOPPED: "failure",
}
_log = logging.getLogger(__name__)


class Notifier:
    """Has it told to people. `tally` counts messages: sent, failed (after the last try), dropped.

    `tells_merges` is False where something else says that a pull request, merged as it was opened, is merged.
    """

    def __init__(
        self,
        catalog: Callable[[], Catalog],
        *,
        tells_merges: bool = True,
        send: Send = send,
        is_installed: Callable[[], bool] = is_installed,
        try_s: float = TRY_S,
        waits_s: Sequence[float] = WAITS_S,
        known_within_s: float = KNOWN_WITHIN_S,
    ) -> None:
        self._catalog, self._tells_merges = catalog, tells_merges
        self._send, self._is_installed, self._try_s, self._waits_s = send, is_installed, try_s, waits_s
        self._known_within_s = known_within_s
        self.tally: Counter[str] = Counter()
        self._inbox: asyncio.Queue[tuple[Notification, Notice]] = asyncio.Queue(MAX_WAITING)
        self._sorting: asyncio.Task[None] | None = None
        self._deliveries: dict[tuple[str, str], Delivery] = {}
        self._complaints: dict[str, str] = {}  # by file: each is said once

    def move_ended(self, event: MoveEnded) -> None:
        """Tells of a move, where there is something to tell."""
        notice = None if event.is_tidy else notice_of(event)
        if notice is not None and (notice.event is not Event.MERGED or self._tells_merges):
            self.tell(notice)

    def merged(self, merged: Merged) -> None:
        """Tells of a pull request of ours that was merged."""
        self.tell(notice_of_merge(merged))

    def serving(self, event: Serving) -> None:
        """Tells of a move of ours that serves."""
        if event.is_own:
            self.tell(notice_of_serving(event))

    def blocked(self, event: Blocked) -> None:
        """Tells of a move of ours that does not come up."""
        if event.is_own:
            self.tell(notice_of_blocked(event))

    def automatic_told(self, told: AutomaticTold) -> None:
        """Tells of what automatic failover sees, does, or does not do."""
        self.tell(notice_of_automatic(told))

    def relocation_told(self, told: RelocationTold) -> None:
        """Tells of a relocation that has begun, waits, is done or stopped."""
        self.tell(notice_of_relocation(told))

    def tell(self, notice: Notice) -> None:
        """Has it told to all who want to know. Returns at once."""
        for notification in self._catalog().notifications:
            if notification.wants(notice.event, notice.services):
                self._put(notification, notice)

    def check(self) -> bool:
        """Whether what the catalog asks for can be done; a warning says if not."""
        if not self._catalog().notifications or self._is_installed():
            return True
        self._complain("", MISSING)
        return False

    async def untold(self, event: MoveEnded) -> tuple[str, ...]:
        """A warning when nobody hears of a move that somebody should hear of; nothing when anybody may.

        It says what is known within a moment: no target can be read, or the message before this one reached none.
        """
        notice = notice_of(event)
        if notice is None:
            return ()
        wanted = [one.url_file for one in self._catalog().notifications if one.wants(notice.event, notice.services)]
        if not wanted:
            return ()
        if not self._is_installed():
            return (f"Nobody is told of it: {MISSING}.",)
        try:
            async with asyncio.timeout(self._known_within_s):
                lists = await asyncio.gather(*map(self._faults, dict.fromkeys(wanted)))
        except TimeoutError:  # the disk is slow; the notification itself waits for it
            return ()
        faults = [fault for faults in lists for fault in faults]
        if not all(faults):
            return ()
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        return (f"Nobody is told of it, as far as is known: {faults[0]}{more}.",)

    async def _faults(self, file: str) -> list[str]:
        """What is known to be wrong with each target of a file; an empty text where nothing is."""
        try:
            targets = await asyncio.to_thread(read_targets, file)
        except NotReady as exc:
            return [exc.detail]
        return [self._fault(target) for target in targets]

    def _fault(self, target: Target) -> str:
        known = self._deliveries.get((target.file, target.url))
        fault = known.last_fault if known else ""
        return fault and f"the last message to {target.place} ({target.notifier}): {fault}"

    async def idle(self) -> None:
        """Returns when nothing waits any more."""
        await self._inbox.join()
        await asyncio.gather(*(delivery.idle() for delivery in self._deliveries.values()))

    async def aclose(self, drain_s: float = DRAIN_S) -> None:
        """Gives what waits some time, then ends; says how much was left."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(drain_s):
                await self.idle()
        if self._sorting is not None:
            self._sorting.cancel()
        left = self._inbox.qsize() + sum(delivery.stop() for delivery in self._deliveries.values())
        if left:
            self.tally["dropped"] += left
            _log.warning("notifications dropped: the process ends", extra={"count": left})

    def _put(self, notification: Notification, notice: Notice) -> None:
        try:
            self._inbox.put_nowait((notification, notice))
        except asyncio.QueueFull:
            self.tally["dropped"] += 1
            _log.warning("notification dropped: too many wait", extra=_facts(notice))
            return
        if self._sorting is None:  # in no request's context: its id would stand in our lines
            self._sorting = asyncio.create_task(self._sort(), context=contextvars.Context())

    async def _sort(self) -> None:
        while True:
            notification, notice = await self._inbox.get()
            try:
                await self._hand_over(notification, notice)
            except Exception:  # noqa: BLE001 - a defect of ours must not silence the rest
                _log.exception("notification failed by a defect", extra=_facts(notice))
            finally:
                self._inbox.task_done()

    async def _hand_over(self, notification: Notification, notice: Notice) -> None:
        message = Message(notice.title, notice.written(notification.template), KINDS[notice.event], _facts(notice))
        targets = await self._targets(notification.url_file) if self.check() else []
        if not targets:
            self.tally["dropped"] += 1
        self._dismiss(notification.url_file, {target.url for target in targets})
        for target in targets:
            self._delivery(target).take(message)

    async def _targets(self, file: str) -> list[Target]:
        """Those that the file has now."""
        try:
            targets = await asyncio.to_thread(read_targets, file)
        except NotReady as exc:
            self._complain(file, exc.detail)
            return []
        self._complaints.pop(file, None)
        return targets

    def _delivery(self, target: Target) -> Delivery:
        """One for each URL: what it brings is in order."""
        key = (target.file, target.url)
        if key not in self._deliveries:
            label = {"notifier": target.notifier, "file": target.file, "line": str(target.line)}
            self._deliveries[key] = Delivery(
                target.url, label, self.tally, send=self._send, try_s=self._try_s, waits_s=self._waits_s
            )
        return self._deliveries[key]

    def _dismiss(self, file: str, urls: set[str]) -> None:
        """Those that have nothing to bring any more, and whose URL the file has no more."""
        for key, delivery in list(self._deliveries.items()):
            if key[0] == file and key[1] not in urls and delivery.is_idle:
                del self._deliveries[key]

    def _complain(self, file: str, detail: str) -> None:
        if self._complaints.get(file) != detail:
            self._complaints[file] = detail
            _log.warning("notifications are not sent", extra={"detail": detail})


def _facts(notice: Notice) -> dict[str, str]:
    return {"about": notice.event.value, "operation": notice.fields["operation"]}
