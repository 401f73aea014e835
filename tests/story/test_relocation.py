"""Going home: the real service, the real client, a simulated cluster with VolSync, and the bytes on its disks."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from failover_api.core.catalog.model import Action, Side
from failover_api.core.planning.request import MoveRequest
from failover_api.core.safety.relocation.ladder import State
from failover_api.core.safety.relocation.steps import Step
from failover_api.core.safety.relocation.table import Position
from failover_api.errors import (
    BadRequest,
    CannotPlan,
    ClusterNeeded,
    Conflict,
    ManifestDrifted,
    NothingToRollBack,
    RelocationRunning,
    UnsafeMove,
)
from failover_api.events import RelocationTold
from failover_api.operations import relocation_runner
from tests.sandbox.cluster.apps import W1, W2
from tests.support.relocating import (
    APP,
    ASKED,
    CATALOG,
    MANUAL,
    NO_DATA,
    VOLSYNC,
    app,
    by_restic,
    homelab,
    later,
    running_to_backup,
    start,
    until,
    until_next,
    until_step,
    volsync,
)
from tests.support.stage import Stage

pytestmark = pytest.mark.usefixtures("without_sockets")


async def test_every_byte_comes_home(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        async with lab.open() as components:
            first = await start(components)
            assert (first.state, first.step.value) == (State.RUNNING, "reverse")
            written = list(lab.cluster.disk("media/b").journal)
            assert len(written) > 20
            told = await until(lab, components)
            assert {report.state for report in told} == {State.RUNNING, State.DONE}
    assert [message for message in lab.messages() if message.startswith("Relocate")] == [
        "Relocate sonarr to primary: 1/5 reverse",
        "Relocate sonarr to primary: 2/5 quiesce",
        "Relocate sonarr to primary: 3/5 final-sync",
        "Relocate sonarr to primary: 4/5 cutover",
        "Relocate sonarr to primary: 5/5 protect",
    ]
    home = lab.cluster.disk("media/a").journal
    assert home[: len(written)] == written


async def test_an_abort_leaves_the_repository_as_it_was(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        before = {file: stage.read(file) for file in lab.files}
        async with lab.open() as components:
            await start(components)
            await until_step(lab, components, Step.FINAL_SYNC)
            report = await components.failover.relocations.abort("sonarr", ASKED)
            assert (report.state, report.position) == (State.STOPPED, Position.ABORTED)
            lab.pass_by(30)
            assert lab.cluster.ready_pod("media/sonarr", W2)
            with pytest.raises(NothingToRollBack):
                await components.failover.relocations.abort("sonarr", ASKED)
        assert {file: stage.read(file) for file in lab.files} == before


async def test_another_replica_goes_on_and_two_do_no_step_twice(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        async with lab.open() as one, lab.open() as other:
            first = await start(one)
            again = await start(other)
            assert (again.operation, again.state) == (first.operation, State.RUNNING)
            with pytest.raises(RelocationRunning, match="on its way to primary"):
                await start(other, Side.BACKUP)
            assert await other.failover.relocations.under_way() == {"sonarr"}
            for _ in range(60):
                both = await asyncio.gather(*(each.failover.relocations.advance("sonarr") for each in (one, other)))
                if all(report is not None and report.state is State.DONE for report in both):
                    break
                lab.pass_by(5)
            found = await other.failover.relocations.find(first.operation or "")
            assert found.state is State.DONE
            assert [step.label for step in found.steps] == [step.label for step in Step]
            assert await other.failover.relocations.under_way() == set()
            with pytest.raises(NothingToRollBack, match="relocate it back to backup"):
                await one.failover.move("sonarr", Action.ROLLBACK, ASKED)
            there = await start(one)
            assert (there.state, there.operation, there.changed) == (State.DONE, None, False)
        assert len([message for message in lab.messages() if message.startswith("Relocate")]) == 5


async def test_a_lost_reply_makes_no_step_twice(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        async with lab.open() as components:
            await start(components)
            for _ in range(4):
                stage.fault("lost_reply", method="PUT")
                await until_next(lab, components)
            await until(lab, components)
        assert len([message for message in lab.messages() if message.startswith("Relocate")]) == 5


async def test_a_step_costs_a_write_and_the_log_after_it(stage: Stage, tmp_path: Path) -> None:
    """What it was decided on is a copy: the write is compared with that, so nobody asks whether it still stands."""
    with homelab(stage, tmp_path) as lab:
        async with lab.open() as components:
            await components.failover.status("sonarr")
            stage.requests.clear()
            await start(components)
            assert len(stage.requests) == 8, stage.requests
            for _ in range(4):
                stage.requests.clear()
                await until_next(lab, components)
                asked = [request.operation or request.path.rpartition("/")[2] for request in stage.requests]
                assert asked == ["createCommitOnBranch", "commits"]


async def test_a_dry_run_shows_every_step_and_writes_nothing(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        async with lab.open() as components:
            report = await components.failover.relocations.rehearse("sonarr", Side.PRIMARY, ASKED)
        assert [step.label for step in report.steps] == [step.label for step in Step]
        assert report.operation is None
        assert "+  replicas: 0" in report.steps[1].diff.replace('"replicas": 0', "replicas: 0")
        assert not [message for message in lab.messages() if message.startswith("Relocate")]


async def test_a_dead_node_is_a_reason_not_to_begin(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        async with lab.open() as components:
            lab.cluster.kill(W1)
            lab.cluster.advance(90)
            with pytest.raises(UnsafeMove, match="k3s-w1 is not ready") as refused:
                await start(components)
            assert [hazard.slug for hazard in refused.value.hazards] == ["node-not-ready"]


async def test_an_app_that_does_not_run_is_not_begun_with(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        stage.replace(APP, '"replicas": 1', '"replicas": 0')
        async with lab.open() as components:
            with pytest.raises(UnsafeMove, match="the app does not run") as refused:
                await start(components)
            assert [hazard.slug for hazard in refused.value.hazards] == ["starts-nothing"]


async def test_without_a_cluster_nothing_is_begun(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path):
        async with stage.open() as components:
            with pytest.raises(ClusterNeeded):
                await start(components)


async def test_a_node_that_dies_while_the_app_is_stopped_lets_it_start_where_it_was(
    stage: Stage, tmp_path: Path
) -> None:
    with homelab(stage, tmp_path) as lab:
        before = {file: stage.read(file) for file in lab.files}
        async with lab.open() as components:
            await start(components)
            await until_step(lab, components, Step.FINAL_SYNC)
            lab.cluster.kill(W1)
            lab.pass_by(90)
            report = await components.failover.relocations.advance("sonarr")
            assert report is not None
            assert report.state in {State.WAITING, State.RUNNING}
            with later(components, 700):
                report = await components.failover.relocations.advance("sonarr")
            assert report is not None
            assert (report.state, report.position) == (State.STOPPED, Position.STOPPED)
            lab.pass_by(60)
            assert lab.cluster.ready_pod("media/sonarr", W2)
        assert {file: stage.read(file) for file in lab.files} == before


async def test_a_demote_that_would_leave_data_behind_is_refused_and_names_the_way(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        async with lab.open() as components:
            with pytest.raises(UnsafeMove, match=r"failover relocate|stays behind") as refused:
                await components.failover.move("sonarr", Action.DEMOTE, ASKED)
            (hazard,) = [each for each in refused.value.hazards if each.slug == "data-left-behind"]
            assert (hazard.severity.value, hazard.cure) == (
                "stop",
                "`failover relocate sonarr --to primary` brings it home.",
            )
            accepting = MoveRequest("ops-laptop", accept=frozenset({"data-left-behind"}))
            outcome = await components.failover.move("sonarr", Action.DEMOTE, accepting)
            assert outcome.changed
    assert "Failover-Accepted: data-left-behind" in stage.moves[0]


async def test_what_the_target_has_written_since_its_last_sync_is_overwritten_only_when_accepted(
    stage: Stage, tmp_path: Path
) -> None:
    """A node died between two syncs: what it took in between is on its disk alone."""
    with homelab(stage, tmp_path, side="primary") as lab:
        stage.commit({VOLSYNC: running_to_backup()})
        lab.pass_by(120)
        async with lab.open() as components:
            request = MoveRequest("ops-laptop", accept=frozenset({"old-pod-running"}))
            await components.failover.move("sonarr", Action.PROMOTE, request)
            lab.pass_by(60)
            with pytest.raises(UnsafeMove) as refused:
                await components.failover.relocations.start("sonarr", Side.PRIMARY, MoveRequest("ops-laptop"))
            (hazard,) = refused.value.hazards
            assert (hazard.slug, hazard.severity.value) == ("unsynced-overwritten", "stop")
            assert "snapshot" in hazard.cure
            await start(components)
            await until(lab, components)
    assert "Failover-Accepted: unsynced-overwritten" in stage.moves[4]


async def test_by_a_repository_the_bytes_come_home_as_well(stage: Stage, tmp_path: Path) -> None:
    catalog = CATALOG.replace("kind: volsync\n", "kind: volsync\n      via: repository\n")
    with homelab(stage, tmp_path, catalog=catalog, replication=by_restic()) as lab:
        async with lab.open() as components:
            await start(components)
            written = list(lab.cluster.disk("media/b").journal)
            await until(lab, components, at_most=120)
    made = [message for message in lab.messages() if message.startswith("Relocate")]
    assert [message.rpartition(" ")[2] for message in made] == [
        *("reverse", "reverse", "quiesce", "final-sync", "final-sync", "cutover", "protect"),
    ]
    assert lab.cluster.disk("media/a").journal[: len(written)] == written


TO_A = "{copyMethod: Direct, keySecret: key, destinationPVC: a}"


async def test_by_a_persons_word_it_waits_for_that(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path, catalog=MANUAL) as lab:
        async with lab.open() as components:
            relocations = components.failover.relocations
            told: list[RelocationTold] = []
            components.events.subscribe(RelocationTold, told.append)
            await start(components)
            with pytest.raises(BadRequest, match="not waited for yet"):
                await relocations.vouch("sonarr", Side.PRIMARY, ASKED)
            lab.pass_by(60)
            waits = await relocations.advance("sonarr")
            assert waits is not None
            assert (waits.state, waits.step) == (State.WAITING, Step.FINAL_SYNC)
            made = len(lab.messages())
            with pytest.raises(RelocationRunning, match="on its way to primary"):
                await relocations.vouch("sonarr", Side.BACKUP, ASKED)
            assert len(lab.messages()) == made
            await relocations.vouch("sonarr", Side.PRIMARY, ASKED)
            await until(lab, components)
    ended, cutover = stage.moves[:2]
    assert "Failover-Proof: quiet at" in cutover
    assert "Failover-Proof: serving at" in ended
    assert "ops-laptop says that the data is on primary" in cutover
    assert told[0].message.endswith(" has begun: it is stopped, and its data is brought over.")
    assert told[-1].message.startswith("sonarr serves on primary with all its data. It stood still for ")


async def test_a_word_where_none_is_asked_for_is_refused(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        async with lab.open() as components:
            await start(components)
            with pytest.raises(BadRequest, match="kind: manual"):
                await components.failover.relocations.vouch("sonarr", Side.PRIMARY, ASKED)


async def test_a_person_who_edits_in_the_middle_wins(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relocation_runner, "FRESH_S", 0.0)
    with homelab(stage, tmp_path) as lab:
        async with lab.open() as components:
            await start(components)
            await until_step(lab, components, Step.FINAL_SYNC)
            stage.replace(APP, '"replicas": 0', '"replicas": 2')
            report = await components.failover.relocations.advance("sonarr")
            assert report is not None
            assert (report.state, report.position) == (State.STOPPED, Position.STOPPED)
            assert "spec.replicas" in report.reason
    assert '"replicas": 2' in (stage.read(APP) or b"").decode()
    assert b"failover-" not in (stage.read(VOLSYNC) or b"")


ONE_WAY = CATALOG.replace("      to_primary: {source: sonarr-to-a, destination: sonarr-a}\n", "")


async def test_with_one_way_alone_a_rollback_rolls_back_and_the_way_home_is_named_missing(
    stage: Stage, tmp_path: Path
) -> None:
    with homelab(stage, tmp_path, catalog=ONE_WAY, side="primary") as lab:
        async with lab.open() as components:
            before = {file: stage.read(file) for file in lab.files}
            await components.failover.move("sonarr", Action.PROMOTE, ASKED)
            accepting = replace(ASKED, accept=frozenset({"data-left-behind"}))
            await components.failover.move("sonarr", Action.ROLLBACK, accepting)
            assert {file: stage.read(file) for file in lab.files} == before
            await components.failover.move("sonarr", Action.PROMOTE, ASKED)
            with pytest.raises(CannotPlan, match="no `to_primary`"):
                await start(components)


async def test_replication_that_cannot_be_read_keeps_nobody_from_a_rollback(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path, side="primary") as lab:
        async with lab.open() as components:
            await components.failover.move("sonarr", Action.PROMOTE, ASKED)
            stage.commit({VOLSYNC: "kind: ConfigMap\nmetadata: {name: x}\n"})
            accepting = replace(ASKED, accept=frozenset({"data-left-behind"}))
            outcome = await components.failover.move("sonarr", Action.ROLLBACK, accepting)
            assert outcome.changed
    assert (stage.read(APP) or b"").decode() == app("primary")


async def test_between_its_sides_nothing_is_begun(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        stage.replace(APP, '"claimName": "b"', '"claimName": "a"')
        async with lab.open() as components:
            with pytest.raises(ManifestDrifted, match="is not on backup"):
                await start(components)


async def test_there_and_back_again_leaves_the_repository_as_it_was(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a promote has added is taken away by the way home; the pair that brings the data home is parked again."""
    with homelab(stage, tmp_path, side="primary", replication=running_to_backup()) as lab:
        lab.pass_by(120)
        before = {file: stage.read(file) for file in lab.files}
        async with lab.open() as components:
            await components.failover.move("sonarr", Action.PROMOTE, ASKED)
            assert (stage.read(VOLSYNC) or b"").count(b"paused: true") == 4
            lab.pass_by(60)
            await start(components)
            await until(lab, components, at_most=100)
        assert {file: stage.read(file) for file in lab.files} == before


