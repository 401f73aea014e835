"""Pull requests against a mocked GitHub: found, opened, edited, closed, labelled, merged."""

import json
import time
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
    ForgeRateLimited,
    RepositoryNotFound,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.github.client import ALWAYS, GitHubClient
from failover_api.forge.port import PullRequest
from tests.support.fake_github import (
    GRAPHQL,
    HEAD,
    MAIN,
    NEXT,
    ROOT,
    Purse,
    answer,
    graphql_error,
    listed_pull,
    refused,
)

PULLS_URL = f"{ROOT}/repos/acme/homelab/pulls"
ISSUE_URL = f"{ROOT}/repos/acme/homelab/issues/7"
REPOSITORY_URL = f"{ROOT}/repos/acme/homelab"
OURS = "failover/sonarr"
GROUP = "failover/group-media"


def pull(number: int, branch: str = OURS, **changes: Any) -> PullRequest:
    """What listed_pull() means."""
    told = {
        "url": f"https://github.com/acme/homelab/pull/{number}",
        "state": "open",
        "head": NEXT,
        "body": "Why",
        "node_id": f"PR_{number}",
        "base": "main",
        "base_head": HEAD,
        "merge_commit": None,
    }
    return PullRequest(number=number, branch=branch, **{**told, **changes})


def sent(route: respx.Route, number: int = -1) -> Any:
    return json.loads(route.calls[number].request.content)


def used(client: GitHubClient) -> list[bool]:
    """For each request, whether it had the token for pull requests."""
    purse = client.credentials
    assert isinstance(purse, Purse)
    return purse.asked


# Found


async def test_for_one_branch_github_looks(client: GitHubClient, github: GitHub, api: respx.Router) -> None:
    get = api.get(PULLS_URL).mock(return_value=answer(200, [listed_pull(7)]))
    assert await github.open_pull_requests(MAIN, [OURS], not_before=ALWAYS) == [pull(7)]
    assert dict(get.calls[0].request.url.params) == {
        "state": "open",
        "head": "acme:failover/sonarr",
        "base": "main",
        "sort": "created",
        "direction": "asc",
        "per_page": "100",
        "page": "1",
    }
    assert used(client) == [True]


async def test_for_several_branches_all_open_ones_are_listed(github: GitHub, api: respx.Router) -> None:
    theirs = [listed_pull(i, f"theirs/{i}") for i in range(1, 100)]
    pages = [
        answer(200, [*theirs, listed_pull(100, GROUP)]),
        answer(200, [listed_pull(i) for i in range(101, 201)]),
        answer(200, [listed_pull(201, GROUP)]),
    ]
    get = api.get(PULLS_URL).mock(side_effect=pages)
    found = await github.open_pull_requests(MAIN, [OURS, GROUP], not_before=ALWAYS)
    assert [(one.number, one.branch) for one in found] == [
        (100, GROUP),
        *((i, OURS) for i in range(101, 201)),
        (201, GROUP),
    ]
    asked = [dict(call.request.url.params) for call in get.calls]
    assert [one["page"] for one in asked] == ["1", "2", "3"]
    assert not any("head" in one for one in asked)


async def test_a_page_that_is_full_may_be_the_last(github: GitHub, api: respx.Router) -> None:
    pages = [answer(200, [listed_pull(i) for i in range(1, 101)]), answer(200, [])]
    get = api.get(PULLS_URL).mock(side_effect=pages)
    assert len(await github.open_pull_requests(MAIN, [OURS, GROUP], not_before=ALWAYS)) == 100
    assert get.call_count == 2


async def test_the_oldest_is_the_first_and_each_is_there_once(github: GitHub, api: respx.Router) -> None:
    twice = [listed_pull(9), *(listed_pull(i, "theirs") for i in range(98)), listed_pull(8)]
    api.get(PULLS_URL).mock(side_effect=[answer(200, twice), answer(200, [listed_pull(9), listed_pull(3)])])
    assert [one.number for one in await github.open_pull_requests(MAIN, [OURS, GROUP], not_before=ALWAYS)] == [3, 8, 9]


async def test_for_no_branch_nothing_is_asked(github: GitHub, api: respx.Router) -> None:
    get = api.get(PULLS_URL)
    assert await github.open_pull_requests(MAIN, [], not_before=ALWAYS) == []
    assert get.call_count == 0


def with_head(**changes: Any) -> dict[str, Any]:
    listed = listed_pull(7)
    return {**listed, "head": {**listed["head"], **changes}}


NOT_OURS = [
    with_head(ref="failover/sonarr-2"),
    with_head(repo={"full_name": "maria/homelab"}),
    with_head(repo={"full_name": "acme/homelab2"}),
    with_head(repo=None),
    {**listed_pull(7), "base": {"ref": "next", "sha": HEAD}},
]


@pytest.mark.parametrize("listed", NOT_OURS)
async def test_a_filter_that_github_ignores_finds_nobody_elses(github: GitHub, api: respx.Router, listed: Any) -> None:
    api.get(PULLS_URL).mock(return_value=answer(200, [listed]))
    assert await github.open_pull_requests(MAIN, [OURS], not_before=ALWAYS) == []
    assert await github.open_pull_requests(MAIN, [OURS, GROUP], not_before=ALWAYS) == []
    assert await github.pull_requests(MAIN, OURS, not_before=None) == []


