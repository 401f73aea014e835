"""One file of a branch, by the contents API, against a mocked GitHub."""

import asyncio
import time
from typing import Any

import httpx2
import pytest
import respx

from failover_api.core.catalog.model import Branch
from failover_api.errors import (
    FailoverError,
    FileNotFound,
    ForgeError,
    ForgePermission,
    ForgeRateLimited,
    ManifestInvalid,
    RepositoryNotFound,
)
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.values import File, blob_sha
from tests.support.builders import MAIN
from tests.support.fake_github import (
    ALREADY,
    FILE_URL,
    GRAPHQL,
    HEAD,
    NEW,
    OLD,
    PATH,
    REPOSITORY_URL,
    ROOT,
    Waits,
    answer,
    contents,
    get_branch,
    get_file,
    graphql,
    graphql_error,
    hang,
    mode,
    read_file,
    refused,
    sent,
)

FOLDER_URL = f"{REPOSITORY_URL}/contents/apps"


def list_folder(api: respx.Router, *replies: Any) -> respx.Route:
    return api.get(FOLDER_URL, params={"ref": "main"}).mock(side_effect=list(replies))


async def test_a_file_is_read_and_validated(github: GitHub, api: respx.Router) -> None:
    get = get_file(api, answer(200, contents(), etag=f'W/"{blob_sha(OLD)}"'), answer(304))
    post = graphql(api, mode())
    for _ in range(2):
        assert await read_file(github) == File(PATH, OLD, blob_sha(OLD))
    assert get.calls[0].request.url.raw_path == b"/repos/acme/homelab/contents/apps%2Fsonarr.yaml?ref=main"
    assert get.calls[1].request.headers["if-none-match"] == f'W/"{blob_sha(OLD)}"'
    assert post.call_count == 1
    assert sent(post)["variables"] == {"owner": "acme", "name": "homelab", "ref": "refs/heads/main", "path": PATH}


async def test_any_copy_will_do_when_asked_so(github: GitHub, api: respx.Router) -> None:
    get, post = get_file(api, answer(200, contents())), graphql(api, mode())
    await read_file(github)
    await read_file(github, not_before=None)
    assert (get.call_count, post.call_count) == (1, 1)


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("a b/ä#?.yaml", b"/contents/a%20b%2F%C3%A4%23%3F.yaml?ref=feature%2Fx"),
        ("..%2f/x.yaml", b"/contents/..%252f%2Fx.yaml?ref=feature%2Fx"),
    ],
)
async def test_a_path_is_one_part_of_the_url(github: GitHub, api: respx.Router, path: str, url: bytes) -> None:
    get = api.get(url__startswith=f"{ROOT}/repos").mock(return_value=answer(200, contents(path=path)))
    graphql(api, mode())
    branch = Branch("acme/homelab", "feature/x")
    await github.read(branch, [path], not_before=None)
    assert get.calls[0].request.url.raw_path == b"/repos/acme/homelab" + url


async def test_a_symlink_that_contents_hides_is_refused(github: GitHub, api: respx.Router) -> None:
    get_file(api, answer(200, contents()), answer(200, contents()))
    post = graphql(api, mode(0o120000), mode(0o120000))
    for _ in range(2):
        with pytest.raises(ManifestInvalid, match="is a symlink"):
            await read_file(github)
    assert post.call_count == 2


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "is a directory"),
        ({"type": "symlink", "target": "x", "sha": "1" * 40, "size": 1}, "is a symlink"),
        ({"type": "submodule", "sha": "1" * 40, "size": 0}, "is a submodule"),
        (contents(size=5_000_000, content="", encoding="none"), "bytes, expected at most"),
    ],
)
async def test_what_is_no_regular_file_is_refused(github: GitHub, api: respx.Router, body: Any, said: str) -> None:
    get_file(api, answer(200, body))
    graphql(api, mode(None))
    list_folder(api, refused(404, "Not Found"))
    with pytest.raises(ManifestInvalid, match=said):
        await read_file(github)


NO_MODE = [
    httpx2.ReadTimeout("slow"),
    refused(502, "x"),
    graphql_error("RATE_LIMIT", ALREADY),
    graphql_error("FORBIDDEN", "Resource not accessible by integration"),
    graphql_error("NOT_FOUND", "Could not resolve to a Repository"),
    {"data": {"repository": None}},
    {"data": {"repository": {"ref": None}}},
    {"data": {"repository": {"ref": {"target": {"file": {"mode": "100644"}}}}}},
    mode(None),
]


