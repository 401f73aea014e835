"""What a pull request is given besides its text, against a mocked GitHub: queues, drafts, reviews, what is there."""

import json
from typing import Any

import httpx2
import pytest
import respx

from failover_api.core.catalog.model import Branch
from failover_api.errors import FailoverError, ForgeError, RepositoryNotFound, WriteConflict, WriteUnknown
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.github.client import ALWAYS
from tests.forge.github.test_pulls import CLEAN, OURS, PULLS_URL, REPOSITORY_URL, invalid, pull
from tests.support.fake_github import GRAPHQL, MAIN, NEXT, ROOT, answer, graphql_error, listed_pull, refused

NO_DRAFTS = "Draft pull requests are not supported in this repository."
RULES_URL = f"{ROOT}/repos/acme/homelab/rules/branches/main"
BY_QUEUE = graphql_error("UNPROCESSABLE", "The merge strategy for main is set by the merge queue")
DONE = {"data": {"x": {"clientMutationId": None}}}


def queued(is_it: bool) -> dict[str, Any]:
    return {"data": {"repository": {"pullRequest": {"isInMergeQueue": is_it}}}}


def graphql(api: respx.Router, *replies: Any) -> respx.Route:
    return api.post(GRAPHQL).mock(side_effect=[answer(200, reply) for reply in replies])


def asked(route: respx.Route) -> list[str]:
    """The operations, in order."""
    return [json.loads(call.request.content)["query"].split("(")[0].split()[1] for call in route.calls]


# Drafts


@pytest.mark.parametrize(
    "reply", [refused(422, NO_DRAFTS), invalid(code="custom", message=NO_DRAFTS)], ids=["message", "errors"]
)
async def test_where_there_are_no_drafts_it_is_opened_ready(github: GitHub, api: respx.Router, reply: Any) -> None:
    post = api.post(PULLS_URL).mock(side_effect=[reply, answer(201, listed_pull(7))])
    opened = await github.create_pull_request(MAIN, OURS, title="t", body="b", draft=True)
    assert [json.loads(call.request.content)["draft"] for call in post.calls] == [True, False]
    assert not opened.is_draft


# What is there


async def test_what_it_has_is_read_with_it(github: GitHub, api: respx.Router) -> None:
    given = listed_pull(
        7,
        draft=True,
        labels=[{"name": "failover"}],
        requested_reviewers=[{"login": "alice"}],
        requested_teams=[{"slug": "platform"}],
        auto_merge={"merge_method": "squash"},
    )
    api.get(PULLS_URL).mock(return_value=answer(200, [given]))
    api.get(f"{PULLS_URL}/7").mock(return_value=answer(200, given))
    (listed,) = await github.open_pull_requests(MAIN, [OURS], not_before=ALWAYS)
    for one in (listed, await github.pull_request(MAIN, 7)):
        assert (one.title, one.is_draft, one.auto_merge) == ("Fail over sonarr", True, True)
        assert (one.labels, one.reviewers, one.team_reviewers) == (("failover",), ("alice",), ("platform",))


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (answer(404, {"message": "Not Found"}), RepositoryNotFound),
        (answer(200, []), ForgeError),
        (answer(200, {"number": 7}), ForgeError),
    ],
)
async def test_what_is_no_pull_request_is_said(
    github: GitHub, api: respx.Router, reply: Any, expected: type[FailoverError]
) -> None:
    api.get(f"{PULLS_URL}/7").mock(return_value=reply)
    with pytest.raises(expected):
        await github.pull_request(MAIN, 7)


async def test_who_reviewed_is_told(github: GitHub, api: respx.Router) -> None:
    reviews = [{"user": {"login": "alice"}, "state": "APPROVED"}, {"user": None, "state": "COMMENTED"}]
    api.get(f"{PULLS_URL}/7/reviews").mock(return_value=answer(200, reviews))
    assert await github.reviewed_by(MAIN, 7) == ["alice"]


@pytest.mark.parametrize(("body", "expected"), [({"state": "closed"}, True), ({"merged": True}, False), ([], True)])
async def test_closing_says_whether_it_was_merged_before(
    github: GitHub, api: respx.Router, body: Any, expected: bool
) -> None:
    api.post(f"{ROOT}/repos/acme/homelab/issues/7/comments").mock(return_value=answer(201, {}))
    api.patch(f"{PULLS_URL}/7").mock(return_value=answer(200, body))
    assert await github.close_pull_request(MAIN, 7, comment="c") is expected


async def test_a_title_goes_with_its_body(github: GitHub, api: respx.Router) -> None:
    patch = api.patch(f"{PULLS_URL}/7").mock(return_value=answer(200, {}))
    await github.edit_pull_request(MAIN, 7, body="b", title="t")
    assert json.loads(patch.calls[0].request.content) == {"body": "b", "title": "t"}


# Merge queues


async def test_a_queue_that_has_its_own_way_of_merging_takes_it(github: GitHub, api: respx.Router) -> None:
    post = graphql(api, BY_QUEUE, queued(False), DONE)
    assert not await github.enable_auto_merge(MAIN, pull(7), "squash")
    assert asked(post) == ["EnableAutoMerge", "IsQueued", "EnqueuePullRequest"]
    given = json.loads(post.calls[2].request.content)["variables"]["input"]
    assert given == {"pullRequestId": "PR_7", "expectedHeadOid": NEXT}


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
    await github.delete_branch(Branch("acme/homelab", OURS), NEXT)
    (update,) = json.loads(post.calls[0].request.content)["variables"]["input"]["refUpdates"]
    assert (update["name"], update["beforeOid"], update["afterOid"]) == (f"refs/heads/{OURS}", NEXT, "0" * 40)


async def test_a_branch_that_github_deletes_itself_is_left_to_it(github: GitHub, api: respx.Router) -> None:
    api.get(REPOSITORY_URL).mock(return_value=answer(200, {"node_id": "R_1", "delete_branch_on_merge": True}))
    post = graphql(api)
    await github.delete_branch(Branch("acme/homelab", OURS), NEXT)
    assert post.call_count == 0


@pytest.mark.parametrize("now", [NEXT, "c" * 40])
async def test_an_old_server_deletes_what_is_still_there(github: GitHub, api: respx.Router, now: str) -> None:
    api.get(REPOSITORY_URL).mock(return_value=answer(200, {"node_id": "R_1"}))
    graphql(api, {"errors": [{"message": "Field 'updateRefs' doesn't exist", "locations": [{"line": 1, "column": 1}]}]})
    place = OURS.replace("/", "%2F")
    api.get(f"{REPOSITORY_URL}/branches/{place}").mock(return_value=answer(200, {"commit": {"sha": now}}))
    delete = api.delete(f"{REPOSITORY_URL}/git/refs/heads/{OURS}").mock(return_value=answer(204))
    if now == NEXT:
        await github.delete_branch(Branch("acme/homelab", OURS), NEXT)
    else:
        with pytest.raises(WriteConflict):
            await github.delete_branch(Branch("acme/homelab", OURS), NEXT)
    assert delete.call_count == (now == NEXT)


async def test_a_deletion_without_a_reply_is_said(github: GitHub, api: respx.Router) -> None:
    api.get(REPOSITORY_URL).mock(return_value=answer(200, {"node_id": "R_1"}))
    api.post(GRAPHQL).mock(side_effect=[httpx2.ReadTimeout("slow")])
    with pytest.raises(WriteUnknown):
        await github.delete_branch(Branch("acme/homelab", OURS), NEXT)
