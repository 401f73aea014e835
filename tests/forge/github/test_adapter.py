"""The port, against a mocked GitHub: what is asked, what is sent, and what comes of each answer."""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import respx

from failover_api.core.catalog.model import Branch
from failover_api.errors import (
    BranchProtected,
    Conflict,
    FailoverError,
    FileNotFound,
    ForgeError,
    ForgePermission,
    ForgeRateLimited,
    ForgeUnavailable,
    ManifestInvalid,
    RepositoryNotFound,
    RepositoryTooLarge,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.port import Commit, Entry, File, Snapshot, blob_sha
from tests.support.fake_github import (
    BRANCH_URL,
    FILE_URL,
    GRAPHQL,
    HEAD,
    MAIN,
    NEW,
    NEXT,
    OLD,
    PATH,
    ROOT,
    Waits,
    answer,
    at_head,
    at_ref,
    blob,
    contents,
    entry,
    graphql_error,
    mode,
    put_reply,
    refused,
    wrapped,
)

PUT_URL = FILE_URL
FOLDER_URL = f"{ROOT}/repos/acme/homelab/contents/apps"
TREE_URL = f"{ROOT}/repos/acme/homelab/git/trees"
BLOB_URL = f"{ROOT}/repos/acme/homelab/git/blobs"
OTHER = "apps/plex.yaml"
COMMITS_URL = f"{ROOT}/repos/acme/homelab/commits"


def get_file(api: respx.Router, *replies: Any) -> respx.Route:
    return api.get(FILE_URL, params={"ref": "main"}).mock(side_effect=list(replies))


def list_folder(api: respx.Router, *replies: Any) -> respx.Route:
    return api.get(FOLDER_URL, params={"ref": "main"}).mock(side_effect=list(replies))


def get_branch(api: respx.Router, *oids: Any) -> respx.Route:
    replies = [
        answer(200, {"name": "main", "commit": {"sha": oid}}, etag=f'"{oid}"') if isinstance(oid, str) else oid
        for oid in oids
    ]
    return api.get(BRANCH_URL).mock(side_effect=replies)


def graphql(api: respx.Router, *replies: Any) -> respx.Route:
    given = [answer(200, reply) if isinstance(reply, dict) else reply for reply in replies]
    return api.post(GRAPHQL).mock(side_effect=given)


def sent(route: respx.Route, number: int = -1) -> Any:
    return json.loads(route.calls[number].request.content)


async def read(github: GitHub, **how: Any) -> File:
    snapshot = await github.read(MAIN, [PATH], **{"not_before": time.monotonic(), **how})
    return snapshot.file(PATH)


def one_file() -> Snapshot:
    return Snapshot(MAIN, {PATH: File(PATH, OLD, blob_sha(OLD))})


def two_files(head: str = HEAD) -> Snapshot:
    return Snapshot(MAIN, {path: File(path, OLD, blob_sha(OLD)) for path in (PATH, OTHER)}, head)


# Reading one file


async def test_a_file_is_read_and_validated(github: GitHub, api: respx.Router) -> None:
    get = get_file(api, answer(200, contents(), etag=f'W/"{blob_sha(OLD)}"'), answer(304))
    post = graphql(api, mode())
    for _ in range(2):
        assert await read(github) == File(PATH, OLD, blob_sha(OLD))
    assert get.calls[0].request.url.raw_path == b"/repos/acme/homelab/contents/apps%2Fsonarr.yaml?ref=main"
    assert get.calls[1].request.headers["if-none-match"] == f'W/"{blob_sha(OLD)}"'
    assert post.call_count == 1
    assert sent(post)["variables"] == {"owner": "acme", "name": "homelab", "ref": "refs/heads/main", "path": PATH}


async def test_any_copy_will_do_when_asked_so(github: GitHub, api: respx.Router) -> None:
    get, post = get_file(api, answer(200, contents())), graphql(api, mode())
    await read(github)
    await read(github, not_before=None)
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
            await read(github)
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
        await read(github)


NO_MODE = [
    httpx2.ReadTimeout("slow"),
    refused(502, "x"),
    graphql_error("RATE_LIMIT", "API rate limit already exceeded for user ID 1."),
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
        await read(github)
    assert folder.calls[0].request.url.raw_path == b"/repos/acme/homelab/contents/apps?ref=main"
    assert (post.call_count, folder.call_count) == (1, 1)
    assert waits == []


async def test_a_mode_that_graphql_gives_is_not_asked_for_again(github: GitHub, api: respx.Router) -> None:
    get_file(api, answer(200, contents(), etag='"1"'), answer(304))
    graphql(api, mode())
    folder = list_folder(api)
    for _ in range(2):
        await read(github)
    assert folder.call_count == 0


async def test_a_file_that_is_listed_as_one_is_known_to_be_one(github: GitHub, api: respx.Router) -> None:
    get_file(api, answer(200, contents(), etag='"1"'), answer(304))
    post, folder = graphql(api, refused(502, "x")), list_folder(api, listing("file"))
    for _ in range(2):
        assert await read(github) == File(PATH, OLD, blob_sha(OLD))
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

    api.get(url__startswith=f"{ROOT}/repos/acme/homelab/contents/").mock(side_effect=reply)
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
    assert await read(github) == File(PATH, OLD, blob_sha(OLD))
    assert (post.call_count, folder.call_count) == (1, 1)
    assert waits == []


@pytest.mark.parametrize("reply", NO_MODE)
async def test_a_mode_that_was_not_learnt_is_asked_for_again(github: GitHub, api: respx.Router, reply: Any) -> None:
    get_file(api, answer(200, contents(), etag='"1"'), answer(304))
    graphql(api, reply, mode(0o120000))
    list_folder(api, refused(404, "Not Found"), listing("symlink"))  # the latter when GraphQL has to be waited for
    assert await read(github) == File(PATH, OLD, blob_sha(OLD))
    with pytest.raises(ManifestInvalid, match="is a symlink"):
        await read(github)


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
    await read(github)
    assert folder.call_count == 0


async def hang(_: Any) -> Any:
    await asyncio.sleep(60)


async def test_a_mode_is_not_waited_for_long(github: GitHub, api: respx.Router) -> None:
    get_file(api, answer(200, contents()))
    api.post(GRAPHQL).mock(side_effect=hang)
    api.get(FOLDER_URL).mock(side_effect=hang)
    started = time.monotonic()
    assert await read(github) == File(PATH, OLD, blob_sha(OLD))
    assert time.monotonic() - started < 30


async def test_a_graphql_that_hangs_leaves_time_for_the_listing(github: GitHub, api: respx.Router) -> None:
    get_file(api, answer(200, contents()))
    api.post(GRAPHQL).mock(side_effect=hang)
    list_folder(api, listing("symlink"))
    started = time.monotonic()
    with pytest.raises(ManifestInvalid, match="is a symlink"):
        await read(github)
    assert time.monotonic() - started < 30


async def test_a_failed_read_leaves_no_request_behind(github: GitHub, api: respx.Router) -> None:
    get_file(api, refused(403, "Resource not accessible by integration"))
    api.post(GRAPHQL).mock(side_effect=hang)
    before = asyncio.all_tasks()
    with pytest.raises(ForgePermission):
        await read(github)
    assert asyncio.all_tasks() == before


async def test_a_content_of_another_blob_is_an_error_and_not_kept(github: GitHub, api: respx.Router) -> None:
    etag = f'W/"{blob_sha(OLD)}"'
    get = get_file(api, answer(200, contents(NEW, sha=blob_sha(OLD)), etag=etag), answer(200, contents(), etag=etag))
    graphql(api, mode(), mode())
    with pytest.raises(ForgeError, match="not that of blob"):
        await read(github)
    assert await read(github) == File(PATH, OLD, blob_sha(OLD))
    assert "if-none-match" not in get.calls[1].request.headers


async def test_a_missing_file_is_told_from_a_missing_branch(github: GitHub, api: respx.Router) -> None:
    get_file(api, refused(404, "Not Found"), refused(404, "No commit found for the ref main"))
    graphql(api, mode(None), {"data": {"repository": {"ref": None}}})
    list_folder(api, answer(200, []), refused(404, "No commit found for the ref main"))
    get_branch(api, HEAD, refused(404, "Branch not found"))
    with pytest.raises(FileNotFound, match=r"apps/sonarr\.yaml: no such file on acme/homelab@main"):
        await read(github)
    with pytest.raises(RepositoryNotFound, match="no branch acme/homelab@main"):
        await read(github)


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
        await read(github)


async def test_a_remembered_file_is_asked_for_by_its_blob(github: GitHub, api: respx.Router) -> None:
    github.remember(MAIN, File(PATH, OLD, blob_sha(OLD)), validated_at=time.monotonic())
    get = get_file(api, answer(304))
    assert await read(github) == File(PATH, OLD, blob_sha(OLD))
    assert get.calls[0].request.headers["if-none-match"] == f'W/"{blob_sha(OLD)}"'


async def test_another_scheme_of_etags_costs_a_body_and_no_more(github: GitHub, api: respx.Router) -> None:
    github.remember(MAIN, File(PATH, OLD, blob_sha(OLD)), validated_at=time.monotonic())
    get = get_file(api, answer(200, contents(NEW), etag='"v2:abc"'), answer(304))
    for _ in range(2):
        assert await read(github) == File(PATH, NEW, blob_sha(NEW))
    assert get.calls[1].request.headers["if-none-match"] == '"v2:abc"'


# Reading several


async def test_several_files_are_read_at_one_head(github: GitHub, api: respx.Router) -> None:
    post, branch = graphql(api, at_ref(entry(OLD), entry(NEW))), get_branch(api, HEAD)
    snapshot = await github.read(MAIN, [PATH, OTHER], not_before=time.monotonic())
    assert (post.call_count, branch.call_count) == (1, 1)
    assert snapshot.head == HEAD
    assert (snapshot.file(PATH).data, snapshot.file(OTHER).data) == (OLD, NEW)
    given = sent(post)["variables"]
    assert given == {"owner": "acme", "name": "homelab", "ref": "refs/heads/main", "p0": PATH, "p1": OTHER}


async def test_an_unmoved_head_costs_a_304(github: GitHub, api: respx.Router) -> None:
    post = graphql(api, at_ref(entry(OLD), entry(NEW)))
    branch = get_branch(api, HEAD, answer(304), answer(304))
    for _ in range(3):
        snapshot = await github.read(MAIN, [PATH, OTHER], not_before=time.monotonic())
    assert snapshot.head == HEAD
    assert (post.call_count, branch.call_count) == (1, 3)


async def test_an_unmoved_first_read_makes_the_next_a_304(github: GitHub, api: respx.Router) -> None:
    post = graphql(api, at_ref(entry(OLD), entry(NEW)))
    branch = get_branch(api, HEAD, answer(304))
    first = await github.read(MAIN, [PATH, OTHER], not_before=None)
    assert "if-none-match" not in branch.calls[0].request.headers
    assert await github.read(MAIN, [PATH, OTHER], not_before=time.monotonic()) == first
    assert (post.call_count, branch.call_count) == (1, 2)
    assert branch.calls[1].request.headers["if-none-match"] == f'"{HEAD}"'


async def test_a_head_that_moves_within_the_first_read_is_read_at_the_newer(github: GitHub, api: respx.Router) -> None:
    post = graphql(api, at_ref(entry(OLD), entry(OLD)), at_head(entry(NEW), entry(OLD), oid=NEXT))
    branch = get_branch(api, NEXT, answer(304))
    for _ in range(2):
        snapshot = await github.read(MAIN, [PATH, OTHER], not_before=time.monotonic())
        assert snapshot.head == NEXT
        assert (snapshot.file(PATH).data, snapshot.file(OTHER).data) == (NEW, OLD)
    assert (post.call_count, branch.call_count) == (2, 2)
    assert sent(post)["variables"] == {"owner": "acme", "name": "homelab", "head": NEXT, "p0": PATH, "p1": OTHER}
    assert branch.calls[1].request.headers["if-none-match"] == f'"{NEXT}"'


@pytest.mark.parametrize("hanging", ["graphql", "branch"])
async def test_a_failed_first_read_leaves_no_request_behind(github: GitHub, api: respx.Router, hanging: str) -> None:
    asked = asyncio.Event()

    async def hang(_: Any) -> Any:
        asked.set()
        await asyncio.sleep(60)

    async def none(_: Any) -> respx.MockResponse:
        await asyncio.wait_for(asked.wait(), 5)
        gone = {"data": {"repository": {"ref": None}}}
        return answer(200, gone) if hanging == "branch" else refused(404, "Branch not found")

    api.post(GRAPHQL).mock(side_effect=hang if hanging == "graphql" else none)
    api.get(BRANCH_URL).mock(side_effect=hang if hanging == "branch" else none)
    before = asyncio.all_tasks()
    with pytest.raises(RepositoryNotFound, match="no branch acme/homelab@main"):
        await github.read(MAIN, [PATH, OTHER], not_before=None)
    assert asyncio.all_tasks() == before


async def test_a_moved_head_is_read_anew(github: GitHub, api: respx.Router) -> None:
    post = graphql(api, at_ref(entry(OLD), entry(OLD)), at_head(entry(NEW), entry(NEW), oid=NEXT))
    get_branch(api, HEAD, NEXT)
    first = await github.read(MAIN, [PATH, OTHER], not_before=time.monotonic())
    assert (first.head, first.file(PATH).data) == (HEAD, OLD)
    snapshot = await github.read(MAIN, [PATH, OTHER], not_before=time.monotonic())
    assert (snapshot.head, snapshot.file(PATH).data) == (NEXT, NEW)
    assert sent(post)["variables"]["head"] == NEXT


async def test_more_files_at_a_known_head_are_read_at_it(github: GitHub, api: respx.Router) -> None:
    post, branch = graphql(api, at_ref(entry(OLD)), at_head(entry(NEW))), get_branch(api, HEAD)
    await github.read(MAIN, [PATH], not_before=None, at_head=True)
    snapshot = await github.read(MAIN, [PATH, OTHER], not_before=None)
    assert (post.call_count, branch.call_count) == (2, 1)
    assert (snapshot.head, snapshot.file(OTHER).data) == (HEAD, NEW)
    assert sent(post)["variables"] == {"owner": "acme", "name": "homelab", "head": HEAD, "p0": OTHER}


def files_of(variables: dict[str, str], present: dict[str, bytes]) -> dict[str, Any]:
    names = [variables[f"p{i}"] for i in range(len([name for name in variables if name[1:].isdigit()]))]
    entries = [entry(present[name]) if name in present else None for name in names]
    return at_head(*entries) if "head" in variables else at_ref(*entries)


async def test_250_paths_are_three_queries_at_one_commit(github: GitHub, api: respx.Router) -> None:
    present = {f"apps/{i}.yaml": f"n: {i}\n".encode() for i in range(250) if i % 7}
    paths = [f"apps/{i}.yaml" for i in range(250)]

    def reply(request: httpx2.Request) -> respx.MockResponse:
        return answer(200, files_of(json.loads(request.content)["variables"], present))

    post, branch = api.post(GRAPHQL).mock(side_effect=reply), get_branch(api, HEAD)
    snapshot = await github.read(MAIN, paths, not_before=time.monotonic(), at_head=True)
    assert (post.call_count, branch.call_count) == (3, 1)
    assert sorted(sent(post, i)["variables"].get("head", "") for i in range(3)) == ["", HEAD, HEAD]
    assert {path for path in paths if isinstance(snapshot.files[path], FileNotFound)} == set(paths) - set(present)
    assert all(snapshot.file(path).data == data for path, data in present.items())


async def test_what_is_no_regular_file_stands_in_its_place(github: GitHub, api: respx.Router) -> None:
    link = {"mode": 0o120000, "type": "blob", "object": blob(b"../x")}
    module = {"mode": 0o160000, "type": "commit", "object": None}
    folder = {"mode": 0o040000, "type": "tree", "object": {}}
    large = entry(OLD, byteSize=5_000_000, isTruncated=True)
    graphql(api, at_ref(link, module, folder, None, large, entry(OLD)))
    get_branch(api, HEAD)
    snapshot = await github.read(MAIN, list("abcdef"), not_before=None)
    said = [str(error) for error in snapshot.files.values() if not isinstance(error, File)]
    assert said == [
        "a: is a symlink, expected a regular file",
        "b: is a submodule, expected a regular file",
        "c: is a directory, expected a regular file",
        "d: no such file on acme/homelab@main",
        "e: is 5,000,000 bytes, expected at most 1,048,576",
    ]
    assert snapshot.file("f").data == OLD


async def test_bytes_that_are_no_text_come_by_rest(github: GitHub, api: respx.Router) -> None:
    latin = "ä: 1\n".encode("latin-1")
    graphql(api, at_ref(entry(latin), entry(OLD)))
    get_branch(api, HEAD)
    body = {"sha": blob_sha(latin), "size": len(latin), "encoding": "base64", "content": wrapped(latin)}
    get = api.get(f"{BLOB_URL}/{blob_sha(latin)}").mock(return_value=answer(200, body))
    snapshot = await github.read(MAIN, [PATH, OTHER], not_before=None)
    assert snapshot.file(PATH).data == latin
    assert get.call_count == 1


@pytest.mark.parametrize("answered", [{"data": {"repository": {"ref": None}}}, {"data": {"repository": None}}])
async def test_a_missing_branch_or_repository_is_said(github: GitHub, api: respx.Router, answered: Any) -> None:
    graphql(api, answered)
    get_branch(api, refused(404, "Not Found"))
    with pytest.raises(RepositoryNotFound, match="acme/homelab"):
        await github.read(MAIN, [PATH, OTHER], not_before=None)


def rest_tree(api: respx.Router, ref: str, *nodes: tuple[str, str, bytes], truncated: bool = False) -> respx.Route:
    for _, _, data in nodes:
        body = {"sha": blob_sha(data), "size": len(data), "encoding": "base64", "content": wrapped(data)}
        api.get(f"{BLOB_URL}/{blob_sha(data)}").mock(return_value=answer(200, body))
    tree = [
        {"path": path, "mode": mode, "type": "blob", "sha": blob_sha(data), "size": len(data)}
        for path, mode, data in nodes
    ]
    url = f"{TREE_URL}/{ref}?recursive=1"
    return api.get(url).mock(return_value=answer(200, {"sha": ref, "tree": tree, "truncated": truncated}))


DOWN = [
    httpx2.ReadTimeout("slow"),
    refused(502, "x"),
    refused(403, "GraphQL is not for you"),
    graphql_error("RESOURCE_LIMITS_EXCEEDED", "Resource limits for this query exceeded."),
    graphql_error("", "Something went wrong while executing your query."),
    {"data": {"repository": {"ref": {"target": {}}}}},
]


@pytest.mark.parametrize("fault", DOWN)
async def test_rest_has_the_same_when_graphql_refuses_or_is_down(github: GitHub, api: respx.Router, fault: Any) -> None:
    post, branch = graphql(api, fault, fault), get_branch(api, HEAD)
    rest_tree(api, HEAD, (PATH, "100644", OLD), (OTHER, "100755", NEW), ("link", "120000", b"x"))
    snapshot = await github.read(MAIN, [PATH, OTHER, "gone", "link"], not_before=time.monotonic())
    assert snapshot.head == HEAD
    assert (snapshot.file(PATH).data, snapshot.file(OTHER).data) == (OLD, NEW)
    assert type(snapshot.files["gone"]) is FileNotFound
    assert str(snapshot.files["link"]) == "link: is a symlink, expected a regular file"
    assert post.call_count <= 2
    assert branch.call_count == 1


async def test_graphql_is_enough_while_the_branch_cannot_be_read(github: GitHub, api: respx.Router) -> None:
    graphql(api, at_ref(entry(OLD), entry(NEW)))
    branch = get_branch(api, *[refused(502, "x")] * 3, HEAD)
    snapshot = await github.read(MAIN, [PATH, OTHER], not_before=time.monotonic())
    assert (snapshot.head, snapshot.file(PATH).data, snapshot.file(OTHER).data) == (HEAD, OLD, NEW)
    assert await github.read(MAIN, [PATH, OTHER], not_before=time.monotonic()) == snapshot
    assert branch.call_count == 4


async def test_with_branch_and_graphql_down_there_is_no_answer(github: GitHub, api: respx.Router) -> None:
    graphql(api, *[refused(502, "x")] * 2)
    get_branch(api, *[refused(502, "x")] * 3)
    with pytest.raises(ForgeUnavailable, match="reading branch"):
        await github.read(MAIN, [PATH, OTHER], not_before=time.monotonic())


@pytest.mark.parametrize("seen_before", [False, True])
async def test_a_commit_that_graphql_does_not_know_yet_comes_by_rest(
    github: GitHub, api: respx.Router, seen_before: bool
) -> None:
    graphql(api, at_ref(entry(OLD), entry(OLD)), {"data": {"repository": {"object": None}}})
    get_branch(api, *([HEAD] if seen_before else []), NEXT)
    rest_tree(api, NEXT, (PATH, "100644", NEW), (OTHER, "100644", OLD))
    if seen_before:
        await github.read(MAIN, [PATH, OTHER], not_before=None)
    snapshot = await github.read(MAIN, [PATH, OTHER], not_before=time.monotonic())
    assert (snapshot.head, snapshot.file(PATH).data) == (NEXT, NEW)


async def test_a_tree_too_large_for_rest_is_no_answer(github: GitHub, api: respx.Router) -> None:
    graphql(api, refused(502, "x"), refused(502, "x"))
    get_branch(api, HEAD)
    rest_tree(api, HEAD, truncated=True)
    with pytest.raises(ForgeUnavailable):
        await github.read(MAIN, [PATH, OTHER], not_before=None)


async def test_a_secondary_rate_limit_is_not_evaded_by_rest(github: GitHub, api: respx.Router) -> None:
    asked = asyncio.Event()

    async def branch_at_head(_: Any) -> respx.MockResponse:
        asked.set()
        return answer(200, {"name": "main", "commit": {"sha": HEAD}})

    async def limit(_: Any) -> respx.MockResponse:
        await asyncio.wait_for(asked.wait(), 5)
        return refused(403, "You have exceeded a secondary rate limit.", retry_after="5")

    post, branch = api.post(GRAPHQL).mock(side_effect=limit), api.get(BRANCH_URL).mock(side_effect=branch_at_head)
    tree = rest_tree(api, HEAD, (PATH, "100644", OLD), (OTHER, "100644", NEW))
    with pytest.raises(ForgeRateLimited):
        await github.read(MAIN, [PATH, OTHER], not_before=None)
    assert (post.call_count, branch.call_count, tree.call_count) == (1, 1, 0)


QUOTA_USED_UP = graphql_error("RATE_LIMIT", "API rate limit already exceeded for user ID 1.")


async def test_a_graphql_quota_that_is_used_up_leaves_rest(github: GitHub, api: respx.Router) -> None:
    post, branch = graphql(api, QUOTA_USED_UP), get_branch(api, HEAD, NEXT)
    rest_tree(api, HEAD, (PATH, "100644", OLD), (OTHER, "100644", NEW))
    rest_tree(api, NEXT, (PATH, "100644", NEW), (OTHER, "100644", NEW))
    for head, data in ((HEAD, OLD), (NEXT, NEW)):
        snapshot = await github.read(MAIN, [PATH, OTHER], not_before=time.monotonic())
        assert (snapshot.head, snapshot.file(PATH).data, snapshot.file(OTHER).data) == (head, data, NEW)
    assert (post.call_count, branch.call_count) == (1, 2)  # it is asked no more
    put = api.put(PUT_URL).mock(return_value=answer(200, put_reply()))
    await github.commit(one_file(), {PATH: NEW}, "m")
    assert put.call_count == 1


async def test_a_mutation_waits_for_the_graphql_quota(github: GitHub, api: respx.Router) -> None:
    post, put = graphql(api, QUOTA_USED_UP), api.put(PUT_URL)
    for _ in range(2):
        with pytest.raises(ForgeRateLimited):
            await github.commit(two_files(), {PATH: NEW, OTHER: NEW}, "m")
    assert (post.call_count, put.call_count) == (1, 0)


async def test_blobs_come_by_rest_when_the_graphql_quota_is_used_up(github: GitHub, api: respx.Router) -> None:
    post = graphql(api, QUOTA_USED_UP)
    rest_tree(api, "main", (PATH, "100644", OLD), (OTHER, "100644", NEW))
    entries = [Entry(PATH, blob_sha(OLD), 1), Entry(OTHER, blob_sha(NEW), 1)]
    for _ in range(2):
        assert await github.read_blobs(MAIN, entries) == {PATH: OLD, OTHER: NEW}
    assert post.call_count == 1


# Searching


async def test_only_regular_files_are_listed(github: GitHub, api: respx.Router) -> None:
    rest_tree(
        api, "main", (PATH, "100644", OLD), ("run.sh", "100755", NEW), ("l", "120000", b"x"), ("s", "160000", b"")
    )
    listed = await github.list_files(MAIN, not_before=None)
    assert listed == [Entry(PATH, blob_sha(OLD), len(OLD)), Entry("run.sh", blob_sha(NEW), len(NEW))]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (answer(200, {"tree": [], "truncated": True}), RepositoryTooLarge),
        (refused(404, "Not Found"), RepositoryNotFound),
        (refused(409, "Git Repository is empty."), RepositoryNotFound),
        (answer(200, {"tree": [{"path": "x"}], "truncated": False}), ForgeError),
        (answer(200, []), ForgeError),
        (answer(200, {}), ForgeError),
    ],
)
async def test_a_tree_that_is_none_is_said(
    github: GitHub, api: respx.Router, reply: Any, expected: type[FailoverError]
) -> None:
    api.get(f"{TREE_URL}/main?recursive=1").mock(return_value=reply)
    with pytest.raises(expected):
        await github.list_files(MAIN, not_before=None)


