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
from pathlib import Path

from failover_api.core.catalog.model import Catalog
from failover_api.core.catalog.notification import Event, Notification
from failover_api.core.text.notice import Notice
from failover_api.errors import NotReady
from failover_api.events import Merged, MoveEnded
from failover_api.notify.delivery import TRY_S, WAITS_S, Delivery, Kind, Message, Send, is_installed, send
from failover_api.notify.messages import notice_of, notice_of_merge
from failover_api.secret_file import read_secret

MAX_WAITING = 200  # notices whose URLs are not read yet
DRAIN_S = 5.0  # at the end of the process
KINDS: dict[Event, Kind] = {
    Event.MOVED: "success",
    Event.PROPOSED: "info",
    Event.MERGED: "success",
    Event.REFUSED: "warning",
    Event.FAILED: "failure",
    Event.OUTCOME_UNKNOWN: "failure",
    Event.ROLLED_BACK: "success",
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
    ) -> None:
        self._catalog, self._tells_merges = catalog, tells_merges
        self._send, self._is_installed, self._try_s, self._waits_s = send, is_installed, try_s, waits_s
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

    def tell(self, notice: Notice) -> None:
        """Has it told to all who want to know. Returns at once."""
        for notification in self._catalog().notifications:
            if notification.wants(notice.event, notice.services):
                self._put(notification, notice)

    def check(self) -> bool:
        """Whether what the catalog asks for can be done; a warning says if not."""
        if not self._catalog().notifications or self._is_installed():
            return True
        self._complain("", "apprise is not installed; it comes with the extra: failover-api[notify]")
        return False

    async def aclose(self, drain_s: float = DRAIN_S) -> None:
        """Gives what waits some time, then ends; says how much was left."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(drain_s):
                await self._inbox.join()
                await asyncio.gather(*(delivery.idle() for delivery in self._deliveries.values()))
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
        urls = await self._urls(notification.url_file) if self.check() else []
        if not urls:
            self.tally["dropped"] += 1
        self._dismiss(notification.url_file, {url for _, url in urls})
        for line, url in urls:
            self._delivery(notification.url_file, line, url).take(message)

    async def _urls(self, file: str) -> list[tuple[int, str]]:
        """The URLs with their lines, as the file has them now."""
        try:
            text = await asyncio.to_thread(read_secret, Path(file), "the URLs of notifications")
        except NotReady as exc:
            self._complain(file, exc.detail)
            return []
        lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
        urls = [(number, line) for number, line in lines if line and not line.startswith("#")]
        if urls:
            self._complaints.pop(file, None)
        else:
            self._complain(file, f"{file}: expected an apprise URL on each line, found none")
        return urls

    def _delivery(self, file: str, line: int, url: str) -> Delivery:
        """One for each URL: what it brings is in order."""
        known = self._deliveries.get((file, url))
        if known is None:
            label = {"notifier": _scheme(url), "file": file, "line": str(line)}
            known = Delivery(url, label, self.tally, send=self._send, try_s=self._try_s, waits_s=self._waits_s)
            self._deliveries[file, url] = known
        return known

    def _dismiss(self, file: str, urls: set[str]) -> None:
        """Those that have nothing to bring any more, and whose URL the file has no more."""
        for key, delivery in list(self._deliveries.items()):
            if key[0] == file and key[1] not in urls and delivery.is_idle:
                del self._deliveries[key]

    def _complain(self, file: str, detail: str) -> None:
        if self._complaints.get(file) != detail:
            self._complaints[file] = detail
            _log.warning("notifications are not sent", extra={"detail": detail})


def _scheme(url: str) -> str:
    """What may be shown of a URL: `slack`."""
    scheme, colon, _ = url.partition("://")
    return scheme if colon and scheme.isalnum() and len(scheme) <= 20 else "(not a URL)"


def _facts(notice: Notice) -> dict[str, str]:
    return {"about": notice.event.value, "operation": notice.fields["operation"]}
