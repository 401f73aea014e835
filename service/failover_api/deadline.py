"""One deadline for a whole operation, whatever it waits for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from failover_api.errors import FailoverError, GitHubUnavailable

T = TypeVar("T")


async def within_deadline(work: Awaitable[T], *, deadline_s: float, late: Callable[[], FailoverError]) -> T:
    """Awaits `work` for at most `deadline_s` in total, then raises what `late` makes."""
    try:
        async with asyncio.timeout(deadline_s):
            return await work
    except TimeoutError as exc:
        raise late() from exc


def too_late(deadline_s: float) -> GitHubUnavailable:
    """For what surely has written nothing."""
    return GitHubUnavailable(f"not done within {deadline_s:g} s; nothing was written", retry_after_s=5.0)
