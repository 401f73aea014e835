"""Files as they were at a commit, and what became of them, against a mocked GitHub."""

import json
from typing import Any

import pytest
import respx

from failover_api.core.catalog.model import Branch
from failover_api.errors import FileNotFound, ForgeError, ForgeUnavailable, ManifestInvalid, RepositoryNotFound
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.github.historical_files import COMMITS_BY_REST, MAX_BYTES, HistoricalFiles
from failover_api.forge.values import File, FilePresence, Snapshot, blob_sha
from tests.support.builders import MAIN
from tests.support.fake_github import (
    FILE_URL,
    GRAPHQL,
    HEAD,
    NEW,
    NEXT,
    OLD,
    OTHER,
    PATH,
    REPOSITORY_URL,
    TREES_URL,
    answer,
    at_head,
    entry,
    one_file,
    put_reply,
    refused,
    wrapped,
)


async def test_files_of_the_past_are_read_once(github: GitHub, api: respx.Router) -> None:
    post = api.post(GRAPHQL).mock(side_effect=[answer(200, at_head(entry(OLD))), answer(200, at_head(entry(NEW)))])
    for _ in range(2):
        snapshot = await github.read_at(MAIN, HEAD, [PATH])
        assert snapshot == Snapshot(MAIN, {PATH: File(PATH, OLD, blob_sha(OLD))}, HEAD)
    assert post.call_count == 1
    both = await github.read_at(MAIN, HEAD, [PATH, OTHER])
    assert (both.file(PATH).data, both.file(OTHER).data) == (OLD, NEW)
    assert post.call_count == 2


async def test_another_commit_is_another_past(github: GitHub, api: respx.Router) -> None:
    replies = [answer(200, at_head(entry(OLD))), answer(200, at_head(entry(NEW), oid=NEXT))]
    post = api.post(GRAPHQL).mock(side_effect=replies)
    assert (await github.read_at(MAIN, HEAD, [PATH])).file(PATH).data == OLD
    assert (await github.read_at(MAIN, NEXT, [PATH])).file(PATH).data == NEW
    heads = [json.loads(call.request.content)["variables"]["head"] for call in post.calls]
    assert heads == [HEAD, NEXT]


async def test_what_was_no_regular_file_stands_in_its_place(github: GitHub, api: respx.Router) -> None:
    link = {"mode": 0o120000, "type": "blob", "object": {}}
    api.post(GRAPHQL).mock(return_value=answer(200, at_head(None, link, entry(OLD))))
    snapshot = await github.read_at(MAIN, HEAD, ["gone", "link", PATH])
    with pytest.raises(FileNotFound, match="gone: no such file"):
        snapshot.file("gone")
    with pytest.raises(ManifestInvalid, match="is a symlink"):
        snapshot.file("link")
    assert snapshot.file(PATH).data == OLD


@pytest.mark.parametrize("reply", [refused(502, "x"), answer(200, {"data": {"repository": {"object": None}}})])
async def test_rest_has_the_same_past(github: GitHub, api: respx.Router, reply: Any) -> None:
    api.post(GRAPHQL).mock(return_value=reply)
    node = {"path": PATH, "mode": "100644", "type": "blob", "sha": blob_sha(OLD), "size": len(OLD)}
    api.get(f"{TREES_URL}/{HEAD}?recursive=1").mock(return_value=answer(200, {"tree": [node], "truncated": False}))
    body = {"sha": blob_sha(OLD), "size": len(OLD), "encoding": "base64", "content": wrapped(OLD)}
    api.get(f"{REPOSITORY_URL}/git/blobs/{blob_sha(OLD)}").mock(return_value=answer(200, body))
    snapshot = await github.read_at(MAIN, HEAD, [PATH, OTHER])
    assert snapshot.file(PATH).data == OLD
    assert isinstance(snapshot.files[OTHER], FileNotFound)


async def test_a_commit_that_is_gone_is_said(github: GitHub, api: respx.Router) -> None:
    api.post(GRAPHQL).mock(return_value=answer(200, {"data": {"repository": {"object": None}}}))
    api.get(f"{TREES_URL}/{HEAD}?recursive=1").mock(return_value=refused(404, "Not Found"))
    with pytest.raises(RepositoryNotFound, match=f"no commit {HEAD[:12]} in acme/homelab"):
        await github.read_at(MAIN, HEAD, [PATH])


async def test_the_past_that_is_kept_is_bounded() -> None:
    class Heads:
        """Gives files of half a megabyte."""

        async def files_at(self, branch: Branch, paths: list[str], oid: str) -> dict[str, File]:
            return {path: File(path, b"x" * 512 * 1024, "1" * 40) for path in paths}

    past = HistoricalFiles(Heads(), None)  # type: ignore[arg-type]  # one method of it is enough
    for i in range(40):
        await past.read(MAIN, f"{i:040}", [PATH])
    assert 10 < len(past._files) < 17
    assert past._files.currsize <= MAX_BYTES