def blobs_reply(present: dict[str, bytes]) -> Callable[[httpx2.Request], respx.MockResponse]:
    def reply(request: httpx2.Request) -> respx.MockResponse:
        given = json.loads(request.content)["variables"]
        shas = [sha for name, sha in given.items() if name[0] == "b"]
        found = {f"f{i}": blob(present[sha]) if sha in present else None for i, sha in enumerate(shas)}
        return answer(200, {"data": {"repository": found}})

    return reply


async def test_a_hundred_blobs_cost_one_request(github: GitHub, api: respx.Router) -> None:
    texts = {f"{i}.yaml": f"n: {i}\n".encode() for i in range(250)}
    post = api.post(GRAPHQL).mock(side_effect=blobs_reply({blob_sha(data): data for data in texts.values()}))
    entries = [Entry(path, blob_sha(data), len(data)) for path, data in texts.items()]
    assert await github.read_blobs(MAIN, entries) == texts
    assert post.call_count == 3


async def test_large_blobs_are_not_asked_for_together(github: GitHub, api: respx.Router) -> None:
    texts = {f"{i}.yaml": f"n: {i}\n".encode() for i in range(5)}
    post = api.post(GRAPHQL).mock(side_effect=blobs_reply({blob_sha(data): data for data in texts.values()}))
    await github.read_blobs(MAIN, [Entry(path, blob_sha(data), 3_000_000) for path, data in texts.items()])
    assert post.call_count == 5


