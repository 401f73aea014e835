"""While GitHub does not show our own last write, nobody is told what was before it."""

from typing import Any

import pytest

from failover_api.core.catalog import Action
from failover_api.core.state import State
from failover_api.errors import FailoverError, NotShownYet
from failover_api.failover import Status, Unreadable
from failover_api.forge import files, heads, lag
from failover_api.wiring import House
from tests.acts import demote, move, promote
from tests.stage import FILES, RELEASE, SONARR, Stage

ONE_AND_SEVERAL_FILES = pytest.mark.parametrize(("name", "path"), [("sonarr", SONARR), ("plex", RELEASE)])


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (files, heads):
        monkeypatch.setattr(module, "WAITS_S", (0.02, 0.02))


def lagging(stage: Stage) -> None:
    """Every read is of the commit before, from now on."""
    stage.fault("stale", method="GET", times=None)
    stage.fault("stale", path="/graphql", times=None)


ANSWERS_WITHOUT_A_WRITE: dict[str, Any] = {
    "a status": lambda house, name: house.failover.status(name),
    "a dry run": lambda house, name: demote(house, name, dry_run=True),
    "already there": lambda house, name: promote(house, name),
    "a move that looks first": lambda house, name: demote(house, name, key="alert-1"),
    "an If-Match": lambda house, name: demote(house, name, versions=frozenset({"any"})),
    "a history": lambda house, name: house.failover.history(name, limit=5),
    "a rollback": lambda house, name: move(house, name, Action.ROLLBACK),
}


@ONE_AND_SEVERAL_FILES
@pytest.mark.parametrize("what", ANSWERS_WITHOUT_A_WRITE)
async def test_what_our_write_replaced_is_no_answer(stage: Stage, what: str, name: str, path: str) -> None:
    async with stage.house() as house:
        await promote(house, name)
        lagging(stage)
        with pytest.raises(NotShownYet) as caught:
            await ANSWERS_WITHOUT_A_WRITE[what](house, name)
    assert (caught.value.slug, caught.value.outcome) == ("github-unavailable", "not-applied")
    assert 1 <= (caught.value.retry_after_s or 0) <= 10
    assert len(stage.moves) == 1
    assert stage.read(path) != FILES[path]


async def test_a_write_that_was_found_in_the_history_is_our_last_write_too(stage: Stage) -> None:
    stage.fault("lost_reply", method="PUT")
    async with stage.house() as house:
        outcome = await promote(house)
        assert outcome.changed
        lagging(stage)
        with pytest.raises(NotShownYet):
            await demote(house, dry_run=True)
    assert len(stage.moves) == 1


async def test_a_list_names_what_it_cannot_tell_yet(stage: Stage) -> None:
    async with stage.house() as house:
        await promote(house)
        lagging(stage)
        listed = await house.failover.list_all()
    assert all(isinstance(one, Unreadable) and isinstance(one.error, NotShownYet) for one in listed)


@ONE_AND_SEVERAL_FILES
async def test_a_write_needs_no_read_that_is_up_to_date(stage: Stage, name: str, path: str) -> None:
    async with stage.house() as house:
        await promote(house, name)
        lagging(stage)
        back = await demote(house, name)
    assert back.changed
    assert stage.read(path) == FILES[path]


@ONE_AND_SEVERAL_FILES
async def test_it_is_told_as_soon_as_it_shows(stage: Stage, name: str, path: str) -> None:
    async with stage.house() as house:
        await promote(house, name)
        stage.fault("stale", method="GET", times=2)
        assert not (await promote(house, name)).changed
        assert (await house.failover.status(name)).detection.state is State.BACKUP
    assert len(stage.moves) == 1
    assert stage.read(path) != FILES[path]


@ONE_AND_SEVERAL_FILES
async def test_a_person_who_puts_it_back_at_once_is_believed(stage: Stage, name: str, path: str) -> None:
    async with stage.house() as house:
        await promote(house, name)
        stage.commit({file: FILES[file] for file in FILES if file.startswith(path.rpartition("/")[0])}, "Revert")
        status = await house.failover.status(name)
        assert status.detection.state is State.PRIMARY
        assert not (await demote(house, name)).changed
    assert len(stage.moves) == 1


async def test_another_replica_is_seen_at_once(stage: Stage) -> None:
    async with stage.house() as one, stage.house() as other:
        await promote(one)
        await demote(other)
        assert not (await demote(one)).changed
        await promote(other)
        assert not (await promote(one)).changed
    assert len(stage.moves) == 3


async def test_after_ten_seconds_it_is_no_lag(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A force-push looks the same; it is believed in the end."""
    monkeypatch.setattr(lag, "LAG_S", 0.0)
    async with stage.house() as house:
        await promote(house)
        lagging(stage)
        assert (await state(house)) is State.PRIMARY


async def state(house: House) -> State:
    (status,) = [one for one in await house.failover.list_all() if one.service.name == "sonarr"]
    assert isinstance(status, Status), FailoverError
    return status.detection.state
