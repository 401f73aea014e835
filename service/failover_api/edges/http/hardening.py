"""Limits on requests, and security headers on every answer. Plain ASGI: an answer is never buffered.

    SecurityHeaders     outermost: on every answer, those of our own defects too
    Limits              innermost: body, number at once, time; it raises, and RequestContext (app.py) shapes the problem

What comes before there is a request is bounded by connection.py.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from failover_api.deadline import too_late
from failover_api.errors import BadRequest, BodyTooLarge, FailoverError, NotReady, OutcomeUnknown

MAX_HEAD_BYTES, MAX_BODY_BYTES = 32 * 1024, 64 * 1024
MARGIN_S = 3.0  # a move tells its own outcome at its deadline: the outer limit comes after that
PROBES = frozenset({"/healthz", "/readyz"})  # answered however many wait: a busy pod must not be restarted
_LOOKING = frozenset({"GET", "HEAD", "OPTIONS"})

# https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NO_STORE, REVALIDATE = "no-store", "private, no-cache"


class SecurityHeaders:
    """Adds what a route has not said itself. What has an ETag may be kept, and must be asked for again."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", REVALIDATE if "etag" in headers else NO_STORE)
            await send(message)

        await self._app(scope, receive, send_guarded)


class Limits:
    """Raises BadRequest, BodyTooLarge, NotReady and, for what hangs, OutcomeUnknown or ForgeUnavailable.

    `at_once` is for those who look and for those who move, each: who looks never keeps anybody from moving.
    `time_s` is for one that hangs: longer than a move's own deadline. `bodies` is what a path may take, where that is
    not MAX_BODY_BYTES.
    """

    def __init__(self, app: ASGIApp, *, at_once: int, time_s: float, bodies: Mapping[str, int] | None = None) -> None:
        self._app, self._at_once, self._time_s, self._bodies = app, at_once, time_s, bodies or {}
        self._running = {True: 0, False: 0}  # looking, moving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        most = self._bodies.get(scope["path"], MAX_BODY_BYTES)
        _check_head(scope, most)
        if scope["path"] in PROBES:
            return await self._app(scope, receive, send)
        body = await _read(receive, most)
        if body is None:
            return None  # the caller has left
        with self._slot(is_looking=scope["method"] in _LOOKING):
            return await self._in_time(scope, _again(body, receive), send)

    @contextmanager
    def _slot(self, *, is_looking: bool) -> Iterator[None]:
        if self._running[is_looking] >= self._at_once:
            raise NotReady(f"{self._at_once} requests are being answered already; nothing was done", retry_after_s=1.0)
        self._running[is_looking] += 1
        try:
            yield
        finally:
            self._running[is_looking] -= 1

    async def _in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An answer that has begun takes as long as it takes: a stream may stay open."""
        try:
            async with asyncio.timeout(self._time_s) as limit:

                async def send_in_time(message: Message) -> None:
                    if not limit.expired():
                        limit.reschedule(None)
                    await send(message)

                await self._app(scope, receive, send_in_time)
        except TimeoutError as exc:
            if not limit.expired():
                raise
            raise self._late(scope) from exc

    def _late(self, scope: Scope) -> FailoverError:
        if scope["method"] in _LOOKING:
            return too_late(self._time_s)
        return OutcomeUnknown(f"no answer within {self._time_s:g} s; the status tells where a service is")


def _check_head(scope: Scope, most: int) -> None:
    fields = sum(len(name) + len(value) + len(": \r\n") for name, value in scope["headers"])
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) + fields > MAX_HEAD_BYTES:
        raise BadRequest(f"the head of the request is larger than {MAX_HEAD_BYTES:,} bytes")
    headers = Headers(scope=scope)
    length = headers.get("content-length", "")
    if length and "transfer-encoding" in headers:
        # https://www.rfc-editor.org/rfc/rfc9112#section-6.3-2.3: it may be an attempt to smuggle a request
        raise BadRequest("expected Content-Length or Transfer-Encoding, not both")
    if length.isdecimal() and int(length[:20]) > most:
        raise _too_large(most)


def _too_large(most: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body is larger than {most:,} bytes")


async def _read(receive: Receive, most: int) -> bytes | None:
    """The whole body, or None when the caller left before it was complete. Raises BodyTooLarge as soon as it is."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives a body that has been read; after it, whatever comes."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return left.pop() if left else await receive()

    return receive_again
