"""A group is relocated: one service's downtime at a time, in the order of `after`, up to the first that cannot.

The real service, the real client, a simulated cluster with VolSync.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from failover_api.core.catalog.model import Action, Side
from failover_api.core.catalog.notification import Event
from failover_api.core.safety.relocation.ladder import State
from failover_api.errors import (
    CannotPlan,
    NothingToRollBack,
    PreconditionFailed,
    RelocationRunning,
    UnknownNode,
    UnsafeMove,
)
from failover_api.events import RelocationTold
from failover_api.watching.relocations import RelocationWatch
from failover_api.wiring import Components
from tests.support.relocating import ASKED, Homelab, app, running_to_backup
from tests.support.relocating_groups import (
    QUICK,
    begin,
    catalog,
    files_of,
    go_on,
    group_lab,
    look,
    made,
    of,
    own,
    to_the_second,
    until,
    until_begun,
)
from tests.support.stage import Stage

pytestmark = pytest.mark.usefixtures("without_sockets")

STEPS = ("reverse", "quiesce", "final-sync", "cutover", "protect")


def all_steps(*names: str) -> list[str]:
    return [f"{name} {step}" for name in names for step in STEPS]


async def test_home_each_service_goes_after_those_that_wait_for_it(stage: Stage, tmp_path: Path) -> None:
    """`app` is after `db`, so on the way home it goes first, as in a demote."""
    with group_lab(stage, tmp_path) as lab:
        async with lab.open() as components:
            begun = await begin(components)
            assert (begun.state, begun.at) == (State.RUNNING, "app")
            assert [(each.service, each.state) for each in begun.relocations] == [
                ("app", State.RUNNING),
                ("db", State.WAITING),
            ]
            assert of(begun, "db").reason == "It waits for app."
            assert await components.failover.group_relocations.to_come() == {"db": begun.operation}
            written = {name: list(lab.cluster.disk(f"media/{name}-b").journal) for name in ("app", "db")}
            done = await until(lab, components, begun.operation)
            assert [each.state for each in done.relocations] == [State.DONE, State.DONE]
            assert await components.failover.group_relocations.to_come() == {}
    assert made(lab) == all_steps("app", "db")
    for name, bytes_written in written.items():
        assert len(bytes_written) > 20
        assert lab.cluster.disk(f"media/{name}-a").journal[: len(bytes_written)] == bytes_written


async def test_the_trailers_of_every_commit_tell_all_of_it(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, kind="none") as lab:
        async with lab.open() as components:
            begun = await begin(components, replace(ASKED, key="k"))
            await until(lab, components, begun.operation)
    assert made(lab) == QUICK
    for message in stage.moves:
        assert f"Failover-Operation: {begun.operation}\n" in message
        assert "Failover-Group: all\n" in message
        assert "Failover-Members: app, db\nFailover-Wave-Sizes: 1, 1" in message
    assert ["Failover-Wave: 1/2" in message for message in stage.moves] == [False] * 3 + [True] * 3
    assert ["Failover-Idempotency: " in message for message in stage.moves] == [False] * 5 + [True]


async def test_a_replica_that_comes_later_goes_on_from_git_alone(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, kind="none") as lab:
        async with lab.open() as one:
            begun = await begin(one)
        async with lab.open() as other:
            await watched(lab, other, lambda: "db quiesce" in made(lab))
        async with lab.open() as third:
            await watched(lab, third, lambda: "db cutover" in made(lab))
            done = await until(lab, third, begun.operation)
    assert (done.operation, made(lab)) == (begun.operation, QUICK)


async def test_a_replica_that_starts_between_two_of_them_begins_the_next(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, kind="none") as lab:
        async with lab.open() as one:
            begun = await to_the_second(lab, one)
        async with lab.open() as other:
            found = await look(other, begun.operation)
            assert (found.state, found.at) == (State.RUNNING, "db")
            assert await other.failover.relocations.under_way() == {"app"}
            await RelocationWatch(other.failover, other.catalog.current).look()
            assert made(lab)[-1] == "db quiesce"
            assert await other.failover.relocations.under_way() == {"db"}


async def test_of_two_that_go_on_at_once_one_begins_the_next(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, kind="none") as lab:
        async with lab.open() as one, lab.open() as other:
            begun = await to_the_second(lab, one)
            await asyncio.gather(*(go_on(each, begun.operation) for each in (one, other)), return_exceptions=True)
            await asyncio.gather(*(go_on(each, begun.operation) for each in (one, other)))
            assert made(lab) == QUICK[:4]
            for each in (one, other):
                assert of(await look(each, begun.operation), "db").state is State.RUNNING
            await until(lab, other, begun.operation)
    assert made(lab) == QUICK


async def test_a_lost_reply_to_a_beginning_begins_it_once(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, kind="none") as lab:
        async with lab.open() as components:
            begun = await to_the_second(lab, components)
            stage.fault("lost_reply", method="PUT")
            await go_on(components, begun.operation)
            await until(lab, components, begun.operation)
    assert made(lab) == QUICK


async def test_what_cannot_begin_stops_it_for_every_replica(stage: Stage, tmp_path: Path) -> None:
    """Git says so: who starts later does not begin it either, though it could by then."""
    with group_lab(stage, tmp_path, kind="none") as lab:
        deployment, _ = files_of("db")
        async with lab.open() as one:
            told: list[RelocationTold] = []
            one.events.subscribe(RelocationTold, told.append)
            begun = await to_the_second(lab, one)
            before = (stage.read(deployment) or b"").decode()
            stage.commit({deployment: before.replace('"replicas": 1', '"replicas": 0')})
            stopped = await until(lab, one, begun.operation, State.STOPPED)
            assert (stopped.at, of(stopped, "app").state) == ("db", State.DONE)
            assert "is 0: the app does not run" in stopped.reason
            assert (told[-1].about, told[-1].service) == (Event.RELOCATION_STOPPED, "db")
            assert "db is not relocated to primary, nor is what comes after it." in told[-1].message
        stage.commit({deployment: before})
        async with lab.open() as other:
            await RelocationWatch(other.failover, other.catalog.current).look()
            again = await look(other, begun.operation)
            assert (again.state, again.at, again.reason) == (stopped.state, stopped.at, stopped.reason)
            assert made(lab) == [*QUICK[:3], "db held"]
            anew = await begin(other)
            assert (anew.operation != begun.operation, anew.at) == (True, "db")
            assert [each.state for each in anew.relocations] == [State.DONE, State.RUNNING]
    assert (stage.read(deployment) or b"").decode() != before  # the new one has stopped it


async def test_who_watches_sees_that_the_next_is_held(stage: Stage, tmp_path: Path) -> None:
    """So metrics and alerts say it too."""
    with group_lab(stage, tmp_path, kind="none") as lab:
        async with lab.open() as components:
            await to_the_second(lab, components)
            stage.replace(files_of("db")[0], '"replicas": 1', '"replicas": 0')
            watch = RelocationWatch(components.failover, components.catalog.current)
            for _ in range(3):
                await watch.look()
            assert watch.seen["db"].state is State.STOPPED
            assert "is 0: the app does not run" in watch.seen["db"].reason
    assert made(lab) == [*QUICK[:3], "db held"]


async def test_that_the_next_is_held_is_told_though_the_reply_is_lost(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, kind="none") as lab:
        async with lab.open() as components:
            told: list[RelocationTold] = []
            components.events.subscribe(RelocationTold, told.append)
            begun = await to_the_second(lab, components)
            stage.replace(files_of("db")[0], '"replicas": 1', '"replicas": 0')
            stage.fault("lost_reply", method="POST", operation="createCommitOnBranch")
            await go_on(components, begun.operation)
            assert told[-1].title == "The relocations of all have stopped"
    assert made(lab) == [*QUICK[:3], "db held"]


async def test_an_abort_of_the_running_one_stops_it_and_the_rest_is_not_begun(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, kind="none") as lab:
        before = {file: stage.read(file) for file in lab.files}
        async with lab.open() as components:
            begun = await begin(components)
            aborted = await components.failover.group_relocations.abort(ASKED, group="all")
            assert (aborted.operation, aborted.state, aborted.at) == (begun.operation, State.STOPPED, "app")
            assert of(aborted, "db").reason == "It has not begun: it would come after app."
            with pytest.raises(NothingToRollBack, match="no relocation of all is under way"):
                await components.failover.group_relocations.abort(ASKED, group="all")
            await RelocationWatch(components.failover, components.catalog.current).look()
        assert {file: stage.read(file) for file in lab.files} == before
    assert made(lab) == ["app quiesce", "app aborted"]


async def test_an_abort_after_a_cutover_holds_the_next_for_every_replica(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, kind="none") as lab:
        async with lab.open() as one, lab.open() as other:
            begun = await begin(one)
            while made(lab)[-1] != "app cutover":
                lab.pass_by(2)
                await go_on(one, begun.operation)
            held = await other.failover.group_relocations.abort(replace(ASKED, by="somebody"), group="all")
            assert held.state is State.RUNNING  # app is on its way still, and comes to its end
            assert of(held, "db").reason == "It was aborted."
            stopped = await until(lab, one, begun.operation, State.STOPPED)
            assert [each.state for each in stopped.relocations] == [State.DONE, State.STOPPED]
            assert (stopped.at, stopped.reason) == ("db", "It was aborted.")
            with pytest.raises(NothingToRollBack):
                await one.failover.group_relocations.abort(ASKED, group="all")
    assert made(lab) == [*QUICK[:2], "db held", "app protect"]
    assert "Failover-Requested-By: somebody" in stage.moves[1]
    assert "Failover-Step: 1/5 held" in stage.moves[1]


async def test_what_begins_while_it_is_held_is_put_back(stage: Stage, tmp_path: Path) -> None:
    """Its commit was compared with a file, and the other's with the branch: both may land."""
    with group_lab(stage, tmp_path, kind="none") as lab:
        async with lab.open() as components:
            begun = await to_the_second(lab, components)
            before = {file: stage.read(file) for file in lab.files}
            await components.failover.group_relocations.abort(ASKED, group="all")
            runner = components.failover.relocations
            first = await runner.look("app")
            assert first is not None
            assert first.asked is not None
            assert first.asked.wave is not None
            late = replace(first.asked, key=None, wave=replace(first.asked.wave, number=2))
            await runner.start("db", Side.PRIMARY, ASKED, part_of=late)
            stopped = await until(lab, components, begun.operation, State.STOPPED)
            assert stopped.at == "db"
        assert {file: stage.read(file) for file in lab.files} == before
    assert made(lab) == [*QUICK[:3], "db held", "db quiesce", "db aborted"]


