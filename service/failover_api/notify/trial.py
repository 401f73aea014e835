"""Trying out who would be told: one message to each target of the catalog, once, whatever it would be told of."""

import asyncio
from dataclasses import dataclass

from failover_api.core.catalog.model import Catalog
from failover_api.errors import NotReady
from failover_api.notify.delivery import MISSING, TRY_S, Message, Send, is_installed, send, try_once
from failover_api.notify.url_file import Target, read_targets


@dataclass(frozen=True, slots=True)
class Tried:
    """A target, or a file that has none (then `line` is None). `fault` is empty when the message was taken."""

    file: str
    line: int | None
    notifier: str
    fault: str


async def try_targets(catalog: Catalog, by: str, *, send: Send = send, limit_s: float = TRY_S) -> list[Tried]:
    """All at once, each within a limit (s); in the catalog's order, a file that several entries name once."""
    message = Message(
        "failover-api: a test",
        f"{by} asked whether notifications arrive here. Nothing was moved.",
        "info",
        {"about": "test", "operation": ""},
    )
    files = dict.fromkeys(notification.url_file for notification in catalog.notifications)
    if files and not is_installed():
        return [Tried(file, None, "", MISSING) for file in files]
    lists = await asyncio.gather(*(_try_file(file, message, send, limit_s) for file in files))
    return [tried for of_file in lists for tried in of_file]


async def _try_file(file: str, message: Message, send: Send, limit_s: float) -> list[Tried]:
    try:
        targets = await asyncio.to_thread(read_targets, file)
    except NotReady as exc:
        return [Tried(file, None, "", exc.detail.removeprefix(f"{file}: "))]
    return list(await asyncio.gather(*(_try_target(target, message, send, limit_s) for target in targets)))


async def _try_target(target: Target, message: Message, send: Send, limit_s: float) -> Tried:
    fault = await try_once(send, target.url, message, [], limit_s)
    return Tried(target.file, target.line, target.notifier, fault)
