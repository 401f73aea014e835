"""History against a mocked GitHub: logs, comparisons, files of the past, and the head."""

import time
from typing import Any

import pytest
import respx

from failover_api.core.catalog.model import Branch
from failover_api.errors import (
    FailoverError,
    ForgeError,
    ForgePermission,
    ForgeRateLimited,
    RepositoryNotFound,
)
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.github.log import COMMIT_FILES
from failover_api.forge.values import Commit, Comparison, LoggedCommit, RenamesAndRemovals
from tests.support.builders import MAIN
from tests.support.fake_github import (
    COMMITS_URL,
    HEAD,
    NEXT,
    PATH,
    REPOSITORY_URL,
    answer,
    listed_commit,
    refused,
)

COMPARE_URL = f"{REPOSITORY_URL}/compare/{HEAD}...{NEXT}"


def logged(sha: str, **changes: Any) -> LoggedCommit:
    """What listed_commit() means."""
    told = {
        "url": f"https://github.com/acme/homelab/commit/{sha}",
        "verified": True,
        "message": "m",
        "by": "maria",
        "at": "2027-01-15T08:00:00Z",
        "parents": (HEAD,),
    }
    return LoggedCommit(sha=sha, **{**told, **changes})


# The log


@pytest.mark.parametrize(
    ("path", "how", "query"),
    [
        (None, {}, b"sha=main&per_page=100&page=1"),
        (PATH, {}, b"sha=main&path=apps%2Fsonarr.yaml&per_page=100&page=1"),
        ("a b/ä#?.yaml", {"page": 3}, b"sha=main&path=a%20b%2F%C3%A4%23%3F.yaml&per_page=100&page=3"),
        (PATH, {"at": NEXT}, b"sha=" + NEXT.encode() + b"&path=apps%2Fsonarr.yaml&per_page=100&page=1"),
    ],
)
async def test_a_log_is_asked_for_by_branch_or_commit_and_path(
    github: GitHub, api: respx.Router, path: str | None, how: dict[str, Any], query: bytes
) -> None:
    get = api.get(COMMITS_URL).mock(return_value=answer(200, [listed_commit("1" * 40), listed_commit("2" * 40)]))
    commits = await github.log(MAIN, path, **how, not_before=None)
    assert commits == (logged("1" * 40), logged("2" * 40))
    assert get.calls[0].request.url.query == query


