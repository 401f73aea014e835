"""The use cases, with the real adapter against the sandbox."""

import asyncio
import logging

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.state import State
from failover_api.errors import (
    FailoverError,
    ForgeUnavailable,
    ManifestDrifted,
    OutcomeUnknown,
    PreconditionFailed,
    UnknownService,
)
from failover_api.events import MoveEnded
from failover_api.reading.status import Status, Unreadable
from tests.support.acts import demote, promote
from tests.support.stage import FILES, RELEASE, SONARR, VOLSYNC, Stage, deployment, entry

# Status and list


async def test_status_reads_every_switch_with_its_line(stage: Stage) -> None:
    async with stage.open() as components:
        status = await components.failover.status("sonarr")
    assert status.detection.state is State.PRIMARY
    assert [(r.file, r.line, r.value, r.document) for r in status.detection.readings] == [
        (SONARR, 12, "primary", "Deployment media/sonarr"),
        (SONARR, 19, "pvc-sonarr", "Deployment media/sonarr"),
    ]


async def test_a_warm_status_costs_one_304(stage: Stage) -> None:
    async with stage.open() as components:
        first = await components.failover.status("sonarr")
        stage.requests.clear()
        second = await components.failover.status("sonarr")
    assert [(r.method, r.status) for r in stage.requests] == [("GET", 304)]
    assert first.version == second.version


async def test_status_of_an_unknown_service_is_refused_without_a_request(stage: Stage) -> None:
    async with stage.open() as components:
        with pytest.raises(UnknownService, match="'nosuch'"):
            await components.failover.status("nosuch")
    assert not stage.requests


async def test_the_list_keeps_the_order_and_shows_what_cannot_be_read(stage: Stage) -> None:
    stage.declare(entry("zulu") + entry("sonarr") + entry("radarr"))
    stage.replace("apps/media/radarr/app.yaml", "role: primary", "role: backup")
    async with stage.open() as components:
        zulu, sonarr, radarr = await components.failover.list_all()
    assert isinstance(zulu, Unreadable)
    assert zulu.error.slug == "manifest-not-found"
    assert isinstance(sonarr, Status)
    assert sonarr.detection.state is State.PRIMARY
    assert isinstance(radarr, Status)
    assert radarr.detection.state is State.MIXED


async def test_a_list_in_an_outage_asks_once_for_all_and_says_so_for_each(stage: Stage) -> None:
    stage.declare("".join(entry(f"svc-{i}") for i in range(30)))
    stage.fault("status", status=503, times=None)
    async with stage.open() as components:
        statuses = await components.failover.list_all()
    assert {type(status) for status in statuses} == {Unreadable}
    assert {status.error.slug for status in statuses if isinstance(status, Unreadable)} == {"github-unavailable"}
    assert len(stage.requests) <= 6


async def test_the_list_of_several_repositories_lives_when_one_is_missing(stage: Stage) -> None:
    stage.declare(entry("sonarr") + entry("radarr", "media", "repository: acme/nowhere"))
    async with stage.open() as components:
        sonarr, radarr = await components.failover.list_all()
    assert isinstance(sonarr, Status)
    assert isinstance(radarr, Unreadable)
    assert radarr.error.slug == "repository-not-found"


# Moves


async def test_promote_changes_exactly_the_switches(stage: Stage) -> None:
    async with stage.open() as components:
        outcome = await promote(components, reason="k3s-w1 is down")
    before = FILES[SONARR].decode()
    expected = before.replace("role: primary ", "role: backup ").replace('"pvc-sonarr"', '"pvc-sonarr-backup"')
    assert (stage.read(SONARR) or b"").decode() == expected
    assert outcome.changed
    assert outcome.commit is not None
    assert outcome.commit.sha == stage.sandbox.head(repository=stage.repository)
    assert stage.messages[0].startswith("Fail over sonarr to backup\n")
    assert f"Failover-Operation: {outcome.operation}" in stage.messages[0]
    assert "Reason: k3s-w1 is down" in stage.messages[0]


async def test_promote_twice_makes_one_commit(stage: Stage) -> None:
    async with stage.open() as components:
        await promote(components)
        again = await promote(components)
    assert not again.changed
    assert again.commit is None
    assert again.operation is None
    assert len(stage.moves) == 1


