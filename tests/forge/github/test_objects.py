"""Trees and blobs, by GraphQL and by REST, against a mocked GitHub."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import respx

from failover_api.errors import FailoverError, ForgeError, RepositoryNotFound, RepositoryTooLarge
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.values import Entry, blob_sha
from tests.support.builders import MAIN
from tests.support.fake_github import (
    BLOB_URL,
    DOWN,
    GRAPHQL,
    NEW,
    OLD,
    OTHER,
    PATH,
    QUOTA_USED_UP,
    TREES_URL,
    answer,
    blob,
    graphql,
    refused,
    rest_tree,
    wrapped,
)


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
    api.get(f"{TREES_URL}/main?recursive=1").mock(return_value=reply)
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


async def test_blobs_come_by_rest_when_the_graphql_quota_is_used_up(github: GitHub, api: respx.Router) -> None:
    post = graphql(api, QUOTA_USED_UP)
    rest_tree(api, "main", (PATH, "100644", OLD), (OTHER, "100644", NEW))
    entries = [Entry(PATH, blob_sha(OLD), 1), Entry(OTHER, blob_sha(NEW), 1)]
    for _ in range(2):
        assert await github.read_blobs(MAIN, entries) == {PATH: OLD, OTHER: NEW}
    assert post.call_count == 1