def at_commits(*commits: Any) -> respx.MockResponse:
    """What GraphQL answers for c0, c1, ..."""
    return answer(200, {"data": {"repository": {f"c{i}": commit for i, commit in enumerate(commits)}}})


async def test_files_of_several_commits_are_one_request_and_read_once(github: GitHub, api: respx.Router) -> None:
    reply = at_commits({"f0": entry(OLD), "f2": None}, {"f1": entry(NEW)})
    post = api.post(GRAPHQL).mock(return_value=reply)
    places = [(HEAD, PATH), (NEXT, PATH), (HEAD, OTHER), (HEAD, PATH)]
    found = await github.read_at_commits(MAIN, places)
    assert found[HEAD, PATH] == File(PATH, OLD, blob_sha(OLD))
    assert found[NEXT, PATH] == File(PATH, NEW, blob_sha(NEW))
    assert isinstance(found[HEAD, OTHER], FileNotFound)
    sent = json.loads(post.calls.last.request.content)["variables"]
    assert {sent["c0"], sent["c1"]} == {HEAD, NEXT}
    assert await github.read_at_commits(MAIN, [(HEAD, PATH), (NEXT, PATH)]) == {
        (HEAD, PATH): File(PATH, OLD, blob_sha(OLD)),
        (NEXT, PATH): File(PATH, NEW, blob_sha(NEW)),
    }
    assert (await github.read_at(MAIN, NEXT, [PATH])).file(PATH).data == NEW
    assert post.call_count == 1


@pytest.mark.parametrize("reply", [refused(502, "x"), at_commits(None), answer(200, {"data": {"repository": {}}})])
async def test_files_of_a_few_commits_come_by_rest_of_many_not(
    github: GitHub, api: respx.Router, reply: respx.MockResponse
) -> None:
    api.post(GRAPHQL).mock(return_value=reply)
    node = {"path": PATH, "mode": "100644", "type": "blob", "sha": blob_sha(OLD), "size": len(OLD)}
    tree = api.get(f"{TREES_URL}/{HEAD}?recursive=1").mock(
        return_value=answer(200, {"tree": [node], "truncated": False})
    )
    body = {"sha": blob_sha(OLD), "size": len(OLD), "encoding": "base64", "content": wrapped(OLD)}
    api.get(f"{REPOSITORY_URL}/git/blobs/{blob_sha(OLD)}").mock(return_value=answer(200, body))
    assert (await github.read_at_commits(MAIN, [(HEAD, PATH)]))[HEAD, PATH] == File(PATH, OLD, blob_sha(OLD))
    with pytest.raises((ForgeError, ForgeUnavailable)):
        await github.read_at_commits(MAIN, [(f"{i:040}", PATH) for i in range(COMMITS_BY_REST + 1)])
    assert tree.call_count == 1


async def test_where_a_file_came_and_went_is_one_request_and_asked_once(github: GitHub, api: respx.Router) -> None:
    def commit(here: bool, before: bool | None) -> dict[str, Any]:
        nodes = [] if before is None else [{"file": {"mode": 33188} if before else None}]
        return {"file": {"mode": 33188} if here else None, "parents": {"nodes": nodes}}

    reply = at_commits(commit(True, False), commit(True, None), commit(False, True))
    post = api.post(GRAPHQL).mock(return_value=reply)
    places = [(HEAD, PATH), (NEXT, PATH), (HEAD, OTHER)]
    for _ in range(2):
        assert await github.file_presence(MAIN, places) == {
            places[0]: FilePresence(is_there=True, was_there=False),
            places[1]: FilePresence(is_there=True, was_there=False),
            places[2]: FilePresence(is_there=False, was_there=True),
        }
    assert post.call_count == 1


@pytest.mark.parametrize(
    "reply", [refused(502, "x"), at_commits(None, None), answer(200, {"data": {"repository": {}}})]
)
async def test_where_nobody_can_tell_is_an_error(github: GitHub, api: respx.Router, reply: respx.MockResponse) -> None:
    api.post(GRAPHQL).mock(return_value=reply)
    with pytest.raises((ForgeError, ForgeUnavailable)):
        await github.file_presence(MAIN, [(HEAD, PATH)])


async def test_what_our_own_write_replaced_is_known_of_the_past(github: GitHub, api: respx.Router) -> None:
    api.put(FILE_URL).mock(return_value=answer(200, put_reply()))
    post = api.post(GRAPHQL)
    await github.commit(one_file(), {PATH: NEW}, "m")
    parent = put_reply()["commit"]["parents"][0]["sha"]
    found = await github.read_at_commits(MAIN, [(NEXT, PATH), (parent, PATH)])
    assert [found[NEXT, PATH], found[parent, PATH]] == [File(PATH, NEW, blob_sha(NEW)), File(PATH, OLD, blob_sha(OLD))]
    assert await github.file_presence(MAIN, [(NEXT, PATH)]) == {
        (NEXT, PATH): FilePresence(is_there=True, was_there=True)
    }
    assert not post.called
