"""What a pull request is given besides its text, against a mocked GitHub: reviews, labels, leave to be merged."""

import json
from typing import Any

import httpx2
import pytest
import respx

from failover_api.core.catalog.model import Branch
from failover_api.errors import (
    Conflict,
    FailoverError,
    FileNotFound,
    ForgeError,
    ForgePermission,
    RepositoryNotFound,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.github.client import GitHubClient
from tests.support.builders import MAIN
from tests.support.fake_github import (
    GRAPHQL,
    HEAD_BRANCH,
    ISSUE_URL,
    NEXT,
    PULLS_URL,
    REPOSITORY_URL,
    RULES_URL,
    answer,
    graphql,
    graphql_error,
    pull,
    refused,
    sent,
    used,
)

BY_QUEUE = graphql_error("UNPROCESSABLE", "The merge strategy for main is set by the merge queue")
DONE = {"data": {"x": {"clientMutationId": None}}}


def queued(is_it: bool) -> dict[str, Any]:
    return {"data": {"repository": {"pullRequest": {"isInMergeQueue": is_it}}}}


def asked(route: respx.Route) -> list[str]:
    """The operations, in order."""
    return [json.loads(call.request.content)["query"].split("(")[0].split()[1] for call in route.calls]


async def test_who_reviewed_is_told(github: GitHub, api: respx.Router) -> None:
    reviews = [{"user": {"login": "alice"}, "state": "APPROVED"}, {"user": None, "state": "COMMENTED"}]
    api.get(f"{PULLS_URL}/7/reviews").mock(return_value=answer(200, reviews))
    assert await github.reviewed_by(MAIN, 7) == ["alice"]


# Merge queues


async def test_a_queue_that_has_its_own_way_of_merging_takes_it(github: GitHub, api: respx.Router) -> None:
    post = graphql(api, BY_QUEUE, queued(False), DONE)
    assert not await github.enable_auto_merge(MAIN, pull(7), "squash")
    assert asked(post) == ["EnableAutoMerge", "IsQueued", "EnqueuePullRequest"]
    given = json.loads(post.calls[2].request.content)["variables"]["input"]
    assert given == {"pullRequestId": "PR_7", "expectedHeadOid": NEXT}


@pytest.mark.parametrize(
    ("method", "said"), [("squash", "Failover-Service: sonarr"), ("merge", None), ("rebase", None)]
)
async def test_a_squash_is_given_its_message_and_no_other_merge_is(
    github: GitHub, api: respx.Router, method: str, said: str | None
) -> None:
    post = graphql(api, CLEAN)
    put = api.put(f"{PULLS_URL}/7/merge").mock(return_value=answer(200, {"merged": True}))
    assert await github.enable_auto_merge(MAIN, pull(7), method, message="Failover-Service: sonarr")
    assert json.loads(post.calls[0].request.content)["variables"]["input"].get("commitBody") == said
    assert json.loads(put.calls[0].request.content).get("commit_message") == said


@pytest.mark.parametrize(
    "text",
    [
        "Changes must be made through the merge queue",
        "Repository rule violations found\n\nChanges must be made through the merge queue\n\n",
    ],
)
async def test_a_merge_that_only_the_queue_may_make_is_left_to_it(github: GitHub, api: respx.Router, text: str) -> None:
    post = graphql(api, CLEAN, queued(False), DONE)
    api.put(f"{PULLS_URL}/7/merge").mock(return_value=refused(405, text))
    assert not await github.enable_auto_merge(MAIN, pull(7), "squash")
    assert asked(post)[-1] == "EnqueuePullRequest"


async def test_what_is_queued_is_not_queued_again(github: GitHub, api: respx.Router) -> None:
    post = graphql(api, BY_QUEUE, queued(True))
    assert not await github.enable_auto_merge(MAIN, pull(7), "squash")
    assert asked(post) == ["EnableAutoMerge", "IsQueued"]


async def test_what_is_not_ready_for_the_queue_waits_for_it(github: GitHub, api: respx.Router) -> None:
    refusal = graphql_error("UNPROCESSABLE", "Pull request is not mergeable")
    post = graphql(api, BY_QUEUE, queued(False), refusal, DONE)
    assert not await github.enable_auto_merge(MAIN, pull(7), "squash")
    given = json.loads(post.calls[3].request.content)["variables"]["input"]
    assert "mergeMethod" not in given, "the queue has its own"


async def test_what_the_queue_refuses_is_told_in_its_words(github: GitHub, api: respx.Router) -> None:
    refusal = graphql_error("UNPROCESSABLE", "Pull request is not mergeable")
    graphql(api, BY_QUEUE, queued(False), refusal, graphql_error("UNPROCESSABLE", "no"))
    with pytest.raises(ForgeError, match="is not mergeable"):
        await github.enable_auto_merge(MAIN, pull(7), "squash")


@pytest.mark.parametrize(
    ("rules", "expected"),
    [([{"type": "merge_queue"}], True), ([{"type": "pull_request"}], False), ([], False)],
)
async def test_without_auto_merge_the_rules_say_whether_there_is_a_queue(
    github: GitHub, api: respx.Router, rules: list[dict[str, str]], expected: bool
) -> None:
    api.get(RULES_URL).mock(return_value=answer(200, rules))
    post = graphql(api, *([queued(False), DONE] if expected else []))
    assert await github.enqueue(MAIN, pull(7)) is expected
    assert post.call_count == (2 if expected else 0)


async def test_a_base_that_was_modified_is_a_lost_race(github: GitHub, api: respx.Router) -> None:
    graphql(api, CLEAN)
    text = "Base branch was modified. Review and try the merge again."
    api.put(f"{PULLS_URL}/7/merge").mock(return_value=refused(405, text))
    with pytest.raises(WriteConflict):
        await github.enable_auto_merge(MAIN, pull(7), "squash")


# The branch of what was merged


async def test_a_branch_is_deleted_at_its_commit_only(github: GitHub, api: respx.Router) -> None:
    api.get(REPOSITORY_URL).mock(return_value=answer(200, {"node_id": "R_1", "delete_branch_on_merge": False}))
    post = graphql(api, {"data": {"updateRefs": {"clientMutationId": None}}})
    await github.delete_branch(Branch("acme/homelab", HEAD_BRANCH), NEXT)
    (update,) = json.loads(post.calls[0].request.content)["variables"]["input"]["refUpdates"]
    assert (update["name"], update["beforeOid"], update["afterOid"]) == (f"refs/heads/{HEAD_BRANCH}", NEXT, "0" * 40)


async def test_a_branch_that_github_deletes_itself_is_left_to_it(github: GitHub, api: respx.Router) -> None:
    api.get(REPOSITORY_URL).mock(return_value=answer(200, {"node_id": "R_1", "delete_branch_on_merge": True}))
    post = graphql(api)
    await github.delete_branch(Branch("acme/homelab", HEAD_BRANCH), NEXT)
    assert post.call_count == 0


@pytest.mark.parametrize("now", [NEXT, "c" * 40])
async def test_an_old_server_deletes_what_is_still_there(github: GitHub, api: respx.Router, now: str) -> None:
    api.get(REPOSITORY_URL).mock(return_value=answer(200, {"node_id": "R_1"}))
    graphql(api, {"errors": [{"message": "Field 'updateRefs' doesn't exist", "locations": [{"line": 1, "column": 1}]}]})
    place = HEAD_BRANCH.replace("/", "%2F")
    api.get(f"{REPOSITORY_URL}/branches/{place}").mock(return_value=answer(200, {"commit": {"sha": now}}))
    delete = api.delete(f"{REPOSITORY_URL}/git/refs/heads/{HEAD_BRANCH}").mock(return_value=answer(204))
    if now == NEXT:
        await github.delete_branch(Branch("acme/homelab", HEAD_BRANCH), NEXT)
    else:
        with pytest.raises(WriteConflict):
            await github.delete_branch(Branch("acme/homelab", HEAD_BRANCH), NEXT)
    assert delete.call_count == (now == NEXT)


async def test_a_deletion_without_a_reply_is_said(github: GitHub, api: respx.Router) -> None:
    api.get(REPOSITORY_URL).mock(return_value=answer(200, {"node_id": "R_1"}))
    api.post(GRAPHQL).mock(side_effect=[httpx2.ReadTimeout("slow")])
    with pytest.raises(WriteUnknown):
        await github.delete_branch(Branch("acme/homelab", HEAD_BRANCH), NEXT)


# Labels and reviewers


async def test_labels_and_reviewers_are_given(client: GitHubClient, github: GitHub, api: respx.Router) -> None:
    labels = api.post(f"{ISSUE_URL}/labels").mock(return_value=answer(200, []))
    reviewers = api.post(f"{PULLS_URL}/7/requested_reviewers").mock(return_value=answer(201, {}))
    await github.add_labels(MAIN, 7, ("failover", "urgent"))
    await github.request_reviewers(MAIN, 7, ("alice",), ("platform",))
    assert sent(labels) == {"labels": ["failover", "urgent"]}
    assert sent(reviewers) == {"reviewers": ["alice"], "team_reviewers": ["platform"]}
    assert used(client) == [True, True]


@pytest.mark.parametrize("act", ["labels", "reviewers"])
@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refused(404, "Not Found"), ForgeError),
        (refused(422, "Reviews may only be requested from collaborators."), ForgeError),
        (refused(403, "Resource not accessible by integration"), ForgePermission),
        (refused(502, "Server Error"), WriteUnknown),
    ],
)
async def test_what_stands_against_them_is_in_githubs_words(
    github: GitHub, api: respx.Router, act: str, reply: respx.MockResponse, expected: type[FailoverError]
) -> None:
    api.post(f"{ISSUE_URL}/labels").mock(side_effect=[reply])
    api.post(f"{PULLS_URL}/7/requested_reviewers").mock(side_effect=[reply])
    with pytest.raises(expected) as error:
        await (github.add_labels(MAIN, 7, ["x"]) if act == "labels" else github.request_reviewers(MAIN, 7, ["x"], []))
    assert not isinstance(error.value, FileNotFound | RepositoryNotFound)
    assert reply.json()["message"] in error.value.detail


