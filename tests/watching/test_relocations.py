"""What `serve` goes on with: found in Git, slowed down where it takes its time, told once."""

import logging
from dataclasses import replace

import pytest

from failover_api.core.catalog.model import Side
from failover_api.core.catalog.replication import DataReplication, ReplicationKind
from failover_api.core.safety.relocation.ladder import State
from failover_api.core.safety.relocation.steps import Step
from failover_api.core.safety.relocation.table import Position
from failover_api.errors import ForgeUnavailable, UnknownService
from failover_api.events import BranchMoved
from failover_api.operations.relocation_runner import RelocationReport
from failover_api.watching.relocations import RelocationWatch
from tests.support import builders

REPORT = RelocationReport(
    "01JDAAAAAAAAAAAAAAAAAAAAAA", "sonarr", Side.PRIMARY, Step.REVERSE, State.RUNNING, Position.REVERSE
)


class Relocations:
    """Answers what a test says."""

    def __init__(self) -> None:
        self.answers: list[RelocationReport | Exception | None] = []
        self.asked: list[str] = []
        self.running = frozenset({"sonarr"})

    async def under_way(self) -> frozenset[str]:
        return self.running

    async def advance(self, name: str) -> RelocationReport | None:
        self.asked.append(name)
        answer = self.answers.pop(0) if self.answers else REPORT
        if isinstance(answer, Exception):
            raise answer
        return answer


class House:
    """A failover with one service that has replication, and a cluster."""

    def __init__(self) -> None:
        self.relocations = Relocations()
        self.clusters = self
        self.is_there = True
        service = replace(builders.service(), replication=DataReplication(ReplicationKind.MANUAL))
        self.services = {"sonarr": service}

    def __call__(self) -> "House":
        return self


@pytest.fixture
def house() -> House:
    return House()


def watch(house: House) -> RelocationWatch:
    return RelocationWatch(house, house)


async def test_what_git_says_is_under_way_is_gone_on_with_until_it_is_over(house: House) -> None:
    watched = watch(house)
    house.relocations.answers = [REPORT, replace(REPORT, state=State.DONE, position=Position.DONE)]
    for _ in range(4):
        await watched.look()
    assert house.relocations.asked == ["sonarr", "sonarr"]


async def test_what_happens_while_it_looks_is_looked_for_at_once(house: House) -> None:
    watched = watch(house)
    house.relocations.running = frozenset()
    found = house.relocations.under_way

    async def begun_meanwhile() -> frozenset[str]:
        before = await found()
        house.relocations.running = frozenset({"sonarr"})
        watched.happened(BranchMoved(builders.MAIN))
        return before

    house.relocations.under_way = begun_meanwhile  # type: ignore[method-assign] - as somebody would
    await watched.look()
    assert house.relocations.asked == []
    house.relocations.under_way = found  # type: ignore[method-assign] - as it was
    await watched.look()
    assert house.relocations.asked == ["sonarr"]


async def test_without_a_cluster_nothing_is_judged(house: House) -> None:
    house.is_there = False
    await watch(house).look()
    assert house.relocations.asked == []


async def test_one_that_a_later_move_has_followed_is_not_told_as_stopped_after_a_restart(house: House) -> None:
    followed = replace(REPORT, step=Step.PROTECT, state=State.STOPPED, position=Position.PROTECT)
    house.relocations.answers = [followed]
    watched = watch(house)
    await watched.look()
    assert watched.seen == {}
    house.relocations.answers = [replace(followed, state=State.RUNNING), followed]
    watched = watch(house)
    await watched.look()
    await watched.look()
    assert watched.seen == {"sonarr": followed}, "it was stopped while this process looked"


async def test_a_failure_is_tried_again_later_and_an_unknown_service_never(house: House) -> None:
    watched = watch(house)
    house.relocations.answers = [ForgeUnavailable("down", retry_after_s=1.0)]
    await watched.look()
    await watched.look()
    assert house.relocations.asked == ["sonarr"]
    other = House()
    other.relocations.answers = [UnknownService("gone")]
    gone = watch(other)
    await gone.look()
    await gone.look()
    assert other.relocations.asked == ["sonarr"]


async def test_a_step_that_takes_its_time_is_asked_about_less_often(house: House) -> None:
    watched = watch(house)
    house.relocations.answers = [replace(REPORT, waited_s=700.0)]
    await watched.look()
    await watched.look()
    assert house.relocations.asked == ["sonarr"]


async def test_each_state_is_logged_once_and_again_every_quarter_of_an_hour(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    watched = watch(house)
    waiting = replace(REPORT, state=State.WAITING, reason="A node is not ready.", limit_s=1800.0)
    house.relocations.answers = [REPORT, REPORT, waiting, waiting, replace(waiting, words=1)]
    with caplog.at_level(logging.INFO):
        for _ in range(5):
            await watched.look()
    told = [record.levelname for record in caplog.records if record.getMessage() == "relocation"]
    assert told == ["INFO", "WARNING", "WARNING"]


async def test_a_defect_that_one_meets_keeps_no_other_from_going_on(house: House) -> None:
    house.relocations.running = frozenset({"lidarr", "sonarr"})
    house.relocations.answers = [AssertionError("a defect"), REPORT]
    watched = watch(house)
    await watched.look()
    await watched.look()
    assert house.relocations.asked == ["lidarr", "sonarr", "sonarr"]