async def test_a_branchs_name_is_one_part_of_the_query(github: GitHub, api: respx.Router) -> None:
    get = api.get(COMMITS_URL).mock(return_value=answer(200, []))
    assert await github.log(Branch("acme/homelab", "failover/a&b"), not_before=None) == ()
    assert get.calls[0].request.url.query == b"sha=failover%2Fa%26b&per_page=100&page=1"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"author": None}, {"by": "Maria Person"}),
        ({"author": {}}, {"by": "Maria Person"}),
        ({"parents": []}, {"parents": ()}),
        ({"parents": [{"sha": HEAD}, {"sha": NEXT}]}, {"parents": (HEAD, NEXT)}),
    ],
)
async def test_who_made_a_commit_and_on_what(
    github: GitHub, api: respx.Router, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    api.get(COMMITS_URL).mock(return_value=answer(200, [listed_commit(NEXT, **changes)]))
    assert await github.log(MAIN, not_before=None) == (logged(NEXT, **expected),)


@pytest.mark.parametrize("verification", [None, {"verified": False}, {}])
async def test_a_commit_is_verified_when_github_says_so(github: GitHub, api: respx.Router, verification: Any) -> None:
    listed = listed_commit(NEXT)
    listed["commit"]["verification"] = verification
    api.get(COMMITS_URL).mock(return_value=answer(200, [listed]))
    (commit,) = await github.log(MAIN, not_before=None)
    assert commit.commit == Commit(NEXT, f"https://github.com/acme/homelab/commit/{NEXT}", verified=False)


async def test_the_log_of_a_branch_is_validated(github: GitHub, api: respx.Router) -> None:
    replies = [answer(200, [listed_commit(HEAD)], etag='"1"'), answer(304), answer(200, [listed_commit(NEXT)])]
    get = api.get(COMMITS_URL).mock(side_effect=replies)
    seen = [await github.log(MAIN, PATH, not_before=time.monotonic()) for _ in replies]
    assert [[commit.sha for commit in page] for page in seen] == [[HEAD], [HEAD], [NEXT]]
    assert [call.request.headers.get("if-none-match") for call in get.calls] == [None, '"1"', '"1"']


async def test_the_log_up_to_a_commit_is_asked_for_once(github: GitHub, api: respx.Router) -> None:
    get = api.get(COMMITS_URL).mock(side_effect=[answer(200, [listed_commit(HEAD)]), answer(200, [])])
    for _ in range(3):
        assert await github.log(MAIN, PATH, at=NEXT, not_before=time.monotonic()) == (logged(HEAD),)
    assert await github.log(MAIN, PATH, at=NEXT, page=2, not_before=time.monotonic()) == ()
    assert get.call_count == 2


async def test_of_a_listing_only_what_is_needed_is_kept(
    client: GitHubClient, github: GitHub, api: respx.Router
) -> None:
    listing = [listed_commit(f"{i:040}") for i in range(100)]
    reply = answer(200, listing)
    api.get(COMMITS_URL).mock(return_value=reply)
    await github.log(MAIN, at=NEXT, not_before=None)
    copy = client.cache.get(f"/repos/acme/homelab/commits?sha={NEXT}&per_page=100&page=1")
    assert copy is not None
    assert b"unneeded" not in copy.body
    assert b"-----BEGIN" not in copy.body


@pytest.mark.parametrize(
    ("at", "said"), [(None, "no branch acme/homelab@main"), (NEXT, f"no commit {NEXT[:12]} in acme/homelab")]
)
async def test_a_log_of_nothing_is_said(github: GitHub, api: respx.Router, at: str | None, said: str) -> None:
    api.get(COMMITS_URL).mock(return_value=refused(404, "Not Found"))
    with pytest.raises(RepositoryNotFound, match=said):
        await github.log(MAIN, PATH, at=at, not_before=None)


BROKEN_COMMITS = [
    "x",
    None,
    ["x"],
    [{}],
    [{**listed_commit(NEXT), "commit": None}],
    [{**listed_commit(NEXT), "commit": {"message": "m"}}],
    [{**listed_commit(NEXT), "parents": None}],
]


@pytest.mark.parametrize("body", BROKEN_COMMITS)
async def test_a_log_that_is_none_is_an_error_and_not_kept(github: GitHub, api: respx.Router, body: Any) -> None:
    api.get(COMMITS_URL).mock(side_effect=[answer(200, body, etag='"1"'), answer(200, [listed_commit(NEXT)])])
    with pytest.raises(ForgeError, match="no list of commits"):
        await github.log(MAIN, PATH, at=HEAD, not_before=None)
    assert await github.log(MAIN, PATH, at=HEAD, not_before=None) == (logged(NEXT),)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refused(409, "Git Repository is empty."), RepositoryNotFound),
        (refused(301, "Moved Permanently"), RepositoryNotFound),
        (refused(403, "Resource not accessible by integration"), ForgePermission),
        (refused(429, "", retry_after="5"), ForgeRateLimited),
    ],
)
async def test_what_stops_a_log_is_said(
    github: GitHub, api: respx.Router, reply: Any, expected: type[FailoverError]
) -> None:
    api.get(COMMITS_URL).mock(return_value=reply)
    with pytest.raises(expected):
        await github.log(MAIN, not_before=None)


# Comparisons


def comparison(**changes: Any) -> dict[str, Any]:
    """The body of a comparison of two commits."""
    files = [
        {"filename": PATH, "status": "modified", "sha": "1" * 40, "patch": "unneeded"},
        {"filename": "new.yaml", "status": "added", "sha": "2" * 40},
        {"filename": "gone.yaml", "status": "removed", "sha": "3" * 40},
    ]
    return {
        "status": "ahead",
        "total_commits": 2,
        "base_commit": listed_commit(HEAD),
        "merge_base_commit": listed_commit("c" * 40),
        "commits": [listed_commit("1" * 40), listed_commit(NEXT)],
        "files": files,
        **changes,
    }


