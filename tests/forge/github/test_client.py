"""One request: what is repeated and what never is, tokens that are too new or too old, the circuit."""

import asyncio
import json
import traceback
from typing import Any

import httpx2
import pytest
import respx

from failover_api.errors import (
    FailoverError,
    FileNotFound,
    ForgeError,
    ForgePermission,
    ForgeUnavailable,
    RepositoryNotFound,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.http.transport import Request
from tests.support.builders import REPO
from tests.support.client_calls import QUERY, URL, mutate, query, read, write
from tests.support.fake_github import (
    FILE_URL,
    GRAPHQL,
    ROOT,
    Purse,
    Waits,
    answer,
    client_with,
    graphql_error,
    hang,
    refused,
)

CUT = [
    httpx2.ReadTimeout("slow"),
    httpx2.WriteTimeout("slow"),
    httpx2.ReadError("cut"),
    httpx2.WriteError("cut"),
    httpx2.RemoteProtocolError("peer closed connection without sending complete message body"),
    httpx2.DecodingError("half a gzip"),
]
NEVER_SENT = [
    httpx2.ConnectError("refused"),
    httpx2.ConnectTimeout("slow"),
    httpx2.PoolTimeout("busy"),
    httpx2.ProxyError("502 Bad Gateway"),
]
GARBLED = [
    respx.MockResponse(200, content=b'{"commit": {"sha'),
    respx.MockResponse(200, html="<html>Welcome to the hotel's network</html>"),
    respx.MockResponse(200, content=b"\xff\xfe"),
]


def name(value: Any) -> str:
    return type(value).__name__


# What is repeated


@pytest.mark.parametrize("fault", [*CUT, refused(500, "x"), refused(502, "x"), refused(504, "x"), *GARBLED], ids=name)
async def test_a_write_whose_reply_was_lost_is_never_sent_again(
    client: GitHubClient, api: respx.Router, waits: Waits, fault: Any
) -> None:
    put = api.put(FILE_URL).mock(side_effect=[fault])
    with pytest.raises(WriteUnknown) as error:
        await write(client)
    assert error.value.outcome == "unknown"
    assert put.call_count == 1
    assert waits == []


@pytest.mark.parametrize("fault", [*CUT, refused(500, "x"), refused(502, "x"), *GARBLED], ids=name)
async def test_a_mutation_whose_reply_was_lost_is_never_sent_again(
    client: GitHubClient, api: respx.Router, fault: Any
) -> None:
    post = api.post(GRAPHQL).mock(side_effect=[fault])
    with pytest.raises(WriteUnknown):
        await mutate(client)
    assert post.call_count == 1


@pytest.mark.parametrize("body", [{"data": None}, {}, [], "text", {"data": []}])
async def test_a_mutation_without_data_is_unknown(client: GitHubClient, api: respx.Router, body: Any) -> None:
    api.post(GRAPHQL).mock(side_effect=[answer(200, body)])
    with pytest.raises(WriteUnknown):
        await mutate(client)


@pytest.mark.parametrize("fault", NEVER_SENT, ids=name)
async def test_a_write_that_never_left_is_sent_again(client: GitHubClient, api: respx.Router, fault: Any) -> None:
    put = api.put(FILE_URL).mock(side_effect=[fault, fault, answer(200, {"commit": {}})])
    assert (await write(client)).data == {"commit": {}}
    assert put.call_count == 3


async def test_a_write_that_never_left_was_not_applied(client: GitHubClient, api: respx.Router) -> None:
    put = api.put(FILE_URL).mock(side_effect=httpx2.ConnectError("refused"))
    with pytest.raises(ForgeUnavailable) as error:
        await write(client)
    assert error.value.outcome == "not-applied"
    assert put.call_count == 3


@pytest.mark.parametrize("fault", [*CUT, *NEVER_SENT, refused(502, "x"), refused(503, "x"), *GARBLED], ids=name)
async def test_a_read_passes_over_two_faults(client: GitHubClient, api: respx.Router, waits: Waits, fault: Any) -> None:
    get = api.get(FILE_URL).mock(side_effect=[fault, fault, answer(200, {"a": 1})])
    assert json.loads(await read(client)) == {"a": 1}
    assert get.call_count == 3
    assert len(waits) == 2
    assert sum(waits) < 0.5


async def test_a_read_is_given_up_after_three_faults(client: GitHubClient, api: respx.Router) -> None:
    get = api.get(FILE_URL).mock(side_effect=httpx2.ReadTimeout("slow"))
    with pytest.raises(ForgeUnavailable) as error:
        await read(client)
    assert error.value.retry_after_s == 5.0
    assert get.call_count == 3


@pytest.mark.parametrize("status", [400, 404, 409, 410, 422, 301, 304])
async def test_a_refused_read_is_not_repeated(client: GitHubClient, api: respx.Router, status: int) -> None:
    get = api.get(FILE_URL).mock(return_value=refused(status, "no"))
    with pytest.raises(FailoverError):
        await read(client)
    assert get.call_count == 1


async def test_a_query_passes_over_something_that_went_wrong(client: GitHubClient, api: respx.Router) -> None:
    wrong = {"data": None, "errors": [{"message": "Something went wrong while executing your query."}]}
    api.post(GRAPHQL).mock(side_effect=[answer(200, wrong), answer(200, {"data": {"a": 1}})])
    assert await query(client) == {"a": 1}


async def test_a_mutation_that_went_wrong_is_unknown_and_not_repeated(client: GitHubClient, api: respx.Router) -> None:
    wrong = {"data": None, "errors": [{"message": "Something went wrong while executing your query."}]}
    post = api.post(GRAPHQL).mock(side_effect=[answer(200, wrong)])
    with pytest.raises(WriteUnknown):
        await mutate(client)
    assert post.call_count == 1


async def test_a_lost_race_is_not_repeated_here(client: GitHubClient, api: respx.Router) -> None:
    stale = graphql_error("STALE_DATA", 'Expected branch to point to "abc" but it did not.  Pull and try again.')
    post = api.post(GRAPHQL).mock(side_effect=[answer(200, stale)])
    with pytest.raises(WriteConflict):
        await mutate(client)
    assert post.call_count == 1


async def test_attempts_can_be_one(client: GitHubClient, api: respx.Router, waits: Waits) -> None:
    post = api.post(GRAPHQL).mock(side_effect=httpx2.ReadTimeout("slow"))
    with pytest.raises(ForgeUnavailable):
        await client.graphql(REPO, QUERY, {}, what="reading", attempts=1)
    assert post.call_count == 1
    assert waits == []


async def test_a_query_without_data_is_an_error(client: GitHubClient, api: respx.Router) -> None:
    api.post(GRAPHQL).mock(return_value=answer(200, {"data": None}))
    with pytest.raises(ForgeError, match="no data"):
        await query(client)


async def test_a_missing_graphql_endpoint_is_no_missing_file(client: GitHubClient, api: respx.Router) -> None:
    api.post(GRAPHQL).mock(return_value=refused(404, "Not Found"))
    with pytest.raises(ForgeError):
        await query(client)


async def test_a_redirect_is_not_followed(client: GitHubClient, api: respx.Router) -> None:
    moved = refused(301, "Moved Permanently", location="https://elsewhere.example/repositories/1/contents/a")
    get = api.get(FILE_URL).mock(return_value=moved)
    with pytest.raises(RepositoryNotFound, match="renamed or moved"):
        await read(client)
    assert get.call_count == 1


# Tokens


@pytest.mark.parametrize("kind", ["rest", "graphql"])
async def test_a_fresh_token_is_given_one_and_two_seconds(
    http: httpx2.AsyncClient, api: respx.Router, waits: Waits, kind: str
) -> None:
    client = client_with(http, Purse(age_s=0.1), waits)
    if kind == "rest":
        bad, good = refused(401, "Bad credentials"), answer(200, {"commit": {}})
        route = api.put(FILE_URL).mock(side_effect=[bad, refused(403, "Resource not accessible by integration"), good])
        await write(client)
    else:
        forbidden = answer(200, graphql_error("FORBIDDEN", "Resource not accessible by integration"))
        good = answer(200, {"data": {"a": 1}})
        route = api.post(GRAPHQL).mock(side_effect=[refused(401, "Bad credentials"), forbidden, good])
        await mutate(client)
    assert waits == [1.0, 2.0]
    assert route.call_count == 3


async def test_a_fresh_token_that_stays_refused_is_refused(
    http: httpx2.AsyncClient, api: respx.Router, waits: Waits
) -> None:
    client = client_with(http, Purse(age_s=0.1), waits)
    route = api.get(FILE_URL).mock(return_value=refused(403, "Resource not accessible by integration"))
    with pytest.raises(ForgePermission):
        await read(client)
    assert waits == [1.0, 2.0]
    assert route.call_count == 3


async def test_an_old_token_is_dropped_and_another_tried_once(
    http: httpx2.AsyncClient, api: respx.Router, waits: Waits
) -> None:
    client = client_with(http, Purse("ghs_old", "ghs_new"), waits)
    route = api.put(FILE_URL).mock(side_effect=[refused(401, "Bad credentials"), answer(200, {"commit": {}})])
    await write(client)
    sent = [call.request.headers["authorization"] for call in route.calls]
    assert sent == ["Bearer ghs_old", "Bearer ghs_new"]
    assert waits == []


async def test_a_second_old_token_is_not_dropped(http: httpx2.AsyncClient, api: respx.Router, waits: Waits) -> None:
    client = client_with(http, Purse("ghs_1", "ghs_2", "ghs_3"), waits)
    route = api.get(FILE_URL).mock(return_value=refused(401, "Bad credentials"))
    with pytest.raises(ForgePermission, match="Bad credentials"):
        await read(client)
    assert route.call_count == 2


async def test_an_old_token_that_may_not_is_refused_at_once(
    client: GitHubClient, api: respx.Router, waits: Waits
) -> None:
    named = refused(403, "Resource not accessible by integration", x_accepted_github_permissions="contents=write")
    route = api.put(FILE_URL).mock(return_value=named)
    with pytest.raises(ForgePermission, match="contents: write"):
        await write(client)
    assert route.call_count == 1
    assert waits == []


# What may be repeated, and what is for pull requests


@pytest.mark.parametrize("fault", [*CUT, refused(502, "x"), *GARBLED], ids=name)
async def test_a_repeatable_write_is_sent_again(client: GitHubClient, api: respx.Router, fault: Any) -> None:
    post = api.post(f"{ROOT}/trees").mock(side_effect=[fault, fault, answer(201, {"sha": "1"})])
    reply = await client.write("POST", REPO, "/trees", {"tree": []}, what="writing", repeatable=True)
    assert reply.data == {"sha": "1"}
    assert post.call_count == 3


async def test_a_repeatable_write_that_stays_lost_was_not_applied(client: GitHubClient, api: respx.Router) -> None:
    api.post(f"{ROOT}/trees").mock(side_effect=httpx2.ReadTimeout("slow"))
    with pytest.raises(ForgeUnavailable) as error:
        await client.write("POST", REPO, "/trees", {}, what="writing", repeatable=True)
    assert error.value.outcome == "not-applied"


async def test_the_token_for_pull_requests_is_asked_for_where_it_is_needed(
    http: httpx2.AsyncClient, api: respx.Router, waits: Waits
) -> None:
    purse = Purse()
    client = client_with(http, purse, waits)
    api.get(FILE_URL).mock(return_value=answer(200, {}))
    api.put(FILE_URL).mock(return_value=answer(200, {}))
    api.post(GRAPHQL).mock(return_value=answer(200, {"data": {"a": 1}}))
    for ask in (read, write, query, mutate):
        await ask(client)
    assert purse.asked == [False] * 4
    await client.get(REPO, URL, what="reading", pulls=True)
    await client.write("PUT", REPO, URL, {}, what="writing", pulls=True)
    await client.graphql(REPO, QUERY, {}, what="writing", pulls=True)
    assert purse.asked[4:] == [True] * 3


@pytest.mark.parametrize(("pulls", "said"), [(True, "pull_requests: write"), (False, "contents: write")])
async def test_the_permission_that_a_mutation_lacks_is_named(
    client: GitHubClient, api: respx.Router, pulls: bool, said: str
) -> None:
    forbidden = graphql_error("FORBIDDEN", "Resource not accessible by integration")
    api.post(GRAPHQL).mock(return_value=answer(200, forbidden))
    with pytest.raises(ForgePermission, match=said):
        await client.graphql(REPO, QUERY, {}, what="writing", writing=True, pulls=pulls)


# What is sent


async def test_what_is_sent_names_the_version_and_us(client: GitHubClient, api: respx.Router) -> None:
    route = api.get(FILE_URL).mock(return_value=answer(200, {}))
    await read(client)
    headers = route.calls[0].request.headers
    assert headers["accept"] == "application/vnd.github+json"
    assert headers["x-github-api-version"] == "2022-11-28"
    assert headers["user-agent"] == "failover-api"
    assert headers["authorization"] == "Bearer ghs_one"


@pytest.mark.parametrize(
    ("base_url", "graphql_url"),
    [
        ("https://api.github.com", "https://api.github.com/graphql"),
        ("https://api.github.com/", "https://api.github.com/graphql"),
        ("https://git.example/api/v3", "https://git.example/api/graphql"),
        ("https://git.example/api/v3/", "https://git.example/api/graphql"),
        ("https://git.example:8443/github/api/v3", "https://git.example:8443/github/api/graphql"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000/graphql"),
    ],
)
async def test_graphql_is_beside_the_rest_root(
    http: httpx2.AsyncClient, api: respx.Router, waits: Waits, base_url: str, graphql_url: str
) -> None:
    client = client_with(http, Purse(), waits, base_url)
    post = api.post(graphql_url).mock(return_value=answer(200, {"data": {"a": 1}}))
    get = api.get(base_url.rstrip("/") + URL).mock(return_value=answer(200, {}))
    await query(client)
    await read(client)
    assert (post.call_count, get.call_count) == (1, 1)
    assert get.calls[0].request.url.raw_path.endswith(b"/contents/apps%2Fsonarr.yaml")


async def test_a_url_that_cannot_be_asked_for_is_an_error(client: GitHubClient) -> None:
    with pytest.raises(ForgeError, match="not a URL"):
        await client.get(REPO, "/repos/\x00", what="reading")


async def test_a_missing_file_drops_its_copy(client: GitHubClient, api: respx.Router) -> None:
    api.get(FILE_URL).mock(side_effect=[answer(200, {"a": 1}, etag='W/"1"'), refused(404, "Not Found")])
    await read(client)
    with pytest.raises(FileNotFound):
        await read(client)
    assert client.cache.get(URL) is None


# Secrets


async def test_no_error_shows_a_token_or_a_file(http: httpx2.AsyncClient, api: respx.Router, waits: Waits) -> None:
    token, content = "ghs_" + "SECRET".lower(), "FILE".lower() * 3  # not as the source has them: tracebacks quote it
    client = client_with(http, Purse(token), waits)
    replies = [httpx2.ReadTimeout("x"), *GARBLED, refused(401, "Bad credentials"), refused(409, "no")]
    for reply in replies:
        api.put(FILE_URL).mock(side_effect=[reply])
        with pytest.raises(FailoverError) as error:
            await client.write("PUT", REPO, URL, {"content": content}, what="writing a.yaml")
        shown = "".join(traceback.format_exception(error.value)) + repr(error.value)
        assert token not in shown
        assert content not in shown


def test_a_request_is_shown_without_credentials_and_contents() -> None:
    ask = Request("PUT", "/x", "writing", REPO, json={"content": "CONTENT"}, bearer="SECRET")
    assert "SECRET" not in repr(ask)
    assert "CONTENT" not in repr(ask)


# Cancelling


async def test_a_deadline_ends_a_request(client: GitHubClient, api: respx.Router) -> None:
    api.get(FILE_URL).mock(side_effect=hang)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await read(client)