def listing(kind: str, path: str = PATH) -> respx.MockResponse:
    others = [{"path": "apps/other.yaml", "type": "file"}, {"path": "apps/deep", "type": "dir"}]
    return answer(200, [*others, {"path": path, "type": kind}])


@pytest.mark.parametrize("reply", NO_MODE)
async def test_a_mode_that_graphql_does_not_give_is_in_the_listing_of_the_folder(
    github: GitHub, api: respx.Router, waits: Waits, reply: Any
) -> None:
    get_file(api, answer(200, contents()))
    post, folder = graphql(api, reply), list_folder(api, listing("symlink"))
    with pytest.raises(ManifestInvalid, match="is a symlink"):
        await read_file(github)
    assert folder.calls[0].request.url.raw_path == b"/repos/acme/homelab/contents/apps?ref=main"
    assert (post.call_count, folder.call_count) == (1, 1)
    assert waits == []


async def test_a_mode_that_graphql_gives_is_not_asked_for_again(github: GitHub, api: respx.Router) -> None:
    get_file(api, answer(200, contents(), etag='"1"'), answer(304))
    graphql(api, mode())
    folder = list_folder(api)
    for _ in range(2):
        await read_file(github)
    assert folder.call_count == 0


async def test_a_file_that_is_listed_as_one_is_known_to_be_one(github: GitHub, api: respx.Router) -> None:
    get_file(api, answer(200, contents(), etag='"1"'), answer(304))
    post, folder = graphql(api, refused(502, "x")), list_folder(api, listing("file"))
    for _ in range(2):
        assert await read_file(github) == File(PATH, OLD, blob_sha(OLD))
    assert (post.call_count, folder.call_count) == (1, 1)


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("sonarr.yaml", b"/repos/acme/homelab/contents/?ref=main"),
        ("apps/a b/ä.yaml", b"/repos/acme/homelab/contents/apps%2Fa%20b?ref=main"),
    ],
)
async def test_the_folder_of_a_file_is_listed_wherever_it_is(
    github: GitHub, api: respx.Router, path: str, url: bytes
) -> None:
    asked = []

    def reply(request: httpx2.Request) -> respx.MockResponse:
        asked.append(request.url.raw_path)
        return listing("symlink", path) if request.url.raw_path == url else answer(200, contents(path=path))

    api.get(url__startswith=f"{REPOSITORY_URL}/contents/").mock(side_effect=reply)
    graphql(api, refused(502, "x"))
    with pytest.raises(ManifestInvalid, match="is a symlink"):
        (await github.read(MAIN, [path], not_before=None)).file(path)
    assert len(asked) == 2
    assert url in asked


@pytest.mark.parametrize(
    "listed",
    [
        refused(404, "Not Found"),
        refused(403, "Resource not accessible by integration"),
        refused(429, "", retry_after="5"),
        listing("symlink", "apps/another.yaml"),
        answer(200, []),
        answer(200, {"type": "file"}),
        answer(200, ["x"]),
        answer(200, [{"path": PATH}]),
        answer(200),
    ],
)
async def test_a_mode_that_cannot_be_learnt_costs_two_requests_and_is_not_made_up(
    github: GitHub, api: respx.Router, waits: Waits, listed: Any
) -> None:
    get_file(api, answer(200, contents()))
    post, folder = graphql(api, refused(502, "x")), list_folder(api, listed)
    assert await read_file(github) == File(PATH, OLD, blob_sha(OLD))
    assert (post.call_count, folder.call_count) == (1, 1)
    assert waits == []


@pytest.mark.parametrize("reply", NO_MODE)
async def test_a_mode_that_was_not_learnt_is_asked_for_again(github: GitHub, api: respx.Router, reply: Any) -> None:
    get_file(api, answer(200, contents(), etag='"1"'), answer(304))
    graphql(api, reply, mode(0o120000))
    list_folder(api, refused(404, "Not Found"), listing("symlink"))  # the latter when GraphQL has to be waited for
    assert await read_file(github) == File(PATH, OLD, blob_sha(OLD))
    with pytest.raises(ManifestInvalid, match="is a symlink"):
        await read_file(github)


