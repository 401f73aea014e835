"""What comes after a pull request is open: labels, reviewers, auto-merge; none of it undoes what is open."""

from typing import Any

import pytest

from failover_api.core.planning.state import State
from tests.support.acts import BY_PULL_REQUEST, number, promote
from tests.support.stage import SERVICES, SONARR, Stage, entry

NOT_NOW = {"message": "Base branch was modified. Review and try the merge again."}


def declare(stage: Stage, options: str) -> None:
    """Every service by pull request, with these options."""
    stage.declare(SERVICES, top=f"{BY_PULL_REQUEST}\npull_request: {{{options}}}")


async def test_labels_and_reviewers_are_asked_for(stage: Stage) -> None:
    repo = stage.sandbox.repositories[stage.repository]
    repo.collaborators, repo.teams = ["alice"], ["platform"]
    options = "pull_request: {labels: [failover, urgent], reviewers: [alice], team_reviewers: [platform], draft: true}"
    stage.declare(entry("sonarr", "media", BY_PULL_REQUEST, options))
    async with stage.open() as components:
        outcome = await promote(components)
    (pull,) = stage.pulls()
    assert outcome.warnings == ()
    assert [label["name"] for label in pull["labels"]] == ["failover", "urgent"]
    assert [user["login"] for user in pull["requested_reviewers"]] == ["alice"]
    assert [team["slug"] for team in pull["requested_teams"]] == ["platform"]
    assert pull["draft"] is True


async def test_a_reviewer_who_does_not_exist_is_a_warning(stage: Stage) -> None:
    stage.declare(entry("sonarr", "media", BY_PULL_REQUEST, "pull_request: {labels: [failover], reviewers: [nobody]}"))
    async with stage.open() as components:
        outcome = await promote(components)
    assert outcome.is_pending
    (warning,) = outcome.warnings
    assert "reviewers" in warning
    assert [label["name"] for label in stage.pulls()[0]["labels"]] == ["failover"]


async def test_auto_merge_waits_for_the_review(stage: Stage) -> None:
    stage.sandbox.repositories[stage.repository].allow_auto_merge = True
    stage.sandbox.protect(repository=stage.repository)
    stage.declare(entry("sonarr", "media", BY_PULL_REQUEST, "pull_request: {auto_merge: true}"))
    async with stage.open() as components:
        outcome = await promote(components)
        assert outcome.warnings == ()
        stage.sandbox.approve(number(outcome), repository=stage.repository)
        status = await components.failover.status("sonarr")
    assert status.detection.state is State.BACKUP


async def test_auto_merge_that_is_not_allowed_is_a_warning(stage: Stage) -> None:
    stage.sandbox.repositories[stage.repository].allow_auto_merge = False
    stage.sandbox.protect(repository=stage.repository)
    stage.declare(entry("sonarr", "media", BY_PULL_REQUEST, "pull_request: {auto_merge: squash}"))
    async with stage.open() as components:
        outcome = await promote(components)
    assert outcome.is_pending
    assert "auto-merge" in outcome.warnings[0]


async def test_what_auto_merge_merges_at_once_is_merged_in_the_answer(stage: Stage) -> None:
    stage.declare(SERVICES, top=f"{BY_PULL_REQUEST}\npull_request: {{auto_merge: squash}}")
    async with stage.open() as components:
        outcome = await promote(components)
        status = await components.failover.status("sonarr")
    assert outcome.warnings == ()
    assert outcome.pull_request is not None
    assert outcome.pull_request.state == "merged"
    assert status.detection.state is State.BACKUP
    assert not stage.pulls()


# Trouble on the way


@pytest.fixture
def labelled(stage: Stage) -> Stage:
    """Every service by pull request, with a label."""
    stage.declare(SERVICES, top=f"{BY_PULL_REQUEST}\npull_request: {{labels: [failover]}}")
    return stage


def labels(stage: Stage) -> list[list[str]]:
    """Of each open pull request."""
    return [[label["name"] for label in pull["labels"]] for pull in stage.pulls()]