async def test_who_is_refused_refuses_all_of_it_before_anything_is_written(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, ("app", "db", "web"), without=("db",)) as lab:
        async with lab.open() as components:
            for dry_run in (True, False):
                with pytest.raises(CannotPlan) as refused:
                    await begin(components, replace(ASKED, dry_run=dry_run))
                assert list(refused.value.refused) == ["db"]
                assert refused.value.detail.startswith("db: ")
            skipping = replace(ASKED, skip_refused=True)
            home = await begin(components, replace(skipping, dry_run=True))
            assert [each.service for each in home.relocations] == ["web", "app"]
            away = await begin(components, replace(skipping, dry_run=True), Side.BACKUP)
            assert (away.state, [*away.refused], len(away.relocations)) == (State.DONE, ["db"], 2)  # there already
    assert made(lab) == []


async def test_who_comes_after_one_that_is_left_out_is_left_out_too(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, side="primary", without=("db",)) as lab:
        async with lab.open() as components:
            with pytest.raises(CannotPlan):
                await begin(components, target=Side.BACKUP)
            with pytest.raises(CannotPlan):  # with nobody left
                await begin(components, replace(ASKED, skip_refused=True), Side.BACKUP)
    assert made(lab) == []


async def test_who_is_there_already_counts_as_done(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, kind="none") as lab:
        deployment, _ = files_of("app")
        stage.commit({deployment: own(app("primary"), "app")})
        lab.pass_by(60)
        async with lab.open() as components:
            begun = await begin(components)
            assert (begun.at, of(begun, "app").state) == ("db", State.DONE)
            done = await until(lab, components, begun.operation)
            assert done.state is State.DONE
            there = await begin(components)
            assert (there.state, there.operation) == (State.DONE, None)
    assert made(lab) == QUICK[3:]


