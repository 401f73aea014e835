"""What a listener is told of requests: which kind of thing was asked for, never which."""

import re
from typing import Any

import httpx2
import pytest
import respx

from failover_api.errors import FailoverError, ForgePermission, WriteConflict
from failover_api.forge.github import queries
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.http.connections import Connections
from failover_api.forge.http.traffic import (
    ENDPOINTS,
    CredentialsRejected,
    Quota,
    RequestCompleted,
    RequestRefused,
    RequestRetried,
    TrafficEvent,
    endpoint_of,
)
from failover_api.forge.http.transport import Request
from tests.support.fake_github import FILE_URL, PATH, ROOT, Purse, Waits, answer, refused

REPOSITORY = "/repos/acme/homelab"
BLOB = "9" * 40


def request(url: str, **more: Any) -> Request:
    return Request("GET", url, "reading", "acme/homelab", **more)


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        (REPOSITORY, "repository"),
        (f"{REPOSITORY}/contents/apps%2Fsecret-plan.yaml?ref=main", "contents"),
        (f"{REPOSITORY}/contents/pulls/merge", "contents"),
        (f"{REPOSITORY}/branches/failover%2Fsonarr", "branches"),
        (f"{REPOSITORY}/branches/trees", "branches"),
        (f"{REPOSITORY}/git/trees/main?recursive=1", "git/trees"),
        (f"{REPOSITORY}/git/trees", "git/trees"),
        (f"{REPOSITORY}/git/blobs/{BLOB}", "git/blobs"),
        (f"{REPOSITORY}/git/commits/{BLOB}", "git/commits"),
        (f"{REPOSITORY}/git/refs", "git/refs"),
        (f"{REPOSITORY}/commits?sha=main&path=a", "commits"),
        (f"{REPOSITORY}/compare/{BLOB}...main", "compare"),
        (f"{REPOSITORY}/pulls?state=open", "pulls"),
        (f"{REPOSITORY}/pulls/12", "pulls"),
        (f"{REPOSITORY}/pulls/12/merge", "pulls/merge"),
        (f"{REPOSITORY}/pulls/12/requested_reviewers", "pulls/requested_reviewers"),
        (f"{REPOSITORY}/issues/12/labels", "issues/labels"),
        (f"{REPOSITORY}/issues/12/comments", "issues/comments"),
        (f"{REPOSITORY}/rules/branches/main", "rules/branches"),
        (f"{REPOSITORY}/installation", "installation"),
        ("/app", "app"),
        ("/app/installations/7/access_tokens", "app/installations/access_tokens"),
        (f"{REPOSITORY}/secrets/12", "other"),
        (f"{REPOSITORY}/git/secret-plan", "other"),
        (f"{REPOSITORY}/pulls/12/secret-plan", "other"),
        ("/user", "other"),
        ("", "other"),
    ],
)
def test_a_url_is_told_of_as_what_it_asks_for(url: str, endpoint: str) -> None:
    assert endpoint_of(request(url)) == endpoint
    assert endpoint in ENDPOINTS


def every_query() -> list[str]:
    made = [queries.files_at(["a"], head=None), queries.files_at(["a"], head=BLOB)]
    made += [queries.modes_at(["a"]), queries.blobs([BLOB])]
    texts = [value for name, value in vars(queries).items() if name.isupper() and not name.startswith("_")]
    return [*texts, *(text for text, _ in made)]


@pytest.mark.parametrize("text", every_query(), ids=lambda text: re.split(r"\W+", text)[1])
def test_every_query_has_a_name(text: str) -> None:
    endpoint = endpoint_of(request("/graphql", json={"query": text}, graphql=True))
    assert endpoint.startswith("graphql: ")
    assert endpoint in ENDPOINTS


@pytest.mark.parametrize("body", [None, {}, {"query": 1}, {"query": "{ viewer }"}, {"query": "query Other { a }"}])
def test_any_other_query_is_other(body: object) -> None:
    assert endpoint_of(request("/graphql", json=body, graphql=True)) == "other"


@pytest.fixture
def told() -> list[TrafficEvent]:
    return []


