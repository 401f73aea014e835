"""Clients that are slow, endless, malformed or too many, against a running server."""

import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from failover_api.edges.http.connection import Connection
from tests.edges.http.asgi import answer
from tests.support.answers import PROMOTE, STATUS, is_guarded, problem
from tests.support.clock import LIMIT_S
from tests.support.raw_http import Address, Reply, connected, exchange, is_closed, reply_on
from tests.support.server import Server, serving
from tests.support.stage import FILES, Stage

HEAD = b"POST /api/failover/sonarr/promote HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
SHORT_S = 0.5


@pytest.fixture(scope="module")
def ground(served_sandbox: tuple[Any, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Server]]:
    """A server that waits for half a second only and takes one request at once; one process for them all."""
    sandbox, url = served_sandbox
    sandbox.add_repository("acme/hardening", FILES)
    stage = Stage(sandbox, url, "acme/hardening", tmp_path_factory.mktemp("hardening"))
    limits = {"FAILOVER_RECEIVE_TIMEOUT_S": str(SHORT_S), "FAILOVER_CONCURRENCY": "1"}
    with serving(stage, "--insecure-no-auth", **limits) as server:
        assert server.address
        yield stage, server
        assert "Traceback" not in "".join(server.lines)


@pytest.fixture
def server(ground: tuple[Stage, Server], stage: Stage) -> Server:
    """That server; `stage` puts the sandbox to rest after each test."""
    return ground[1]


@pytest.fixture
def moves(ground: tuple[Stage, Server]) -> Callable[[], int]:
    """How many moves were made on its repository."""
    return lambda: len(ground[0].moves)


