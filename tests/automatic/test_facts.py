"""Git is read as seldom as will do, and whoever waits for a close look gets his own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from failover_api.automatic.facts import GitReader

if TYPE_CHECKING:
    from collections.abc import Collection

    from failover_api.failover import Failover


class Reads:
    """In place of Failover: reads that end when they may. `looked` are the services that were looked at closely."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.looked: list[list[str]] = []

    async def list_all(self) -> list[Any]:
        await self.may_end.wait()
        return []

    async def look_closely(self, names: Collection[str]) -> list[Any]:
        self.looked.append(sorted(names))
        return []


async def test_who_waits_for_a_close_look_is_not_passed_over_by_the_next_round() -> None:
    reads = Reads()
    reader = GitReader(cast("Failover", reads))
    reader.want(["sonarr"], within_s=0.0)
    first = reader._reading
    assert first is not None
    waiting = asyncio.create_task(reader.read(["radarr"]))
    await asyncio.sleep(0)
    first.add_done_callback(lambda _: reader.want(["plex"], within_s=0.0))
    reads.may_end.set()
    await waiting
    assert "radarr" in reads.looked[-1]
    await reader.aclose()
