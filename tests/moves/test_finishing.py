"""What comes after a pull request is open: labels, reviewers, auto-merge; none of it undoes what is open."""

import pytest

from failover_api.core.state import State
from tests.acts import BY_PULL_REQUEST, number, promote
from tests.stage import SERVICES, SONARR, Stage, entry


async def test_labels_and_reviewers_are_asked_for(stage: Stage) -> None:
    repo = stage.sandbox.repositories[stage.repository]
    repo.collaborators, repo.teams = ["alice"], ["platform"]
    options = "pull_request: {labels: [failover, urgent], reviewers: [alice], team_reviewers: [platform], draft: true}"
    stage.declare(entry("sonarr", "media", BY_PULL_REQUEST, options))
    async with stage.house() as house:
        outcome = await promote(house)
    (pull,) = stage.pulls()
    assert outcome.warnings == ()
    assert [label["name"] for label in pull["labels"]] == ["failover", "urgent"]
    assert [user["login"] for user in pull["requested_reviewers"]] == ["alice"]
    assert [team["slug"] for team in pull["requested_teams"]] == ["platform"]
    assert pull["draft"] is True


async def test_a_reviewer_who_does_not_exist_is_a_warning(stage: Stage) -> None:
    stage.declare(entry("sonarr", "media", BY_PULL_REQUEST, "pull_request: {labels: [failover], reviewers: [nobody]}"))
    async with stage.house() as house:
        outcome = await promote(house)
    assert outcome.is_pending
    (warning,) = outcome.warnings
    assert "reviewers" in warning
    assert [label["name"] for label in stage.pulls()[0]["labels"]] == ["failover"]


async def test_auto_merge_waits_for_the_review(stage: Stage) -> None:
    stage.sandbox.repositories[stage.repository].allow_auto_merge = True
    stage.sandbox.protect(repository=stage.repository)
    stage.declare(entry("sonarr", "media", BY_PULL_REQUEST, "pull_request: {auto_merge: true}"))
    async with stage.house() as house:
        outcome = await promote(house)
        assert outcome.warnings == ()
        stage.sandbox.approve(number(outcome), repository=stage.repository)
        status = await house.failover.status("sonarr")
    assert status.detection.state is State.BACKUP


async def test_auto_merge_that_is_not_allowed_is_a_warning(stage: Stage) -> None:
    stage.sandbox.repositories[stage.repository].allow_auto_merge = False
    stage.sandbox.protect(repository=stage.repository)
    stage.declare(entry("sonarr", "media", BY_PULL_REQUEST, "pull_request: {auto_merge: squash}"))
    async with stage.house() as house:
        outcome = await promote(house)
    assert outcome.is_pending
    assert "auto-merge" in outcome.warnings[0]


async def test_what_auto_merge_merges_at_once_is_merged_in_the_answer(stage: Stage) -> None:
    stage.declare(SERVICES, top=f"{BY_PULL_REQUEST}\npull_request: {{auto_merge: squash}}")
    async with stage.house() as house:
        outcome = await promote(house)
        status = await house.failover.status("sonarr")
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
    async with labelled.house(deadline_s=1.5) as house:
        await house.failover.status("sonarr")
        for method, path in (("POST", "*/git/refs"), ("PUT", "*/contents/*"), ("POST", "*/pulls")):
            labelled.fault("slow", method=method, path=path, seconds=0.25)  # a single request may take 0.5 s
        labelled.fault("slow", method="POST", path="*/labels", seconds=20.0, times=None)
        outcome = await promote(house)
    (pull,) = labelled.pulls()
    assert (outcome.changed, number(outcome)) == (True, pull["number"])
    (warning,) = outcome.warnings
    assert "labels" in warning
    assert "deadline" in warning


@pytest.mark.parametrize("key", [None, "alert-1"])
async def test_labels_are_given_though_the_reply_was_lost(labelled: Stage, key: str | None) -> None:
    async with labelled.house() as house:
        labelled.fault("lost_reply", method="POST", path="*/pulls")
        outcome = await promote(house, key=key)
    assert outcome.changed
    assert labels(labelled) == [["failover"]]


@pytest.mark.parametrize("key", [None, "alert-1"])
async def test_labels_are_given_though_the_base_moved_meanwhile(labelled: Stage, key: str | None) -> None:
    async with labelled.house() as house:
        labelled.before_write(lambda: labelled.replace(SONARR, "sonarr:1.0", "sonarr:1.1"))
        outcome = await promote(house, key=key)
    assert outcome.changed
    assert b"sonarr:1.1" in (labelled.read(SONARR, "failover/sonarr") or b"")
    assert labels(labelled) == [["failover"]]