def dribble(connection: socket.socket, data: bytes, *, until: float) -> None:
    """Sends a byte every twentieth of a second."""
    for byte in data:
        if time.monotonic() > until:
            return
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def everything_on(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def is_too_slow(reply: Reply | None) -> bool:
    return reply is not None and reply.status == 400 and "not complete within 0.5 s" in reply.problem["detail"]


STARTS = {
    "head": b"GET /healthz HTTP/1.1\r\nX: ",
    "body": HEAD + b"Content-Length: 500\r\n\r\n",
    "chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_who_dribbles_a_request_is_told_so_and_holds_no_slot(
    server: Server, moves: Callable[[], int], start: bytes
) -> None:
    before = moves()
    with connected(server.address) as connection:
        began = time.monotonic()
        connection.sendall(start)
        dribble(connection, b"4" * 100, until=began + SHORT_S * 0.4)
        assert httpx2.post(f"{server.url}{PROMOTE}?dry-run=1").status_code == 200, "there is one slot, and it is free"
        assert is_too_slow(reply_on(connection))
        assert is_closed(connection)
        assert time.monotonic() - began > SHORT_S * 0.9
    assert moves() == before


@contextmanager
def serving_app(app: Any, **how: float) -> Iterator[Address]:
    """An application of the test's own behind our connections; `how` is what they know of patience."""
    listener = socket.create_server(("127.0.0.1", 0))
    protocol = type("Ours", (Connection,), how)
    server = uvicorn.Server(uvicorn.Config(app, http=protocol, ws="none", lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        server.should_exit = True
        thread.join()


def test_of_too_many_connections_the_one_waited_for_longest_goes() -> None:
    with serving_app(answer, most=3) as address, ExitStack() as stack:
        waiting = [stack.enter_context(connected(address)) for _ in range(3)]
        for connection in waiting:
            connection.sendall(HEALTHZ[:20])
        assert exchange(address, HEALTHZ) is not None
        assert is_closed(waiting[0])
        for connection in waiting[1:]:
            connection.sendall(HEALTHZ[20:])
            reply = reply_on(connection)
            assert reply is not None
            assert reply.status == 200


def test_a_connection_that_says_nothing_is_closed_without_a_word(server: Server) -> None:
    with connected(server.address) as first, connected(server.address) as second:
        second.sendall(HEALTHZ)
        answered = reply_on(second)
        assert answered is not None
        assert answered.status == 200
        assert everything_on(first) == b""
        assert everything_on(second) == b"", "after an answer the same holds"


def test_each_request_on_a_connection_has_its_own_time(server: Server) -> None:
    with connected(server.address) as connection:
        for _ in range(4):
            connection.sendall(HEALTHZ[:20])
            time.sleep(SHORT_S * 0.3)
            connection.sendall(HEALTHZ[20:])
            reply = reply_on(connection)
            assert reply is not None
            assert reply.status == 200
        connection.sendall(HEALTHZ[:20])
        assert is_too_slow(reply_on(connection))


def test_a_body_without_end_is_refused_while_it_is_sent(server: Server) -> None:
    with connected(server.address) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"400\r\n%s\r\n" % (b"x" * 1024) * 65)
        reply = reply_on(connection)
        assert reply is not None
        assert (reply.status, reply.problem["outcome"]) == (413, "not-applied")
        connection.sendall(b"400\r\n")
        assert is_closed(connection), "what was refused is not read for ever"


def test_a_body_that_is_announced_too_large_is_not_asked_for(server: Server) -> None:
    with connected(server.address) as connection:
        connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 70000\r\n\r\n")
        answer = everything_on(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.count(b"HTTP/1.1") == 1


def test_who_takes_no_answer_is_let_go() -> None:
    ended = threading.Event()

    async def flood(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(500):  # more than two kernels hold between them
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
        ended.set()

    with serving_app(flood, patience_s=0.2) as address, connected(address) as deaf:
        deaf.sendall(HEALTHZ)
        assert ended.wait(LIMIT_S)


def test_a_request_smuggled_behind_another_is_never_answered(server: Server, moves: Callable[[], int]) -> None:
    before = moves()
    with connected(server.address) as connection:
        ends = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        connection.sendall(HEAD + ends + HEAD + b"\r\n")
        answer = everything_on(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"expected Content-Length or Transfer-Encoding, not both" in answer
    assert answer.count(b"HTTP/1.1") == 1
    assert moves() == before


def test_what_follows_a_move_does_not_cut_its_answer(server: Server, stage: Stage, moves: Callable[[], int]) -> None:
    """What is no request comes while a move is being written, for longer than a request may take to come."""
    before = moves()
    assert httpx2.get(f"{server.url}/api/failover/radarr").json()["side"] == "primary"
    stage.fault("slow", method="PUT", seconds=SHORT_S * 2)
    with connected(server.address) as connection:
        connection.sendall(HEAD.replace(b"sonarr", b"radarr") + b"\r\n" + b"\x16\x03\x01 no request\r\n\r\n")
        answer = everything_on(connection)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"changed":true' in answer
    assert b"HTTP/1.1 400 " in answer
    assert moves() == before + 1


def test_beyond_the_limit_who_looks_is_told_to_come_back_and_a_move_goes_on(server: Server, stage: Stage) -> None:
    stage.fault("slow", seconds=2.0)
    answers: list[httpx2.Response] = []
    looking = threading.Thread(target=lambda: answers.append(httpx2.get(f"{server.url}{STATUS}")))
    looking.start()
    while len(stage.sandbox.faults):
        time.sleep(0.01)
    refused = httpx2.get(f"{server.url}/api/failover/radarr")
    problem(refused, "not-ready", 503)
    assert refused.headers["retry-after"] == "1"
    assert [httpx2.get(f"{server.url}{probe}").status_code for probe in ("/healthz", "/readyz")] == [200, 200]
    assert httpx2.post(f"{server.url}/api/failover/plex/promote").json()["changed"] is True
    looking.join(LIMIT_S)
    assert answers[0].status_code == 200
    assert httpx2.get(f"{server.url}{STATUS}").status_code == 200, "there is room again"


def test_the_server_itself_says_no_more(server: Server) -> None:
    for data in (HEALTHZ, b"GET / HTTP/1.1\r\n\r\n", b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"):
        reply = exchange(server.address, data)
        assert reply is not None
        assert is_guarded(reply.headers)
        assert "server" not in reply.headers
        assert len(reply.headers["x-request-id"]) == 26
        assert not re.search(rb"uvicorn|h11|python|fastapi|starlette", reply.body, re.IGNORECASE)


def test_sigterm_with_slow_clients_connected_ends_with_0_in_time(stage: Stage) -> None:
    with (
        serving(stage, "--insecure-no-auth", FAILOVER_RECEIVE_TIMEOUT_S="2") as server,
        connected(server.address) as silent,
        connected(server.address) as head,
        connected(server.address) as body,
        connected(server.address) as deaf,
    ):
        head.sendall(HEALTHZ[:20])
        body.sendall(HEAD + b"Content-Length: 500\r\n\r\n{")
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 200)  # and reads no answer
        assert httpx2.get(f"{server.url}/readyz").status_code == 200
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.end() == 0
        assert time.monotonic() - began < 15, "not the 35 s of a move that is under way"
        assert silent.recv(1) == b""
    assert "Traceback" not in "".join(server.lines)
