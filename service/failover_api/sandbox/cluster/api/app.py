"""The API server as an ASGI application: who asks, what is wrong today, may they, and the answer.

On the same port: `/hook/...`, where Flux's notification-controller listens for receivers, and
`POST /_sandbox/nodes/NODE/kill`, `cut` or `revive` for fate that lives in another process, and `GET
/_sandbox/nodes/NODE` for what has become of that.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from failover_api.sandbox.cluster.api import discovery, reading, reviews
from failover_api.sandbox.cluster.api.accounts import Accounts, Ask, refusal
from failover_api.sandbox.cluster.api.faults import ApiFaults
from failover_api.sandbox.cluster.api.node_policy import NodePolicy
from failover_api.sandbox.cluster.api.request import Request, target_of
from failover_api.sandbox.cluster.api.watching import Watches
from failover_api.sandbox.cluster.api.writing import Writes, scale_of
from failover_api.sandbox.cluster.objects.refusals import ApiError, bad_request, no_such_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import Receive, Scope, Send

    from failover_api.sandbox.cluster.api.faults import ApiFault
    from failover_api.sandbox.cluster.api.request import Target
    from failover_api.sandbox.cluster.applying import Applier
    from failover_api.sandbox.cluster.objects.json_values import Object
    from failover_api.sandbox.cluster.plane import Plane

_CONTROL = "/_sandbox/nodes/"
_HEALTH = ("/healthz", "/livez", "/readyz")
_JSON, _HTML = "application/json", "text/html; charset=utf-8"
_PAGE = "<!doctype html><title>Sign in</title><h1>Sign in</h1>"
_TOO_LARGE_S = 3.0
_LOGGED = 10_000


class Api:
    """`requests` is a log of the last ones: method, path, status. `is_down`: every connection is cut.

    `absent` are groups of kinds that are not installed, such as `argoproj.io`: they answer 404.
    """

    def __init__(self, plane: Plane, applier: Applier) -> None:
        self._plane = plane
        self.accounts = Accounts(plane.store)
        self.faults = ApiFaults()
        self.watches = Watches(plane)
        self.requests: deque[tuple[str, str, int]] = deque(maxlen=_LOGGED)
        self.absent: set[str] = set()
        self.is_down = False
        self.too_large_s = _TOO_LARGE_S
        self.hook: Callable[[str, Mapping[str, str], bytes], int] | None = None
        self.control: Callable[[str, str], bool] | None = None
        self.machine: Callable[[str], Object | None] = lambda _: None
        self.node_policy = NodePolicy()
        self._writes = Writes(plane.registry, applier, self._admit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = await _request(scope, receive)
        line = _Line(scope, receive, send, lambda: self._plane.clock.now)
        if self.is_down:
            await line.cut()
            return
        target = target_of(request.path, self.absent)
        fault = self.faults.take(target, request)
        if fault is not None and await self._act(fault, request, target, line):
            return
        await self._answer(request, target, line)

    async def _act(self, fault: ApiFault, request: Request, target: Target | None, line: _Line) -> bool:
        """Whether that was the answer."""
        match fault.kind:
            case "slow":
                await asyncio.sleep(fault.seconds)
                return False
            case "hang":
                await line.wait_for_the_end()
            case "cut":
                await line.cut()
            case "html":
                await line.send(200, fault.body or _PAGE, _HTML)
            case "garbage":
                await line.send(200, fault.body or '{"kind": "PodList", "items": [', _JSON)
            case "status" if fault.body:
                await line.send(fault.status, fault.body, _HTML)
            case "status":
                status = ApiError(fault.status, "InternalError", "Internal error occurred: the sandbox was told to")
                await line.send_json(fault.status, status.status)
            case "forbid":
                account = self.accounts.of(request.token)
                await line.send_json(403, refusal(account, _ask(request, target)).status)
        self.requests.append((request.method, request.path, 0))
        return True

    async def _answer(self, request: Request, target: Target | None, line: _Line) -> None:
        try:
            if request.path.startswith("/hook/") and self.hook is not None:
                with self._plane.clock.lock:
                    code = self.hook(request.path, request.headers, request.body)
                await line.send(code, "", "text/plain")
            elif request.path.startswith(_CONTROL) and request.method == "POST":
                code = 204 if self._acts(request.path) else 404
                await line.send(code, "", "text/plain")
            elif request.path.startswith(_CONTROL):
                machine = self.machine(request.path.removeprefix(_CONTROL))
                code = 404 if machine is None else 200
                await line.send_json(code, machine or {})
            elif request.path in _HEALTH:
                await line.send(200, "ok", "text/plain; charset=utf-8")
            elif target is not None and request.verb(target) == "watch":
                self._check(request, target)
                self.watches.check(target, request)
                code = 200
                await line.stream(self.watches.events(target, request))
            else:
                code, text = self._result_text(request, target)
                await line.send(code, text, _JSON)
        except ApiError as exc:
            if isinstance(exc, reading.TooLargeVersion):
                await asyncio.sleep(self.too_large_s)
            code = exc.code
            await line.send_json(code, exc.status)
        self.requests.append((request.method, request.path, 200 if request.path in _HEALTH else code))

    def _acts(self, path: str) -> bool:
        node, _, act = path.removeprefix(_CONTROL).partition("/")
        return self.control is not None and self.control(node, act)

    def _result_text(self, request: Request, target: Target | None) -> tuple[int, str]:
        """Raises ApiError, 400 for what makes no sense."""
        with self._plane.clock.lock:
            try:
                code, body = self._result(request, target)
            except (AttributeError, KeyError, TypeError, ValueError) as exc:
                raise bad_request(f"the request makes no sense: {type(exc).__name__}: {exc}") from exc
            return code, json.dumps(body, separators=(",", ":"))

    def _check(self, request: Request, target: Target) -> None:
        """Raises ApiError 401 or 403."""
        account = self.accounts.of(request.token)
        asked = _ask(request, target)
        if not self.accounts.allows(account, asked):
            raise refusal(account, asked)

    def _admit(self, target: Target, request: Request, before: Object, after: Object) -> None:
        """Raises ApiError 422 for what a policy denies."""
        user = self.accounts.of(request.token).user
        self.node_policy.check(user, target.kind, target.subresource, before, after)

    def _result(self, request: Request, target: Target | None) -> tuple[int, Object]:
        if target is None:
            account = self.accounts.of(request.token)
            reviewed = reviews.answer(self.accounts, account, request)
            found = reviewed if reviewed is not None else discovery.answer(request.path, self.absent, self._plane.minor)
            if found is None:
                raise no_such_path()
            return (201 if reviewed is not None else 200), found
        self._check(request, target)
        match request.verb(target):
            case "get" if target.subresource == "scale":
                return 200, scale_of(self._plane.registry, target)
            case "get" if target.subresource in ("", "status"):
                return 200, reading.get(self._plane.store, target)
            case "list":
                return 200, reading.list_(self._plane.store, target, request)
            case "create":
                return self._writes.create(target, request)
            case "update" if target.name:
                return self._writes.update(target, request)
            case "patch" if target.name:
                return self._writes.patch(target, request)
            case "delete":
                return self._writes.delete(target, request)
            case "deletecollection":
                return self._writes.delete_all(target, request)
        raise no_such_path()


def _ask(request: Request, target: Target | None) -> Ask:
    if target is None:
        return Ask(request.method.lower(), "", request.path)
    below = f"/{target.subresource}" if target.subresource else ""
    namespace = target.namespace or (target.name if target.kind.kind == "Namespace" else "")
    name = request.asked_name(target)
    return Ask(request.verb(target), target.kind.group, target.kind.plural + below, namespace, name)


class _Line:
    """One request's connection."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, now: Callable[[], float]) -> None:
        self._cut = scope.get("state", {}).get("cut")
        self._receive, self._send, self._now = receive, send, now

    async def send_json(self, status: int, body: Object) -> None:
        await self.send(status, json.dumps(body, separators=(",", ":")), _JSON)

    async def send(self, status: int, text: str, content_type: str) -> None:
        body = text.encode()
        await self._send(self._start(status, content_type, (b"content-length", str(len(body)).encode())))
        await self._send({"type": "http.response.body", "body": body})

    async def stream(self, lines: Any) -> None:
        await self._send(self._start(200, _JSON))
        await self._send({"type": "http.response.body", "body": b"", "more_body": True})
        gone = asyncio.ensure_future(self.wait_for_the_end())
        try:
            await self._pump(lines, gone)
        except ConnectionResetError:
            await self.cut()
            return
        finally:
            gone.cancel()
            await lines.aclose()
        await self._send({"type": "http.response.body", "body": b""})

    async def _pump(self, lines: Any, gone: asyncio.Future[None]) -> None:
        while True:
            following = asyncio.ensure_future(anext(lines, None))
            await asyncio.wait({following, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
                return
            text = following.result()
            if text is None:
                return
            await self._send({"type": "http.response.body", "body": text, "more_body": True})

    async def wait_for_the_end(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def cut(self) -> None:
        """Without a socket of our own there is nothing to cut: the error says so."""
        if self._cut is None:
            raise ConnectionResetError("cut by the sandbox")
        self._cut(flush=False)
        await self.wait_for_the_end()

    def _start(self, status: int, content_type: str, *more: tuple[bytes, bytes]) -> dict[str, Any]:
        date = formatdate(self._now(), usegmt=True).encode()
        headers = [(b"content-type", content_type.encode()), (b"cache-control", b"no-cache, private"), (b"date", date)]
        return {"type": "http.response.start", "status": status, "headers": [*headers, *more]}


async def _request(scope: Scope, receive: Receive) -> Request:
    chunks = []
    while True:
        event = await receive()
        chunks.append(event.get("body", b""))
        if event["type"] == "http.disconnect" or not event.get("more_body"):
            break
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    return Request(scope["method"], scope["path"], query, headers, b"".join(chunks))