async def test_a_deadline_that_passes_at_the_labels_answers_what_is_open(labelled: Stage) -> None:
    async with labelled.open(deadline_s=1.5) as components:
        await components.failover.status("sonarr")
        for method, path in (("POST", "*/git/refs"), ("PUT", "*/contents/*"), ("POST", "*/pulls")):
            labelled.fault("slow", method=method, path=path, seconds=0.25)  # a single request may take 0.5 s
        labelled.fault("slow", method="POST", path="*/labels", seconds=20.0, times=None)
        outcome = await promote(components)
    (pull,) = labelled.pulls()
    assert (outcome.changed, number(outcome)) == (True, pull["number"])
    (warning,) = outcome.warnings
    assert "labels" in warning
    assert "deadline" in warning


@pytest.mark.parametrize("key", [None, "alert-1"])
async def test_labels_are_given_though_the_reply_was_lost(labelled: Stage, key: str | None) -> None:
    async with labelled.open() as components:
        labelled.fault("lost_reply", method="POST", path="*/pulls")
        outcome = await promote(components, key=key)
    assert outcome.changed
    assert labels(labelled) == [["failover"]]


@pytest.mark.parametrize("key", [None, "alert-1"])
async def test_labels_are_given_though_the_base_moved_meanwhile(labelled: Stage, key: str | None) -> None:
    async with labelled.open() as components:
        labelled.before_write(lambda: labelled.replace(SONARR, "sonarr:1.0", "sonarr:1.1"))
        outcome = await promote(components, key=key)
    assert outcome.changed
    assert b"sonarr:1.1" in (labelled.read(SONARR, "failover/sonarr") or b"")
    assert labels(labelled) == [["failover"]]