@pytest.mark.parametrize("fault", DOWN[:5])
async def test_blobs_come_by_rest_when_graphql_is_down(github: GitHub, api: respx.Router, fault: Any) -> None:
    graphql(api, fault, fault)
    rest_tree(api, "main", (PATH, "100644", OLD), (OTHER, "100644", NEW))
    entries = [Entry(PATH, blob_sha(OLD), 1), Entry(OTHER, blob_sha(NEW), 1)]
    assert await github.read_blobs(MAIN, entries) == {PATH: OLD, OTHER: NEW}


def some(count: int, start: str) -> dict[str, bytes]:
    return {f"{start}/{i}.yaml": f"{start}: {i}\n".encode() for i in range(count)}


def entries_of(texts: dict[str, bytes], size_bytes: int = 10) -> list[Entry]:
    return [Entry(path, blob_sha(data), size_bytes) for path, data in texts.items()]


@pytest.mark.parametrize(
    ("wanted", "spare", "requests", "read"),
    [(30, 50, 1, 80), (30, 170, 1, 100), (100, 50, 1, 100), (130, 200, 2, 200), (0, 50, 0, 0), (30, 0, 1, 30)],
)
async def test_spare_blobs_fill_a_request_up_and_cost_none(
    github: GitHub, api: respx.Router, wanted: int, spare: int, requests: int, read: int
) -> None:
    texts, others = some(wanted, "wanted"), some(spare, "spare")
    present = {blob_sha(data): data for data in (texts | others).values()}
    post = api.post(GRAPHQL).mock(side_effect=blobs_reply(present))
    found = await github.read_blobs(MAIN, entries_of(texts), entries_of(others))
    assert post.call_count == requests
    assert len(found) == read
    assert found.items() >= texts.items()
    assert found.items() <= (texts | others).items()


