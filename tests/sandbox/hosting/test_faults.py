"""Each fault does to a client what the network or GitHub would."""

from __future__ import annotations

import base64
import logging
import time
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from failover_api.sandbox import Fault
from tests.sandbox.clients import REPO, connect, mint

if TYPE_CHECKING:
    from failover_api.sandbox import Sandbox

BODY = {"message": "m", "content": base64.b64encode(b"new\n").decode()}
PUT = f"{REPO}/contents/new"


def test_lost_request_did_nothing(sandbox: Sandbox, client: httpx2.Client, caplog: pytest.LogCaptureFixture) -> None:
    sandbox.faults.add(Fault("lost_request", method="PUT"))
    with pytest.raises(httpx2.RemoteProtocolError):
        client.put(PUT, json=BODY)
    assert sandbox.read("new") is None
    assert client.put(PUT, json=BODY).status_code == 201, "once only"
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_lost_reply_acted(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.faults.add(Fault("lost_reply", method="PUT"))
    with pytest.raises(httpx2.RemoteProtocolError):
        client.put(PUT, json=BODY)
    assert sandbox.read("new") == b"new\n"
    assert [(seen.status, seen.fault) for seen in sandbox.requests] == [(201, "lost_reply")]


def test_status_after_acted(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.faults.add(Fault("status_after", method="PUT", status=502, body="<html>Bad gateway</html>"))
    answer = client.put(PUT, json=BODY)
    assert (answer.status_code, answer.text) == (502, "<html>Bad gateway</html>")
    assert sandbox.read("new") == b"new\n"
    assert [(seen.status, seen.fault) for seen in sandbox.requests] == [(201, "status_after")]
    sandbox.faults.add(Fault("status_after", operation="viewer", headers={"X-Odd": "yes"}))
    answer = client.post("/graphql", json={"query": "{ viewer { login } }"})
    assert (answer.status_code, answer.json()["message"], answer.headers["X-Odd"]) == (500, "Server Error", "yes")


def test_late_acts_after_the_connection_is_gone(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.faults.add(Fault("late", seconds=0.2))
    with pytest.raises(httpx2.RemoteProtocolError):
        client.put(PUT, json=BODY)
    assert sandbox.read("new") is None
    deadline = time.monotonic() + 5
    while sandbox.read("new") is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sandbox.read("new") == b"new\n"


def test_slow(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.faults.add(Fault("slow", seconds=0.3))
    with pytest.raises(httpx2.ReadTimeout):
        client.get(REPO, timeout=0.1)
    started = time.monotonic()
    sandbox.faults.add(Fault("slow", seconds=0.2))
    assert client.get(REPO).status_code == 200
    assert time.monotonic() - started >= 0.2


def test_truncated(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.faults.add(Fault("truncated"))
    with pytest.raises(httpx2.RemoteProtocolError, match="without sending complete"):
        client.get(REPO)


def test_bad_json(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.faults.add(Fault("bad_json"))
    with pytest.raises(ValueError, match=r"\w"):
        client.get(REPO).json()


def test_stale_answers_as_of_the_commit_before(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.commit({"README.md": b"newer\n"}, "Newer")
    sandbox.faults.add(Fault("stale", method="GET", times=2))
    assert base64.b64decode(client.get(f"{REPO}/contents/README.md").json()["content"]) == b"# homelab\n"
    assert client.get(f"{REPO}/branches/main").json()["commit"]["sha"] == sandbox.log()[1].sha
    assert base64.b64decode(client.get(f"{REPO}/contents/README.md").json()["content"]) == b"newer\n"


def test_lag_answers_as_the_branch_was(sandbox: Sandbox, client: httpx2.Client) -> None:
    before = sandbox.head()
    sandbox.commit({"README.md": b"newer\n"}, "Newer")
    sandbox.faults.add(Fault("lag", method="GET", seconds=60))
    assert client.get(f"{REPO}/branches/main").json()["commit"]["sha"] == before
    sandbox.faults.add(Fault("lag", method="GET", seconds=0.000001))
    assert client.get(f"{REPO}/branches/main").json()["commit"]["sha"] == sandbox.head()


def test_race_lets_another_commit_land_first(sandbox: Sandbox, client: httpx2.Client) -> None:
    before = sandbox.head()
    sandbox.faults.add(Fault("race", method="PUT"))
    refused = client.put(PUT, json=BODY)
    assert refused.status_code == 409
    assert refused.json()["message"] == f"is at {sandbox.head()} but expected {before}"
    assert sandbox.read("new") is None
    assert client.put(PUT, json=BODY).status_code == 201


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        (Fault("status"), 500, "Server Error"),
        (Fault("status", status=502, body="<html>"), 502, "<html>"),
        (Fault("status", status=409, body={"message": "policy"}), 409, "policy"),
        (Fault("rate_limit_primary"), 403, "API rate limit exceeded for installation ID"),
        (Fault("rate_limit_secondary"), 403, "You have exceeded a secondary rate limit"),
        (Fault("rate_limit_secondary", status=429, retry_after=7), 429, "You have exceeded a secondary rate limit"),
    ],
)
def test_answers_of_their_own(sandbox: Sandbox, client: httpx2.Client, fault: Fault, status: int, text: str) -> None:
    sandbox.faults.add(fault)
    answer = client.get(REPO)
    assert (answer.status_code, text in answer.text) == (status, True)
    assert answer.headers.get("Retry-After") == (None if fault.retry_after is None else str(fault.retry_after))
    if fault.kind == "rate_limit_primary":
        assert answer.headers["X-RateLimit-Remaining"] == "0"
        assert 0 <= int(answer.headers["X-RateLimit-Reset"]) - time.time() <= 2


def test_token_not_ready_meets_installation_tokens_only(sandbox: Sandbox, url: str, client: httpx2.Client) -> None:
    sandbox.faults.add(Fault("token_not_ready"))
    assert client.get(REPO).status_code == 200
    with connect(url, mint(sandbox, url)) as app:
        assert app.get(REPO).json()["message"] == "Bad credentials"
        assert app.get(REPO).status_code == 200


def test_which_requests_are_met(sandbox: Sandbox, client: httpx2.Client) -> None:
    for fault in (
        Fault("status", path=f"{REPO}/contents/*.md", status=501),
        Fault("status", path=f"{REPO}/branches", status=502, after=1, times=2),
        Fault("status", operation="viewer", status=503, times=None),
    ):
        sandbox.faults.add(fault)
    assert [client.get(f"{REPO}/contents/README.md").status_code for _ in range(2)] == [501, 200]
    assert [client.get(f"{REPO}/branches/main").status_code for _ in range(4)] == [200, 502, 502, 200]
    asked: dict[str, Any] = {"query": "query { viewer { login } }"}
    assert [client.post("/graphql", json=asked).status_code for _ in range(3)] == [503, 503, 503]
    assert len(sandbox.operations("viewer")) == 3


def test_faults_and_requests_over_http(client: httpx2.Client) -> None:
    assert client.post("/_sandbox/faults", json={"kind": "status", "status": 418}).status_code == 201
    assert client.get(REPO).status_code == 418
    assert client.post("/_sandbox/faults", json={"kind": "nonsense"}).status_code == 422
    client.post("/_sandbox/faults", json={"kind": "status"})
    assert client.delete("/_sandbox/faults").status_code == 204
    assert client.get(REPO, headers={"If-None-Match": "x"}).status_code == 200
    seen = client.get("/_sandbox/requests").json()
    assert [(one["method"], one["path"], one["status"], one["if_none_match"]) for one in seen] == [
        ("GET", REPO, 418, None),
        ("GET", REPO, 200, "x"),
    ]
    client.delete("/_sandbox/requests")
    assert client.get("/_sandbox/requests").json() == []
