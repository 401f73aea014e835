"""The clock of the cluster: one loop of timed calls, stepped by a test or driven by real time.

Law: everything that happens by itself in the cluster is a call in this loop, so a seed and the same acts give the same
story. Timers go by durations; what is written down goes by `now`, which a person may set forward or back.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START = 1_795_996_800.0  # 2026-11-30T00:00:00Z
_SLEEP_S = 0.5
_log = logging.getLogger(__name__)


class Timer:
    """A call that is to come."""

    __slots__ = ("at", "call")

    def __init__(self, at: float, call: Callable[[], object]) -> None:
        self.at = at
        self.call: Callable[[], object] | None = call

    def cancel(self) -> None:
        self.call = None


class Clock:
    """`lock` is held while a timed call runs: whoever changes or reads the cluster from outside takes it too."""

    def __init__(self, start: float = START) -> None:
        self.lock = threading.RLock()
        self._elapsed = 0.0
        self._start = start
        self._outside: Callable[[], float] | None = None  # what it is by real time, while that drives us
        self._skipped = 0.0  # of the time that real time drives
        self._is_in_call = False
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._changed = threading.Event()

    @property
    def elapsed(self) -> float:
        """Seconds since it began; within a timed call the time of that call."""
        if self._outside is None or self._is_in_call:
            return self._elapsed
        return max(self._elapsed, self._outside())

    @property
    def now(self) -> float:
        """Seconds since the epoch, as the control plane's clock shows them."""
        return self._start + self.elapsed

    @property
    def behind_s(self) -> float:
        """For how long the next call is due: who drives us has too little time. 0 while a test steps."""
        with self.lock:
            due = self._timers[0][0] if self._timers else self._elapsed
            return 0.0 if self._outside is None else max(0.0, self._outside() - max(due, self._elapsed))

    def jump(self, seconds: float) -> None:
        """The clock is set forward or back. Timers are not moved."""
        self._start += seconds

    def after(self, seconds: float, call: Callable[[], object]) -> Timer:
        timer = Timer(self.elapsed + seconds, call)
        with self.lock:
            heapq.heappush(self._timers, (timer.at, next(self._order), timer))
        self._changed.set()
        return timer

    def every(self, seconds: float, call: Callable[[], object], *, first: float | None = None) -> None:
        """For ever."""

        def again() -> None:
            try:
                call()
            finally:
                self.after(seconds, again)

        self.after(seconds if first is None else first, again)

    def advance(self, seconds: float) -> None:
        """Lets so much time pass: every call that is due by then is made, in order."""
        self._advance_to(self.elapsed + seconds)

    def skip(self, seconds: float) -> None:
        """As advance(), while time passes by itself too; whoever takes the lock sees all of it or nothing."""
        with self.lock:
            if self._outside is None:
                self.advance(seconds)
            else:
                self._skipped += seconds
                self._advance_to(self._outside())

    def _advance_to(self, end: float) -> None:
        while True:
            with self.lock:
                if not self._timers or self._timers[0][0] > end:
                    self._elapsed = max(self._elapsed, end)
                    return
                _, _, timer = heapq.heappop(self._timers)
                self._elapsed = max(self._elapsed, timer.at)
                if timer.call is not None:
                    self._is_in_call = True
                    try:
                        timer.call()
                    finally:
                        self._is_in_call = False

    @contextlib.contextmanager
    def running(self, scale: float = 1.0) -> Iterator[None]:
        """Time passes by itself, `scale` times as fast as outside."""
        stop, began, elapsed = threading.Event(), time.monotonic(), self._elapsed
        self._skipped = 0.0
        self._outside = lambda: elapsed + (time.monotonic() - began) * scale + self._skipped
        thread = threading.Thread(target=self._run, args=(scale, stop), daemon=True, name="cluster clock")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            self._changed.set()
            thread.join()
            self._outside = None

    def _run(self, scale: float, stop: threading.Event) -> None:
        assert self._outside is not None
        while not stop.is_set():
            self._changed.clear()
            try:
                self._advance_to(self._outside())
            except Exception:  # noqa: BLE001 - a defect in one call must not end time, and all that comes after
                _log.exception("a call of the simulated cluster failed")
            with self.lock:
                due_s = (self._timers[0][0] - self._elapsed) / scale if self._timers else _SLEEP_S
            self._changed.wait(min(max(due_s, 0.001), _SLEEP_S))
        self._advance_to(self._outside())