async def test_a_step_is_not_written_when_the_cluster_says_something_else_by_then(stage: Stage, tmp_path: Path) -> None:
    """A laptop that slept between look and write: nothing in Git tells that the app has run since."""
    with homelab(stage, tmp_path) as lab:
        async with lab.open() as components:
            await start(components)
            await until_step(lab, components, Step.FINAL_SYNC)
            relocations = components.failover.relocations
            for _ in range(60):
                found = await relocations._sight.look(components.catalog.current().service("sonarr"))
                assert found is not None
                if (commit := found[1].commit) is not None:
                    break
                lab.pass_by(2)
            assert commit is not None
            assert commit.label == Step.CUTOVER.label
            lab.cluster.scale("Deployment", "media/sonarr", 1)
            lab.cluster.advance(10)
            before = lab.messages()
            assert not await relocations._writer.go_on(*found)
            assert lab.messages() == before


@pytest.mark.parametrize("node", [W1, W2])
async def test_a_node_that_dies_for_good_while_the_app_is_down_ends_it_within_minutes(
    stage: Stage, tmp_path: Path, node: str
) -> None:
    with homelab(stage, tmp_path) as lab:
        async with lab.open() as components:
            await start(components)
            await until_step(lab, components, Step.FINAL_SYNC)
            lab.cluster.kill(node)
            began = lab.cluster.clock.now
            told = await until(lab, components, State.STOPPED)
            assert lab.cluster.clock.now - began < 180
            assert f"Node {node} has not been ready" in told[-1].reason
            lab.cluster.revive(node)
            lab.pass_by(120)
            assert lab.cluster.ready_pod("media/sonarr", W2)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (TO_A, TO_A.replace("Direct", "Snapshot"), "makes an image for a new claim"),
        ("destinationPVC: a", "destinationPVC: c", "the switches say b to a"),
        ("sourcePVC: b", "sourcePVC: c", "the switches say b to a"),
    ],
)
async def test_a_replication_that_would_bring_something_else_begins_nothing(
    stage: Stage, tmp_path: Path, old: str, new: str, words: str
) -> None:
    """`check` says so too; here somebody has not asked it."""
    text = volsync().replace(old, new)
    assert text != volsync()
    with homelab(stage, tmp_path, replication=text) as lab:
        async with lab.open() as components:
            with pytest.raises(CannotPlan, match=words):
                await start(components)