async def test_asked_again_it_is_the_same_and_the_other_way_is_refused(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, kind="none") as lab:
        async with lab.open() as one, lab.open() as other:
            begun = await begin(one, replace(ASKED, key="night"))
            for request in (ASKED, replace(ASKED, dry_run=True), replace(ASKED, key="night")):
                assert (await begin(other, request)).operation == begun.operation
            for skips in (False, True):
                with pytest.raises(RelocationRunning, match=f"by operation {begun.operation}, which is at app"):
                    await begin(other, replace(ASKED, skip_refused=skips), Side.BACKUP)
            await until(lab, one, begun.operation)
            late = await begin(other, replace(ASKED, key="night"))
            assert (late.operation, late.state) == (begun.operation, State.DONE)
    assert made(lab) == QUICK


async def test_if_match_binds_all_of_it(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, kind="none") as lab:
        async with lab.open() as components:
            shown = await begin(components, replace(ASKED, dry_run=True))
            assert [[step.label for step in each.steps] for each in shown.relocations] == [
                ["2/5 quiesce", "4/5 cutover"]
            ] * 2
            deployment, _ = files_of("db")
            stage.replace(deployment, "db:1", "db:2")
            bound = replace(ASKED, versions=frozenset({shown.version}))
            with pytest.raises(PreconditionFailed):
                await begin(components, bound)
            assert made(lab) == []
            shown = await begin(components, replace(ASKED, dry_run=True))
            begun = await begin(components, replace(bound, versions=frozenset({shown.version})))
            assert begun.state is State.RUNNING