# Auto-merge

ENABLED = {"data": {"enablePullRequestAutoMerge": {"clientMutationId": None}}}
CLEAN = graphql_error("UNPROCESSABLE", "Pull request Pull request is in clean status")
ALL_ALLOWED = {"allow_squash_merge": True, "allow_merge_commit": True, "allow_rebase_merge": True}


@pytest.mark.parametrize("method", ["squash", "merge", "rebase"])
async def test_auto_merge_is_enabled_as_wished(
    client: GitHubClient, github: GitHub, api: respx.Router, method: str
) -> None:
    post = graphql(api, ENABLED)
    merge = api.put(f"{PULLS_URL}/7/merge")
    assert not await github.enable_auto_merge(MAIN, pull(7), method), "it is not merged yet"
    assert sent(post)["variables"] == {
        "input": {"pullRequestId": "PR_7", "mergeMethod": method.upper(), "expectedHeadOid": NEXT}
    }
    assert merge.call_count == 0
    assert used(client) == [True]


@pytest.mark.parametrize(
    ("allowed", "method"),
    [
        (ALL_ALLOWED, "SQUASH"),
        ({**ALL_ALLOWED, "allow_squash_merge": False}, "MERGE"),
        ({**ALL_ALLOWED, "allow_squash_merge": False, "allow_merge_commit": False}, "REBASE"),
        ({}, "SQUASH"),
    ],
)
async def test_the_first_method_that_the_repository_allows_is_taken(
    github: GitHub, api: respx.Router, allowed: dict[str, bool], method: str
) -> None:
    api.get(REPOSITORY_URL).mock(return_value=answer(200, allowed))
    post = graphql(api, ENABLED)
    await github.enable_auto_merge(MAIN, pull(7), None)
    assert sent(post)["variables"]["input"]["mergeMethod"] == method