async def test_demote_gives_the_original_bytes_back(stage: Stage) -> None:
    async with stage.open() as components:
        for name in ("sonarr", "radarr", "plex"):
            await promote(components, name)
            await demote(components, name)
    assert len(stage.moves) == 6
    assert {path: stage.read(path) for path in FILES} == FILES


async def test_several_files_move_in_one_commit(stage: Stage) -> None:
    async with stage.open() as components:
        outcome = await promote(components, "plex")
    assert len(stage.moves) == 1
    assert [change.file for change in outcome.plan.changes] == [RELEASE, RELEASE, VOLSYNC]
    assert b"paused: true" in (stage.read(VOLSYNC) or b"")
    assert [r.operation for r in stage.writes] == ["createCommitOnBranch"]


async def test_a_warm_promote_is_one_request(stage: Stage) -> None:
    async with stage.open() as components:
        await promote(components)
        stage.requests.clear()
        await demote(components)
    assert [r.method for r in stage.requests] == ["PUT"]


async def test_mixed_moves_without_force(stage: Stage) -> None:
    stage.replace(SONARR, "role: primary", "role: backup")
    async with stage.open() as components:
        outcome = await promote(components)
    assert outcome.plan.before.state is State.MIXED
    assert [change.new for change in outcome.plan.changes] == ["pvc-sonarr-backup"]


async def test_drift_is_refused_naming_file_line_and_value(stage: Stage) -> None:
    stage.replace(SONARR, "role: primary", "role: maintenance")
    async with stage.open() as components:
        with pytest.raises(ManifestDrifted) as caught:
            await promote(components)
    for word in (f"{SONARR}:12", "'maintenance'", "'primary'", "'backup'"):
        assert word in caught.value.detail
    assert not stage.writes


async def test_force_moves_a_drifted_service(stage: Stage) -> None:
    stage.replace(SONARR, "role: primary", "role: maintenance")
    async with stage.open() as components:
        outcome = await promote(components, force=True)
    assert outcome.plan.before.state is State.UNKNOWN
    assert b"role: backup" in (stage.read(SONARR) or b"")
    assert "maintenance -> backup" in stage.messages[0]


async def test_a_dry_run_writes_nothing_and_is_refused_where_the_move_would_be(stage: Stage) -> None:
    async with stage.open() as components:
        outcome = await promote(components, dry_run=True)
        assert outcome.dry_run
        assert outcome.changed
        assert outcome.operation is None
        stage.replace(SONARR, "role: primary", "role: maintenance")
        with pytest.raises(ManifestDrifted):
            await promote(components, dry_run=True)
    assert not stage.moves


async def test_already_there_is_never_answered_from_the_cache(stage: Stage) -> None:
    async with stage.open() as components:
        await promote(components)
        stage.commit({SONARR: FILES[SONARR]}, "A person moves it back")
        again = await promote(components)
    assert again.changed
    assert len(stage.moves) == 2
    assert b"role: backup" in (stage.read(SONARR) or b"")


async def test_already_there_of_several_files_is_never_answered_from_the_cache(stage: Stage) -> None:
    async with stage.open() as components:
        await promote(components, "plex")
        stage.commit({VOLSYNC: FILES[VOLSYNC]}, "A person resumes the sync")
        again = await promote(components, "plex")
    assert again.changed
    assert b"paused: true" in (stage.read(VOLSYNC) or b"")


async def test_drift_is_never_reported_from_the_cache(stage: Stage) -> None:
    stage.replace(SONARR, "role: primary", "role: maintenance")
    async with stage.open() as components:
        with pytest.raises(ManifestDrifted):
            await promote(components)
        stage.commit({SONARR: FILES[SONARR]}, "A person repairs it")
        assert (await promote(components)).changed


# If-Match


@pytest.mark.parametrize("name", ["sonarr", "plex"])
async def test_a_version_seen_is_taken_while_it_holds(stage: Stage, name: str) -> None:
    async with stage.open() as components:
        seen = await components.failover.status(name)
        stage.commit({"README.md": "Something else\n"}, "A person's other work")
        outcome = await promote(components, name, versions=frozenset({seen.version}))
    assert outcome.changed


