"""Time in tests: a clock that is moved by hand, and how long a test waits for what is sure to come."""

import asyncio
import time
from collections.abc import Callable

LIMIT_S = 120.0  # on a busy machine a process takes half a minute to start


class Clock:
    """Seconds, moved by hand."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


async def eventually(claim: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        if claim():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")
