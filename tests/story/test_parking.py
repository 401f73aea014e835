"""A promote pauses the replication to backup in its own commit, and a rollback puts back what stood there."""

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.wiring import Components
from tests.support.relocating import APP, CATALOG, VOLSYNC, app, running_to_backup, volsync
from tests.support.stage import Stage

ASKED = MoveRequest("ops-laptop")
RUNNING = running_to_backup()


@pytest.fixture
def lab(stage: Stage) -> Stage:
    stage.commit({APP: app("primary"), VOLSYNC: RUNNING})
    stage.declare(CATALOG)
    return stage


def text(stage: Stage, file: str) -> str:
    return (stage.read(file) or b"").decode()


async def move(components: Components, action: Action, *accept: str) -> object:
    request = MoveRequest("ops-laptop", accept=frozenset(accept))
    return await components.failover.move("sonarr", action, request)


async def test_a_promote_pauses_both_ends_in_its_own_commit(lab: Stage) -> None:
    async with lab.open() as components:
        outcome = await components.failover.move("sonarr", Action.PROMOTE, ASKED)
    assert [str(change.document) for change in outcome.plan.changes if change.path == "spec.paused"] == [
        "ReplicationSource media/sonarr-to-b",
        "ReplicationDestination media/sonarr-b",
    ]
    assert len(lab.moves) == 1
    assert text(lab, VOLSYNC).count("paused: true") == 4
    assert "spec.paused: null -> true" in lab.moves[0]
    assert not [hazard.slug for hazard in outcome.hazards if hazard.slug == "source-may-return"]


async def test_a_rollback_puts_back_what_stood_there(lab: Stage) -> None:
    before = {file: text(lab, file) for file in (APP, VOLSYNC)}
    async with lab.open() as components:
        await move(components, Action.PROMOTE)
        await move(components, Action.ROLLBACK)
    assert {file: text(lab, file) for file in (APP, VOLSYNC)} == before


async def test_a_demote_leaves_them_paused(lab: Stage) -> None:
    """What was written on backup may be all there is of it."""
    async with lab.open() as components:
        await move(components, Action.PROMOTE)
        await move(components, Action.DEMOTE)
    assert text(lab, VOLSYNC).count("paused: true") == 4
    assert text(lab, APP) == app("primary")


async def test_history_proves_the_promote(lab: Stage) -> None:
    async with lab.open() as components:
        await move(components, Action.PROMOTE)
        page = await components.failover.history("sonarr", limit=5)
    assert page.entries[0].verified
    assert page.entries[0].record is not None


async def test_one_that_is_not_found_keeps_nobody_from_moving(lab: Stage) -> None:
    lab.commit({VOLSYNC: "kind: ConfigMap\nmetadata: {name: x}\n"})
    async with lab.open() as components:
        outcome = await components.failover.move("sonarr", Action.PROMOTE, ASKED)
    assert outcome.changed
    assert [warning for warning in outcome.all_warnings if "was not found in Git, so it is not paused" in warning]


async def test_a_dry_run_shows_it_and_what_is_paused_already_stays(lab: Stage) -> None:
    lab.commit({VOLSYNC: volsync()})
    async with lab.open() as components:
        request = MoveRequest("ops-laptop", dry_run=True)
        outcome = await components.failover.move("sonarr", Action.PROMOTE, request)
    assert not [change for change in outcome.plan.changes if change.path == "spec.paused"]


async def test_a_promote_that_is_asked_twice_makes_one_commit(lab: Stage) -> None:
    async with lab.open() as components:
        await move(components, Action.PROMOTE)
        again = await components.failover.move("sonarr", Action.PROMOTE, ASKED)
    assert not again.changed
    assert len(lab.moves) == 1