async def test_the_repositorys_name_may_be_written_otherwise(github: GitHub, api: respx.Router) -> None:
    api.get(f"{ROOT}/repos/Acme/HomeLab/pulls").mock(return_value=answer(200, [listed_pull(7)]))
    assert await github.open_pull_requests(Branch("Acme/HomeLab", "main"), [OURS], not_before=ALWAYS) == [pull(7)]


async def test_open_ones_are_asked_for_now_and_validated(github: GitHub, api: respx.Router) -> None:
    get = api.get(PULLS_URL).mock(side_effect=[answer(200, [listed_pull(7)], etag='"1"'), answer(304)])
    for _ in range(2):
        assert await github.open_pull_requests(MAIN, [OURS], not_before=ALWAYS) == [pull(7)]
    assert get.calls[1].request.headers["if-none-match"] == '"1"'


async def test_branches_share_the_listing(github: GitHub, api: respx.Router) -> None:
    listing = answer(200, [listed_pull(7), listed_pull(8, GROUP), listed_pull(9, "failover/plex")], etag='"1"')
    api.get(PULLS_URL).mock(side_effect=[listing, answer(304)])
    assert [one.number for one in await github.open_pull_requests(MAIN, [OURS, GROUP], not_before=ALWAYS)] == [7, 8]
    assert [
        one.number for one in await github.open_pull_requests(MAIN, ["failover/plex", GROUP], not_before=ALWAYS)
    ] == [8, 9]


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (listed_pull(7), pull(7)),
        (listed_pull(7, body=None), pull(7, body="")),
        (listed_pull(7, state="closed"), pull(7, state="closed")),
        (
            listed_pull(7, state="closed", merged_at="2027-01-15T08:00:00Z"),
            pull(7, state="merged", merge_commit="e" * 40),
        ),
        (listed_pull(7, state="closed", merged=True), pull(7, state="merged", merge_commit="e" * 40)),
        ({**listed_pull(7), "base": {"ref": "main"}}, pull(7, base_head=None)),
    ],
)
async def test_what_became_of_a_pull_request(github: GitHub, api: respx.Router, listed: Any, expected: Any) -> None:
    api.get(PULLS_URL).mock(return_value=answer(200, [listed]))
    assert await github.pull_requests(MAIN, OURS, not_before=None) == [expected]


async def test_all_of_a_branch_are_the_newest_hundred(github: GitHub, api: respx.Router) -> None:
    listing = [listed_pull(3, state="closed"), listed_pull(9), listed_pull(5, state="closed")]
    get = api.get(PULLS_URL).mock(side_effect=[answer(200, listing, etag='"1"'), answer(304)])
    started = time.monotonic()
    for not_before in (started, started, None, time.monotonic() + 60):
        found = await github.pull_requests(MAIN, OURS, not_before=not_before)
        assert [one.number for one in found] == [9, 5, 3]
    assert get.call_count == 2
    assert dict(get.calls[0].request.url.params) == {
        "state": "all",
        "head": "acme:failover/sonarr",
        "base": "main",
        "per_page": "100",
    }


async def test_those_into_any_base_are_found_when_asked_for(github: GitHub, api: respx.Router) -> None:
    other = {**listed_pull(9), "base": {"ref": "next", "sha": HEAD}}
    get = api.get(PULLS_URL).mock(return_value=answer(200, [listed_pull(7), other, *NOT_OURS[:-1]]))
    found = await github.pull_requests(MAIN, OURS, not_before=None, any_base=True)
    assert found == [pull(9, base="next"), pull(7)]
    assert dict(get.calls[0].request.url.params) == {
        "state": "all",
        "head": "acme:failover/sonarr",
        "per_page": "100",
    }


async def test_of_a_listing_only_what_is_needed_is_kept(
    client: GitHubClient, github: GitHub, api: respx.Router
) -> None:
    get = api.get(PULLS_URL).mock(return_value=answer(200, [listed_pull(7)]))
    await github.pull_requests(MAIN, OURS, not_before=None)
    copy = client.cache.get(get.calls[0].request.url.raw_path.decode())
    assert copy is not None
    assert b"unneeded" not in copy.body


@pytest.mark.parametrize("body", ["x", ["x"], [{}], [{**listed_pull(7), "head": None}], [with_head(repo="x")], None])
async def test_a_listing_that_is_none_is_an_error(github: GitHub, api: respx.Router, body: Any) -> None:
    api.get(PULLS_URL).mock(return_value=answer(200, body))
    with pytest.raises(ForgeError, match="no list of pull requests"):
        await github.open_pull_requests(MAIN, [OURS], not_before=ALWAYS)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refused(404, "Not Found"), RepositoryNotFound),
        (refused(301, "Moved Permanently"), RepositoryNotFound),
        (refused(403, "Resource not accessible by integration"), ForgePermission),
        (refused(429, "", retry_after="5"), ForgeRateLimited),
    ],
)
async def test_what_stops_a_listing_is_said(
    github: GitHub, api: respx.Router, reply: Any, expected: type[FailoverError]
) -> None:
    api.get(PULLS_URL).mock(return_value=reply)
    with pytest.raises(expected):
        await github.open_pull_requests(MAIN, [OURS], not_before=ALWAYS)


