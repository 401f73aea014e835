"""While GitHub does not show our own last write, nobody is told what was before it."""

from typing import Any

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.state import State
from failover_api.errors import FailoverError, NotShownYet
from failover_api.forge.github import files, heads
from failover_api.forge.repository import lag
from failover_api.reading.status import Status, Unreadable
from failover_api.wiring import Components
from tests.support.acts import demote, move, promote
from tests.support.stage import FILES, RELEASE, SONARR, Stage

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
    "a status": lambda components, name: components.failover.status(name),
    "a dry run": lambda components, name: demote(components, name, dry_run=True),
    "already there": lambda components, name: promote(components, name),
    "a move that looks first": lambda components, name: demote(components, name, key="alert-1"),
    "an If-Match": lambda components, name: demote(components, name, versions=frozenset({"any"})),
    "a history": lambda components, name: components.failover.history(name, limit=5),
    "a rollback": lambda components, name: move(components, name, Action.ROLLBACK),
}


@ONE_AND_SEVERAL_FILES
@pytest.mark.parametrize("what", ANSWERS_WITHOUT_A_WRITE)
async def test_what_our_write_replaced_is_no_answer(stage: Stage, what: str, name: str, path: str) -> None:
    async with stage.open() as components:
        await promote(components, name)
        lagging(stage)
        with pytest.raises(NotShownYet) as caught:
            await ANSWERS_WITHOUT_A_WRITE[what](components, name)
    assert (caught.value.slug, caught.value.outcome) == ("github-unavailable", "not-applied")
    assert 1 <= (caught.value.retry_after_s or 0) <= 10
    assert len(stage.moves) == 1
    assert stage.read(path) != FILES[path]


async def test_a_write_that_was_found_in_the_history_is_our_last_write_too(stage: Stage) -> None:
    stage.fault("lost_reply", method="PUT")
    async with stage.open() as components:
        outcome = await promote(components)
        assert outcome.changed
        lagging(stage)
        with pytest.raises(NotShownYet):
            await demote(components, dry_run=True)
    assert len(stage.moves) == 1


async def test_a_list_names_what_it_cannot_tell_yet(stage: Stage) -> None:
    async with stage.open() as components:
        await promote(components)
        lagging(stage)
        listed = await components.failover.list_all()
    assert all(isinstance(one, Unreadable) and isinstance(one.error, NotShownYet) for one in listed)


@ONE_AND_SEVERAL_FILES
async def test_a_write_needs_no_read_that_is_up_to_date(stage: Stage, name: str, path: str) -> None:
    async with stage.open() as components:
        await promote(components, name)
        lagging(stage)
        back = await demote(components, name)
    assert back.changed
    assert stage.read(path) == FILES[path]


@ONE_AND_SEVERAL_FILES
async def test_it_is_told_as_soon_as_it_shows(stage: Stage, name: str, path: str) -> None:
    async with stage.open() as components:
        await promote(components, name)
        stage.fault("stale", method="GET", times=2)
        assert not (await promote(components, name)).changed
        assert (await components.failover.status(name)).detection.state is State.BACKUP
    assert len(stage.moves) == 1
    assert stage.read(path) != FILES[path]


@ONE_AND_SEVERAL_FILES
async def test_a_person_who_puts_it_back_at_once_is_believed(stage: Stage, name: str, path: str) -> None:
    async with stage.open() as components:
        await promote(components, name)
        stage.commit({file: FILES[file] for file in FILES if file.startswith(path.rpartition("/")[0])}, "Revert")
        status = await components.failover.status(name)
        assert status.detection.state is State.PRIMARY
        assert not (await demote(components, name)).changed
    assert len(stage.moves) == 1


async def test_another_replica_is_seen_at_once(stage: Stage) -> None:
    async with stage.open() as one, stage.open() as other:
        await promote(one)
        await demote(other)
        assert not (await demote(one)).changed
        await promote(other)
        assert not (await promote(one)).changed
    assert len(stage.moves) == 3


async def test_after_ten_seconds_it_is_no_lag(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A force-push looks the same; it is believed in the end."""
    monkeypatch.setattr(lag, "LAG_S", 0.0)
    async with stage.open() as components:
        await promote(components)
        lagging(stage)
        assert (await state(components)) is State.PRIMARY


async def state(components: Components) -> State:
    (status,) = [one for one in await components.failover.list_all() if one.service.name == "sonarr"]
    assert isinstance(status, Status), FailoverError
    return status.detection.state


@ONE_AND_SEVERAL_FILES
async def test_what_a_key_was_answered_with_is_not_taken_back(stage: Stage, name: str, path: str) -> None:
    """Another replica has written it; this one has told so."""
    async with stage.open() as other:
        await promote(other, name, key="alert-1")
    async with stage.open() as components:
        assert (await promote(components, name, key="alert-1")).changed
        lagging(stage)
        with pytest.raises(NotShownYet):
            await demote(components, name, key="alert-2")
    assert stage.read(path) != FILES[path]