async def test_a_comparison_gives_commits_and_files(github: GitHub, api: respx.Router) -> None:
    get = api.get(COMPARE_URL).mock(return_value=answer(200, comparison()))
    expected = Comparison(
        merge_base="c" * 40,
        commits=(logged("1" * 40), logged(NEXT)),
        files={PATH: "1" * 40, "new.yaml": "2" * 40, "gone.yaml": None},
        is_whole=True,
    )
    for _ in range(2):  # commits never change
        assert await github.compare(MAIN, HEAD, NEXT) == expected
    assert get.call_count == 1


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            [{"filename": "b", "previous_filename": "a", "status": "renamed", "sha": "1" * 40}],
            {"a": None, "b": "1" * 40},
        ),
        (
            [
                {"filename": "a", "status": "added", "sha": "2" * 40},
                {"filename": "b", "previous_filename": "a", "status": "renamed", "sha": "1" * 40},
            ],
            {"a": "2" * 40, "b": "1" * 40},
        ),
        ([{"filename": "b", "previous_filename": "a", "status": "copied", "sha": "1" * 40}], {"b": "1" * 40}),
        ([], {}),
    ],
)
async def test_what_became_of_each_file(github: GitHub, api: respx.Router, files: Any, expected: Any) -> None:
    api.get(COMPARE_URL).mock(return_value=answer(200, comparison(files=files)))
    assert (await github.compare(MAIN, HEAD, NEXT)).files == expected


def many_files(count: int) -> list[dict[str, Any]]:
    return [{"filename": f"{i}", "status": "modified", "sha": f"{i:040}"} for i in range(count)]


@pytest.mark.parametrize(
    ("changes", "whole"),
    [
        ({"total_commits": 3}, False),
        ({"files": many_files(300)}, False),
        ({"files": many_files(299)}, True),
        ({"total_commits": 0, "commits": [], "files": []}, True),
    ],
)
async def test_a_comparison_that_was_cut_is_not_whole(
    github: GitHub, api: respx.Router, changes: Any, whole: bool
) -> None:
    api.get(COMPARE_URL).mock(return_value=answer(200, comparison(**changes)))
    assert (await github.compare(MAIN, HEAD, NEXT)).is_whole is whole


async def test_of_a_comparison_only_what_is_needed_is_kept(
    client: GitHubClient, github: GitHub, api: respx.Router
) -> None:
    api.get(COMPARE_URL).mock(return_value=answer(200, comparison()))
    await github.compare(MAIN, HEAD, NEXT)
    copy = client.cache.get(f"/repos/acme/homelab/compare/{HEAD}...{NEXT}")
    assert copy is not None
    assert b"unneeded" not in copy.body


@pytest.mark.parametrize(
    "reply",
    [
        refused(404, "Not Found"),
        refused(404, "No common ancestor between a and b."),
        answer(200, []),
        answer(200, {}),
        answer(200),
        answer(200, comparison(merge_base_commit=None)),
        answer(200, comparison(commits=[{}])),
        answer(200, comparison(files=[{"filename": "x", "status": "added"}])),
        answer(200, comparison(files=None)),
    ],
)
async def test_a_comparison_that_is_none_is_an_error(github: GitHub, api: respx.Router, reply: Any) -> None:
    api.get(COMPARE_URL).mock(return_value=reply)
    with pytest.raises(ForgeError):
        await github.compare(MAIN, HEAD, NEXT)


# What a commit took away

COMMIT_URL = f"{COMMITS_URL}/{HEAD}"


async def test_what_a_commit_renamed_and_removed(github: GitHub, api: respx.Router) -> None:
    files = [
        {"filename": "b", "previous_filename": "a", "status": "renamed"},
        {"filename": "c", "previous_filename": "x", "status": "copied"},
        {"filename": "d", "status": "removed"},
        {"filename": "e", "status": "added"},
    ]
    get = api.get(COMMIT_URL).mock(return_value=answer(200, {"files": files}))
    for _ in range(2):
        assert await github.renames_and_removals(MAIN, HEAD) == RenamesAndRemovals({"b": "a"}, ("d",))
    assert get.call_count == 1


async def test_a_large_commit_has_pages(github: GitHub, api: respx.Router) -> None:
    first = [{"filename": f"f{i}", "status": "removed"} for i in range(COMMIT_FILES)]
    last = [{"filename": "b", "previous_filename": "a", "status": "renamed"}]
    api.get(COMMIT_URL).mock(side_effect=[answer(200, {"files": first}), answer(200, {"files": last})])
    found = await github.renames_and_removals(MAIN, HEAD)
    assert (found.renamed, len(found.removed)) == ({"b": "a"}, COMMIT_FILES)


@pytest.mark.parametrize("reply", [refused(404, "Not Found"), answer(200, []), answer(200, {"files": [{}]})])
async def test_a_commit_that_is_none_is_an_error(github: GitHub, api: respx.Router, reply: respx.MockResponse) -> None:
    api.get(COMMIT_URL).mock(return_value=reply)
    with pytest.raises(ForgeError):
        await github.renames_and_removals(MAIN, HEAD)
