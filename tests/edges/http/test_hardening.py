"""What a request may cost, and what every answer says to a browser."""

import asyncio
import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from failover_api.edges.http.hardening import MARGIN_S, Limits
from failover_api.errors import BadRequest, BodyTooLarge, FailoverError, ForgeUnavailable, NotReady, OutcomeUnknown
from tests.edges.http.asgi import echo, fail_by_itself, hang, stream_slowly
from tests.support.answers import PROMOTE, STATUS, is_guarded, problem
from tests.support.clock import LIMIT_S
from tests.support.stage import Stage

# What every answer says


async def test_every_answer_has_the_security_headers_and_no_banner(stage: Stage) -> None:
    async with stage.client() as client:
        tag = (await client.get(STATUS)).headers["etag"]
        answers = [
            await client.get(STATUS),
            await client.get(STATUS, headers={"If-None-Match": tag}),
            await client.get("/api/failover"),
            await client.get("/openapi.json"),
            await client.get("/healthz"),
            await client.get("/nowhere"),
            await client.put(STATUS),
            await client.post(f"{PROMOTE}?dry-run=x"),
            await client.post(PROMOTE, content=b"x" * 70_000),
            await client.post(PROMOTE),
        ]
    assert [answer.status_code for answer in answers] == [200, 304, 200, 200, 200, 404, 405, 400, 413, 200]
    for answer in answers:
        assert is_guarded(answer.headers), answer.headers
        assert "server" not in answer.headers
        assert answer.headers.get_list("x-request-id") == [answer.headers["x-request-id"]]
    kept = [answer.headers["cache-control"] == "private, no-cache" for answer in answers]
    assert kept == ["etag" in answer.headers for answer in answers]
    assert {answer.headers["cache-control"] for answer in answers} == {"private, no-cache", "no-store"}


async def test_a_defect_of_ours_has_the_security_headers_too(stage: Stage) -> None:
    app = stage.app(stage.settings())
    app.add_api_route("/broken", lambda: 1 // 0)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://failover.test") as client:
        response = await client.get("/broken")
    problem(response, "internal-error", 500)
    assert is_guarded(response.headers)
    assert response.headers["cache-control"] == "no-store"


async def test_what_a_route_says_of_itself_stays(stage: Stage) -> None:
    app = stage.app(stage.settings())
    own = {"Content-Security-Policy": "default-src 'self'", "Cache-Control": "public, max-age=9"}
    app.add_api_route("/own", lambda: PlainTextResponse("x", headers=own))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://failover.test") as client:
        response = await client.get("/own")
    assert own.items() <= {name.title(): value for name, value in response.headers.items()}.items()
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_the_docs_need_no_script_and_no_other_host(stage: Stage) -> None:
    async with stage.client() as client:
        page = await client.get("/docs")
        document = (await client.get("/openapi.json")).json()
    policy = page.headers["content-security-policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"<script|<link|<img|<iframe|\son\w+=|\sstyle=|https?://", page.text)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert f"<code>{method.upper()} {path}</code>" in page.text
            for parameter in operation.get("parameters", ()):
                assert f"<td><code>{parameter['name']}</code></td>" in page.text
    assert all(f'id="{name}"' in page.text for name in document["components"]["schemas"])


# The limits, around an application of the test's own


async def run(app: Any, method: str = "GET", *chunks: bytes, at_once: int = 1, time_s: float = 0.05) -> list[Message]:
    """One request through the limits; gives what was sent."""
    return await request(Limits(app, at_once=at_once, time_s=time_s), method, *chunks)


async def request(limits: Limits, method: str, *chunks: bytes, path: str = "/api/failover") -> list[Message]:
    sent: list[Message] = []
    coming = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    coming.append({"type": "http.request", "body": b"", "more_body": False})
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}

    async def receive() -> Message:
        return coming.pop(0) if coming else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await limits(scope, receive, send)
    return sent


@pytest.mark.parametrize(
    ("method", "error", "outcome"),
    [
        ("GET", ForgeUnavailable, "not-applied"),
        ("HEAD", ForgeUnavailable, "not-applied"),
        ("POST", OutcomeUnknown, "unknown"),
    ],
)
async def test_a_handler_that_hangs_is_ended_with_the_truth(
    method: str, error: type[FailoverError], outcome: str
) -> None:
    with pytest.raises(error, match=r"within 0\.05 s") as raised:
        await run(hang, method)
    assert raised.value.outcome == outcome


async def test_an_answer_that_has_begun_takes_as_long_as_it_takes() -> None:
    assert b"".join(message.get("body", b"") for message in await run(stream_slowly)) == b"0123"


async def test_a_timeout_of_the_handler_is_not_taken_for_ours() -> None:
    with pytest.raises(TimeoutError, match="mine"):
        await run(fail_by_itself, time_s=LIMIT_S)


async def test_a_move_says_what_came_of_it_before_the_outer_limit(stage: Stage) -> None:
    assert MARGIN_S >= 1
    async with stage.client(deadline_s=1.0) as client:
        await client.get(STATUS)
        stage.fault("slow", seconds=20.0, times=None)
        body = problem(await client.post(PROMOTE), "outcome-unknown", 504)
    assert "the deadline of" in body["detail"]


async def test_a_body_is_given_on_whole_and_then_what_comes() -> None:
    body, left = await run(echo, "POST", b"a" * 40_000, b"b" * 25_536)
    assert body == {"type": "http.request", "body": b"a" * 40_000 + b"b" * 25_536, "more_body": False}
    assert left["type"] == "http.disconnect"


async def test_a_byte_more_is_refused() -> None:
    with pytest.raises(BodyTooLarge, match="65,536"):
        await run(echo, "POST", b"a" * 40_000, b"b" * 25_537)


async def test_who_leaves_before_the_end_is_not_served() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
    await Limits(hang, at_once=1, time_s=LIMIT_S)(scope, receive, send)


async def test_slots_are_for_each_kind_and_come_back(stage: Stage) -> None:
    let_go = asyncio.Event()

    async def wait(scope: Scope, receive: Receive, send: Send) -> None:
        await let_go.wait()

    limits = Limits(wait, at_once=2, time_s=LIMIT_S)
    running = [asyncio.create_task(request(limits, method)) for method in ("GET", "GET", "POST", "POST")]
    await asyncio.sleep(0)
    for method in ("GET", "POST", "HEAD", "PUT"):
        with pytest.raises(NotReady) as refused:
            await request(limits, method)
        assert refused.value.retry_after_s == 1
    probing = asyncio.create_task(request(limits, "GET", path="/healthz"))
    await asyncio.sleep(0)
    assert not probing.done()
    let_go.set()
    await asyncio.gather(*running, probing)
    assert await asyncio.gather(*(request(limits, "GET") for _ in range(2))) == [[], []]


@pytest.mark.parametrize("headers", [[(b"x", b"a" * 40_000)], [(b"x", b"")] * 8_000])
async def test_a_head_that_is_too_large_is_refused_for_every_path(headers: list[tuple[bytes, bytes]]) -> None:
    scope = {"type": "http", "method": "GET", "path": "/healthz", "query_string": b"", "headers": headers}
    never: Callable[..., Any] = hang
    with pytest.raises(BadRequest, match="32,768 bytes"):
        await Limits(hang, at_once=1, time_s=LIMIT_S)(scope, never, never)
