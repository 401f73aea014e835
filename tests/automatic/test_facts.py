"""Git is read as seldom as will do, and whoever waits for a close look gets his own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from failover_api.automatic.facts import GitReader
from failover_api.core.planning.state import Detection, State
from failover_api.reading.status import Status
from tests.support import builders

if TYPE_CHECKING:
    from collections.abc import Collection

    from failover_api.failover import Failover


class Reads:
    """In place of Failover: reads that end when they may. `looked` are the services that were looked at closely."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = asyncio.Event(), asyncio.Event()
        self.looked: list[list[str]] = []
        self.statuses: list[Status] = []

    async def list_all(self) -> list[Status]:
        self.has_begun.set()
        await self.may_end.wait()
        return self.statuses

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


async def test_what_was_moved_while_git_was_read_counts_as_not_read() -> None:
    reads, names = Reads(), ("sonarr", "radarr")
    reads.statuses = [Status(builders.service(name=name), Detection(State.PRIMARY, ()), "v") for name in names]
    reader = GitReader(cast("Failover", reads))
    reading = asyncio.create_task(reader.read(()))
    await reads.has_begun.wait()
    reader.moved(["sonarr"])
    reads.may_end.set()
    await reading
    assert (list(reader.view.statuses), list(reader.view.read_at)) == (list(names), ["radarr"])
    await reader.read(())
    assert sorted(reader.view.read_at) == sorted(names)
    await reader.aclose()