async def test_spare_blobs_fill_a_request_up_to_its_bytes(github: GitHub, api: respx.Router) -> None:
    texts, others = some(1, "wanted"), some(5, "spare")
    present = {blob_sha(data): data for data in (texts | others).values()}
    post = api.post(GRAPHQL).mock(side_effect=blobs_reply(present))
    found = await github.read_blobs(MAIN, entries_of(texts, 1_000_000), entries_of(others, 1_500_000))
    assert list(found) == ["wanted/0.yaml", "spare/0.yaml", "spare/1.yaml"]
    assert post.call_count == 1


@pytest.mark.parametrize("fault", [*DOWN[:5], QUOTA_USED_UP])
async def test_spare_blobs_are_not_read_by_rest(github: GitHub, api: respx.Router, fault: Any) -> None:
    graphql(api, fault, fault)
    rest_tree(api, "main", (PATH, "100644", OLD))
    assert await github.read_blobs(MAIN, [Entry(PATH, blob_sha(OLD), 1)], [Entry(OTHER, blob_sha(NEW), 1)]) == {
        PATH: OLD
    }


async def test_a_spare_blob_that_is_no_text_is_not_read_by_rest(github: GitHub, api: respx.Router) -> None:
    latin, spare = "ä: 1\n".encode("latin-1"), "ö: 1\n".encode("latin-1")
    rest_tree(api, "main", (PATH, "100644", latin))
    present = {blob_sha(data): data for data in (latin, spare, NEW)}
    api.post(GRAPHQL).mock(side_effect=blobs_reply(present))
    others = [Entry(OTHER, blob_sha(spare), 1), Entry("c", blob_sha(NEW), 1), Entry("gone", "1" * 40, 1)]
    assert await github.read_blobs(MAIN, [Entry(PATH, blob_sha(latin), 1)], others) == {PATH: latin, "c": NEW}