async def test_the_allowed_methods_are_validated(github: GitHub, api: respx.Router) -> None:
    squash, rebase = {**ALL_ALLOWED}, {"allow_squash_merge": False, "allow_merge_commit": False}
    get = api.get(REPOSITORY_URL)
    get.mock(side_effect=[answer(200, squash, etag='"1"'), answer(304), answer(200, rebase)])
    post = graphql(api, ENABLED, ENABLED, ENABLED)
    for _ in range(3):
        await github.enable_auto_merge(MAIN, pull(7), None)
    assert [sent(post, i)["variables"]["input"]["mergeMethod"] for i in range(3)] == ["SQUASH", "SQUASH", "REBASE"]
    assert get.calls[2].request.headers["if-none-match"] == '"1"'


async def test_a_repository_that_allows_no_merge_is_said(github: GitHub, api: respx.Router) -> None:
    api.get(REPOSITORY_URL).mock(return_value=answer(200, dict.fromkeys(ALL_ALLOWED, False)))
    with pytest.raises(ForgeError, match="acme/homelab allows no way of merging"):
        await github.enable_auto_merge(MAIN, pull(7), None)


async def test_what_has_nothing_to_wait_for_is_merged_at_its_head(
    client: GitHubClient, github: GitHub, api: respx.Router
) -> None:
    graphql(api, CLEAN)
    merge = api.put(f"{PULLS_URL}/7/merge").mock(return_value=answer(200, {"merged": True, "sha": "d" * 40}))
    assert await github.enable_auto_merge(MAIN, pull(7), "rebase"), "it is merged"
    assert sent(merge) == {"sha": NEXT, "merge_method": "rebase"}
    assert used(client) == [True, True]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refused(409, "Head branch was modified. Review and try the merge again."), Conflict),
        (refused(405, "Pull Request is not mergeable"), ForgeError),
        (refused(404, "Not Found"), RepositoryNotFound),
        (refused(502, "x"), WriteUnknown),
    ],
)
async def test_a_merge_that_fails_is_said(
    github: GitHub, api: respx.Router, reply: Any, expected: type[FailoverError]
) -> None:
    graphql(api, CLEAN)
    merge = api.put(f"{PULLS_URL}/7/merge").mock(side_effect=[reply])
    with pytest.raises(expected):
        await github.enable_auto_merge(MAIN, pull(7), "squash")
    assert merge.call_count == 1


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (graphql_error("UNPROCESSABLE", "Pull request Auto merge is not allowed for this repository"), ForgeError),
        (graphql_error("UNPROCESSABLE", "Pull request Pull request is in unstable status"), ForgeError),
        (graphql_error("FORBIDDEN", "Resource not accessible by integration"), ForgePermission),
        (refused(502, "x"), WriteUnknown),
    ],
)
async def test_what_is_not_ready_is_not_merged(
    github: GitHub, api: respx.Router, reply: Any, expected: type[FailoverError]
) -> None:
    graphql(api, reply)
    merge = api.put(f"{PULLS_URL}/7/merge")
    with pytest.raises(expected):
        await github.enable_auto_merge(MAIN, pull(7), "squash")
    assert merge.call_count == 0