async def test_a_claim_that_no_replication_copies_is_left_behind_only_when_accepted(
    stage: Stage, tmp_path: Path
) -> None:
    catalog = CATALOG.replace(
        "    volume_name: data\n    primary_pvc: a\n    backup_pvc: b\n",
        "    volumes:\n      - {name: data, primary_pvc: a, backup_pvc: b}\n"
        "      - {name: media, primary_pvc: media-a, backup_pvc: media-b}\n",
    )
    assert catalog != CATALOG
    with homelab(stage, tmp_path, catalog=catalog) as lab:
        manifest = json.loads(app())
        other = {"name": "media", "persistentVolumeClaim": {"claimName": "media-b"}}
        manifest["spec"]["template"]["spec"]["volumes"].append(other)
        stage.commit({APP: json.dumps(manifest, indent=1)})
        async with lab.open() as components:
            with pytest.raises(UnsafeMove, match="does not copy media-b") as refused:
                await start(components)
            assert "data-left-behind" in {hazard.slug for hazard in refused.value.hazards}
            accepting = replace(ASKED, accept=ASKED.accept | {"data-left-behind"})
            report = await components.failover.relocations.start("sonarr", Side.PRIMARY, accepting)
            assert report.step is Step.REVERSE


@pytest.mark.parametrize("file", [pytest.param("apps/other/deployment.yaml", marks=pytest.mark.long), APP])
async def test_it_is_found_and_gone_on_with_however_many_commits_come_between(
    stage: Stage, tmp_path: Path, file: str
) -> None:
    with homelab(stage, tmp_path) as lab:
        async with lab.open() as components:
            await start(components)
            await until_step(lab, components, Step.FINAL_SYNC)
        text = (stage.read(file) or b"{}\n").decode()
        for number in range(150):
            stage.commit({file: f"{text}# {number}\n"})
        async with lab.open() as restarted:
            relocations = restarted.failover.relocations
            stage.requests.clear()
            assert await relocations.under_way() == {"sonarr"}
            assert len(stage.requests) <= 4, stage.requests
            await until(lab, restarted)
            stage.requests.clear()
            assert await relocations.under_way() == set()
            assert len(stage.requests) <= 3, stage.requests
    assert len([message for message in lab.messages() if message.startswith("Relocate")]) == 5


