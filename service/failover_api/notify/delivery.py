"""Messages to one apprise URL: one after the other, with retries, and each try in a thread of its own.

apprise is large and blocks, so it is imported with the first message, in that thread. The thread is a daemon: what
hangs keeps neither a move nor the end of the process. Nothing here shows a URL: it holds passwords and tokens.
"""

import asyncio
import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

MAX_WAITING = 100  # messages to one URL
TRY_S = 20.0  # apprise gives up by itself after some seconds, mostly
WAITS_S = (1.0, 5.0, 20.0, 60.0)
_TALKATIVE = ("apprise", "requests", "urllib3")  # their lines may hold URLs
_log = logging.getLogger(__name__)

Kind = Literal["info", "success", "warning", "failure"]


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. `facts` are what the log says of it."""

    title: str
    body: str
    kind: Kind
    facts: dict[str, str]


class UnusableUrl(Exception):
    """The URL is none that apprise knows: another try would not help."""


UNUSABLE = "apprise knows no such URL"
MISSING = "apprise is not installed; it comes with the extra: failover-api[notify]"


Send = Callable[[str, Message], bool]


def is_installed() -> bool:
    """Whether there is an apprise; it is not imported for that."""
    from importlib.util import find_spec

    return find_spec("apprise") is not None


def send(url: str, message: Message) -> bool:
    """Whether it was delivered, as far as apprise knows. Blocks. Raises UnusableUrl."""
    target, text = _opened(url)
    return bool(target.notify(message.body, title=message.title, notify_type=message.kind, body_format=text))


def understands(url: str) -> bool:
    """Whether apprise knows what to do with a URL. Nothing is sent. Blocks."""
    try:
        _opened(url)
    except UnusableUrl:
        return False
    return True


def _opened(url: str) -> tuple[Any, Any]:
    """An Apprise of this URL, and what a text is to it. Raises UnusableUrl."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.handlers[:], logger.propagate = [logging.NullHandler()], False
    import apprise  # 0.3 s and 26 MB

    asset = apprise.AppriseAsset(
        app_id="failover-api",
        app_desc="failover-api",
        app_url="",
        image_url_mask="",  # no icons from somebody else's host
        image_url_logo="",
        async_mode=False,
        service_timeout=0,  # else it takes a thread that the end of the process would wait for
    )
    target = apprise.Apprise(asset=asset)
    if not target.add(url):
        raise UnusableUrl
    return target, apprise.NotifyFormat.TEXT  # a reason is never read as markup


async def try_once(send: Send, url: str, message: Message, results: list[str], limit_s: float) -> str:
    """One try in a thread of its own, for at most `limit_s`: what was wrong with it, nothing when it was taken.

    `results` gets that too, when the thread ends. An exception is told by its type, since its text may hold the URL.
    """
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def run() -> None:
        try:
            results.append("" if send(url, message) else "it was not taken")
        except UnusableUrl:
            results.append(UNUSABLE)
        except BaseException as exc:  # noqa: BLE001 - whatever a plugin raises, it is one failed try
            results.append(type(exc).__name__)
        try:
            loop.call_soon_threadsafe(done.set)
        except RuntimeError:  # nobody waits any more
            return

    threading.Thread(target=run, daemon=True, name="notification").start()
    try:
        async with asyncio.timeout(limit_s):
            await done.wait()
    except TimeoutError:
        return f"no answer within {limit_s:g} s"
    return results[0]


class Delivery:
    """Brings messages to one URL. `label` is what the log calls it; `tally` counts sent, failed and dropped."""

    def __init__(
        self,
        url: str,
        label: dict[str, str],
        tally: Counter[str],
        *,
        send: Send = send,
        try_s: float = TRY_S,
        waits_s: Sequence[float] = WAITS_S,
    ) -> None:
        self._url, self._label, self._tally = url, label, tally
        self._send, self._try_s, self._waits_s = send, try_s, waits_s
        self._waiting: deque[Message] = deque()
        self._under_way: list[str] | None = None  # the result of the last try, or nothing yet
        self._task: asyncio.Task[None] | None = None
        self.last_fault = ""  # what was wrong with the last message, after its last try

    def take(self, message: Message) -> None:
        """Puts a message behind those that wait; drops it when there are too many."""
        if len(self._waiting) >= MAX_WAITING:
            self._tally["dropped"] += 1
            _log.warning("notification dropped: too many wait", extra={**self._label, **message.facts})
            return
        self._waiting.append(message)
        if self.is_idle:
            self._task = asyncio.create_task(self._work())

    @property
    def is_idle(self) -> bool:
        """Nothing waits."""
        return self._task is None or self._task.done()

    async def idle(self) -> None:
        """Returns when nothing waits any more."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def stop(self) -> int:
        """Ends the work; how many messages were left."""
        if self._task is None or self.is_idle:
            return 0
        self._task.cancel()
        return len(self._waiting)

    async def _work(self) -> None:
        while self._waiting:
            message = self._waiting[0]
            result = await self._bring(message)
            self._waiting.popleft()
            self.last_fault = result
            self._tally["failed" if result else "sent"] += 1
            if result:
                _log.warning("notification not sent", extra={**self._label, **message.facts, "why": result})
            else:
                _log.info("notification sent", extra={**self._label, **message.facts})

    async def _bring(self, message: Message) -> str:
        """Tries until it is sent; what was wrong with the last try, nothing when it is sent."""
        result = await self._try(message)
        for wait_s in self._waits_s:
            if result in {"", UNUSABLE}:
                break
            _log.debug("notification is tried again", extra={**self._label, **message.facts, "why": result})
            await asyncio.sleep(wait_s)
            result = await self._try(message)
        return result

    async def _try(self, message: Message) -> str:
        """Once, unless the try before still hangs."""
        if self._under_way == []:
            return "an earlier try hangs"
        self._under_way = []
        return await try_once(self._send, self._url, message, self._under_way, self._try_s)
