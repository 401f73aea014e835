"""Relocations of policy pull_request: each step is a pull request that merges by itself."""

from dataclasses import replace
from pathlib import Path

import pytest

from failover_api.core.catalog.model import Side
from failover_api.core.safety.relocation.ladder import State
from failover_api.core.safety.relocation.steps import Step
from failover_api.errors import BranchProtected, NothingToRollBack, OutcomeUnknown, RelocationRunning
from failover_api.operations import relocation_runner
from tests.support.relocating import (
    APP,
    ASKED,
    BY_ITSELF,
    MANUAL,
    VOLSYNC,
    app,
    homelab,
    later,
    numbers,
    proposing,
    start,
    until,
    until_open,
    until_reviewed,
    until_step,
)
from tests.support.stage import Stage

pytestmark = pytest.mark.usefixtures("without_sockets")


async def test_every_byte_comes_home_by_five_pull_requests(stage: Stage, tmp_path: Path) -> None:
    with proposing(stage, tmp_path) as lab:
        async with lab.open() as components:
            await start(components)
            written = list(lab.cluster.disk("media/b").journal)
            await until(lab, components)
    assert [message for message in lab.messages() if message.startswith("Relocate")] == [
        f"Relocate sonarr to primary: {step.label} (#{number})" for number, step in enumerate(Step, 1)
    ]
    assert lab.cluster.disk("media/a").journal[: len(written)] == written


async def test_a_step_is_known_again_where_the_repository_leaves_the_message_of_a_squash_blank(
    stage: Stage, tmp_path: Path
) -> None:
    """Merged at once, and merged by itself later."""
    with proposing(stage, tmp_path) as lab:
        stage.sandbox.repositories[stage.repository].squash_message = "BLANK"
        async with lab.open() as components:
            begun = await start(components)
            assert (begun.step, len(begun.steps)) == (Step.REVERSE, 1)
            stage.sandbox.approve(await until_reviewed(lab, components), repository=stage.repository)
            report = await components.failover.relocations.look("sonarr")
    assert report is not None
    assert (report.operation, report.step, len(report.steps)) == (begun.operation, Step.QUIESCE, 2)
    assert [message for message in lab.messages() if message.startswith("Relocate")] == [
        "Relocate sonarr to primary: 1/5 reverse (#1)",
        "Relocate sonarr to primary: 2/5 quiesce (#2)",
    ]


async def test_a_pull_request_that_waits_is_waited_for_and_opened_once(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relocation_runner, "FRESH_S", 0.0)
    with proposing(stage, tmp_path) as lab:
        stage.sandbox.protect(repository=stage.repository)
        async with lab.open() as components, lab.open() as other:
            begun = await start(components)
            assert begun.operation is not None
            assert begun.reason.endswith(f"/pull/{numbers(stage)[0]} waits to be merged.")
            again = await start(other)
            assert (again.operation, again.reason) == (begun.operation, begun.reason)
            found = await other.failover.relocations.find(begun.operation)
            assert (found.step, found.state) == (Step.REVERSE, State.RUNNING)
            with pytest.raises(RelocationRunning, match="on its way to primary"):
                await start(other, Side.BACKUP)
            for step in (Step.REVERSE, Step.QUIESCE, Step.FINAL_SYNC):
                opened = await until_open(lab, *((components, other) if step.number % 2 else (other, components)))
                stage.sandbox.approve(opened, repository=stage.repository)
    assert len([message for message in lab.messages() if message.startswith("Relocate")]) == 3


async def test_one_that_somebody_closes_puts_back_what_was(stage: Stage, tmp_path: Path) -> None:
    with proposing(stage, tmp_path) as lab:
        before = {file: stage.read(file) for file in (APP, VOLSYNC)}
        async with lab.open() as components:
            await start(components)
            await until_step(lab, components, Step.QUIESCE)
            final = await until_reviewed(lab, components)
            stage.sandbox.close_pull(final, repository=stage.repository)
            back = await until_open(lab, components)
            report = await components.failover.relocations.look("sonarr")
            assert report is not None
            assert (report.state, report.reason) == (
                State.RUNNING,
                f"{stage.pulls()[0]['html_url']} waits to be merged.",
            )
            stage.sandbox.approve(back, repository=stage.repository)
            told = await until(lab, components, State.STOPPED)
    assert told[-1].reason.endswith(f"/pull/{final} was closed.")
    assert {file: stage.read(file) for file in (APP, VOLSYNC)} == before


async def test_what_is_closed_on_the_way_back_is_opened_anew_for_whoever_aborts_again(
    stage: Stage, tmp_path: Path
) -> None:
    """Else the app would stay stopped."""
    with proposing(stage, tmp_path) as lab:
        before = {file: stage.read(file) for file in (APP, VOLSYNC)}
        async with lab.open() as components:
            relocations = components.failover.relocations
            await start(components)
            await until_step(lab, components, Step.QUIESCE)
            stage.sandbox.close_pull(await until_reviewed(lab, components), repository=stage.repository)
            for ask in (relocations.abort, relocations.roll_back):
                closed = await until_open(lab, components)
                stage.sandbox.close_pull(closed, repository=stage.repository)
                report = await relocations.advance("sonarr")
                assert report is not None
                assert (report.state, not numbers(stage)) == (State.WAITING, True), "nobody has asked for more"
                assert report.cure == "Reopen it, or have another opened: `failover relocate sonarr --abort`."
                await ask("sonarr", ASKED)
                [anew] = numbers(stage)
                assert anew > closed
            stage.sandbox.approve(anew, repository=stage.repository)
            told = await until(lab, components, State.STOPPED)
    assert told[-1].reason == "It was aborted."
    assert {file: stage.read(file) for file in (APP, VOLSYNC)} == before