async def test_of_two_that_begin_at_once_one_is_told_of_the_other(stage: Stage, tmp_path: Path) -> None:
    """Both have looked, and nothing ran: the second would set its tag over that of the first."""
    with homelab(stage, tmp_path) as lab:
        async with lab.open() as one, lab.open() as other:
            sight = other.failover.relocations._sight
            beginning = sight.beginning

            async def late(*asked: Any) -> Any:
                await start(one)
                return await beginning(*asked)

            sight.beginning = late  # type: ignore[method-assign] - as a person would
            with pytest.raises(Conflict):
                await start(other)
            sight.beginning = beginning  # type: ignore[method-assign] - as it was
            again = await start(other)
            assert again.state is State.RUNNING
    assert len([message for message in lab.messages() if message.startswith("Relocate")]) == 1


async def test_one_that_is_late_puts_back_what_was_before_the_next_begins(stage: Stage, tmp_path: Path) -> None:
    """No service runs: the next command finds the app stopped, and a relocation whose time is over."""
    with homelab(stage, tmp_path) as lab:
        async with lab.open() as components:
            first = await start(components)
            await until_step(lab, components, Step.FINAL_SYNC)
            lab.cluster.scale("Deployment", "media/sonarr", 1)
            lab.cluster.advance(5)
            with later(components, 700):
                second = await start(components)
            assert second.operation != first.operation
            assert (second.state, second.step) == (State.RUNNING, Step.REVERSE)
    assert lab.messages()[-2:] == ["Relocate sonarr to primary: 3/5 stopped", "Relocate sonarr to primary: 1/5 reverse"]
    assert b'"replicas": 1' in (stage.read(APP) or b"")


