"""Moves that meet trouble on the way: whatever passes is resolved, and what stays is named truthfully."""

import asyncio
import time
from typing import Any

import pytest

from failover_api import deadline
from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.core.planning.state import State
from failover_api.core.text.trailers import read_records
from failover_api.errors import (
    BranchProtected,
    Conflict,
    FailoverError,
    ForgePermission,
    ForgeRateLimited,
    ForgeUnavailable,
    ManifestDrifted,
    NotReady,
    OutcomeUnknown,
    PreconditionFailed,
    RepositoryNotFound,
    TypeMismatch,
)
from tests.support.acts import promote
from tests.support.stage import FILES, RELEASE, SONARR, VOLSYNC, Stage

WRITE: dict[str, dict[str, Any]] = {"sonarr": {"method": "PUT"}, "plex": {"operation": "createCommitOnBranch"}}
ONE_AND_SEVERAL_FILES = pytest.mark.parametrize("name", ["sonarr", "plex"])


def landed(stage: Stage, operation: str | None) -> int:
    """How many commits carry the operation."""
    return sum(f"Failover-Operation: {operation}\n" in message for message in stage.messages)


PASSING_ON_WRITE = [
    ("lost_reply", {}),
    ("lost_request", {}),
    ("late", {"seconds": 0.2}),
    ("slow", {"seconds": 0.3}),
    ("truncated", {}),
    ("bad_json", {}),
    ("race", {}),
    ("status", {"status": 500}),
    ("status", {"status": 502}),
    ("status", {"status": 503, "body": "<html>no server is available</html>"}),
    ("status", {"status": 504}),
]


@ONE_AND_SEVERAL_FILES
@pytest.mark.parametrize(("kind", "how"), PASSING_ON_WRITE, ids=[f"{k}-{h}" for k, h in PASSING_ON_WRITE])
async def test_a_fault_that_passes_on_the_write_is_resolved(
    stage: Stage, name: str, kind: str, how: dict[str, Any]
) -> None:
    async with stage.open() as components:
        await components.failover.status(name)
        stage.fault(kind, **WRITE[name], **how)
        outcome = await promote(components, name)
    await asyncio.sleep(how["seconds"] + 0.1 if kind == "late" else 0)
    assert not len(stage.sandbox.faults), "the fault was met"
    assert outcome.changed
    assert outcome.commit is not None
    assert len(stage.moves) == 1
    assert landed(stage, outcome.operation) == 1
    assert f"{outcome.commit.sha}" in {commit.sha for commit in stage.sandbox.log(repository=stage.repository)}


PASSING_ON_READ = [
    ("lost_reply", {}),
    ("lost_request", {}),
    ("slow", {"seconds": 0.3}),
    ("truncated", {}),
    ("bad_json", {}),
    ("status", {"status": 502}),
]


@ONE_AND_SEVERAL_FILES
@pytest.mark.parametrize(("kind", "how"), PASSING_ON_READ, ids=[f"{k}-{h}" for k, h in PASSING_ON_READ])
async def test_a_fault_that_passes_on_any_read_is_resolved(
    stage: Stage, name: str, kind: str, how: dict[str, Any]
) -> None:
    async with stage.open() as components:
        first = {"path": f"/repos/{stage.repository}/git/trees"} if name == "sonarr" else {"path": "/graphql"}
        stage.fault(kind, **first, **how)
        outcome = await promote(components, name)
    assert not len(stage.sandbox.faults), "the fault was met"
    assert outcome.changed
    assert len(stage.moves) == 1


@ONE_AND_SEVERAL_FILES
async def test_a_write_slower_than_we_wait_is_found_in_the_end(stage: Stage, name: str) -> None:
    async with stage.open(deadline_s=3.0) as components:  # a request may take a third of it
        await components.failover.status(name)
        stage.fault("slow", **WRITE[name], seconds=1.2)
        outcome = await promote(components, name)
        await asyncio.sleep(0.3)
    assert outcome.changed
    assert len(stage.moves) == 1
    assert landed(stage, outcome.operation) == 1


@ONE_AND_SEVERAL_FILES
async def test_a_read_that_lags_behind_is_not_believed(stage: Stage, name: str) -> None:
    async with stage.open() as components:
        await promote(components, name)
        await components.failover.move(name, Action.DEMOTE, MoveRequest(by="maria"))
        stage.fault("stale", method="GET")
        again = await promote(components, name)
    assert again.changed
    assert len(stage.moves) == 3


@ONE_AND_SEVERAL_FILES
async def test_a_cold_read_that_lags_behind_loses_its_race_and_is_read_again(stage: Stage, name: str) -> None:
    path = {"sonarr": SONARR, "plex": VOLSYNC}[name]
    stage.commit({path: (stage.read(path) or b"") + b"# newer\n"})
    async with stage.open() as components:
        stage.fault(
            "stale", **({"path": f"/repos/{stage.repository}/contents"} if name == "sonarr" else {"path": "/graphql"})
        )
        outcome = await promote(components, name)
    assert outcome.changed
    assert (stage.read(path) or b"").endswith(b"# newer\n")


