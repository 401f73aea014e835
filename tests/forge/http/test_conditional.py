"""The ETag cache: what is asked again, what a 304 is worth, and how much is kept."""

import json
import time

import pytest
import respx

from failover_api.forge.github.client import GitHubClient
from failover_api.forge.http.conditional import CachedReply, ConditionalCache
from tests.support.builders import REPO
from tests.support.client_calls import URL
from tests.support.fake_github import FILE_URL, answer


async def read(client: GitHubClient, **how: object) -> object:
    return json.loads(await client.get(REPO, URL, what="reading", **how))


async def test_a_copy_is_validated_with_its_etag(client: GitHubClient, api: respx.Router) -> None:
    route = api.get(FILE_URL).mock(side_effect=[answer(200, {"a": 1}, etag='W/"one"'), answer(304)])
    assert await read(client) == {"a": 1}
    assert await read(client) == {"a": 1}
    sent = [call.request.headers.get("if-none-match") for call in route.calls]
    assert sent == [None, 'W/"one"']


async def test_a_304_keeps_the_etag_it_does_not_repeat(client: GitHubClient, api: respx.Router) -> None:
    replies = [answer(200, {}, etag='W/"one"'), answer(304), answer(304, etag='W/"two"'), answer(304)]
    route = api.get(FILE_URL).mock(side_effect=replies)
    for _ in replies:
        await read(client)
    sent = [call.request.headers.get("if-none-match") for call in route.calls]
    assert sent == [None, 'W/"one"', 'W/"one"', 'W/"two"']


async def test_a_reply_without_etag_is_asked_for_whole(client: GitHubClient, api: respx.Router) -> None:
    route = api.get(FILE_URL).mock(side_effect=[answer(200, {"a": 1}), answer(200, {"a": 2})])
    assert await read(client) == {"a": 1}
    assert await read(client) == {"a": 2}
    assert all("if-none-match" not in call.request.headers for call in route.calls)


@pytest.mark.parametrize("etag", ['"strong"', 'W/"weak"', '"a:b,c"'])
async def test_an_etag_is_sent_back_as_it_came(client: GitHubClient, api: respx.Router, etag: str) -> None:
    route = api.get(FILE_URL).mock(side_effect=[answer(200, {}, etag=etag), answer(304)])
    await read(client)
    await read(client)
    assert route.calls[1].request.headers["if-none-match"] == etag


async def test_a_digest_is_what_is_kept_and_given(client: GitHubClient, api: respx.Router) -> None:
    replies = [answer(200, {"a": 1, "much": "x" * 99}, etag='"1"'), answer(304), answer(200, {"a": 2}, etag='"2"')]
    api.get(FILE_URL).mock(side_effect=replies)

    def digest(body: bytes) -> bytes:
        return json.dumps(json.loads(body)["a"]).encode()

    assert [await read(client, digest=digest) for _ in replies] == [1, 1, 2]
    copy = client.cache.get(URL)
    assert copy is not None
    assert copy.body == b"2"


async def test_what_cannot_be_digested_is_not_kept(client: GitHubClient, api: respx.Router) -> None:
    api.get(FILE_URL).mock(return_value=answer(200, {}, etag='"1"'))
    with pytest.raises(KeyError):
        await read(client, digest=lambda body: json.loads(body)["a"])
    assert client.cache.get(URL) is None


async def test_what_was_validated_since_is_not_asked_again(client: GitHubClient, api: respx.Router) -> None:
    started = time.monotonic()
    route = api.get(FILE_URL).mock(return_value=answer(200, {"a": 1}))
    for _ in range(3):
        assert await read(client, not_before=started) == {"a": 1}
    assert await read(client, not_before=None) == {"a": 1}
    assert route.call_count == 1
    await read(client, not_before=time.monotonic())
    assert route.call_count == 2


async def test_a_read_counts_from_when_it_was_sent(client: GitHubClient, api: respx.Router) -> None:
    sent_at: list[float] = []

    def reply(_: object) -> respx.MockResponse:
        sent_at.append(time.monotonic())
        return answer(200, {})

    api.get(FILE_URL).mock(side_effect=reply)
    await read(client)
    copy = client.cache.get(URL)
    assert copy is not None
    assert copy.validated_at <= sent_at[0]


async def test_what_is_not_to_be_kept_is_not(client: GitHubClient, api: respx.Router) -> None:
    api.get(FILE_URL).mock(return_value=answer(200, {"a": 1}))
    await read(client, keep=False)
    assert client.cache.get(URL) is None


def test_a_slow_read_does_not_undo_a_later_copy() -> None:
    cache = ConditionalCache()
    cache.put("/a", CachedReply(b"new", None, 2.0))
    cache.put("/a", CachedReply(b"old", None, 1.0))
    assert cache.get("/a") == CachedReply(b"new", None, 2.0)


def test_the_least_recently_used_go_first_by_entries() -> None:
    cache = ConditionalCache(max_entries=2)
    for url in ("/a", "/b"):
        cache.put(url, CachedReply(b"x", None, 0.0))
    cache.get("/a")
    cache.put("/c", CachedReply(b"x", None, 0.0))
    assert [cache.get(url) is not None for url in ("/a", "/b", "/c")] == [True, False, True]


def test_the_least_recently_used_go_first_by_bytes() -> None:
    cache = ConditionalCache(max_bytes=3000)
    for url in ("/a", "/b", "/c"):
        cache.put(url, CachedReply(b"x" * 900, None, 0.0))
    assert [cache.get(url) is not None for url in ("/a", "/b", "/c")] == [False, True, True]


def test_a_copy_larger_than_the_cache_is_not_kept_and_costs_nothing() -> None:
    cache = ConditionalCache(max_bytes=3000)
    cache.put("/a", CachedReply(b"x", None, 0.0))
    cache.put("/b", CachedReply(b"x" * 3000, None, 0.0))
    assert cache.get("/b") is None
    assert cache.get("/a") is not None


def test_a_copy_replaced_by_one_too_large_is_gone() -> None:
    cache = ConditionalCache(max_bytes=3000)
    cache.put("/a", CachedReply(b"x", None, 0.0))
    cache.put("/a", CachedReply(b"x" * 3000, None, 1.0))
    assert cache.get("/a") is None


def test_replacing_a_copy_pushes_nobody_out() -> None:
    cache = ConditionalCache(max_entries=2)
    for url in ("/a", "/b", "/b"):
        cache.put(url, CachedReply(b"x", None, 0.0))
    assert cache.get("/a") is not None