async def test_what_nothing_copies_back_is_over_in_git_too(stage: Stage, tmp_path: Path) -> None:
    """Once it was seen to serve there nobody has to see it again: its node may be lost, or nobody look."""
    with homelab(stage, tmp_path, catalog=NO_DATA) as lab:
        async with lab.open() as components:
            await start(components)
            told = await until(lab, components)
            assert not told[-1].is_copied_back
        assert lab.messages()[-1] == "Relocate sonarr to primary: 5/5 protect"
        async with stage.open() as components:
            report = await components.failover.relocations.look("sonarr")
            assert report is not None
            assert report.state is State.DONE
            assert not await components.failover.relocations.under_way() - {"sonarr"}
            await components.failover.relocations.advance("sonarr")
        assert lab.messages()[-1] == "Relocate sonarr to primary: 5/5 protect"
        for number in range(101):
            stage.commit({"README.md": f"{number}\n"}, "Something else")
        async with stage.open() as components:
            assert await components.failover.relocations.look("sonarr") is None


async def test_an_end_whose_reply_is_lost_is_made_once_and_told(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path, catalog=NO_DATA) as lab:
        async with lab.open() as components:
            told: list[RelocationTold] = []
            components.events.subscribe(RelocationTold, told.append)
            await start(components)
            stage.fault("lost_reply", method="POST", operation="createCommitOnBranch")
            await until(lab, components)
    assert lab.messages()[-2:] == ["Relocate sonarr to primary: 4/5 cutover", "Relocate sonarr to primary: 5/5 protect"]
    assert told[-1].title == "sonarr is relocated to primary"


