"""How much one identity may ask, and write."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.clients import COMMIT, REPO, UPDATE_REFS, commit_input, connect, mint, open_pull

if TYPE_CHECKING:
    import httpx2

    from failover_api.sandbox import Sandbox

BODY = {"message": "m", "content": "eAo="}


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(sandbox: Sandbox) -> Clock:
    made = Clock()
    sandbox.clock = made
    return made


def test_rate_limits_are_counted_per_identity(sandbox: Sandbox, url: str, client: httpx2.Client) -> None:
    sandbox.limits.requests_per_hour = 2
    answers = [client.get(REPO) for _ in range(3)]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert [answer.status_code for answer in answers] == [200, 200, 403]
    assert answers[2].json()["message"].startswith("API rate limit exceeded for user ID 1.")
    assert client.get("/rate_limit").json()["rate"]["remaining"] == 0
    with connect(url, mint(sandbox, url)) as app:
        assert app.get(REPO).status_code == 200
        sandbox.limits.exhaust()
        assert app.get(REPO).status_code == 403
    sandbox.clock = lambda: time.time() + 3601
    assert client.get(REPO).status_code == 200


def put(client: httpx2.Client, path: str) -> tuple[int, str | None]:
    """The status and Retry-After."""
    answer = client.put(f"{REPO}/contents/{path}", json=BODY)
    if answer.status_code == 403:
        assert answer.json()["message"].startswith("You have exceeded a secondary rate limit")
    return answer.status_code, answer.headers.get("Retry-After")


def test_writes_have_a_limit_of_their_own(sandbox: Sandbox, client: httpx2.Client, clock: Clock) -> None:
    sandbox.limits.writes_per_minute = 2
    assert put(client, "a") == (201, None)
    clock.now += 20
    assert put(client, "b") == (201, None)
    assert put(client, "c") == (403, "40")
    assert client.get(REPO).status_code == 200
    clock.now += 39.5
    assert put(client, "c") == (403, "1")
    clock.now += 0.5
    assert put(client, "c") == (201, None)
    assert put(client, "d") == (403, "20")


def test_the_longer_of_two_waits_is_named(sandbox: Sandbox, client: httpx2.Client, clock: Clock) -> None:
    sandbox.limits.writes_per_minute, sandbox.limits.writes_per_hour = 2, 3
    assert [put(client, path) for path in "abc"] == [(201, None), (201, None), (403, "60")]
    clock.now += 60
    assert [put(client, path) for path in "cd"] == [(201, None), (403, "3540")]
    clock.now += 3540
    assert put(client, "d") == (201, None)


def test_a_short_minute_can_be_waited_for(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.limits.writes_per_minute, sandbox.limits.minute_s = 1, 0.05
    assert put(client, "a") == (201, None)
    assert put(client, "b") in ((403, "1"), (201, None))
    while (wait_s := sandbox.limits.write_wait_s("user ID 1")) > 0:
        time.sleep(wait_s)
    assert put(client, "c") == (201, None)


def test_every_kind_of_write_counts_and_no_read(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.commit({"a": b"1\n"}, "One", "side")
    open_pull(client)
    head = sandbox.head()
    sandbox.limits.forget()
    sandbox.limits.writes_per_minute = 0
    writes: list[tuple[str, str, Any]] = [
        ("PUT", f"{REPO}/contents/b", BODY),
        ("POST", f"{REPO}/git/refs", {"ref": "refs/heads/new", "sha": head}),
        ("PATCH", f"{REPO}/git/refs/heads/side", {"sha": sandbox.head("side")}),
        ("POST", f"{REPO}/git/trees", {"tree": []}),
        ("POST", f"{REPO}/git/commits", {"message": "m", "tree": sandbox.commit_at().tree}),
        ("POST", f"{REPO}/issues/1/comments", {"body": "hello"}),
        ("POST", f"{REPO}/issues/1/labels", {"labels": ["failover"]}),
        ("POST", f"{REPO}/pulls/1/requested_reviewers", {"reviewers": ["maria"]}),
        ("PATCH", f"{REPO}/pulls/1", {"title": "t"}),
        ("POST", "/graphql", {"query": COMMIT, "variables": {"input": commit_input(head, a=b"1")}}),
        ("POST", "/graphql", {"query": UPDATE_REFS, "variables": {"input": {"repositoryId": "", "refUpdates": []}}}),
        ("PUT", f"{REPO}/pulls/1/merge", {}),
        ("POST", f"{REPO}/pulls", {"title": "t", "head": "new", "base": "main"}),
        ("DELETE", f"{REPO}/git/refs/heads/new", None),
    ]
    for count, (method, path, body) in enumerate(writes, 1):
        sandbox.limits.writes_per_minute = count
        assert client.request(method, path, json=body).status_code < 423, path
        assert client.request(method, path, json=body).status_code == 403, path
    reads = [REPO, f"{REPO}/pulls", f"{REPO}/contents/b", f"{REPO}/commits/main/pulls"]
    assert [client.get(path).status_code for path in reads] == [200] * 4
    asked = {"query": 'query($mutation: String!) { repository(owner: $mutation, name: "homelab") { id } }'}
    assert client.post("/graphql", json={**asked, "variables": {"mutation": "acme"}}).status_code == 200


def test_rest_and_graphql_share_what_one_may_write(sandbox: Sandbox, url: str, client: httpx2.Client) -> None:
    sandbox.limits.writes_per_minute = 1
    assert put(client, "a") == (201, None)
    asked = {"query": COMMIT, "variables": {"input": commit_input(sandbox.head(), b=b"1")}}
    assert client.post("/graphql", json=asked).status_code == 403
    with connect(url, mint(sandbox, url)) as app:
        assert app.post("/graphql", json=asked).status_code == 200
        assert put(app, "c")[0] == 403


def test_a_limit_can_be_forgotten(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.limits.writes_per_minute = 1
    assert [put(client, path)[0] for path in "ab"] == [201, 403]
    sandbox.limits.forget()
    assert put(client, "b") == (201, None)