async def test_a_secondary_limit_is_not_evaded_by_the_listing(github: GitHub, api: respx.Router) -> None:
    asked = asyncio.Event()

    async def file(_: Any) -> respx.MockResponse:
        asked.set()
        return answer(200, contents())

    async def limit(_: Any) -> respx.MockResponse:
        await asyncio.wait_for(asked.wait(), 5)
        return refused(403, "You have exceeded a secondary rate limit.", retry_after="5")

    api.get(FILE_URL).mock(side_effect=file)
    api.post(GRAPHQL).mock(side_effect=limit)
    folder = list_folder(api)
    await read_file(github)
    assert folder.call_count == 0


async def test_a_mode_is_not_waited_for_long(github: GitHub, api: respx.Router) -> None:
    get_file(api, answer(200, contents()))
    api.post(GRAPHQL).mock(side_effect=hang)
    api.get(FOLDER_URL).mock(side_effect=hang)
    started = time.monotonic()
    assert await read_file(github) == File(PATH, OLD, blob_sha(OLD))
    assert time.monotonic() - started < 30


async def test_a_graphql_that_hangs_leaves_time_for_the_listing(github: GitHub, api: respx.Router) -> None:
    get_file(api, answer(200, contents()))
    api.post(GRAPHQL).mock(side_effect=hang)
    list_folder(api, listing("symlink"))
    started = time.monotonic()
    with pytest.raises(ManifestInvalid, match="is a symlink"):
        await read_file(github)
    assert time.monotonic() - started < 30


async def test_a_failed_read_leaves_no_request_behind(github: GitHub, api: respx.Router) -> None:
    get_file(api, refused(403, "Resource not accessible by integration"))
    api.post(GRAPHQL).mock(side_effect=hang)
    before = asyncio.all_tasks()
    with pytest.raises(ForgePermission):
        await read_file(github)
    assert asyncio.all_tasks() == before


async def test_a_content_of_another_blob_is_an_error_and_not_kept(github: GitHub, api: respx.Router) -> None:
    etag = f'W/"{blob_sha(OLD)}"'
    get = get_file(api, answer(200, contents(NEW, sha=blob_sha(OLD)), etag=etag), answer(200, contents(), etag=etag))
    graphql(api, mode(), mode())
    with pytest.raises(ForgeError, match="not that of blob"):
        await read_file(github)
    assert await read_file(github) == File(PATH, OLD, blob_sha(OLD))
    assert "if-none-match" not in get.calls[1].request.headers


async def test_a_missing_file_is_told_from_a_missing_branch(github: GitHub, api: respx.Router) -> None:
    get_file(api, refused(404, "Not Found"), refused(404, "No commit found for the ref main"))
    graphql(api, mode(None), {"data": {"repository": {"ref": None}}})
    list_folder(api, answer(200, []), refused(404, "No commit found for the ref main"))
    get_branch(api, HEAD, refused(404, "Branch not found"))
    with pytest.raises(FileNotFound, match=r"apps/sonarr\.yaml: no such file on acme/homelab@main"):
        await read_file(github)
    with pytest.raises(RepositoryNotFound, match="no branch acme/homelab@main"):
        await read_file(github)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refused(301, "Moved Permanently", location=f"{ROOT}/repositories/1"), RepositoryNotFound),
        (refused(403, "Resource not accessible by integration"), ForgePermission),
        (refused(429, "", retry_after="5"), ForgeRateLimited),
    ],
)
async def test_what_stops_a_read_is_said(
    github: GitHub, api: respx.Router, reply: Any, expected: type[FailoverError]
) -> None:
    get_file(api, reply)
    graphql(api, mode())
    with pytest.raises(expected):
        await read_file(github)


async def test_a_remembered_file_is_asked_for_by_its_blob(github: GitHub, api: respx.Router) -> None:
    github.remember(MAIN, File(PATH, OLD, blob_sha(OLD)), validated_at=time.monotonic())
    get = get_file(api, answer(304))
    assert await read_file(github) == File(PATH, OLD, blob_sha(OLD))
    assert get.calls[0].request.headers["if-none-match"] == f'W/"{blob_sha(OLD)}"'


async def test_another_scheme_of_etags_costs_a_body_and_no_more(github: GitHub, api: respx.Router) -> None:
    github.remember(MAIN, File(PATH, OLD, blob_sha(OLD)), validated_at=time.monotonic())
    get = get_file(api, answer(200, contents(NEW), etag='"v2:abc"'), answer(304))
    for _ in range(2):
        assert await read_file(github) == File(PATH, NEW, blob_sha(NEW))
    assert get.calls[1].request.headers["if-none-match"] == '"v2:abc"'