async def test_a_token_that_github_does_not_know_yet_is_tried_again(stage: Stage) -> None:
    stage.fault("token_not_ready")
    async with stage.open(stage.app_settings()) as components:
        outcome = await promote(components)
    assert outcome.changed
    assert len(stage.moves) == 1


# Lost replies and other people


@ONE_AND_SEVERAL_FILES
async def test_a_lost_write_that_a_person_built_upon_is_still_ours(stage: Stage, name: str) -> None:
    """The reply is lost, and before we look a person edits the same file: our commit is found in history."""
    path = {"sonarr": SONARR, "plex": VOLSYNC}[name]
    async with stage.open() as components:
        await components.failover.status(name)
        stage.fault("lost_reply", **WRITE[name])
        moving = asyncio.create_task(promote(components, name))
        while not stage.moves:  # noqa: ASYNC110 - the sandbox has no event to wait for
            await asyncio.sleep(0.002)
        stage.commit({path: (stage.read(path) or b"") + b"# a person\n"})
        outcome = await moving
    assert outcome.changed
    assert len(stage.moves) == 1
    assert outcome.commit is not None
    assert landed(stage, outcome.operation) == 1


async def test_a_lost_write_is_not_taken_for_the_revert_that_quotes_it(stage: Stage) -> None:
    def revert() -> None:
        quoted = stage.sandbox.log(repository=stage.repository)[0].message
        stage.commit({SONARR: FILES[SONARR]}, f"Revert a failover\n\n{quoted}")

    async with stage.open() as components:
        await components.failover.status("sonarr")
        stage.fault("lost_reply", **WRITE["sonarr"])
        stage.before_request("GET", "/branches/main", revert)
        outcome = await promote(components)
    reverted, ours = stage.sandbox.log(repository=stage.repository)[:2]
    assert reverted.message.startswith("Revert"), "a person was there before we looked"
    assert outcome.changed
    assert outcome.commit is not None
    assert outcome.commit.sha == ours.sha


async def test_a_write_that_was_lost_and_overtaken_is_planned_again(stage: Stage) -> None:
    edited = FILES[SONARR] + b"# a person\n"
    async with stage.open() as components:
        await components.failover.status("sonarr")
        stage.before_write(lambda: stage.commit({SONARR: edited}))
        stage.fault("lost_request", method="PUT")
        outcome = await promote(components)
    assert outcome.changed
    assert len(stage.moves) == 1
    assert (stage.read(SONARR) or b"").endswith(b"# a person\n")


@ONE_AND_SEVERAL_FILES
async def test_a_lost_reply_is_found_though_the_listings_of_commits_lag(stage: Stage, name: str) -> None:
    async with stage.open() as components:
        await components.failover.status(name)
        stage.fault("lost_reply", **WRITE[name])
        stage.fault("stale", method="GET", path="*/commits", times=None)
        outcome = await promote(components, name)
    assert outcome.changed
    assert landed(stage, outcome.operation) == 1


# The file that needs no change


@pytest.fixture
def mixed(stage: Stage) -> Stage:
    """One of plex's files is on backup already: a promote changes the other alone."""
    stage.replace(VOLSYNC, "paused: false", "paused: true")
    return stage


async def test_a_stale_copy_of_the_file_that_needs_no_change_is_not_believed(mixed: Stage) -> None:
    async with mixed.open() as components:
        await components.failover.status("plex")
        mixed.replace(VOLSYNC, "paused: true", "paused: false")
        outcome = await promote(components, "plex")
        status = await components.failover.status("plex")
    assert set(outcome.plan.new) == {RELEASE, VOLSYNC}
    assert status.detection.state is State.BACKUP


async def test_a_drift_of_the_file_that_needs_no_change_refuses_the_move(mixed: Stage) -> None:
    async with mixed.open() as components:
        await components.failover.status("plex")
        mixed.replace(VOLSYNC, "paused: true", "paused: perhaps")
        with pytest.raises(TypeMismatch, match=r"spec\.paused is 'perhaps'"):
            await promote(components, "plex")
        mixed.replace(VOLSYNC, "paused: perhaps", "paused: null")
        with pytest.raises(ManifestDrifted):
            await promote(components, "plex")
    assert not mixed.moves


async def test_an_if_match_binds_the_file_that_needs_no_change(mixed: Stage) -> None:
    async with mixed.open() as components:
        seen = await components.failover.status("plex")
        mixed.before_write(lambda: mixed.replace(VOLSYNC, "paused: true", "paused: false"))
        with pytest.raises(PreconditionFailed):
            await promote(components, "plex", versions=frozenset({seen.version}))
    assert not mixed.moves


