"""Idempotency-Key: the same key again is the first outcome, found in Git."""

import asyncio
from typing import Any

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest, idempotency_digest
from failover_api.core.planning.state import State
from failover_api.core.text.trailers import read_records
from failover_api.errors import IdempotencyKeyReused, ManifestDrifted
from failover_api.moves.outcome import Outcome
from failover_api.wiring import Components
from tests.support.stage import FILES, RELEASE, SERVICES, SONARR, VOLSYNC, Stage, entry

ONE_AND_SEVERAL_FILES = pytest.mark.parametrize("name", ["sonarr", "plex"])


async def move(components: Components, name: str = "sonarr", action: Action = Action.PROMOTE, **how: Any) -> Outcome:
    return await components.failover.move(name, action, MoveRequest(**{"by": "maria", "key": "alert-1", **how}))


@ONE_AND_SEVERAL_FILES
async def test_the_same_key_is_the_first_outcome_on_any_replica(stage: Stage, name: str) -> None:
    async with stage.open() as one, stage.open() as other:
        first = await move(one, name)
        await move(one, name, Action.DEMOTE, key=None)  # even after it went back
        again = await move(other, name)
    assert again.changed
    assert (again.operation, again.commit) == (first.operation, first.commit)
    assert again.plan.changes == first.plan.changes
    assert (again.plan.old, again.plan.new) == (first.plan.old, first.plan.new)
    assert len(stage.moves) == 2
    assert stage.read(SONARR) == FILES[SONARR]


async def test_the_digest_is_of_caller_and_key(stage: Stage) -> None:
    async with stage.open() as components:
        await move(components)
    (record,) = read_records(stage.moves[0])
    assert record.provenance.key == idempotency_digest("maria", "alert-1")
    assert "alert-1" not in stage.moves[0]


async def test_another_callers_key_is_another(stage: Stage) -> None:
    async with stage.open() as components:
        first = await move(components)
        await move(components, action=Action.DEMOTE, key=None)
        other = await move(components, by="carla")
    assert other.operation != first.operation
    assert len(stage.moves) == 3


@pytest.mark.parametrize(
    ("name", "action", "how"),
    [
        ("radarr", Action.PROMOTE, {}),
        ("sonarr", Action.DEMOTE, {}),
        ("sonarr", Action.ROLLBACK, {}),
        ("sonarr", Action.PROMOTE, {"force": True}),
    ],
)
async def test_the_same_key_with_another_wish_is_refused(
    stage: Stage, name: str, action: Action, how: dict[str, Any]
) -> None:
    async with stage.open() as components:
        first = await move(components)
        with pytest.raises(IdempotencyKeyReused, match=str(first.operation)):
            await move(components, name, action, **how)
    assert len(stage.moves) == 1


async def test_a_group_has_its_key_too(stage: Stage) -> None:
    stage.declare(SERVICES, top="groups: {all: [sonarr, radarr, plex]}")
    async with stage.open() as one, stage.open() as other:
        first = await one.failover.move_group("all", Action.PROMOTE, MoveRequest(by="maria", key="alert-1"))
        await one.failover.move_group("all", Action.DEMOTE, MoveRequest(by="maria"))
        again = await other.failover.move_group("all", Action.PROMOTE, MoveRequest(by="maria", key="alert-1"))
        with pytest.raises(IdempotencyKeyReused):
            await move(other)
    assert again.parts[0].operation == first.parts[0].operation
    assert [plan.changes for plan in again.parts[0].plans] == [plan.changes for plan in first.parts[0].plans]
    assert len(stage.moves) == 2


async def test_an_outcome_without_a_commit_leaves_no_trace(stage: Stage) -> None:
    stage.replace(SONARR, "role: primary", "role: elsewhere")
    async with stage.open() as components:
        with pytest.raises(ManifestDrifted):
            await move(components)
        stage.commit({SONARR: FILES[SONARR]})
        assert (await move(components, dry_run=True)).changed
        assert (await move(components)).changed
        await move(components, action=Action.DEMOTE, key=None)
        rehearsed = await move(components, dry_run=True)
    assert (rehearsed.changed, rehearsed.operation) == (True, None), "a dry run ignores the key"


async def test_the_same_key_many_times_at_once_is_one_commit(stage: Stage) -> None:
    async with stage.open() as one, stage.open() as other:
        outcomes = await asyncio.gather(*(move(components) for components in (one, other) for _ in range(5)))
    assert len(stage.moves) == 1
    assert all(outcome.changed for outcome in outcomes)
    assert len({outcome.operation for outcome in outcomes}) == 1


async def test_it_is_found_behind_other_commits_of_the_file_and_of_the_branch(stage: Stage) -> None:
    async with stage.open() as components:
        first = await move(components)
        await move(components, action=Action.DEMOTE, key=None)
        for i in range(60):
            stage.commit({SONARR: FILES[SONARR] + b"# %d\n" % i}, f"Edit {i}")
            stage.commit({"README.md": b"%d\n" % i}, f"Unrelated {i}")
        again = await move(components)
    assert again.operation == first.operation
    assert len(stage.moves) == 2


