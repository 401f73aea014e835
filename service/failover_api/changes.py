"""A signal inside the process: something may have changed, look again.

async for _ in changes:
    ...
"""

import asyncio
from collections.abc import AsyncIterator

from failover_api.event import Ended


class Changes:
    """Told by GitHub's webhook and by our own moves. Whoever listens is woken once for all that came meanwhile."""

    def __init__(self) -> None:
        self.count = 0  # how many there were
        self._is_closed = False
        self._next = asyncio.Event()

    def __call__(self, event: Ended) -> None:
        """A listener: a move of ours that changed something."""
        if event.news is not None:
            self.tell()

    def tell(self) -> None:
        """Wakes everybody."""
        self.count += 1
        self._wake()

    def close(self) -> None:
        """Ends every listening."""
        self._is_closed = True
        self._wake()

    async def wait(self) -> None:
        """Returns with the next change, or when it is closed."""
        if not self._is_closed:
            await self._next.wait()

    async def __aiter__(self) -> AsyncIterator[int]:
        """The count after each change since the loop began, until it is closed."""
        seen = self.count
        while not self._is_closed:
            while seen == self.count and not self._is_closed:
                await self._next.wait()
            if seen != self.count:
                seen = self.count
                yield seen

    def _wake(self) -> None:
        event, self._next = self._next, asyncio.Event()
        event.set()