async def test_what_is_closed_after_the_cutover_is_opened_anew_for_whoever_asks_again(
    stage: Stage, tmp_path: Path
) -> None:
    with proposing(stage, tmp_path) as lab:
        async with lab.open() as components:
            relocations = components.failover.relocations
            await start(components)
            await until_step(lab, components, Step.CUTOVER)
            last = await until_reviewed(lab, components)
            stage.sandbox.close_pull(last, repository=stage.repository)
            report = await relocations.advance("sonarr")
            assert report is not None
            assert report.cure == "Reopen it, or have another opened: `failover relocate sonarr --to primary`."
            await relocations.rehearse("sonarr", Side.PRIMARY, replace(ASKED, dry_run=True))
            assert not numbers(stage)
            assert (await start(components)).reason.endswith(" waits to be merged.")
            assert [pull["title"] for pull in stage.pulls()] == ["Relocate sonarr to primary: 5/5 protect"]


async def test_a_step_that_waits_too_long_while_the_app_is_stopped_starts_it_again(
    stage: Stage, tmp_path: Path
) -> None:
    with proposing(stage, tmp_path) as lab:
        async with lab.open() as components:
            await start(components)
            await until_step(lab, components, Step.QUIESCE)
            final = await until_reviewed(lab, components)
            with later(components, 600):
                await components.failover.relocations.advance("sonarr")
            [back] = numbers(stage)
            assert back != final
            assert stage.sandbox.pull(final, repository=stage.repository).state == "closed"
            await components.failover.relocations.advance("sonarr")
            assert numbers(stage) == [back], "it stays the one"
            stage.sandbox.approve(back, repository=stage.repository)
            told = await until(lab, components, State.STOPPED)
    assert "It took longer than" in told[-1].reason
    assert (stage.read(APP) or b"").decode() == app()


async def test_an_abort_closes_what_has_not_begun(stage: Stage, tmp_path: Path) -> None:
    with proposing(stage, tmp_path) as lab:
        stage.sandbox.protect(repository=stage.repository)
        async with lab.open() as components:
            await start(components)
            report = await components.failover.relocations.abort("sonarr", ASKED)
            assert report.state is State.STOPPED
            assert not numbers(stage)
            with pytest.raises(NothingToRollBack):
                await components.failover.relocations.abort("sonarr", ASKED)
            assert (await start(components)).operation != report.operation


async def test_what_takes_too_long_is_not_known_and_asked_again_not_done_twice(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proposing(stage, tmp_path) as lab:
        stage.sandbox.protect(repository=stage.repository)
        async with lab.open() as components:
            with monkeypatch.context() as patch:
                patch.setattr(components.failover.relocations._writer, "_deadline_s", 0.0)
                with pytest.raises(OutcomeUnknown, match="not proposed twice"):
                    await start(components)
            begun = await start(components)
            assert (await start(components)).operation == begun.operation
            assert len(numbers(stage)) == 1


async def test_a_step_counts_from_its_merge(stage: Stage, tmp_path: Path) -> None:
    with proposing(stage, tmp_path, BY_ITSELF.replace("squash", "merge")) as lab:
        async with lab.open() as components:
            await start(components)
            await until(lab, components)
    assert len([message for message in lab.messages() if message.startswith("Merge pull request")]) == len(Step)


@pytest.mark.parametrize(
    "options", ["", "    pull_request: {auto_merge: squash, draft: true}\n"], ids=["plain", "draft"]
)
async def test_where_somebody_has_to_merge_nothing_is_begun(stage: Stage, tmp_path: Path, options: str) -> None:
    with proposing(stage, tmp_path, f"    policy: pull_request\n{options}") as lab:
        async with lab.open() as components:
            with pytest.raises(BranchProtected, match="no review may lie between them"):
                await start(components)
    assert not numbers(stage)


async def test_a_step_that_is_not_due_any_more_is_withdrawn(stage: Stage, tmp_path: Path) -> None:
    """Merged later it would move an app that has run since."""
    with proposing(stage, tmp_path) as lab:
        async with lab.open() as components:
            await start(components)
            await until_step(lab, components, Step.FINAL_SYNC)
            await until_reviewed(lab, components)
            [cutover] = stage.pulls()
            assert cutover["title"].endswith("4/5 cutover")
            lab.cluster.scale("Deployment", "media/sonarr", 1)
            lab.cluster.advance(10)
            for _ in range(50):
                await lab.looked()
                await components.failover.relocations.advance("sonarr")
                if cutover["number"] not in numbers(stage):
                    break
            assert stage.sandbox.pull(cutover["number"], repository=stage.repository).state == "closed"
            assert "Failover-Step" not in stage.sandbox.pull(cutover["number"], repository=stage.repository).body
            report = await components.failover.relocations.look("sonarr")
            assert report is not None
            assert report.state is not State.STOPPED, "nobody has said no"


async def test_a_persons_word_counts_until_it_is_merged(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relocation_runner, "FRESH_S", 0.0)
    with homelab(stage, tmp_path, catalog=MANUAL + BY_ITSELF) as lab:
        async with lab.open() as components:
            relocations = components.failover.relocations
            await start(components)
            for _ in range(60):
                report = await relocations.advance("sonarr")
                if report is not None and report.awaits_word:
                    break
                lab.pass_by(2)
            stage.sandbox.protect(repository=stage.repository)
            await relocations.vouch("sonarr", Side.PRIMARY, ASKED)
            [cutover] = numbers(stage)
            await relocations.advance("sonarr")
            assert numbers(stage) == [cutover]
            stage.sandbox.approve(cutover, repository=stage.repository)
            await until(lab, components)
    assert (stage.read(APP) or b"").decode() == app("primary")