# Opened, edited, closed


async def test_a_pull_request_is_opened(client: GitHubClient, github: GitHub, api: respx.Router) -> None:
    post = api.post(PULLS_URL).mock(return_value=answer(201, listed_pull(7, merged=False)))
    opened = await github.create_pull_request(MAIN, OURS, title="Fail over", body="Why", draft=True)
    assert opened == pull(7)
    assert sent(post) == {"title": "Fail over", "body": "Why", "head": OURS, "base": "main", "draft": True}
    assert used(client) == [True]


def invalid(**error: str) -> respx.MockResponse:
    return answer(422, {"message": "Validation Failed", "errors": [{"resource": "PullRequest", **error}]})


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (invalid(code="custom", message="A pull request already exists for acme:failover/sonarr."), WriteConflict),
        (invalid(code="custom", message="No commits between main and failover/sonarr"), WriteConflict),
        (invalid(field="head", code="invalid"), WriteConflict),
        (invalid(field="base", code="invalid"), ForgeError),
        (refused(422, "Draft pull requests are not supported in this repository."), ForgeError),
        (refused(403, "GitHub Actions is not permitted to create or approve pull requests."), ForgePermission),
        (refused(404, "Not Found"), RepositoryNotFound),
        (refused(502, "x"), WriteUnknown),
        (httpx2.ReadTimeout("slow"), WriteUnknown),
        (answer(201, {}), WriteUnknown),
        (answer(201, []), WriteUnknown),
        (answer(201), WriteUnknown),
    ],
)
async def test_a_pull_request_is_opened_once_whatever_comes(
    github: GitHub, api: respx.Router, reply: Any, expected: type[FailoverError]
) -> None:
    post = api.post(PULLS_URL).mock(side_effect=[reply])
    with pytest.raises(expected) as error:
        await github.create_pull_request(MAIN, OURS, title="t", body="b", draft=False)
    assert type(error.value) is expected
    assert post.call_count == 1


async def test_a_pull_request_is_edited(client: GitHubClient, github: GitHub, api: respx.Router) -> None:
    patch = api.patch(f"{PULLS_URL}/7").mock(return_value=answer(200, {}))
    await github.edit_pull_request(MAIN, 7, body="Because")
    assert sent(patch) == {"body": "Because"}, "the title may be a person's by now"
    assert used(client) == [True]


async def test_a_pull_request_is_closed_after_it_was_said_why(
    client: GitHubClient, github: GitHub, api: respx.Router
) -> None:
    patch = api.patch(f"{PULLS_URL}/7").mock(return_value=answer(200, {}))

    def comment(_: Any) -> respx.MockResponse:
        assert patch.call_count == 0
        return answer(201, {})

    post = api.post(f"{ISSUE_URL}/comments").mock(side_effect=comment)
    await github.close_pull_request(MAIN, 7, comment="Superseded")
    assert sent(post) == {"body": "Superseded"}
    assert sent(patch) == {"state": "closed"}
    assert used(client) == [True, True]


@pytest.mark.parametrize("reply", [refused(403, "no"), refused(404, "no"), refused(502, "x"), httpx2.ReadTimeout("x")])
async def test_a_comment_that_fails_does_not_keep_it_open(github: GitHub, api: respx.Router, reply: Any) -> None:
    post = api.post(f"{ISSUE_URL}/comments").mock(side_effect=[reply])
    patch = api.patch(f"{PULLS_URL}/7").mock(return_value=answer(200, {}))
    await github.close_pull_request(MAIN, 7, comment="Superseded")
    assert (post.call_count, patch.call_count) == (1, 1)


REFUSED = [
    (refused(404, "Not Found"), RepositoryNotFound),
    (refused(403, "Resource not accessible by integration"), ForgePermission),
    (refused(422, "Validation Failed"), ForgeError),
    (refused(502, "x"), WriteUnknown),
    (httpx2.ReadTimeout("slow"), WriteUnknown),
]


@pytest.mark.parametrize(("reply", "expected"), REFUSED)
@pytest.mark.parametrize("act", ["edit", "close"])
async def test_a_change_that_fails_is_said(
    github: GitHub, api: respx.Router, act: str, reply: Any, expected: type[FailoverError]
) -> None:
    api.post(f"{ISSUE_URL}/comments").mock(return_value=answer(201, {}))
    patch = api.patch(f"{PULLS_URL}/7").mock(side_effect=[reply])
    edit, close = github.edit_pull_request, github.close_pull_request
    with pytest.raises(expected):
        await (edit(MAIN, 7, body="b") if act == "edit" else close(MAIN, 7, comment="c"))
    assert patch.call_count == 1


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


def graphql(api: respx.Router, *replies: Any) -> respx.Route:
    given = [answer(200, reply) if isinstance(reply, dict) else reply for reply in replies]
    return api.post(GRAPHQL).mock(side_effect=given)


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
