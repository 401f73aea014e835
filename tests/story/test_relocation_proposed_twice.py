"""Relocations by pull request, where two things go wrong at once: replies are lost, replicas and people act as well."""

import contextlib
from pathlib import Path

import pytest

from failover_api.core.catalog.model import Side
from failover_api.core.safety.relocation.ladder import State
from failover_api.core.safety.relocation.steps import Step
from failover_api.errors import FailoverError, ForgeUnavailable
from failover_api.moves.pull_request import step as pull_request_step
from failover_api.operations import relocation_runner
from failover_api.watching.relocations import RelocationWatch
from tests.support.relocating import (
    APP,
    ASKED,
    BY_ITSELF,
    MANUAL,
    VOLSYNC,
    app,
    homelab,
    numbers,
    proposing,
    start,
    until_open,
    until_step,
)
from tests.support.stage import Stage

pytestmark = pytest.mark.usefixtures("without_sockets")


async def test_a_commit_with_sides_that_there_are_none_of_is_nobodys_step(stage: Stage, tmp_path: Path) -> None:
    with proposing(stage, tmp_path) as lab:
        async with lab.open() as components:
            stage.commit(
                {"README.md": "x"},
                "By hand\n\nFailover-Service: sonarr\nFailover-Action: relocate\nFailover-Step: 1/5 reverse\n"
                "Failover-From: mars\nFailover-To: mars\nFailover-Operation: 01KBDXXXXXXXXXXXXXXXXXXXXX",
            )
            assert await components.failover.relocations.look("sonarr") is None
            assert (await start(components)).operation


@pytest.fixture(autouse=True)
def _always_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relocation_runner, "FRESH_S", 0.0)


async def test_an_abort_that_waits_to_be_merged_stays_asked_for(stage: Stage, tmp_path: Path) -> None:
    """Whatever the step that it ends waits for meanwhile."""
    with proposing(stage, tmp_path) as lab:
        before = {file: stage.read(file) for file in (APP, VOLSYNC)}
        async with lab.open() as components:
            relocations = components.failover.relocations
            await start(components)
            stage.sandbox.protect(repository=stage.repository)
            await relocations.abort("sonarr", ASKED)
            [number] = numbers(stage)
            for _ in range(2):
                report = await relocations.advance("sonarr")
                assert report is not None
                assert report.reason.endswith(f"/pull/{number} waits to be merged.")
                lab.pass_by(20)
            stage.sandbox.approve(number, repository=stage.repository)
            report = await relocations.advance("sonarr")
            assert report is not None
            assert report.state is State.STOPPED
    assert {file: stage.read(file) for file in (APP, VOLSYNC)} == before


async def test_who_dies_before_its_pull_request_may_merge_is_helped_by_another(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: object, **__: object) -> None:
        raise ForgeUnavailable("it was killed")

    with proposing(stage, tmp_path) as lab:
        async with lab.open() as one, lab.open() as other:
            with monkeypatch.context() as patch:
                patch.setattr(pull_request_step, "finish", dies)
                with pytest.raises(ForgeUnavailable):
                    await start(one)
            assert not stage.pulls()[0]["auto_merge"]
            watch = RelocationWatch(other.failover, other.catalog.current)
            await watch.look()
            assert not numbers(stage)
            assert lab.messages()[-1] == "Relocate sonarr to primary: 1/5 reverse (#1)"


@pytest.mark.parametrize("is_watched", [True, False])
async def test_a_first_step_of_a_service_that_was_moved_by_hand_meanwhile_overwrites_nothing(
    stage: Stage, tmp_path: Path, *, is_watched: bool
) -> None:
    """Merged, it would bring what was on backup over the side that is in use now."""
    with proposing(stage, tmp_path) as lab:
        stage.sandbox.protect(repository=stage.repository)
        async with lab.open() as components:
            await start(components)
            [number] = numbers(stage)
            stage.commit({APP: app("primary")})
            watch = RelocationWatch(components.failover, components.catalog.current)
            if is_watched:
                await watch.look()
                assert not numbers(stage)
                assert stage.sandbox.pull(number, repository=stage.repository).body.startswith("Withdrawn: ")
                return
            stage.sandbox.approve(number, repository=stage.repository)
            await watch.look()
            [back] = numbers(stage)
            stage.sandbox.approve(back, repository=stage.repository)
            report = await components.failover.relocations.advance("sonarr")
            assert report is not None
            assert (report.state, "was not on backup when it began" in report.reason) == (State.STOPPED, True)
    assert (stage.read(VOLSYNC) or b"").count(b"paused: true") == 4


async def test_a_withdrawal_whose_reply_is_lost_is_nobodys_no(stage: Stage, tmp_path: Path) -> None:
    with proposing(stage, tmp_path) as lab:
        async with lab.open() as components:
            relocations = components.failover.relocations
            await start(components)
            await until_step(lab, components, Step.FINAL_SYNC)
            stage.sandbox.protect(repository=stage.repository)
            await until_open(lab, components)
            [cutover] = stage.pulls()
            assert cutover["title"].endswith("4/5 cutover")
            lab.cluster.scale("Deployment", "media/sonarr", 1)
            lab.cluster.advance(10)
            for reply in ("lost_reply", "lost_reply"):
                stage.fault(reply, method="PATCH")
                with contextlib.suppress(FailoverError):
                    await relocations.advance("sonarr")
            for _ in range(20):
                report = await relocations.advance("sonarr")
                assert report is not None
                assert report.state is not State.STOPPED
                if cutover["number"] not in numbers(stage) and numbers(stage):
                    break
                lab.pass_by(2)
            [another] = stage.pulls()
            assert another["title"].endswith("3/5 final-sync")