@pytest.mark.parametrize("name", ["sonarr", "plex"])
async def test_a_version_that_is_gone_is_refused(stage: Stage, name: str) -> None:
    async with stage.open() as components:
        seen = await components.failover.status(name)
        path = {"sonarr": SONARR, "plex": VOLSYNC}[name]
        stage.commit({path: (stage.read(path) or b"") + b"# a comment\n"})
        with pytest.raises(PreconditionFailed):
            await promote(components, name, versions=frozenset({seen.version}))
    assert not stage.moves


@pytest.mark.parametrize(("name", "path"), [("sonarr", SONARR), ("plex", VOLSYNC)])
async def test_a_change_between_the_check_and_the_write_is_refused(stage: Stage, name: str, path: str) -> None:
    edited = (stage.read(path) or b"") + b"# edited while it was planned\n"
    async with stage.open() as components:
        seen = await components.failover.status(name)
        stage.before_write(lambda: stage.commit({path: edited}))
        with pytest.raises(PreconditionFailed):
            await promote(components, name, versions=frozenset({seen.version}))
    assert not stage.moves
    assert stage.read(path) == edited


async def test_a_version_names_the_entry_of_the_catalog_too(stage: Stage) -> None:
    async with stage.open() as components:
        seen = await components.failover.status("sonarr")
        stage.declare(entry("sonarr").replace("pvc-sonarr-backup", "pvc-sonarr-other"))
        components.catalog.reload()
        with pytest.raises(PreconditionFailed):
            await promote(components, versions=frozenset({seen.version}))


# Others at work


@pytest.mark.parametrize("name", ["sonarr", "plex"])
async def test_a_persons_other_commit_between_read_and_write_does_not_matter(stage: Stage, name: str) -> None:
    async with stage.open() as components:
        await components.failover.status(name)
        stage.before_write(lambda: stage.commit({"README.md": "Other work\n"}))
        outcome = await promote(components, name)
    assert outcome.changed
    assert len(stage.moves) == 1
    assert stage.read("README.md") == b"Other work\n"


@pytest.mark.parametrize(("name", "path"), [("sonarr", SONARR), ("plex", VOLSYNC)])
async def test_a_persons_edit_of_the_same_file_is_kept(stage: Stage, name: str, path: str) -> None:
    edited = (stage.read(path) or b"") + b"# a person was here\n"
    async with stage.open() as components:
        await components.failover.status(name)
        stage.before_write(lambda: stage.commit({path: edited}))
        outcome = await promote(components, name)
    assert outcome.changed
    assert len(stage.moves) == 1
    assert (stage.read(path) or b"").endswith(b"# a person was here\n")
    assert outcome.plan.old[path] == edited


async def test_a_person_who_moves_it_in_between_makes_it_already_there(stage: Stage) -> None:
    moved = FILES[SONARR].replace(b"role: primary", b"role: backup").replace(b'sonarr"\n', b'sonarr-backup"\n')
    moved = moved.replace(b'image: "ghcr.io/home/sonarr-backup', b'image: "ghcr.io/home/sonarr')
    async with stage.open() as components:
        stage.before_write(lambda: stage.commit({SONARR: moved}))
        outcome = await promote(components)
    assert not outcome.changed
    assert outcome.commit is None
    assert not stage.moves


async def test_a_person_who_drifts_it_in_between_is_respected(stage: Stage) -> None:
    async with stage.open() as components:
        stage.before_write(lambda: stage.replace(SONARR, "role: primary", "role: maintenance"))
        with pytest.raises(ManifestDrifted):
            await promote(components)
    assert not stage.moves


async def test_fifty_services_promoted_at_once_are_written_together(stage: Stage) -> None:
    names = [f"svc-{i}" for i in range(50)]
    stage.declare("".join(entry(name) for name in names))
    stage.commit({f"apps/media/{name}/deployment.yaml": deployment(name) for name in names})
    async with stage.open() as components:
        outcomes = await asyncio.gather(*(promote(components, name) for name in names))
    assert all(outcome.changed for outcome in outcomes)
    assert len(stage.moves) == 1
    assert {outcome.commit.sha for outcome in outcomes if outcome.commit} == {
        stage.sandbox.head(repository=stage.repository)
    }


async def test_one_service_promoted_fifty_times_at_once_makes_one_commit(stage: Stage) -> None:
    async with stage.open() as components:
        outcomes = await asyncio.gather(*(promote(components) for _ in range(50)))
    assert sum(outcome.changed for outcome in outcomes) == 1
    assert len(stage.moves) == 1