async def test_who_moves_one_of_them_again_stops_it(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, kind="none") as lab:
        async with lab.open() as components:
            begun = await to_the_second(lab, components)
            accepting = replace(ASKED, accept=frozenset({"old-pod-running", "data-left-behind"}))
            await components.failover.move("app", Action.PROMOTE, accepting)
            stopped = await until(lab, components, begun.operation, State.STOPPED)
            assert (stopped.at, stopped.reason) == ("db", "app has been moved again since.")
        async with lab.open() as other:  # it has not seen the end
            stopped = await go_on(other, begun.operation)
            assert (stopped.state, stopped.at) == (State.STOPPED, "app")
            assert "Another operation has moved it since" in stopped.reason
    assert made(lab) == QUICK[:3]


async def test_what_nobody_has_gone_on_with_for_an_hour_is_over(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, kind="none") as lab:
        async with lab.open() as one:
            begun = await to_the_second(lab, one)
        async with lab.open() as other:
            sight = other.failover.group_relocations._sight
            now = sight._now
            sight._now = lambda: now() + 4000
            found = await go_on(other, begun.operation)
            assert (found.state, found.at, found.reason) == (State.STOPPED, "db", "Nobody has gone on with it in time.")
    assert made(lab) == QUICK[:3]


async def test_trailers_that_name_a_service_outside_the_group_begin_nothing(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, kind="none") as lab:
        async with lab.open() as components:
            begun = await to_the_second(lab, components)
            stage.declare(catalog(kind="none"), top="groups: {all: [app]}\n")
            components.catalog.reload()
            stopped = await go_on(components, begun.operation)
            assert (stopped.state, stopped.at, stopped.reason) == (
                *(State.STOPPED, "db", "db is not in group all any more."),
            )
    assert made(lab) == QUICK[:3]