# What stays


@ONE_AND_SEVERAL_FILES
@pytest.mark.parametrize("kind", ["lost_reply", "truncated"])
async def test_replies_that_are_always_lost_after_landing_are_success(stage: Stage, name: str, kind: str) -> None:
    async with stage.open() as components:
        await components.failover.status(name)
        stage.fault(kind, **WRITE[name], times=None)
        outcome = await promote(components, name)
    assert outcome.changed
    assert len(stage.moves) == 1


@ONE_AND_SEVERAL_FILES
@pytest.mark.parametrize("kind", ["lost_request", "status"])
async def test_a_write_that_never_gets_an_answer_is_unknown(stage: Stage, name: str, kind: str) -> None:
    async with stage.open(deadline_s=1.0) as components:
        await components.failover.status(name)
        stage.fault(kind, **WRITE[name], times=None, status=502)
        with pytest.raises(OutcomeUnknown) as caught:
            await promote(components, name)
    assert caught.value.outcome == "unknown"
    assert not stage.moves
    assert stage.repository in caught.value.detail, "it says where to look"


@ONE_AND_SEVERAL_FILES
async def test_a_write_whose_history_cannot_be_read_is_success_when_the_files_say_so(stage: Stage, name: str) -> None:
    async with stage.open() as components:
        await components.failover.status(name)
        stage.fault("lost_reply", **WRITE[name])
        stage.fault("status", method="GET", path=f"/repos/{stage.repository}/commits", status=502, times=None)
        outcome = await promote(components, name)
    assert (outcome.changed, outcome.commit) == (False, None)
    assert outcome.plan.before.state is State.BACKUP
    assert len(stage.moves) == 1
    (warning,) = outcome.warnings
    (record,) = read_records(stage.moves[0])
    assert warning.startswith(f"operation {record.operation} of this call")
    assert "may have done it: its write got no reply, and" in warning


@ONE_AND_SEVERAL_FILES
async def test_files_that_moved_on_while_the_history_cannot_be_read_are_unknown(stage: Stage, name: str) -> None:
    path = {"sonarr": SONARR, "plex": VOLSYNC}[name]
    async with stage.open() as components:
        await components.failover.status(name)
        stage.fault("lost_reply", **WRITE[name])
        stage.fault("status", method="GET", path=f"/repos/{stage.repository}/commits", status=502, times=None)
        moving = asyncio.create_task(promote(components, name))
        while not stage.moves:  # noqa: ASYNC110 - the sandbox has no event to wait for
            await asyncio.sleep(0.002)
        stage.commit({path: FILES[path] + b"# a person moves it back\n"})
        with pytest.raises(OutcomeUnknown) as caught:
            await moving
    assert caught.value.outcome == "unknown"
    assert len(stage.moves) == 1, "not moved a second time"


@ONE_AND_SEVERAL_FILES
async def test_with_an_if_match_a_lost_reply_is_found_in_a_history_that_lags(stage: Stage, name: str) -> None:
    """Its own change fails the If-Match; it must not be told that somebody else was there."""
    async with stage.open() as components:
        seen = await components.failover.status(name)
        stage.fault("lost_reply", **WRITE[name])
        stage.fault("stale", method="GET", path=f"/repos/{stage.repository}/branches", times=1)
        outcome = await promote(components, name, versions=frozenset({seen.version}))
    assert not len(stage.sandbox.faults), "the faults were met"
    assert outcome.changed
    assert outcome.commit is not None
    assert outcome.commit.sha == stage.sandbox.head(repository=stage.repository)
    assert landed(stage, outcome.operation) == 1


async def test_an_outage_before_the_write_is_not_applied(stage: Stage) -> None:
    stage.fault("status", status=503, times=None)
    async with stage.open() as components:
        with pytest.raises(ForgeUnavailable) as caught:
            await promote(components)
    assert caught.value.outcome == "not-applied"
    assert caught.value.retry_after_s
    assert len(stage.requests) == 3, "an outage is not asked about twice"


async def test_a_branch_that_never_holds_still_is_a_conflict(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "MAX_BACKOFF_S", 0.05)
    edits = [lambda i=i: stage.commit({SONARR: FILES[SONARR] + b"# %d\n" % i}) for i in range(50)]
    async with stage.open() as components:
        stage.before_write(*edits)
        with pytest.raises(Conflict) as caught:
            await promote(components)
    assert not isinstance(caught.value, OutcomeUnknown)
    assert caught.value.outcome == "not-applied"
    assert not stage.moves


