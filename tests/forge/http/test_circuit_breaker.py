"""The circuit: while GitHub asks us to wait nothing is sent, and every caller is told how long."""

import asyncio
from typing import Any

import pytest
import respx

from failover_api.errors import ForgeRateLimited
from failover_api.forge.github.client import GitHubClient
from tests.support.client_calls import QUERY, mutate, query, read, write
from tests.support.fake_github import (
    FILE_URL,
    GRAPHQL,
    LIMITED,
    QUOTA,
    ROOT,
    SECONDARY,
    Waits,
    answer,
    graphql_error,
    refused,
)


@pytest.mark.parametrize(("reply", "wait_s"), LIMITED)
async def test_nothing_is_sent_while_the_circuit_is_open(
    client: GitHubClient, api: respx.Router, waits: Waits, reply: Any, wait_s: float
) -> None:
    put = api.put(FILE_URL).mock(return_value=reply)
    get, post = api.get(FILE_URL), api.post(GRAPHQL)
    with pytest.raises(ForgeRateLimited) as first:
        await write(client)
    assert first.value.retry_after_s == wait_s
    for ask in (write, read, query, mutate):
        with pytest.raises(ForgeRateLimited) as error:
            await ask(client)
        assert wait_s - 2 < (error.value.retry_after_s or 0) <= wait_s
    assert (put.call_count, get.call_count, post.call_count) == (1, 0, 0)
    assert waits == []


TOO_MUCH_AT_ONCE = [
    answer(200, graphql_error("", SECONDARY), retry_after="9"),
    refused(403, SECONDARY, retry_after="9"),
    refused(429, "Too many requests", retry_after="9"),
]


@pytest.mark.parametrize("reply", QUOTA)
async def test_the_quota_of_graphql_closes_graphql_alone(client: GitHubClient, api: respx.Router, reply: Any) -> None:
    post = api.post(GRAPHQL).mock(return_value=reply)
    get, put = api.get(FILE_URL).mock(return_value=answer(200, {})), api.put(FILE_URL).mock(return_value=answer(200))
    for ask in (query, query, mutate):
        with pytest.raises(ForgeRateLimited) as error:
            await ask(client)
        assert 7 < (error.value.retry_after_s or 0) <= 9
    await read(client)
    await write(client)
    assert (post.call_count, get.call_count, put.call_count) == (1, 1, 1)


@pytest.mark.parametrize("reply", TOO_MUCH_AT_ONCE)
async def test_a_secondary_limit_of_graphql_closes_everything(
    client: GitHubClient, api: respx.Router, reply: Any
) -> None:
    post, get, put = api.post(GRAPHQL).mock(return_value=reply), api.get(FILE_URL), api.put(FILE_URL)
    for ask in (query, query, mutate, read, write):
        with pytest.raises(ForgeRateLimited):
            await ask(client)
    assert (post.call_count, get.call_count, put.call_count) == (1, 0, 0)


async def test_the_quota_of_graphql_is_its_owners(client: GitHubClient, api: respx.Router) -> None:
    post = api.post(GRAPHQL).mock(side_effect=[QUOTA[0], answer(200, {"data": {"a": 1}})])
    with pytest.raises(ForgeRateLimited):
        await query(client)
    assert await client.graphql("other/repo", QUERY, {}, what="reading") == {"a": 1}
    assert post.call_count == 2


async def test_the_circuit_closes_by_itself(client: GitHubClient, api: respx.Router) -> None:
    put = api.put(FILE_URL).mock(side_effect=[refused(429, "", retry_after="1"), answer(200, {"commit": {}})])
    with pytest.raises(ForgeRateLimited):
        await write(client)
    await asyncio.sleep(1.05)
    await write(client)
    assert put.call_count == 2


async def test_another_owner_has_a_circuit_of_its_own(client: GitHubClient, api: respx.Router) -> None:
    api.put(FILE_URL).mock(return_value=refused(429, "", retry_after="30"))
    other = api.get(f"{ROOT}/repos/other/repo").mock(return_value=answer(200, {}))
    with pytest.raises(ForgeRateLimited):
        await write(client)
    await client.get("other/repo", "/repos/other/repo", what="reading")
    assert other.call_count == 1


async def test_the_apps_own_requests_have_a_circuit_of_their_own(client: GitHubClient, api: respx.Router) -> None:
    app = api.get(f"{ROOT}/app").mock(return_value=refused(403, SECONDARY, retry_after="30"))
    get = api.get(FILE_URL).mock(return_value=answer(200, {}))
    for _ in range(2):
        with pytest.raises(ForgeRateLimited):
            await client.as_app("GET", "/app", bearer="jwt", what="the App")
    await read(client)
    assert (app.call_count, get.call_count) == (1, 1)