async def test_one_way_it_is_gone_on_with_after_the_cutover_however_much_has_come_since(
    stage: Stage, tmp_path: Path
) -> None:
    """Its last step takes the tag away: with that the schedule would never run again."""
    with homelab(stage, tmp_path, catalog=ONE_WAY, side="primary", replication=running_to_backup()) as lab:
        lab.pass_by(60)
        async with lab.open() as components:
            await start(components, Side.BACKUP)
            while not lab.messages()[-1].endswith("4/5 cutover"):
                await components.failover.relocations.advance("sonarr")
                lab.pass_by(5)
            for number in range(101):
                stage.commit({"README.md": f"{number}\n"}, "Something else")
        async with lab.open() as restarted:
            await until(lab, restarted)
    assert b"failover-" not in (stage.read(VOLSYNC) or b"")


async def test_the_last_sync_is_made_once_though_flux_is_fast(stage: Stage, tmp_path: Path) -> None:
    """One that begins in the moment in which the app is seen to have stopped is no proof, and costs its time."""
    with homelab(stage, tmp_path) as lab:
        async with lab.open() as components:
            await start(components)
            said = []
            for _ in range(150):
                report = await components.failover.relocations.advance("sonarr")
                assert report is not None
                if report.step is Step.CUTOVER:
                    break
                said.append([(stage.read(file) or b"").decode() for file in lab.files])
                for text in said[-6:][0]:  # of 2.5 s ago
                    lab.cluster.apply(text, "kustomize-controller")
                lab.cluster.advance(0.5)
    assert [message.partition(": ")[2] for message in lab.messages() if "final-sync" in message] == ["3/5 final-sync"]