@ONE_AND_SEVERAL_FILES
@pytest.mark.parametrize("kind", ["ruleset", "classic"])
async def test_a_protected_branch_is_named_as_such(stage: Stage, name: str, kind: Any) -> None:
    stage.sandbox.protect(kind=kind, repository=stage.repository)
    async with stage.open() as components:
        with pytest.raises(BranchProtected, match="pull_request"):
            await promote(components, name)
    assert not stage.moves
    assert len(stage.writes) == 1


async def test_a_permission_that_is_missing_is_named(stage: Stage) -> None:
    del stage.sandbox.permissions["contents"]
    async with stage.open(stage.app_settings()) as components:
        with pytest.raises(ForgePermission, match="permission"):
            await promote(components)


async def test_no_credentials_are_not_ready(stage: Stage) -> None:
    async with stage.open(github_token=None) as components:
        with pytest.raises(NotReady, match="FAILOVER_GITHUB_TOKEN"):
            await promote(components)
    assert not stage.requests


@ONE_AND_SEVERAL_FILES
async def test_a_branch_that_seems_missing_is_asked_for_again(stage: Stage, name: str) -> None:
    what = {"sonarr": "git/trees", "plex": "branches"}[name]
    async with stage.open() as components:
        stage.fault("status", method="GET", path=f"/repos/{stage.repository}/{what}", status=404)
        outcome = await promote(components, name)
    assert not len(stage.sandbox.faults), "the fault was met"
    assert outcome.changed


async def test_a_missing_branch_is_named(stage: Stage) -> None:
    stage.catalog_file.write_text(stage.catalog_file.read_text().replace("branch: main", "branch: nosuch"))
    async with stage.open() as components:
        for name in ("sonarr", "plex"):
            with pytest.raises(RepositoryNotFound, match="nosuch"):
                await promote(components, name)


# Rate limits


@pytest.mark.parametrize(
    ("kind", "how", "wait_s"),
    [
        ("rate_limit_primary", {"seconds": 90.0}, 90),
        ("rate_limit_secondary", {"retry_after": 7}, 7),
        ("rate_limit_secondary", {}, 60),
        ("rate_limit_secondary", {"status": 429, "retry_after": 9}, 9),
    ],
)
@ONE_AND_SEVERAL_FILES
async def test_a_rate_limit_is_told_at_once_and_the_next_call_asks_nobody(
    stage: Stage, name: str, kind: str, how: dict[str, Any], wait_s: int
) -> None:
    async with stage.open() as components:
        await components.failover.status(name)
        stage.fault(kind, **WRITE[name], **how)
        with pytest.raises(ForgeRateLimited) as first:
            await promote(components, name)
        provenance = len(stage.requests)
        started = time.monotonic()
        with pytest.raises(ForgeRateLimited) as second:
            await promote(components, name)
    assert time.monotonic() - started < wait_s / 2
    assert len(stage.requests) == provenance
    assert not stage.moves
    for caught in (first, second):
        assert caught.value.retry_after_s == pytest.approx(wait_s, abs=2.5)


# The deadline


@pytest.mark.parametrize("seen_before", [True, False])
@ONE_AND_SEVERAL_FILES
async def test_the_deadline_is_for_the_whole_operation(stage: Stage, name: str, seen_before: bool) -> None:
    async with stage.open(deadline_s=1.0) as components:
        if seen_before:
            await components.failover.status(name)
        stage.fault("slow", seconds=20.0, times=None)
        started = time.monotonic()
        with pytest.raises(FailoverError) as caught:
            await promote(components, name)
    assert 0.7 < time.monotonic() - started < 10.0, "not the 20 s of a request"
    if seen_before:
        assert caught.value.slug == "outcome-unknown"
    else:
        assert caught.value.slug == "github-unavailable"
        assert caught.value.retry_after_s
    assert not stage.moves


async def test_who_waits_in_the_queue_past_the_deadline_wrote_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage.open(deadline_s=1.0) as components:
        await components.failover.list_all()
        stage.fault("slow", method="PUT", seconds=20.0, times=None)
        writing = asyncio.create_task(promote(components, "sonarr"))
        await asyncio.sleep(0.1)
        monkeypatch.setattr(components.failover._runner, "_deadline_s", 0.4)
        first, second = await asyncio.gather(writing, promote(components, "radarr"), return_exceptions=True)
    assert isinstance(first, OutcomeUnknown)
    assert isinstance(second, ForgeUnavailable)
    assert second.outcome == "not-applied"
    assert len({request.path for request in stage.writes}) <= 1


async def test_a_caller_who_leaves_does_not_block_the_branch(stage: Stage) -> None:
    async with stage.open() as components:
        await components.failover.list_all()
        stage.fault("slow", method="PUT", seconds=20.0)
        leaving = asyncio.create_task(promote(components, "sonarr"))
        await asyncio.sleep(0.1)
        leaving.cancel()
        assert (await promote(components, "radarr")).changed