async def test_a_blob_that_is_gone_hides_no_other(github: GitHub, api: respx.Router) -> None:
    api.post(GRAPHQL).mock(side_effect=blobs_reply({blob_sha(OLD): OLD}))
    api.get(f"{BLOB_URL}/{'1' * 40}").mock(return_value=refused(404, "Not Found"))
    entries = [Entry(PATH, blob_sha(OLD), 1), Entry("gone", "1" * 40, 1)]
    assert await github.read_blobs(MAIN, entries) == {PATH: OLD}


async def test_no_more_than_some_requests_run_at_once(github: GitHub, api: respx.Router) -> None:
    running = most = 0

    async def reply(request: httpx2.Request) -> respx.MockResponse:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        await asyncio.sleep(0.005)
        running -= 1
        data = request.url.path.rpartition("/")[2].encode()
        return answer(200, {"sha": "x", "size": 1, "encoding": "base64", "content": wrapped(data), "type": "dir"})

    graphql(api, refused(403, "no"))
    api.get(url__startswith=BLOB_URL).mock(side_effect=reply)
    await github.read_blobs(MAIN, [Entry(f"{i}", f"{i:040}", 1) for i in range(60)])
    assert 1 < most <= 6


# Writing


async def test_a_put_says_what_it_must_and_names_no_author(github: GitHub, api: respx.Router) -> None:
    put = api.put(PUT_URL).mock(return_value=answer(200, put_reply()))
    commit = await github.commit(one_file(), {PATH: NEW}, "Fail over sonarr\n\nWhy\n\nA: b\n")
    assert commit == Commit(NEXT, f"https://github.com/acme/homelab/commit/{NEXT}", verified=True)
    assert sent(put) == {
        "message": "Fail over sonarr\n\nWhy\n\nA: b\n",
        "content": base64.b64encode(NEW).decode(),
        "sha": blob_sha(OLD),
        "branch": "main",
    }
    assert put.calls[0].request.url.raw_path == b"/repos/acme/homelab/contents/apps%2Fsonarr.yaml"
    assert "if-match" not in put.calls[0].request.headers


