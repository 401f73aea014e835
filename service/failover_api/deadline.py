"""One deadline for a whole operation; and the back-off between its attempts."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from failover_api.errors import FailoverError, ForgeUnavailable

BACKOFF_S = 0.05
MAX_BACKOFF_S = 2.0

T = TypeVar("T")


async def within_deadline(work: Awaitable[T], *, deadline_s: float, late: Callable[[], FailoverError]) -> T:
    """Awaits `work` for at most `deadline_s` in total, then cancels it and raises the error that `late` makes."""
    try:
        async with asyncio.timeout(deadline_s):
            return await work
    except TimeoutError as exc:
        raise late() from exc


def too_late(deadline_s: float) -> ForgeUnavailable:
    """The error for an operation that has surely written nothing."""
    return ForgeUnavailable(f"not done within {deadline_s:g} s; nothing was written", retry_after_s=5.0)


class Clock:
    """What is left of one deadline for several steps."""

    def __init__(self, deadline_s: float) -> None:
        self._end = time.monotonic() + deadline_s

    @property
    def left_s(self) -> float:
        return max(0.0, self._end - time.monotonic())


ATTEMPTS = 8


async def back_off(attempt: int) -> None:
    """Waits before attempt 1, 2, ...: exponentially longer, and with jitter."""
    await asyncio.sleep(random.uniform(0.5, 1.0) * min(MAX_BACKOFF_S, BACKOFF_S * 2**attempt))  # noqa: S311 - jitter
