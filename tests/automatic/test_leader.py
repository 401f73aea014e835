"""The replicas and their Lease: with a clock of the test's own, and on a simulated API server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from failover_api.automatic.leader import Leader, holder_name
from failover_api.cluster.access import Access, Endpoint, Login
from failover_api.cluster.kubernetes import Kubernetes
from failover_api.core.automatic.election import LeaseRecord, Terms
from failover_api.errors import ClusterUnavailable, ObjectChanged, ObjectMissing
from failover_api.sandbox.cluster.api.accounts import ADMIN_TOKEN
from failover_api.sandbox.cluster.api.faults import ApiFault
from failover_api.sandbox.cluster.cluster import SimulatedCluster
from tests.support.clock import Clock, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


class Store:
    """A Lease in memory, by compare-and-swap. `down` says why it is not reached; `on_write` acts before a write."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.record, self.down = clock, None, ""
        self.record: LeaseRecord | None
        self.on_write: list[Callable[[], object]] = []
        self.is_deaf = False  # writes arrive, and their replies do not
        self._version = 0

    async def now(self) -> float:
        return 5_000_000.0 + self.clock()

    def _reached(self) -> None:
        if self.down:
            raise ClusterUnavailable(self.down)

    async def read(self) -> LeaseRecord | None:
        self._reached()
        return self.record

    async def create(self, record: LeaseRecord) -> LeaseRecord:
        if self.record is not None:
            raise ObjectChanged("already exists")
        return await self._write(record)

    async def replace(self, record: LeaseRecord) -> LeaseRecord:
        self._reached()
        if self.on_write:
            self.on_write.pop(0)()
        if self.record is None:
            raise ObjectMissing("not found")
        if record.version != self.record.version:
            raise ObjectChanged("has been modified")
        return await self._write(record)

    async def _write(self, record: LeaseRecord) -> LeaseRecord:
        self._reached()
        self._version += 1
        self.record = replace(record, version=str(self._version))
        if self.is_deaf:
            raise ClusterUnavailable("no answer in time")
        return self.record

    def note(self, **notes: str) -> None:
        """Another replica writes an annotation."""
        assert self.record is not None
        self._version += 1
        self.record = replace(self.record, annotations={**self.record.annotations, **notes}, version=str(self._version))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Store:
    return Store(clock)


def replica(store: Store, name: str = "a") -> Leader:
    return Leader(store, name=name, monotonic=store.clock)


def led_for_s(leader: Leader, clock: Clock) -> float:
    """For how long without a gap, by what it has written; 0 while it does not lead."""
    record = leader.record
    if not leader.leads or record is None or record.acquired_at is None:
        return 0.0
    return 5_000_000.0 + clock.now - record.acquired_at


async def steps(clock: Clock, seconds: int, *leaders: Leader) -> None:
    for _ in range(seconds):
        clock.now += 1
        for leader in leaders:
            await leader.step()


async def test_the_first_leads_and_the_second_waits(clock: Clock, store: Store) -> None:
    a, b = replica(store), replica(store, "b")
    await steps(clock, 30, a, b)
    assert (a.leads, b.leads, led_for_s(a, clock)) == (True, False, 29.0)
    assert store.record is not None
    assert (store.record.holder, store.record.transitions) == ("a", 0)
    assert store.record.renewed_at == 5_000_000.0 + clock.now


async def test_when_the_holder_dies_another_leads_nine_seconds_later(clock: Clock, store: Store) -> None:
    a, b = replica(store), replica(store, "b")
    await steps(clock, 10, a, b)
    await steps(clock, 7, b)
    assert not b.leads
    await steps(clock, 2, b)
    assert b.leads
    assert store.record is not None
    assert (store.record.holder, store.record.transitions) == ("b", 1)


