"""Several files of a branch, all at one commit, against a mocked GitHub."""

import asyncio
import json
import time
from typing import Any

import httpx2
import pytest
import respx

from failover_api.errors import FileNotFound, ForgeRateLimited, ForgeUnavailable, RepositoryNotFound
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.values import File, blob_sha
from tests.support.builders import MAIN
from tests.support.fake_github import (
    BLOB_URL,
    BRANCH_URL,
    DOWN,
    FILE_URL,
    GRAPHQL,
    HEAD,
    NEW,
    NEXT,
    OLD,
    OTHER,
    PATH,
    QUOTA_USED_UP,
    Waits,
    answer,
    at_head,
    at_ref,
    blob,
    branch_at,
    entry,
    get_branch,
    graphql,
    one_file,
    put_reply,
    refused,
    rest_tree,
    sent,
    two_files,
    wrapped,
)


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


async def test_a_graphql_quota_that_is_used_up_leaves_rest(github: GitHub, api: respx.Router) -> None:
    post, branch = graphql(api, QUOTA_USED_UP), get_branch(api, HEAD, NEXT)
    rest_tree(api, HEAD, (PATH, "100644", OLD), (OTHER, "100644", NEW))
    rest_tree(api, NEXT, (PATH, "100644", NEW), (OTHER, "100644", NEW))
    for head, data in ((HEAD, OLD), (NEXT, NEW)):
        snapshot = await github.read(MAIN, [PATH, OTHER], not_before=time.monotonic())
        assert (snapshot.head, snapshot.file(PATH).data, snapshot.file(OTHER).data) == (head, data, NEW)
    assert (post.call_count, branch.call_count) == (1, 2)  # it is asked no more
    put = api.put(FILE_URL).mock(return_value=answer(200, put_reply()))
    await github.commit(one_file(), {PATH: NEW}, "m")
    assert put.call_count == 1


async def test_a_mutation_waits_for_the_graphql_quota(github: GitHub, api: respx.Router) -> None:
    post, put = graphql(api, QUOTA_USED_UP), api.put(FILE_URL)
    for _ in range(2):
        with pytest.raises(ForgeRateLimited):
            await github.commit(two_files(), {PATH: NEW, OTHER: NEW}, "m")
    assert (post.call_count, put.call_count) == (1, 0)


# The head alone


async def test_the_head_is_validated_as_wished(github: GitHub, api: respx.Router) -> None:
    get = api.get(BRANCH_URL).mock(side_effect=[branch_at(HEAD), answer(304), branch_at(NEXT)])
    started = time.monotonic()
    assert await github.head(MAIN, not_before=started) == HEAD
    assert await github.head(MAIN, not_before=started) == HEAD
    assert await github.head(MAIN, not_before=None) == HEAD
    assert get.call_count == 1
    assert await github.head(MAIN, not_before=time.monotonic()) == HEAD
    assert await github.head(MAIN, not_before=time.monotonic()) == NEXT


async def test_after_a_write_the_head_is_known(github: GitHub, api: respx.Router, waits: Waits) -> None:
    api.post(GRAPHQL).mock(return_value=answer(200, {"data": {"repository": {"ref": {"target": {"oid": HEAD}}}}}))
    get = api.get(BRANCH_URL).mock(side_effect=[branch_at(HEAD), branch_at(HEAD), branch_at(NEXT)])
    api.put(FILE_URL).mock(return_value=answer(200, put_reply()))
    started = time.monotonic()
    await github.read(MAIN, [], not_before=None, at_head=True)
    await github.commit(one_file(), {PATH: NEW}, "m")
    assert await github.head(MAIN, not_before=started) == NEXT
    assert get.call_count == 1
    assert await github.head(MAIN, not_before=time.monotonic()) == NEXT  # the first answer lags behind our write
    assert waits == [0.2]


async def test_a_branch_that_is_not_there_has_no_head(github: GitHub, api: respx.Router) -> None:
    api.get(BRANCH_URL).mock(return_value=refused(404, "Branch not found"))
    with pytest.raises(RepositoryNotFound, match="no branch acme/homelab@main"):
        await github.head(MAIN, not_before=None)
