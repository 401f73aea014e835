"""Signals during a command: SIGINT, SIGTERM and SIGHUP end it in order, a second one at once.

A signal that was ignored when the process began stays ignored, as `nohup` and background jobs of a shell want it.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_SHOW_CURSOR = "\x1b[?25h"


class Interrupted(KeyboardInterrupt):
    """A signal ended the work."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum

    @property
    def exit_code(self) -> int:
        """As a shell says it of a process that a signal ended."""
        return 128 + self.signum


class Interruption:
    """What a signal does to one command. `may_have_written`: a write was sent, so its end may not be known."""

    def __init__(self) -> None:
        self.may_have_written = False
        self._received: int | None = None
        self._cancel: Callable[[], object] | None = None

    def sending(self) -> None:
        """A write is about to be sent. Raises Interrupted when a signal came, and its exception got lost."""
        if self._cancel is None:
            self.check()
        self.may_have_written = True

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Raises Interrupted within, when a signal comes. Outside of the main thread there are no signals."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = set_handlers(self._receive)
        try:
            yield
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)

    def check(self) -> None:
        """Raises Interrupted when a signal came at a moment at which nothing could be ended."""
        if self._received is not None:
            raise Interrupted(self._received)

    async def cancels(self) -> None:
        """From now on a signal cancels the task that calls this, which ends in order; see `ended()`."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None, "asked for within a task"
        self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)  # a loop that sleeps has to be woken

    def ended(self) -> None:
        """The task is over."""
        self._cancel = None

    def _receive(self, signum: int, frame: FrameType | None) -> None:
        if self._received is not None:
            leave(128 + signum)
        self._received = signum
        if self._cancel is None:
            raise Interrupted(signum)
        self._cancel()


def set_handlers(
    handler: Callable[[int, FrameType | None], object], signals: Collection[int] = SIGNALS
) -> dict[int, Any]:
    """Sets a handler for each of the signals that is not ignored; gives the former ones."""
    live = [signum for signum in signals if signal.getsignal(signum) is not signal.SIG_IGN]
    return {signum: signal.signal(signum, handler) for signum in live}


def leave(code: int) -> None:
    """Ends the process at once: an exception might be swallowed by whatever runs."""
    for stream in (sys.stdout, sys.stderr):
        if stream.isatty():
            stream.write(_SHOW_CURSOR)  # a spinner may have hidden it
        stream.flush()
    os._exit(code)