async def test_several_files_are_one_mutation(github: GitHub, api: respx.Router) -> None:
    made = {"oid": NEXT, "url": f"https://github.com/acme/homelab/commit/{NEXT}", "signature": {"isValid": True}}
    post = graphql(api, {"data": {"createCommitOnBranch": {"commit": made}}})
    commit = await github.commit(two_files(), {PATH: NEW, OTHER: OLD}, "Headline\n\nBody one\n\nA: b\n")
    assert commit == Commit(NEXT, made["url"], verified=True)
    assert sent(post)["variables"] == {
        "input": {
            "branch": {"repositoryNameWithOwner": "acme/homelab", "branchName": "main"},
            "expectedHeadOid": HEAD,
            "fileChanges": {
                "additions": [
                    {"path": PATH, "contents": base64.b64encode(NEW).decode()},
                    {"path": OTHER, "contents": base64.b64encode(OLD).decode()},
                ]
            },
            "message": {"headline": "Headline", "body": "Body one\n\nA: b\n"},
        }
    }


@pytest.mark.parametrize(
    ("commit", "verified"),
    [({}, True), ({"verification": {"verified": False}}, False), ({"verification": None}, False)],
)
async def test_a_commit_is_verified_when_github_says_so(
    github: GitHub, api: respx.Router, commit: Any, verified: bool
) -> None:
    api.put(PUT_URL).mock(return_value=answer(200, put_reply(**commit)))
    assert (await github.commit(one_file(), {PATH: NEW}, "m")).verified is verified