def asked_for(pull: dict[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Its labels, and of whom a review is asked for."""
    return (
        [label["name"] for label in pull["labels"]],
        [user["login"] for user in pull["requested_reviewers"]],
        [team["slug"] for team in pull["requested_teams"]],
    )


async def test_one_reviewer_whom_nobody_knows_does_not_lose_the_others(stage: Stage) -> None:
    declare(stage, "reviewers: [maria, nobody, jonas], team_reviewers: [ghosts, operators]")
    async with stage.open() as components:
        outcome = await promote(components)
    (pull,) = stage.pulls()
    assert asked_for(pull) == ([], ["maria", "jonas"], ["operators"])
    assert [warning.partition(": collab")[0][:25] for warning in outcome.warnings] == [
        "reviewers: nobody: reques",
        "team reviewers: ghosts: r",
    ]


async def test_a_draft_where_there_are_none_is_opened_ready(stage: Stage) -> None:
    stage.sandbox.repositories[stage.repository].allow_drafts = False
    declare(stage, "draft: true, labels: [failover]")
    async with stage.open() as components:
        outcome = await promote(components)
        again = await promote(components)
    (pull,) = stage.pulls("all")
    assert (outcome.is_pending, pull["draft"], labels(stage)) == (True, False, [["failover"]])
    assert [warning[:6] for warning in outcome.warnings] == ["draft:"]
    assert (again.changed, again.warnings) == (False, ())


async def test_who_wanted_a_draft_is_not_passed_by_where_there_are_none(stage: Stage) -> None:
    stage.sandbox.repositories[stage.repository].allow_drafts = False
    declare(stage, "draft: true, auto_merge: squash")
    async with stage.open() as components:
        outcome = await promote(components)
        again = await promote(components)
    assert outcome.is_pending
    assert "not merged by itself" in outcome.warnings[0]
    assert again.is_pending, "nothing is merged that a person wanted to look at first"


# Asked again


@pytest.fixture
def half_done(stage: Stage) -> Stage:
    """The process ended just after it had opened one."""
    stage.sandbox.protect(repository=stage.repository)
    declare(
        stage, "labels: [failover, urgent], reviewers: [maria, jonas], team_reviewers: [operators], auto_merge: squash"
    )
    return stage


LATER = [
    {"method": "POST", "path": "*/labels"},
    {"method": "POST", "path": "*/requested_reviewers"},
    {"method": "POST", "path": "*/requested_reviewers"},
    {"operation": "enablePullRequestAutoMerge"},
]


async def test_what_is_missing_is_done_when_it_is_asked_again(half_done: Stage) -> None:
    async with half_done.open() as one, half_done.open() as other:
        for where in LATER:
            half_done.fault("status", status=403, **where)
        first = await promote(one)
        assert len(first.warnings) == 4
        again = await promote(other)
        half_done.requests.clear()
        last = await promote(other)
    (pull,) = half_done.pulls()
    assert asked_for(pull) == (["failover", "urgent"], ["maria", "jonas"], ["operators"])
    assert pull["auto_merge"]["merge_method"] == "squash"
    assert (again.changed, again.operation, again.warnings) == (False, first.operation, ())
    assert last.warnings == ()
    assert {request.method for request in half_done.requests if request.path != "/graphql"} == {"GET"}
    assert not half_done.sandbox.operations("enablePullRequestAutoMerge"), "what is there is not asked for again"


async def test_with_its_key_too_what_is_missing_is_done(half_done: Stage) -> None:
    async with half_done.open() as components:
        for where in LATER:
            half_done.fault("status", status=403, **where)
        first = await promote(components, key="alert-1")
        again = await promote(components, key="alert-1")
    (pull,) = half_done.pulls()
    assert asked_for(pull) == (["failover", "urgent"], ["maria", "jonas"], ["operators"])
    assert pull["auto_merge"] is not None
    assert (again.is_repeat, again.operation, again.warnings) == (True, first.operation, ())


async def test_what_is_merged_with_its_key_only_now_is_told(stage: Stage) -> None:
    declare(stage, "auto_merge: squash")
    async with stage.open() as components:
        stage.fault("status", operation="enablePullRequestAutoMerge", status=403)
        first = await promote(components, key="alert-1")
        again = await promote(components, key="alert-1")
        last = await promote(components, key="alert-1")
    assert first.is_pending
    assert again.operation == last.operation == first.operation
    assert [(one.is_pending, one.is_repeat, one.changed) for one in (again, last)] == [
        (False, False, True),
        (False, True, True),
    ]


async def test_what_a_person_pushed_is_not_merged_by_its_key(stage: Stage) -> None:
    declare(stage, "auto_merge: squash")
    async with stage.open() as components:
        stage.fault("status", operation="enablePullRequestAutoMerge", status=403)
        await promote(components, key="alert-1")
        stage.commit({"notes.txt": "mine\n"}, "Notes", "failover/sonarr")
        again = await promote(components, key="alert-1")
    assert again.is_pending
    assert stage.read("notes.txt") is None


async def test_who_has_reviewed_is_not_asked_again(half_done: Stage) -> None:
    async with half_done.open() as components:
        half_done.sandbox.protect(repository=half_done.repository, approvals=2)
        first = await promote(components)
        half_done.sandbox.approve(number(first), "maria", repository=half_done.repository)
        again = await promote(components)
    assert again.warnings == ()
    assert asked_for(half_done.pulls()[0])[1] == ["jonas"]


# Auto-merge


@pytest.fixture
def merging(stage: Stage) -> Stage:
    declare(stage, "auto_merge: squash")
    return stage


def merged(outcome: Any) -> bool:
    return bool(outcome.pull_request.state == "merged" and outcome.changed and not outcome.warnings)


@pytest.mark.parametrize("kind", ["lost_reply", "lost_request", "truncated"])
async def test_a_merge_whose_reply_is_lost_is_known(merging: Stage, kind: str) -> None:
    async with merging.open() as components:
        merging.fault(kind, method="PUT", path="*/merge")
        outcome = await promote(components)
    assert not len(merging.sandbox.faults), "the fault was met"
    assert merged(outcome)
    assert len(merging.moves) == 1
    with pytest.raises(KeyError):
        merging.sandbox.head("failover/sonarr", repository=merging.repository)


async def test_auto_merge_whose_reply_is_lost_is_known(merging: Stage) -> None:
    merging.sandbox.protect(repository=merging.repository)
    async with merging.open() as components:
        merging.fault("lost_reply", operation="enablePullRequestAutoMerge")
        outcome = await promote(components)
    assert (outcome.is_pending, outcome.warnings) == (True, ())
    assert merging.pulls()[0]["auto_merge"] is not None


async def test_auto_merge_whose_request_is_lost_and_whose_base_moves_is_merged(merging: Stage) -> None:
    """Two faults in one operation."""
    async with merging.open() as components:
        merging.fault("lost_reply", operation="enablePullRequestAutoMerge")
        merging.fault("status", method="PUT", path="*/merge", status=405, body=NOT_NOW)
        outcome = await promote(components)
    assert not len(merging.sandbox.faults)
    assert merged(outcome)


@pytest.mark.parametrize("times", [1, 2])
async def test_a_base_that_was_modified_is_tried_again(merging: Stage, times: int) -> None:
    async with merging.open() as components:
        merging.fault("status", method="PUT", path="*/merge", status=405, body=NOT_NOW, times=times)
        outcome = await promote(components)
    assert merged(outcome)


async def test_a_base_that_is_always_modified_is_left_open_and_told(merging: Stage) -> None:
    async with merging.open() as components:
        merging.fault("status", method="PUT", path="*/merge", status=405, body=NOT_NOW, times=None)
        outcome = await promote(components)
        merging.sandbox.faults.clear()
        again = await promote(components)
    assert outcome.is_pending
    assert "Base branch was modified" in outcome.warnings[0]
    assert merged(again), "asked again, it is tried again"


async def test_what_a_person_pushed_is_not_merged(merging: Stage) -> None:
    def push() -> None:
        merging.commit({"notes.txt": "mine\n"}, "Notes", "failover/sonarr")

    async with merging.open() as components:
        merging.before_request("PUT", "/pulls/1/merge", push)
        outcome = await promote(components)
    assert outcome.is_pending
    assert "not ours to merge" in outcome.warnings[0]
    assert merging.read("notes.txt") is None


async def test_what_a_person_closed_meanwhile_is_told_as_closed(merging: Stage) -> None:
    async with merging.open() as components:
        merging.before_request(
            "PUT", "/pulls/1/merge", lambda: merging.sandbox.close_pull(1, repository=merging.repository)
        )
        outcome = await promote(components)
    assert outcome.pull_request is not None
    assert outcome.pull_request.state == "closed"
    assert "closed meanwhile" in outcome.warnings[0]


# A merge queue


@pytest.mark.parametrize("allow_auto_merge", [True, False])
@pytest.mark.parametrize("method", ["true", "squash", "merge"])
async def test_where_a_queue_merges_it_is_put_into_that(stage: Stage, method: str, allow_auto_merge: bool) -> None:
    stage.sandbox.repositories[stage.repository].allow_auto_merge = allow_auto_merge
    stage.sandbox.protect(repository=stage.repository, approvals=0, queue=True)
    declare(stage, f"auto_merge: {method}")
    async with stage.open() as components:
        outcome = await promote(components)
        again = await promote(components)
        assert stage.sandbox.pull(number(outcome), repository=stage.repository).is_queued
        stage.sandbox.run_queue(repository=stage.repository)
        status = await components.failover.status("sonarr")
    assert (outcome.is_pending, outcome.warnings) == (True, ())
    assert (again.changed, again.warnings) == (False, ())
    assert status.detection.state is State.BACKUP
    assert len(stage.sandbox.operations("enqueuePullRequest")) == 1


async def test_a_queue_takes_it_when_it_is_ready(stage: Stage) -> None:
    stage.sandbox.protect(repository=stage.repository, queue=True)
    declare(stage, "auto_merge: squash")
    async with stage.open() as components:
        outcome = await promote(components)
        assert outcome.warnings == ()
        stage.sandbox.approve(number(outcome), repository=stage.repository)
        stage.sandbox.run_queue(repository=stage.repository)
        assert (await components.failover.status("sonarr")).detection.state is State.BACKUP


async def test_a_queue_whose_reply_is_lost_has_it_once(stage: Stage) -> None:
    stage.sandbox.protect(repository=stage.repository, approvals=0, queue=True)
    declare(stage, "auto_merge: squash")
    async with stage.open() as components:
        stage.fault("lost_reply", operation="enqueuePullRequest")
        outcome = await promote(components)
    assert (outcome.is_pending, outcome.warnings) == (True, ())
    assert len(stage.sandbox.operations("enqueuePullRequest")) == 1