@pytest.mark.parametrize("name", ["sonarr", "plex"])
async def test_two_replicas_promoting_together_make_one_commit(stage: Stage, name: str) -> None:
    async with stage.open() as one, stage.open() as other:
        await asyncio.gather(one.failover.status(name), other.failover.status(name))
        outcomes = await asyncio.gather(promote(one, name), promote(other, name))
    assert len(stage.moves) == 1
    assert sorted(outcome.changed for outcome in outcomes) == [False, True]
    winner = next(outcome for outcome in outcomes if outcome.changed)
    assert f"Failover-Operation: {winner.operation}" in stage.moves[0]


async def test_two_replicas_moving_services_of_one_branch_both_succeed(stage: Stage) -> None:
    async with stage.open() as one, stage.open() as other:
        outcomes = await asyncio.gather(promote(one, "plex"), promote(other, "sonarr"), promote(other, "radarr"))
    assert all(outcome.changed for outcome in outcomes)
    assert len(stage.moves) == 2


# Logs


async def test_a_move_is_one_line_in_the_log(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "failover_api.operations.move_runner")
    async with stage.open() as components:
        outcome = await promote(components)
        stage.replace(SONARR, "role: backup", "role: maintenance")
        with pytest.raises(FailoverError):
            await demote(components)
    done, refused = caplog.records
    assert (done.getMessage(), done.__dict__["service"], done.__dict__["to"]) == ("move done", "sonarr", "backup")
    assert done.__dict__["operation"] == outcome.operation
    assert (refused.getMessage(), refused.__dict__["problem"]) == ("move refused", "manifest-drifted")
    assert len(refused.__dict__["operation"]) == 26
    assert refused.__dict__["operation"] != outcome.operation


async def test_a_move_whose_outcome_is_unknown_is_not_logged_as_refused(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "failover_api.operations.move_runner")
    async with stage.open(deadline_s=1.0) as components:
        await components.failover.status("sonarr")
        stage.fault("status", method="PUT", status=502, times=None)
        with pytest.raises(OutcomeUnknown) as caught:
            await promote(components)
    (record,) = caplog.records
    assert (record.getMessage(), record.__dict__["problem"]) == ("move outcome unknown", "outcome-unknown")
    assert record.__dict__["operation"] in caught.value.detail


async def test_a_move_that_is_cancelled_is_a_line_in_the_log(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "failover_api.operations.move_runner")
    async with stage.open() as components:
        await components.failover.status("sonarr")
        stage.fault("slow", method="PUT", seconds=20.0)
        moving = asyncio.create_task(promote(components))
        while len(stage.sandbox.faults):  # noqa: ASYNC110 - the sandbox has no event to wait for
            await asyncio.sleep(0.002)
        moving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await moving
    (record,) = caplog.records
    assert (record.getMessage(), record.__dict__["service"]) == ("move interrupted", "sonarr")
    assert len(record.__dict__["operation"]) == 26


async def test_an_outage_is_reported_as_such(stage: Stage) -> None:
    stage.fault("status", status=503, times=None)
    async with stage.open() as components:
        with pytest.raises(ForgeUnavailable):
            await components.failover.status("sonarr")


# Those who listen


async def test_listeners_are_told_of_every_move_that_ended(stage: Stage) -> None:
    told: list[MoveEnded] = []
    async with stage.open() as components:
        components.events.subscribe(MoveEnded, told.append)
        await promote(components, "sonarr")
        stage.replace(SONARR, "role: backup", "role: nowhere")
        with pytest.raises(ManifestDrifted):
            await demote(components, "sonarr")
    moved, refused = told
    assert (moved.services, moved.action, moved.dry_run) == (("sonarr",), Action.PROMOTE, False)
    assert moved.outcome is not None
    assert moved.outcome.changed
    assert moved.error is None
    assert moved.outcome.operation == moved.operation
    assert isinstance(refused.error, ManifestDrifted)
    assert refused.outcome is None


async def test_a_listener_that_fails_fails_no_move(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    def fail(event: MoveEnded) -> None:
        raise RuntimeError("full")

    told: list[MoveEnded] = []
    async with stage.open() as components:
        components.events.subscribe(MoveEnded, fail)
        components.events.subscribe(MoveEnded, told.append)
        outcome = await promote(components, "sonarr")
    assert outcome.changed
    assert len(told) == 1
    assert "a listener failed" in caplog.text