@pytest.mark.parametrize("body", [None, {}, [], {"commit": None}, {"commit": {"sha": NEXT}}, {"commit": "x"}, "ok"])
async def test_a_write_whose_answer_names_no_commit_is_unknown(github: GitHub, api: respx.Router, body: Any) -> None:
    put = api.put(PUT_URL).mock(return_value=answer(200, body))
    with pytest.raises(WriteUnknown):
        await github.commit(one_file(), {PATH: NEW}, "m")
    assert put.call_count == 1


@pytest.mark.parametrize("made", [None, {}, {"commit": None}, {"commit": {"url": "x"}}, {"commit": "x"}])
async def test_a_mutation_whose_answer_names_no_commit_is_unknown(github: GitHub, api: respx.Router, made: Any) -> None:
    graphql(api, {"data": {"createCommitOnBranch": made}})
    with pytest.raises(WriteUnknown):
        await github.commit(two_files(), {PATH: NEW, OTHER: NEW}, "m")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refused(409, f"{PATH} does not match {blob_sha(OLD)}"), WriteConflict),
        (refused(409, f"is at {NEXT} but expected {HEAD}"), WriteConflict),
        (
            refused(409, "Repository rule violations found\n\nChanges must be made through a pull request."),
            BranchProtected,
        ),
        (refused(409, "Could not update file: Commits must have verified signatures."), Conflict),
        (refused(404, "Branch main not found"), RepositoryNotFound),
        (refused(404, "Not Found"), RepositoryNotFound),
        (refused(307, "Temporary Redirect", location=f"{ROOT}/repositories/1/contents/a"), RepositoryNotFound),
        (refused(403, "Resource not accessible by integration"), ForgePermission),
        (refused(502, "Server Error"), WriteUnknown),
        (httpx2.RemoteProtocolError("Server disconnected without sending a response."), WriteUnknown),
    ],
)
async def test_a_put_is_sent_once_whatever_comes(
    github: GitHub, api: respx.Router, reply: Any, expected: type[FailoverError]
) -> None:
    put = api.put(PUT_URL).mock(side_effect=[reply])
    with pytest.raises(expected) as error:
        await github.commit(one_file(), {PATH: NEW}, "m")
    assert type(error.value) is expected or expected is ForgePermission
    assert put.call_count == 1


async def test_after_a_write_the_new_file_is_known(github: GitHub, api: respx.Router) -> None:
    api.put(PUT_URL).mock(return_value=answer(200, put_reply()))
    get = get_file(api, answer(304))
    started = time.monotonic()
    await github.commit(one_file(), {PATH: NEW}, "m")
    assert (await read(github, not_before=started)).data == NEW
    assert get.call_count == 0
    assert (await read(github)).data == NEW
    assert get.calls[0].request.headers["if-none-match"] == f'W/"{blob_sha(NEW)}"'