async def test_a_holder_that_is_cut_off_stops_leading_five_seconds_after_its_last_success(
    clock: Clock, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    a = replica(store)
    await steps(clock, 10, a)
    store.down = "no route to host"
    led = []
    for _ in range(8):
        clock.now += 0.9
        led.append(a.leads)
        with caplog.at_level(logging.WARNING):
            await a.step()
    assert led == [True] * 5 + [False] * 3
    assert led_for_s(a, clock) == 0.0
    assert [record.message for record in caplog.records] == [
        "the Lease is not reached",
        "this replica leads no longer",
    ]
    assert a.failure == "no route to host"


async def test_it_begins_anew_when_it_is_back_and_nobody_else_took_it(clock: Clock, store: Store) -> None:
    a = replica(store)
    await steps(clock, 10, a)
    store.down = "x"
    await steps(clock, 6, a)
    assert not a.leads
    store.down = ""
    await steps(clock, 3, a)
    assert (a.leads, led_for_s(a, clock)) == (True, 2.0)


async def test_a_short_fault_does_not_end_a_leadership(clock: Clock, store: Store) -> None:
    a = replica(store)
    await steps(clock, 10, a)
    store.down = "x"
    await steps(clock, 3, a)
    store.down = ""
    await steps(clock, 1, a)
    assert (a.leads, led_for_s(a, clock)) == (True, 13.0)


async def test_replies_that_are_lost_end_it_though_the_writes_arrive(clock: Clock, store: Store) -> None:
    a, b = replica(store), replica(store, "b")
    await steps(clock, 10, a, b)
    store.is_deaf = True
    for _ in range(6):
        clock.now += 1
        await a.step()
    assert not a.leads
    store.is_deaf = False
    await steps(clock, 2, a)
    assert a.leads, "what stands there is ours, and nobody else's"


async def test_a_holder_who_ends_well_is_followed_at_once(clock: Clock, store: Store) -> None:
    a, b = replica(store), replica(store, "b")
    await steps(clock, 10, a, b)
    await a.release()
    assert not a.leads
    await steps(clock, 1, b)
    assert b.leads


async def test_whoever_does_not_lead_leaves_the_lease_alone_when_it_ends(clock: Clock, store: Store) -> None:
    a, b = replica(store), replica(store, "b")
    await steps(clock, 5, a, b)
    before = store.record
    await b.release()
    assert store.record == before


async def test_another_replicas_annotation_does_not_end_a_leadership(clock: Clock, store: Store) -> None:
    a = replica(store)
    await steps(clock, 5, a)
    store.on_write = [lambda: store.note(pause="1")]
    await steps(clock, 1, a)
    assert (a.leads, led_for_s(a, clock)) == (True, 5.0)
    assert store.record is not None
    assert store.record.annotations == {"pause": "1"}


async def test_any_replica_writes_annotations_while_others_write(clock: Clock, store: Store) -> None:
    a, b = replica(store), replica(store, "b")
    await steps(clock, 5, a, b)
    store.on_write = [lambda: store.note(other="1")] * 2
    written = await b.edit(lambda notes: {**notes, "mine": "2"})
    assert written.annotations == {"other": "1", "mine": "2"}
    assert written.holder == "a"
    await steps(clock, 1, a, b)
    assert (a.leads, b.leads) == (True, False)


async def test_annotations_are_written_before_anybody_ever_led(clock: Clock, store: Store) -> None:
    a = replica(store)
    assert (await a.edit(lambda notes: {**notes, "p": "1"})).holder == ""
    await steps(clock, 1, a)
    assert a.leads
    assert store.record is not None
    assert store.record.annotations == {"p": "1"}


async def test_an_edit_that_changes_nothing_writes_nothing(clock: Clock, store: Store) -> None:
    a = replica(store)
    await steps(clock, 2, a)
    before = store.record
    await a.edit(lambda notes: notes)
    assert store.record == before


async def test_what_was_in_a_lease_that_somebody_deleted_is_written_again(clock: Clock, store: Store) -> None:
    a, b = replica(store), replica(store, "b")
    await steps(clock, 5, a, b)
    store.note(pause="1")
    await steps(clock, 1, a, b)
    store.record = None
    await steps(clock, 1, a, b)
    assert store.record is not None
    assert (store.record.annotations, store.record.holder) == ({"pause": "1"}, "a")
    assert (a.leads, led_for_s(a, clock), b.leads) == (True, 0.0, False)


async def test_what_goes_along_is_written_with_each_renewal(clock: Clock, store: Store) -> None:
    said = {"seen": "1"}
    a = Leader(store, name="a", along=lambda notes: {**notes, **said}, monotonic=clock)
    await steps(clock, 1, a)
    said = {"seen": "2"}
    await steps(clock, 1, a)
    assert store.record is not None
    assert store.record.annotations == {"seen": "2"}


def test_each_process_has_a_name_of_its_own() -> None:
    first, second = holder_name(), holder_name()
    assert first != second
    assert first.count("_") >= 2
    assert first.split("_")[-2].isdecimal()


# On a simulated API server, in real time; a tenth of the terms

FAST = Terms(lease_s=1.0, renew_s=0.5, retry_s=0.1)


@pytest.fixture
def cluster() -> SimulatedCluster:
    made = SimulatedCluster()
    made.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "operations"}})
    return made


@pytest.fixture
def url(cluster: SimulatedCluster) -> Iterator[str]:
    with cluster.running(), cluster.serve() as served:
        yield served


@contextlib.asynccontextmanager
async def running(url: str) -> AsyncIterator[tuple[Leader, asyncio.Task[None]]]:
    access = Access("a simulated cluster", Endpoint(url), Login(token=ADMIN_TOKEN), namespace="operations")
    kubernetes = Kubernetes("x", lambda: access, timeout_s=1)
    leader = Leader(kubernetes.lease("failover-api-guard", None, timeout_s=0.25), terms=FAST)
    task = asyncio.create_task(leader.run())
    try:
        yield leader, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await kubernetes.aclose()


async def test_two_on_an_api_server_and_the_holder_is_killed(cluster: SimulatedCluster, url: str) -> None:
    async with running(url) as (a, of_a), running(url) as (b, of_b):
        await eventually(lambda: a.leads or b.leads)
        await asyncio.sleep(0.3)
        assert a.leads != b.leads
        (dead, killed), (heir, _) = ((a, of_a), (b, of_b)) if a.leads else ((b, of_b), (a, of_a))
        killed.cancel()
        await eventually(lambda: heir.leads)
        assert not dead.leads
    lease = cluster.get("Lease", "operations/failover-api-guard")
    assert lease is not None
    assert lease["spec"]["leaseTransitions"] == 1


async def test_two_on_an_api_server_that_goes_away_and_comes_back(cluster: SimulatedCluster, url: str) -> None:
    async with running(url) as (a, _), running(url) as (b, _):
        await eventually(lambda: a.leads or b.leads)
        cluster.api.faults.add(ApiFault("hang", resources=("leases",)))
        await asyncio.sleep(0.9)
        assert not a.leads
        assert not b.leads
        cluster.api.faults.clear()
        await eventually(lambda: a.leads or b.leads)
        await asyncio.sleep(0.2)
        assert a.leads != b.leads