@pytest.mark.parametrize("is_aborted", [False, True])
async def test_what_cannot_be_merged_any_more_is_proposed_anew(
    stage: Stage, tmp_path: Path, *, is_aborted: bool
) -> None:
    """Somebody has changed a line beside: it would wait for ever, and the app may be stopped."""
    with proposing(stage, tmp_path) as lab:
        async with lab.open() as components:
            relocations = components.failover.relocations
            relocations._proposer.ask_every_s = 0.0
            await start(components)
            await until_step(lab, components, Step.QUIESCE)
            stage.sandbox.protect(repository=stage.repository)
            if is_aborted:
                await relocations.abort("sonarr", ASKED)
            await until_open(lab, components)
            [first] = stage.pulls()
            stage.replace(VOLSYNC, "sonarr-a.media.svc.cluster.local}", "sonarr-a.media.svc.cluster.local}  # beside")
            await relocations.advance("sonarr")
            [second] = stage.pulls()
            assert second["number"] != first["number"]
            assert second["title"] == first["title"]


@pytest.mark.parametrize("is_first", [True, False])
async def test_what_holds_more_than_its_step_is_let_merge_by_a_person_alone(
    stage: Stage, tmp_path: Path, *, is_first: bool
) -> None:
    """Who may push a branch, and not to main, would have us merge whatever they like."""
    with proposing(stage, tmp_path) as lab:
        async with lab.open() as components:
            relocations = components.failover.relocations
            if not is_first:
                await start(components)
            stage.sandbox.protect(repository=stage.repository)
            if is_first:
                await start(components)
            else:
                await until_open(lab, components)
            [pull] = stage.pulls()
            stage.sandbox.close_pull(pull["number"], repository=stage.repository)
            stage.commit({"clusters/admin.yaml": "kind: ClusterRoleBinding\n"}, "More", pull["head"]["ref"])
            stage.sandbox.protect(approvals=0, repository=stage.repository)
            forged = {"title": pull["title"], "head": pull["head"]["ref"], "base": "main", "body": pull["body"]}
            stage.github("POST", "/pulls", forged)
            lab.pass_by(5)
            await relocations.advance("sonarr")
            assert not stage.pulls()[0]["auto_merge"]
    assert stage.read("clusters/admin.yaml") is None


@pytest.mark.parametrize(
    ("told", "merges"),
    [
        ("Mend a comment", True),
        ("Failover-Step: {step}", False),  # of another operation
        ("Failover-Step: 5/5 protect", False),
        ("Failover-Proof: quiet at 2020-01-01T00:00:00Z at generation 1 of x", False),
    ],
)
async def test_what_a_commit_beside_its_own_tells_is_not_merged_as_the_step(
    stage: Stage, tmp_path: Path, *, told: str, merges: bool
) -> None:
    """It leaves the files as they are planned, and its trailers would stand on main as ours."""
    with proposing(stage, tmp_path) as lab:
        async with lab.open() as components:
            relocations = components.failover.relocations
            stage.sandbox.protect(repository=stage.repository)
            await start(components)
            [pull] = stage.pulls()
            stage.sandbox.close_pull(pull["number"], repository=stage.repository)
            branch = pull["head"]["ref"]
            ours = stage.sandbox.log(branch, repository=stage.repository)[0].message
            trailers = dict(line.split(": ", 1) for line in ours.splitlines() if line.startswith("Failover-"))
            name, _, value = told.format(step=trailers["Failover-Step"]).partition(": ")
            more = {"Failover-Operation": "01KBDXXXXXXXXXXXXXXXXXXXXX"} if "{" in told else {}
            changed = {**trailers, name: value, **more}
            said = "\n".join(f"{key}: {text}" for key, text in changed.items()) if value else ""
            stage.commit({"notes.md": "x"}, f"{told}\n\n{said}", branch)
            stage.commit({"notes.md": None}, "Take it back", branch)
            stage.sandbox.protect(approvals=0, repository=stage.repository)
            again = {"title": pull["title"], "head": branch, "base": "main", "body": pull["body"]}
            stage.github("POST", "/pulls", again)
            lab.pass_by(2)
            await relocations.advance("sonarr")
            assert (pull["title"] in [one["title"] for one in stage.pulls()]) is not merges


async def test_one_that_waits_for_its_first_merge_is_relocated_already(stage: Stage, tmp_path: Path) -> None:
    """Whoever begins one after the other would have all of them open, and all apps stopped, at once."""
    with proposing(stage, tmp_path) as lab:
        stage.sandbox.protect(repository=stage.repository)
        async with lab.open() as components:
            assert await components.failover.relocations.running() == ""
            await start(components)
            assert await components.failover.relocations.running() == "sonarr"
            stage.sandbox.close_pull(stage.pulls()[0]["number"], repository=stage.repository)
            assert await components.failover.relocations.running() == ""


async def test_a_persons_word_stays_when_what_it_led_to_is_proposed_anew(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path, catalog=MANUAL + BY_ITSELF) as lab:
        async with lab.open() as components:
            relocations = components.failover.relocations
            relocations._proposer.ask_every_s = 0.0
            await start(components)
            await until_step(lab, components, Step.FINAL_SYNC)
            stage.sandbox.protect(repository=stage.repository)
            await relocations.vouch("sonarr", Side.PRIMARY, ASKED)
            [first] = stage.pulls()
            stage.replace(APP, '"strategy": {', '"revisionHistoryLimit": 3,\n  "strategy": {')
            report = await relocations.advance("sonarr")
            [second] = stage.pulls()
            assert second["number"] != first["number"]
            assert second["title"].endswith("4/5 cutover")
            assert report is not None
            assert not report.awaits_word
