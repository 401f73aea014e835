"""What `serve` goes on with: every operation that is under way, and nothing where nobody is after anybody."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from failover_api.core.catalog.model import Catalog
from failover_api.errors import ForgeUnavailable, NotReady
from failover_api.events import Looked
from failover_api.watching.waves import WaveWatch
from tests.support.catalog_text import parsed

ENTRY = "{{namespace: m, deployment: {0}, primary_node_label: a, backup_node_label: b, after: [{1}]}}"


def catalog(after: str) -> Catalog:
    return parsed(f"repository: a/b\nservices:\n  db: {ENTRY.format('db', '')}\n  app: {ENTRY.format('app', after)}\n")


@dataclass
class Operation:
    id: str


@dataclass
class Waves:
    running: list[Operation]
    advanced: list[str] = field(default_factory=list)
    noted: list[Any] = field(default_factory=list)
    error: Exception | None = None
    has_gone_on: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, statuses: Any) -> None:
        self.noted.append(statuses)

    async def advance(self, operation: Operation) -> None:
        self.advanced.append(operation.id)
        if len(self.advanced) > 2:
            self.has_gone_on.set()
        if self.error is not None:
            raise self.error


@dataclass
class Failover:
    waves: Waves


def watch(waves: Waves, *, after: str = "db", wanted: list[str] | None = None, every_s: float = 0.01) -> WaveWatch:
    def want() -> None:
        if wanted is not None:
            wanted.append("all")

    return WaveWatch(Failover(waves), lambda: catalog(after), want=want, every_s=every_s)  # type: ignore[arg-type]  # as far as it goes


async def test_every_operation_under_way_is_gone_on_with() -> None:
    waves, wanted = Waves([Operation("one"), Operation("other")]), list[str]()
    looking = watch(waves, wanted=wanted)
    await looking.look()
    await looking.look()
    assert waves.advanced == ["one", "other"] * 2
    assert wanted == ["all"], "services are looked at, to hear of what others began, and not every time"


async def test_where_nobody_is_after_anybody_nothing_is_looked_at() -> None:
    waves, wanted = Waves([Operation("one")]), list[str]()
    looking = watch(waves, after="", wanted=wanted)
    looking.looked(Looked(()))
    await looking.look()
    assert (waves.advanced, waves.noted, wanted) == ([], [], [])


async def test_one_that_fails_keeps_no_other_from_going_on() -> None:
    waves = Waves([Operation("one"), Operation("other")], error=ForgeUnavailable("away"))
    await watch(waves).look()
    assert waves.advanced == ["one", "other"]


async def test_a_defect_ends_no_watching() -> None:
    waves = Waves([Operation("one")], error=RuntimeError("a defect"))
    running = asyncio.create_task(watch(waves).run())
    async with asyncio.timeout(5):
        await waves.has_gone_on.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_without_a_good_catalog_it_waits() -> None:
    def none() -> Catalog:
        raise NotReady("no catalog yet")

    waves = Waves([Operation("one")])
    await WaveWatch(Failover(waves), none, want=lambda: None).look()  # type: ignore[arg-type]  # as above
    assert waves.advanced == []


async def test_what_others_began_is_taken_from_every_look() -> None:
    waves = Waves([])
    watch(waves).looked(Looked(("a status",)))  # type: ignore[arg-type]  # it is passed on
    assert waves.noted == [("a status",)]
