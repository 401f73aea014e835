"""What the watches have in common: a look, a rest that news may end, and the services to look at."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection

from failover_api.core.catalog.model import Catalog, Service
from failover_api.errors import FailoverError

_log = logging.getLogger(__name__)


async def look_again(look: Callable[[], Awaitable[None]], rest: Callable[[], Awaitable[None]], what: str) -> None:
    """Until it is cancelled. A defect of ours must not end the watching; the log says at `what` it looked."""
    while True:
        try:
            await look()
        except Exception:  # noqa: BLE001 - whatever it is
            _log.exception("a look failed", extra={"at": what})
        await rest()


async def news_or(news: asyncio.Event, timeout_s: float) -> None:
    """Returns when there is news, or when the time is over."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await news.wait()
            news.clear()


def services_of(catalog: Callable[[], Catalog]) -> Collection[Service]:
    """Those of the catalog in force; none where there never was a good one."""
    try:
        return catalog().services.values()
    except FailoverError:
        return ()