async def test_a_read_that_lags_behind_our_write_is_asked_again(
    github: GitHub, api: respx.Router, waits: Waits
) -> None:
    api.put(PUT_URL).mock(return_value=answer(200, put_reply()))
    await github.commit(one_file(), {PATH: NEW}, "m")
    get_file(api, *[answer(200, contents(OLD))] * 3, answer(200, contents(NEW)))
    assert (await read(github)).data == NEW
    assert waits == [0.2, 0.6, 1.2]


async def test_going_back_at_once_is_no_lag(github: GitHub, api: respx.Router, waits: Waits) -> None:
    api.put(PUT_URL).mock(side_effect=[answer(200, put_reply()), answer(200, put_reply(OLD))])
    await github.commit(one_file(), {PATH: NEW}, "m")
    await github.commit(Snapshot(MAIN, {PATH: File(PATH, NEW, blob_sha(NEW))}), {PATH: OLD}, "m")
    get_file(api, answer(200, contents(OLD)))
    assert (await read(github)).data == OLD
    assert waits == []


async def test_a_lost_write_may_be_the_newest(github: GitHub, api: respx.Router, waits: Waits) -> None:
    api.put(PUT_URL).mock(side_effect=[answer(200, put_reply()), httpx2.ReadTimeout("slow")])
    await github.commit(one_file(), {PATH: NEW}, "m")
    with pytest.raises(WriteUnknown):
        await github.commit(Snapshot(MAIN, {PATH: File(PATH, NEW, blob_sha(NEW))}), {PATH: OLD}, "m")
    get_file(api, answer(200, contents(OLD)))
    assert (await read(github)).data == OLD
    assert waits == []


@pytest.mark.parametrize("seen_before", [False, True])
async def test_a_head_that_lags_behind_our_put_is_asked_again(
    github: GitHub, api: respx.Router, waits: Waits, seen_before: bool
) -> None:
    behind, new = at_ref(entry(OLD), entry(OLD)), at_head(entry(NEW), entry(OLD), oid=NEXT)
    api.put(PUT_URL).mock(return_value=answer(200, put_reply()))
    get_branch(api, *([HEAD] if seen_before else []), HEAD, NEXT)
    if seen_before:
        graphql(api, behind)
        await github.read(MAIN, [PATH, OTHER], not_before=None)
    await github.commit(one_file(), {PATH: NEW}, "m")
    graphql(api, *([] if seen_before else [behind, new]))
    snapshot = await github.read(MAIN, [PATH, OTHER], not_before=time.monotonic())
    assert (snapshot.head, snapshot.file(PATH).data) == (NEXT, NEW)
    assert waits == [0.2]


async def test_a_branch_that_keeps_lagging_does_not_hide_our_put(
    github: GitHub, api: respx.Router, waits: Waits
) -> None:
    api.put(PUT_URL).mock(return_value=answer(200, put_reply()))
    await github.commit(one_file(), {PATH: NEW}, "m")
    get_branch(api, *[HEAD] * 4)
    post = graphql(api, at_ref(entry(NEW), entry(OLD), oid=NEXT))
    snapshot = await github.read(MAIN, [PATH, OTHER], not_before=time.monotonic())
    assert (snapshot.head, snapshot.file(PATH).data) == (NEXT, NEW)
    assert waits == [0.2, 0.6, 1.2]
    assert post.call_count == 1


async def test_a_slow_read_does_not_undo_a_write(github: GitHub, api: respx.Router) -> None:
    written = asyncio.Event()

    async def slow(_: httpx2.Request) -> respx.MockResponse:
        if written.is_set():
            return answer(200, contents(NEW))
        await written.wait()
        return answer(200, contents(OLD))

    api.get(FILE_URL).mock(side_effect=slow)
    graphql(api, mode())
    api.put(PUT_URL).mock(return_value=answer(200, put_reply()))
    reading = asyncio.create_task(github.read(MAIN, [PATH], not_before=None))
    await asyncio.sleep(0.01)
    await github.commit(one_file(), {PATH: NEW}, "m")
    written.set()
    assert (await reading).file(PATH).data == NEW
    assert (await read(github, not_before=None)).data == NEW


async def test_a_slow_read_does_not_undo_a_later_head(github: GitHub, api: respx.Router) -> None:
    seen = asyncio.Event()

    first = True

    async def in_turn(_: httpx2.Request) -> respx.MockResponse:
        nonlocal first
        slow, first = first, False
        if slow:
            await seen.wait()
            return answer(200, at_ref(entry(OLD), entry(OLD)))
        return answer(200, at_ref(entry(NEW), entry(OLD), oid=NEXT))

    api.post(GRAPHQL).mock(side_effect=in_turn)
    get_branch(api, HEAD, NEXT)
    slow = asyncio.create_task(github.read(MAIN, [PATH, OTHER], not_before=None))
    await asyncio.sleep(0.01)
    await github.read(MAIN, [PATH, OTHER], not_before=None)
    seen.set()
    assert (await slow).head == HEAD  # it is what that read saw
    snapshot = await github.read(MAIN, [PATH, OTHER], not_before=None)
    assert (snapshot.head, snapshot.file(PATH).data) == (NEXT, NEW)


# Looking for a commit
