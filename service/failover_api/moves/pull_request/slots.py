"""How many pull requests are opened at the same time: each takes some of the writes that GitHub allows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AT_ONCE = 3


class Slots:
    """Room for AT_ONCE of them; `taken` is how many are being opened."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)
        self.taken = 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        async with self._free:
            self.taken += 1
            try:
                yield
            finally:
                self.taken -= 1