@pytest.mark.long
async def test_what_is_overwritten_is_accepted_of_each_and_each_commit_says_so(stage: Stage, tmp_path: Path) -> None:
    """What was accepted of the second is in the trailers of the first: whoever begins it knows."""
    names = ("db", "app")  # in the catalog; home they go the other way round
    with group_lab(stage, tmp_path, names, side="primary", replication=running_to_backup()) as lab:
        lab.pass_by(120)
        async with lab.open() as one:
            planned = replace(ASKED, accept=frozenset({"old-pod-running"}))
            for name in names:
                await one.failover.move(name, Action.PROMOTE, planned)
            lab.pass_by(60)
            with pytest.raises(UnsafeMove) as refused:
                await begin(one, replace(ASKED, accept=frozenset()))
            assert {name: error.hazards[0].slug for name, error in refused.value.refused.items()} == dict.fromkeys(
                ("app", "db"), "unsynced-overwritten"
            )
            assert refused.value.version
            assert len(refused.value.steps) == 2 * len(STEPS)
            assert refused.value.message.startswith("app, db would be relocated, one after the other.")
            half = replace(ASKED, accept=frozenset({"db:unsynced-overwritten"}))
            with pytest.raises(UnsafeMove, match="app: "):
                await begin(one, half)
            bound = replace(
                ASKED, accept=frozenset({"unsynced-overwritten"}), versions=frozenset({refused.value.version})
            )
            begun = await begin(one, bound)
        async with lab.open() as other:
            await until_begun(lab, other, begun.operation, "db")
    assert made(lab)[-1] == "db reverse"
    first, last = stage.moves[5], stage.moves[0]
    for message, name in ((first, "app"), (last, "db")):
        assert f"Relocate {name} to primary" in message
        assert "Failover-Accepted: unsynced-overwritten\n" in message
        assert "Failover-Wave-Options: app:unsynced-overwritten, db:unsynced-overwritten" in message


async def test_a_node_is_left_and_come_back_to(stage: Stage, tmp_path: Path) -> None:
    with group_lab(stage, tmp_path, side="primary", kind="none") as lab:
        async with lab.open() as components:
            groups = components.failover.group_relocations
            nothing = await groups.of_node("k3s-w1", is_home=True)
            assert nothing.members == {}
            away = await groups.of_node("k3s-w1", is_home=False)
            assert away.members == {"app": Side.BACKUP, "db": Side.BACKUP}
            left = await groups.start(away, ASKED)
            assert (left.node, left.at) == ("k3s-w1", "db")  # as a promote: the database first
            with pytest.raises(RelocationRunning, match=f"by operation {left.operation}, which is at db"):
                await groups.start(await groups.of_node("k3s-w1", is_home=True), ASKED)
            while made(lab)[-1] != "app cutover":
                lab.pass_by(2)
                await go_on(components, left.operation)
            empty = await groups.of_node("k3s-w1", is_home=False)
            assert empty.members == {}
            assert (await groups.start(empty, ASKED)).operation == left.operation  # the last of them is under way
            await until(lab, components, left.operation)
            assert (await groups.start(empty, ASKED)).operation is None
            home = await groups.of_node("k3s-w1", is_home=True)
            assert home.members == {"app": Side.PRIMARY, "db": Side.PRIMARY}
            back = await groups.start(home, ASKED)
            assert back.at == "app"
            await until(lab, components, back.operation)
            with pytest.raises(UnknownNode):
                await groups.of_node("k3s-w9", is_home=False)
    assert made(lab) == [*QUICK[3:], *QUICK[:3], *QUICK]
    assert "Failover-Group: node k3s-w1 (home)\n" in stage.moves[0]
    assert "Failover-Group: node k3s-w1\n" in stage.moves[-1]
    assert "Failover-Wave-Options: @k3s-w1" in stage.moves[0]


async def watched(lab: Homelab, components: Components, is_so: Callable[[], bool]) -> None:
    """As `serve` goes on with it."""
    watch = RelocationWatch(components.failover, components.catalog.current)
    for _ in range(60):
        watch._found_at = float("-inf")
        await watch.look()
        if is_so():
            return
        lab.pass_by(2)
    raise AssertionError(f"it never is: {made(lab)}")
