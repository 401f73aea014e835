"""How often a lost race is run again, and how long is waited before."""

import asyncio
import random

ATTEMPTS = 8
BACKOFF_S = 0.05
MAX_BACKOFF_S = 2.0


async def back_off(attempt: int) -> None:
    """Waits before attempt 1, 2, ...: longer each time, and not everybody for as long."""
    await asyncio.sleep(random.uniform(0.5, 1.0) * min(MAX_BACKOFF_S, BACKOFF_S * 2**attempt))  # noqa: S311 - jitter
