"""Relocations of a group while others act on its services: relocate or move them, or take their manifests away."""

from dataclasses import replace
from pathlib import Path

import pytest

from failover_api.core.catalog.model import Action, Side
from failover_api.core.safety.relocation.ladder import State
from failover_api.errors import NothingToRollBack, RelocationRunning
from failover_api.operations import relocation_runner
from failover_api.watching.relocations import RelocationWatch
from failover_api.wiring import Components
from tests.support.relocating import ASKED, app
from tests.support.relocating_groups import (
    QUICK,
    begin,
    catalog,
    files_of,
    first_done,
    go_on,
    group_lab,
    look,
    made,
    of,
    own,
    to_the_second,
)
from tests.support.stage import Stage

pytestmark = pytest.mark.usefixtures("without_sockets")

NO_DEPLOYMENT = "kind: ConfigMap\nmetadata: {name: x}\n"
APP_DONE = QUICK[:3]


@pytest.fixture(autouse=True)
def _always_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relocation_runner, "FRESH_S", 0.0)


async def watched(components: Components) -> None:
    """As `serve` looks, once."""
    await RelocationWatch(components.failover, components.catalog.current).look()


async def test_one_that_is_relocated_by_itself_meanwhile_is_neither_begun_nor_held(
    stage: Stage, tmp_path: Path
) -> None:
    """A commit that holds it would hide the other operation, and leave the app stopped for good."""
    with group_lab(stage, tmp_path, kind="none") as lab:
        async with lab.open() as components:
            groups, runner = components.failover.group_relocations, components.failover.relocations
            begun = await to_the_second(lab, components)
            first = await runner.look("app")
            assert first is not None
            assert first.asked is not None
            found = await groups._sight.find(first.asked, ())
            own_one = await runner.start("db", Side.PRIMARY, ASKED)
            with pytest.raises(RelocationRunning):  # who has looked before
                await groups._begin(found)
            with pytest.raises(RelocationRunning):
                await groups._hold(found, "db", "It was aborted.", by="ops-laptop", reason="")
            await watched(components)
            report = await look(components, begun.operation)
            assert (report.state, report.at) == (State.STOPPED, "db")
            assert report.reason == f"Another operation has taken it since: {own_one.operation}."
            with pytest.raises(NothingToRollBack):
                await groups.abort(ASKED, group="all")
            lab.pass_by(20)
            await watched(components)
    assert made(lab) == [*APP_DONE, "db quiesce", "db cutover"]


async def test_a_member_that_a_person_moves_away_stays_there(stage: Stage, tmp_path: Path) -> None:
    """It was there when all of it began."""
    with group_lab(stage, tmp_path, kind="none") as lab:
        stage.commit({files_of("db")[0]: own(app("primary"), "db")})
        lab.pass_by(60)
        async with lab.open() as components:
            begun = await begin(components)
            accepting = replace(ASKED, accept=frozenset({"old-pod-running", "data-left-behind"}))
            await components.failover.move("db", Action.PROMOTE, accepting)
            await first_done(lab, components)
            report = await go_on(components, begun.operation)
            assert (report.state, report.at) == (State.STOPPED, "db")
    assert made(lab) == APP_DONE


async def test_a_service_that_cannot_be_read_keeps_no_group_without_it_from_anything(
    stage: Stage, tmp_path: Path
) -> None:
    names = ("app", "db", "web")
    with group_lab(stage, tmp_path, names, kind="none") as lab:
        stage.declare(catalog(names, kind="none"), top="groups: {all: [app, db], other: [web]}\n")
        async with lab.open() as components:
            await components.failover.relocations.start("web", Side.PRIMARY, ASKED)
            stage.commit({files_of("web")[0]: NO_DEPLOYMENT})
            begun = await begin(components)
            aborted = await components.failover.group_relocations.abort(ASKED, group="all")
            assert (aborted.operation, aborted.state) == (begun.operation, State.STOPPED)
    assert made(lab) == ["web quiesce", "app quiesce", "app aborted"]


async def test_a_member_that_cannot_be_read_any_more_is_told_beside_the_others(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, kind="none") as lab:
        async with lab.open() as one:
            begun = await to_the_second(lab, one)
            await go_on(one, begun.operation)
            stage.commit({files_of("app")[0]: NO_DEPLOYMENT})
        async with lab.open() as other:
            report = await look(other, begun.operation)
            assert (report.state, report.at) == (State.RUNNING, "db")
            assert of(report, "app").reason.startswith("no Deployment media/app")
            lab.pass_by(20)
            await go_on(other, begun.operation)
    assert made(lab) == [*APP_DONE, "db quiesce", "db cutover"]


async def test_a_branch_that_cannot_be_read_keeps_nobody_on_another_from_going_on(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, kind="none") as lab:
        text = catalog(kind="none").replace("  db:\n", "  db:\n    branch: gone\n")
        stage.declare(text.replace("    after: [db]\n", ""))
        async with lab.open() as components:
            await components.failover.relocations.start("app", Side.PRIMARY, ASKED)
            assert await components.failover.relocations.under_way() == {"app"}
            lab.pass_by(20)
            await watched(components)
    assert made(lab) == ["app quiesce", "app cutover"]
