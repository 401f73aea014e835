"""Many files of a branch that moved: its tree says which of them changed, and only those are read."""

import json
import time
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
import respx

from failover_api.errors import FileNotFound, ManifestInvalid
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.values import blob_sha
from tests.support.builders import MAIN
from tests.support.fake_github import (
    BRANCH_URL,
    GRAPHQL,
    HEAD,
    NEXT,
    TREES_URL,
    answer,
    at_head,
    at_ref,
    entry,
    refused,
)

TREE_URL = f"{TREES_URL}/{NEXT}"


def many(count: int) -> dict[str, bytes]:
    return {f"apps/{i}.yaml": f"n: {i}\n".encode() for i in range(count)}


def branch(api: respx.Router, *oids: str) -> respx.Route:
    replies = [answer(200, {"name": "main", "commit": {"sha": oid}}) for oid in oids]
    return api.get(BRANCH_URL).mock(side_effect=replies)


def tree(api: respx.Router, files: Mapping[str, bytes], *, truncated: bool = False, **modes: str) -> respx.Route:
    nodes = [
        {"path": path, "mode": modes.get(path, "100644"), "type": "blob", "sha": blob_sha(data), "size": len(data)}
        for path, data in files.items()
    ]
    folder = {"path": "apps", "mode": "040000", "type": "tree", "sha": "9" * 40}
    body = {"sha": NEXT, "tree": [folder, *nodes], "truncated": truncated}
    return api.get(TREE_URL, params={"recursive": "1"}).mock(return_value=answer(200, body))


class Queries:
    """Answers GraphQL by what the branch has at each commit, and notes the paths that were asked for."""

    def __init__(self, api: respx.Router, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        self.then, self.now = then, now
        self.asked: list[list[str]] = []
        api.post(GRAPHQL).mock(side_effect=self._answer)

    def _answer(self, request: httpx2.Request) -> respx.MockResponse:
        given = json.loads(request.content)["variables"]
        paths = [value for name, value in given.items() if name[0] == "p"]
        self.asked.append(paths)
        files = self.now if given.get("head") == NEXT else self.then
        found = [files.get(path) for path in paths]
        entries = [entry(one) if isinstance(one, bytes) else one for one in found]
        return answer(200, at_head(*entries, oid=given["head"]) if "head" in given else at_ref(*entries))


async def test_only_what_changed_is_read(client: GitHubClient, github: GitHub, api: respx.Router) -> None:
    then = many(150)
    link = {"mode": 0o120000, "type": "blob", "object": {}}
    paths = list(then)
    now: dict[str, Any] = {**then, paths[3]: b"changed: true\n", paths[140]: link}
    del now[paths[77]]
    listed = {**then, paths[3]: b"changed: true\n"}  # the link holds what the file held
    del listed[paths[77]]
    branch(api, HEAD, NEXT)
    listing = tree(api, listed, **{paths[140]: "120000"})
    queries = Queries(api, then, now)
    await github.read(MAIN, paths, not_before=None)
    queries.asked.clear()
    snapshot = await github.read(MAIN, paths, not_before=time.monotonic())
    assert snapshot.head == NEXT
    assert queries.asked == [[paths[3]]]
    assert listing.call_count == 1
    assert snapshot.file(paths[3]).data == b"changed: true\n"
    assert isinstance(snapshot.files[paths[77]], FileNotFound)
    assert isinstance(snapshot.files[paths[140]], ManifestInvalid)
    kept = set(paths) - {paths[3], paths[77], paths[140]}
    assert {path: snapshot.file(path).data for path in kept} == {path: then[path] for path in kept}
    assert client.cache.get(f"/repos/acme/homelab/git/trees/{NEXT}?recursive=1") is None  # it is large, and done with


async def test_when_nothing_of_ours_changed_no_file_is_read(github: GitHub, api: respx.Router) -> None:
    then = many(300)
    branch(api, HEAD, NEXT)
    listing = tree(api, then)
    queries = Queries(api, then, then)
    await github.read(MAIN, list(then), not_before=None)
    queries.asked.clear()
    snapshot = await github.read(MAIN, list(then), not_before=time.monotonic())
    assert snapshot.head == NEXT
    assert (listing.call_count, queries.asked) == (1, [])


async def test_files_that_are_new_to_us_are_read_too(github: GitHub, api: respx.Router) -> None:
    then, now = many(101), many(103)
    branch(api, HEAD, NEXT)
    tree(api, now)
    queries = Queries(api, then, now)
    await github.read(MAIN, list(then), not_before=None)
    queries.asked.clear()
    snapshot = await github.read(MAIN, list(now), not_before=time.monotonic())
    assert queries.asked == [["apps/101.yaml", "apps/102.yaml"]]
    assert snapshot.file("apps/102.yaml").data == b"n: 102\n"


@pytest.mark.parametrize("count", [2, 100])
async def test_a_hundred_files_are_one_query_and_no_tree(github: GitHub, api: respx.Router, count: int) -> None:
    then = many(150)
    branch(api, HEAD, NEXT)
    listing = tree(api, then)
    queries = Queries(api, then, then)
    await github.read(MAIN, list(then), not_before=None)
    queries.asked.clear()
    await github.read(MAIN, list(then)[:count], not_before=time.monotonic())
    assert listing.call_count == 0
    assert [len(paths) for paths in queries.asked] == [count]


async def test_files_that_were_not_there_are_looked_for_in_the_tree(github: GitHub, api: respx.Router) -> None:
    then = many(100)
    paths = [*then, *(f"gone/{i}.yaml" for i in range(50))]
    now = {**then, "gone/7.yaml": b"back: 1\n"}
    branch(api, HEAD, NEXT)
    listing = tree(api, now)
    queries = Queries(api, then, now)
    await github.read(MAIN, paths, not_before=None)
    queries.asked.clear()
    snapshot = await github.read(MAIN, paths, not_before=time.monotonic())
    assert (listing.call_count, queries.asked) == (1, [["gone/7.yaml"]])
    assert isinstance(snapshot.files["gone/8.yaml"], FileNotFound)
    assert snapshot.file("gone/7.yaml").data == b"back: 1\n"


@pytest.mark.parametrize(
    "reply",
    [
        "truncated",
        refused(404, "Not Found"),
        refused(502, "x"),
        refused(403, "Resource not accessible by integration"),
        answer(200, {"tree": None, "truncated": False}),
    ],
)
async def test_without_the_tree_all_are_read_as_before(github: GitHub, api: respx.Router, reply: Any) -> None:
    then = many(150)
    now = {path: data + b"more: 1\n" for path, data in then.items()}
    branch(api, HEAD, NEXT)
    listing = tree(api, then, truncated=True)  # what it lists is not believed
    if reply != "truncated":
        listing.mock(return_value=reply)
    queries = Queries(api, then, now)
    await github.read(MAIN, list(then), not_before=None)
    queries.asked.clear()
    snapshot = await github.read(MAIN, list(then), not_before=time.monotonic())
    assert sorted(len(asked) for asked in queries.asked) == [50, 100]
    assert {path: snapshot.file(path).data for path in then} == now
