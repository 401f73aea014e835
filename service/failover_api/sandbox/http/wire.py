"""Between the socket and the endpoints: reads the request, acts faults out, keeps the log.

/_sandbox/faults     POST one as JSON, DELETE all
/_sandbox/requests   GET the log, DELETE it
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

from failover_api.sandbox.hosting.faults import Fault
from failover_api.sandbox.hosting.world import Request
from failover_api.sandbox.http import fault_replies
from failover_api.sandbox.http.exchange import Body, Message, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from failover_api.sandbox.hosting.world import World

_LOGGED_BODY_BYTES = 65_536
_OPERATION = re.compile(r"\{\s*(?:\w+\s*:\s*)?(\w+)")


class Cut(Protocol):
    """Closes the connection under a request; with `flush`, after what was sent."""

    def __call__(self, *, flush: bool = False) -> None: ...


class Dialect(Protocol):
    """What is a host's own in an exchange."""

    def below_root(self, message: Message) -> Message:
        """With the path below the API's root, and `base` the URL of that root."""

    def credentials(self, authorization: str) -> str:
        """What kind they are: `none`, `token`, or one of the host's own."""

    def answer(self, message: Message) -> Reply:
        """As the endpoint does."""

    def refuse(self, fault: Fault) -> Reply:
        """The host's words for a fault that has none of its own."""


class Wire:
    """The ASGI application. `pages` gives the host's page for a person, None for what is the API's."""

    def __init__(self, world: World, dialect: Dialect, pages: Callable[[Message], Reply | None]) -> None:
        self._world = world
        self._dialect = dialect
        self._pages = pages
        self._later: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        message = _message(scope, await _body(receive))
        if page := self._pages(message):
            await _send(send, page, self._world.clock())
            return
        message = self._dialect.below_root(message)
        if message.path.startswith("/_sandbox/"):
            await _send(send, self._control(message), self._world.clock())
            return
        kind = self._dialect.credentials(message.headers.get("authorization", ""))
        operation = _operation(message)
        fault = self._world.faults.take(message.method, message.path, kind, operation)
        await self._act(fault, message, _Line(scope, receive, send, self._world.clock))

    async def _act(self, fault: Fault | None, message: Message, line: _Line) -> None:
        if fault is None:
            await line.send(await self._run(message, fault))
            return
        match fault.kind:
            case "lost_request":
                self._log(message, None, fault)
                await line.cut()
            case "late":
                self._schedule(message, fault)
                await line.cut()
            case "lost_reply":
                await self._run(message, fault)
                await line.cut()
            case "status_after":
                await self._run(message, fault)
                await line.send(fault_replies.instead(fault, self._dialect.refuse))
            case "truncated":
                await line.send_half(await self._run(message, fault))
            case "slow":
                await asyncio.sleep(fault.seconds)
                await line.send(await self._run(message, fault))
            case "stale" | "race" | "lag":
                await line.send(await self._run(message, fault))
            case _:
                reply = fault_replies.instead(fault, self._dialect.refuse)
                self._log(message, reply.status, fault)
                await line.send(reply)

    async def _run(self, message: Message, fault: Fault | None) -> Reply:
        if fault and fault.kind in ("stale", "race"):
            message = dataclasses.replace(message, faults=frozenset({fault.kind}))
        if fault and fault.kind == "lag":
            message = dataclasses.replace(message, lag_s=fault.seconds)
        if self._world.write_delay_s and message.method != "GET":
            reply = await asyncio.to_thread(self._dialect.answer, message)
        else:
            reply = self._dialect.answer(message)
        self._log(message, reply.status, fault)
        return reply

    def _schedule(self, message: Message, fault: Fault) -> None:
        async def later() -> None:
            await asyncio.sleep(fault.seconds)
            await self._run(message, fault)

        task = asyncio.get_running_loop().create_task(later())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _log(self, message: Message, status: int | None, fault: Fault | None) -> None:
        authorization = self._dialect.credentials(message.headers.get("authorization", ""))
        self._world.requests.append(
            Request(
                method=message.method,
                path=message.path,
                query=message.query_string,
                status=status,
                authorization=authorization,
                if_none_match=message.headers.get("if-none-match"),
                operation=_operation(message),
                fault=fault.kind if fault else None,
                body=message.body.raw if len(message.body.raw) <= _LOGGED_BODY_BYTES else b"",
            )
        )

    def _control(self, message: Message) -> Reply:
        match message.method, message.path:
            case "POST", "/_sandbox/faults":
                try:
                    self._world.faults.add(Fault(**message.body.value))
                except (TypeError, ValueError) as exc:
                    return Reply.json(422, {"message": str(exc)})
                return Reply.json(201, {"waiting": len(self._world.faults)})
            case "DELETE", "/_sandbox/faults":
                self._world.faults.clear()
                return Reply(204, {}, b"")
            case "GET", "/_sandbox/requests":
                log = [
                    {**dataclasses.asdict(r), "body": r.body.decode("utf-8", "replace")} for r in self._world.requests
                ]
                return Reply.json(200, log)
            case "DELETE", "/_sandbox/requests":
                self._world.requests.clear()
                return Reply(204, {}, b"")
        return Reply.json(404, {"message": "Not Found"})


class _Line:
    """One request's connection."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._cut: Cut | None = scope.get("state", {}).get("cut")
        self._receive = receive
        self._send = send

    async def send(self, reply: Reply) -> None:
        await _send(self._send, reply, self._clock())

    async def send_half(self, reply: Reply) -> None:
        await self._send(_start(reply, self._clock()))
        half = {"type": "http.response.body", "body": reply.body[: len(reply.body) // 2], "more_body": True}
        await self._send(half)
        await self.cut(flush=True)

    async def cut(self, *, flush: bool = False) -> None:
        """Without a socket of our own (an ASGI test client) there is nothing to cut: the error says so."""
        if self._cut is None:
            raise ConnectionResetError("cut by the sandbox")
        self._cut(flush=flush)
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def _send(send: Send, reply: Reply, now: float) -> None:
    await send(_start(reply, now))
    await send({"type": "http.response.body", "body": reply.body})


def _start(reply: Reply, now: float) -> dict[str, Any]:
    named = {"Date": formatdate(now, usegmt=True), **reply.headers}
    headers = [(name.encode(), value.encode()) for name, value in named.items()]
    if reply.status not in (204, 304):
        headers.append((b"Content-Length", str(len(reply.body)).encode()))
    return {"type": "http.response.start", "status": reply.status, "headers": headers}


async def _body(receive: Receive) -> bytes:
    chunks = []
    while True:
        event = await receive()
        chunks.append(event.get("body", b""))
        if event["type"] == "http.disconnect" or not event.get("more_body"):
            return b"".join(chunks)


def _message(scope: Scope, body: bytes) -> Message:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    web = f"{scope.get('scheme', 'http')}://{headers.get('host', '127.0.0.1')}"
    query = scope["query_string"].decode("latin-1")
    pairs = dict(parse_qsl(query, keep_blank_values=True))
    return Message(scope["method"], scope["path"], query, pairs, headers, Body(body), web, web)


def _operation(message: Message) -> str | None:
    """The first field that a GraphQL request asks for."""
    field = _OPERATION.search(message.body.query or "") if message.path == "/graphql" else None
    return field.group(1) if field else None
