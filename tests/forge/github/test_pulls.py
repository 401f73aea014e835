"""Pull requests against a mocked GitHub: found, opened, edited, closed."""

import json
import time
from typing import Any

import httpx2
import pytest
import respx

from failover_api.core.catalog.model import Branch
from failover_api.errors import (
    FailoverError,
    ForgeError,
    ForgePermission,
    ForgeRateLimited,
    RepositoryNotFound,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.github.client import REVALIDATE, GitHubClient
from tests.support.builders import MAIN
from tests.support.fake_github import (
    HEAD,
    HEAD_BRANCH,
    ISSUE_URL,
    PULLS_URL,
    REPOSITORY_URL,
    ROOT,
    answer,
    invalid,
    listed_pull,
    pull,
    refused,
    sent,
    used,
)

GROUP = "failover/group-media"


# Found


async def test_for_one_branch_github_looks(client: GitHubClient, github: GitHub, api: respx.Router) -> None:
    get = api.get(PULLS_URL).mock(return_value=answer(200, [listed_pull(7)]))
    assert await github.open_pull_requests(MAIN, [HEAD_BRANCH], not_before=REVALIDATE) == [pull(7)]
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
    found = await github.open_pull_requests(MAIN, [HEAD_BRANCH, GROUP], not_before=REVALIDATE)
    assert [(one.number, one.branch) for one in found] == [
        (100, GROUP),
        *((i, HEAD_BRANCH) for i in range(101, 201)),
        (201, GROUP),
    ]
    asked = [dict(call.request.url.params) for call in get.calls]
    assert [one["page"] for one in asked] == ["1", "2", "3"]
    assert not any("head" in one for one in asked)


async def test_a_page_that_is_full_may_be_the_last(github: GitHub, api: respx.Router) -> None:
    pages = [answer(200, [listed_pull(i) for i in range(1, 101)]), answer(200, [])]
    get = api.get(PULLS_URL).mock(side_effect=pages)
    assert len(await github.open_pull_requests(MAIN, [HEAD_BRANCH, GROUP], not_before=REVALIDATE)) == 100
    assert get.call_count == 2


async def test_the_oldest_is_the_first_and_each_is_there_once(github: GitHub, api: respx.Router) -> None:
    twice = [listed_pull(9), *(listed_pull(i, "theirs") for i in range(98)), listed_pull(8)]
    api.get(PULLS_URL).mock(side_effect=[answer(200, twice), answer(200, [listed_pull(9), listed_pull(3)])])
    assert [
        one.number for one in await github.open_pull_requests(MAIN, [HEAD_BRANCH, GROUP], not_before=REVALIDATE)
    ] == [
        3,
        8,
        9,
    ]


async def test_for_no_branch_nothing_is_asked(github: GitHub, api: respx.Router) -> None:
    get = api.get(PULLS_URL)
    assert await github.open_pull_requests(MAIN, [], not_before=REVALIDATE) == []
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
    assert await github.open_pull_requests(MAIN, [HEAD_BRANCH], not_before=REVALIDATE) == []
    assert await github.open_pull_requests(MAIN, [HEAD_BRANCH, GROUP], not_before=REVALIDATE) == []
    assert await github.pull_requests(MAIN, HEAD_BRANCH, not_before=None) == []


async def test_the_repositorys_name_may_be_written_otherwise(github: GitHub, api: respx.Router) -> None:
    api.get(f"{ROOT}/repos/Acme/HomeLab/pulls").mock(return_value=answer(200, [listed_pull(7)]))
    assert await github.open_pull_requests(Branch("Acme/HomeLab", "main"), [HEAD_BRANCH], not_before=REVALIDATE) == [
        pull(7)
    ]


async def test_open_ones_are_asked_for_now_and_validated(github: GitHub, api: respx.Router) -> None:
    get = api.get(PULLS_URL).mock(side_effect=[answer(200, [listed_pull(7)], etag='"1"'), answer(304)])
    for _ in range(2):
        assert await github.open_pull_requests(MAIN, [HEAD_BRANCH], not_before=REVALIDATE) == [pull(7)]
    assert get.calls[1].request.headers["if-none-match"] == '"1"'


async def test_branches_share_the_listing(github: GitHub, api: respx.Router) -> None:
    listing = answer(200, [listed_pull(7), listed_pull(8, GROUP), listed_pull(9, "failover/plex")], etag='"1"')
    api.get(PULLS_URL).mock(side_effect=[listing, answer(304)])
    assert [
        one.number for one in await github.open_pull_requests(MAIN, [HEAD_BRANCH, GROUP], not_before=REVALIDATE)
    ] == [
        7,
        8,
    ]
    assert [
        one.number for one in await github.open_pull_requests(MAIN, ["failover/plex", GROUP], not_before=REVALIDATE)
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
    assert await github.pull_requests(MAIN, HEAD_BRANCH, not_before=None) == [expected]


async def test_all_of_a_branch_are_the_newest_hundred(github: GitHub, api: respx.Router) -> None:
    listing = [listed_pull(3, state="closed"), listed_pull(9), listed_pull(5, state="closed")]
    get = api.get(PULLS_URL).mock(side_effect=[answer(200, listing, etag='"1"'), answer(304)])
    started = time.monotonic()
    for not_before in (started, started, None, time.monotonic() + 60):
        found = await github.pull_requests(MAIN, HEAD_BRANCH, not_before=not_before)
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
    found = await github.pull_requests(MAIN, HEAD_BRANCH, not_before=None, any_base=True)
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
    await github.pull_requests(MAIN, HEAD_BRANCH, not_before=None)
    copy = client.cache.get(get.calls[0].request.url.raw_path.decode())
    assert copy is not None
    assert b"unneeded" not in copy.body


@pytest.mark.parametrize("body", ["x", ["x"], [{}], [{**listed_pull(7), "head": None}], [with_head(repo="x")], None])
async def test_a_listing_that_is_none_is_an_error(github: GitHub, api: respx.Router, body: Any) -> None:
    api.get(PULLS_URL).mock(return_value=answer(200, body))
    with pytest.raises(ForgeError, match="no list of pull requests"):
        await github.open_pull_requests(MAIN, [HEAD_BRANCH], not_before=REVALIDATE)


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
        await github.open_pull_requests(MAIN, [HEAD_BRANCH], not_before=REVALIDATE)


# Opened, edited, closed


async def test_a_pull_request_is_opened(client: GitHubClient, github: GitHub, api: respx.Router) -> None:
    post = api.post(PULLS_URL).mock(return_value=answer(201, listed_pull(7, merged=False)))
    opened = await github.create_pull_request(MAIN, HEAD_BRANCH, title="Fail over", body="Why", draft=True)
    assert opened == pull(7)
    assert sent(post) == {"title": "Fail over", "body": "Why", "head": HEAD_BRANCH, "base": "main", "draft": True}
    assert used(client) == [True]


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
        await github.create_pull_request(MAIN, HEAD_BRANCH, title="t", body="b", draft=False)
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


@pytest.mark.parametrize(("mergeable", "expected"), [(False, True), (True, False), (None, False)])
async def test_read_by_itself_it_says_whether_it_conflicts(
    github: GitHub, api: respx.Router, mergeable: bool | None, expected: bool
) -> None:
    api.get(f"{PULLS_URL}/7").mock(return_value=answer(200, {**listed_pull(7), "mergeable": mergeable}))
    assert (await github.pull_request(MAIN, 7)).has_conflicts is expected


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


# Drafts

NO_DRAFTS = "Draft pull requests are not supported in this repository."


@pytest.mark.parametrize(
    "reply", [refused(422, NO_DRAFTS), invalid(code="custom", message=NO_DRAFTS)], ids=["message", "errors"]
)
async def test_where_there_are_no_drafts_it_is_opened_ready(github: GitHub, api: respx.Router, reply: Any) -> None:
    post = api.post(PULLS_URL).mock(side_effect=[reply, answer(201, listed_pull(7))])
    opened = await github.create_pull_request(MAIN, HEAD_BRANCH, title="t", body="b", draft=True)
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
    (listed,) = await github.open_pull_requests(MAIN, [HEAD_BRANCH], not_before=REVALIDATE)
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


@pytest.mark.parametrize(("body", "expected"), [({"state": "closed"}, True), ({"merged": True}, False), ([], True)])
async def test_closing_says_whether_it_was_merged_before(
    github: GitHub, api: respx.Router, body: Any, expected: bool
) -> None:
    api.post(f"{REPOSITORY_URL}/issues/7/comments").mock(return_value=answer(201, {}))
    api.patch(f"{PULLS_URL}/7").mock(return_value=answer(200, body))
    assert await github.close_pull_request(MAIN, 7, comment="c") is expected


async def test_a_title_goes_with_its_body(github: GitHub, api: respx.Router) -> None:
    patch = api.patch(f"{PULLS_URL}/7").mock(return_value=answer(200, {}))
    await github.edit_pull_request(MAIN, 7, body="b", title="t")
    assert json.loads(patch.calls[0].request.content) == {"body": "b", "title": "t"}