@ONE_AND_SEVERAL_FILES
async def test_with_pull_requests_it_is_found_in_every_state(stage: Stage, name: str) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    async with stage.open() as one, stage.open() as other:
        first = await move(one, name)
        assert first.pull_request is not None
        number = first.pull_request.number

        async def again(state: str) -> None:
            outcome = await move(other, name)
            assert (outcome.operation, outcome.changed) == (first.operation, True)
            assert outcome.pull_request is not None
            assert (outcome.pull_request.number, outcome.pull_request.state) == (number, state)
            assert outcome.plan.changes == first.plan.changes

        await again("open")
        with pytest.raises(IdempotencyKeyReused):
            await move(other, name, Action.DEMOTE)
        stage.merge(number)
        await again("merged")
        closed = await move(one, name, Action.DEMOTE, key="alert-2")
        assert closed.pull_request is not None
        stage.close(closed.pull_request.number)
        outcome = await move(other, name, Action.DEMOTE, key="alert-2")
        assert outcome.pull_request is not None
        assert (outcome.operation, outcome.pull_request.state) == (closed.operation, "closed")
    assert len(stage.pulls("all")) == 2


# The first outcome, whatever became of the files


@pytest.mark.parametrize("bound", [False, True])
async def test_a_merged_one_is_found_though_the_files_would_refuse_it(stage: Stage, bound: bool) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    async with stage.open() as components:
        seen = await components.failover.status("sonarr")
        versions = frozenset({seen.version}) if bound else None
        first = await move(components, versions=versions)
        assert first.pull_request is not None
        stage.merge(first.pull_request.number)
        stage.replace(SONARR, "role: backup", "role: elsewhere")
        again = await move(components, versions=versions)
    assert again.operation == first.operation
    assert len(stage.pulls("all")) == 1


async def test_a_group_by_both_policies_is_found_though_the_files_would_refuse_it(stage: Stage) -> None:
    reviewed = entry("radarr", "media", "policy: pull_request")
    stage.declare(entry("sonarr") + reviewed, top="groups: {g: [sonarr, radarr]}")
    request = MoveRequest(by="maria", key="alert-1")
    async with stage.open() as components:
        first = await components.failover.move_group("g", Action.PROMOTE, request)
        stage.replace(SONARR, "role: backup", "role: elsewhere")
        again = await components.failover.move_group("g", Action.PROMOTE, request)
    assert [part.operation for part in again.parts] == [part.operation for part in first.parts]
    assert len(stage.moves) == 1


def bury(stage: Stage) -> None:
    """More commits than a page of the branch's history has."""
    for number in range(101):
        stage.commit({"README.md": f"{number}\n"}, f"Unrelated {number}")


async def test_one_that_changed_another_file_of_the_service_is_found_behind_many(stage: Stage) -> None:
    stage.commit({RELEASE: FILES[RELEASE].replace(b"k3s-w1", b"k3s-w2").replace(b": plex}", b": plex-backup}")})
    async with stage.open() as components:
        first = await move(components, "plex")
        await move(components, "plex", Action.DEMOTE, key=None)
        bury(stage)
        again = await move(components, "plex")
    assert list(first.plan.new) == [VOLSYNC]
    assert again.operation == first.operation


async def test_a_groups_is_found_behind_many_though_its_first_service_was_there(stage: Stage) -> None:
    stage.declare(SERVICES, top="groups: {g: [sonarr, radarr]}")
    request = MoveRequest(by="maria", key="alert-1")
    async with stage.open() as components:
        await move(components, key=None)
        first = await components.failover.move_group("g", Action.PROMOTE, request)
        await move(components, "radarr", Action.DEMOTE, key=None)
        bury(stage)
        again = await components.failover.move_group("g", Action.PROMOTE, request)
    assert again.parts[0].operation == first.parts[0].operation


async def test_two_services_at_once_cannot_share_a_key(stage: Stage) -> None:
    async with stage.open() as components:
        await components.failover.list_all()
        first, other = await asyncio.gather(move(components), move(components, "radarr"), return_exceptions=True)
        again = await move(components)
    assert isinstance(first, Outcome)
    assert isinstance(other, IdempotencyKeyReused)
    assert again.operation == first.operation
    assert len(stage.moves) == 1


async def test_what_was_opened_with_the_key_of_another_wish_does_not_stay_open(stage: Stage) -> None:
    stage.declare(entry("sonarr", "media", "policy: pull_request") + entry("radarr"))
    before = stage.sandbox.head(repository=stage.repository)
    async with stage.open() as components, stage.open() as other:
        faster = await move(other, "radarr")
        assert faster.commit is not None
        sha = faster.commit.sha
        stage.sandbox.set_branch("main", before, repository=stage.repository)
        stage.before_request(
            "POST", "/pulls", lambda: stage.sandbox.set_branch("main", sha, repository=stage.repository)
        )
        stage.fault("lost_reply", method="POST", path="*/pulls")
        with pytest.raises(IdempotencyKeyReused):
            await move(components)
    assert not stage.pulls()


@pytest.mark.parametrize(
    "before", [None, "not: a manifest\n", FILES[SONARR]], ids=["no file", "no manifest", "the same"]
)
@pytest.mark.parametrize(("says", "to"), [("here", "there"), ("primary", "backup")])
async def test_a_key_in_a_commit_that_did_nothing_of_the_kind_is_no_first_outcome(
    stage: Stage, before: str | bytes | None, says: str, to: str
) -> None:
    """A person may write anything into a commit message."""
    digest = idempotency_digest("maria", "alert-1")
    said = {"Service": "sonarr", "Action": "promote", "From": says, "To": to, "Operation": "1"}
    trailers = "\n".join(f"Failover-{key}: {value}" for key, value in {**said, "Idempotency": digest}.items())
    stage.commit({SONARR: before})
    stage.commit({SONARR: FILES[SONARR] + b"# back\n"}, f"By hand\n\n{trailers}\n")
    async with stage.open() as components:
        outcome = await move(components)
    assert outcome.operation != "1"
    assert outcome.plan.after is State.BACKUP