@pytest.fixture
def client(http: httpx2.AsyncClient, waits: Waits, told: list[TrafficEvent]) -> GitHubClient:
    client = GitHubClient(Connections(lambda: http), base_url=ROOT, timeout_s=5, sleep=waits, listener=told.append)
    client.credentials = Purse()
    return client


async def read(client: GitHubClient) -> bytes:
    return await client.get("acme/homelab", f"{REPOSITORY}/contents/apps%2Fsonarr.yaml", what=f"reading {PATH}")


LIMITS = {"x_ratelimit_limit": "5000", "x_ratelimit_remaining": "4987", "x_ratelimit_reset": "1800000000"}


async def test_a_reply_is_told_with_its_limit_and_without_its_url(
    client: GitHubClient, api: respx.Router, told: list[TrafficEvent]
) -> None:
    api.get(FILE_URL).mock(side_effect=[answer(200, {}, etag='"1"', **LIMITS), answer(304, etag='"1"')])
    await read(client)
    await read(client)
    first, second = told
    assert isinstance(first, RequestCompleted)
    assert isinstance(second, RequestCompleted)
    assert (first.method, first.endpoint, first.status, first.conditional) == ("GET", "contents", 200, False)
    assert first.quota == Quota("core", 5000, 4987, 1_800_000_000)
    assert first.duration_s >= 0
    assert (second.status, second.conditional, second.quota) == (304, True, None)
    assert "sonarr" not in repr(told)
    assert "homelab" not in repr(told)


@pytest.mark.parametrize("value", ["", "many", "1.5", "nan", "9" * 5000])
async def test_a_limit_that_is_no_number_is_none(
    client: GitHubClient, api: respx.Router, told: list[TrafficEvent], value: str
) -> None:
    api.get(FILE_URL).mock(return_value=answer(200, {}, **{**LIMITS, "x_ratelimit_remaining": value}))
    await read(client)
    (request_completed,) = told
    assert isinstance(request_completed, RequestCompleted)
    assert request_completed.quota is None


async def test_each_try_is_told_and_why_there_is_another(
    client: GitHubClient, api: respx.Router, told: list[TrafficEvent]
) -> None:
    api.get(FILE_URL).mock(side_effect=[httpx2.ReadTimeout("x"), answer(502), answer(200, {})])
    await read(client)
    assert [(type(one), getattr(one, "status", None)) for one in told] == [
        (RequestCompleted, None),
        (RequestRetried, None),
        (RequestCompleted, 502),
        (RequestRefused, None),
        (RequestRetried, None),
        (RequestCompleted, 200),
    ]


async def test_a_lost_race_is_told_as_what_it_means(
    client: GitHubClient, api: respx.Router, told: list[TrafficEvent]
) -> None:
    api.put(FILE_URL).mock(return_value=refused(409, f"apps/sonarr.yaml does not match {BLOB}"))
    with pytest.raises(WriteConflict):
        await client.write("PUT", "acme/homelab", f"{REPOSITORY}/contents/apps%2Fsonarr.yaml", {}, what="writing")
    assert isinstance(told[-1], RequestRefused)
    assert (told[-1].endpoint, type(told[-1].error)) == ("contents", WriteConflict)


async def test_credentials_that_will_not_do_are_told_of_once(
    client: GitHubClient, api: respx.Router, told: list[TrafficEvent]
) -> None:
    api.get(FILE_URL).mock(return_value=refused(403, "Resource not accessible by integration"))
    with pytest.raises(ForgePermission):
        await read(client)
    denied = [one for one in told if isinstance(one, CredentialsRejected)]
    assert [type(one.error).slug for one in denied] == ["github-permission"]


async def test_a_watcher_that_fails_fails_no_request(
    http: httpx2.AsyncClient, api: respx.Router, waits: Waits, caplog: pytest.LogCaptureFixture
) -> None:
    def listener(event: TrafficEvent) -> None:
        raise FailoverError("a defect")

    client = GitHubClient(Connections(lambda: http), base_url=ROOT, timeout_s=5, sleep=waits, listener=listener)
    client.credentials = Purse()
    api.get(FILE_URL).mock(return_value=answer(200, {"a": 1}))
    assert await read(client) == b'{"a":1}'
    assert "a watcher failed" in caplog.text
