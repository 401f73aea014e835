"""HTTP to the API server: one request and its answer, or one watch. Bounded in time, in size and in depth.

Nothing is followed, and nothing is unpacked: what is shown to the API server goes nowhere else, and an answer cannot
grow. Raises ClusterFailure, and nothing else.
"""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from failover_api.cluster.access import Access
from failover_api.cluster.credentials import Credentials
from failover_api.cluster.fields import text
from failover_api.cluster.plugin import Identity
from failover_api.cluster.replies import failure_of, not_kubernetes
from failover_api.cluster.session import Session
from failover_api.connection_errors import explain_connection_error
from failover_api.core.untrusted_json import parse_json
from failover_api.errors import (
    ClusterForbidden,
    ClusterUnauthenticated,
    ClusterUnavailable,
    KindNotInstalled,
    WatchCut,
)
from failover_api.host_clock import HostClock

CONNECT_TIMEOUT_S = 5.0
MAX_ANSWER_BYTES = 16 * 1024 * 1024
MAX_LINE_BYTES = 4 * 1024 * 1024  # etcd holds no object of more than 1.5 MiB
SLACK_S = 5.0  # a window of a watch may end as much later than asked
_VERSION, _CHECKED_S = "/version", 1.0  # so long it surely is an API server that answers
_RENEW_AFTER_S = 5.0  # a younger session is not replaced after a failure
_HEADERS = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "failover-api"}


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of an object: operations of RFC 6902, or an object of RFC 7386, by the media type."""

    content: object
    media_type: str


class Client:
    """Requests to one API server. `clock` is what it says of its time."""

    def __init__(self, access: Access, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.access, self._monotonic = access, monotonic
        self.clock = HostClock("the API server", monotonic=monotonic)
        self._credentials = Credentials(access.login, access.endpoint, now=self.clock.now)
        self._session: Session | None = None
        self._replaced: list[Session] = []
        self._opening, self._checking = asyncio.Lock(), asyncio.Lock()
        self._checked_at = float("-inf")

    async def get(self, path: str, params: Mapping[str, str], *, timeout_s: float) -> Any:
        """The JSON at a path."""
        return await self._exchange("GET", path, params, None, timeout_s=timeout_s)

    async def check_is_api_server(self, *, timeout_s: float) -> None:
        """For an answer that something else gives too: a proxy that has lost what is behind it knows no kind at all.

        Those who ask at once share the answer. Raises ClusterUnavailable.
        """
        try:
            async with asyncio.timeout(timeout_s), self._checking:
                if time.monotonic() - self._checked_at > _CHECKED_S:
                    await self._ask_version(timeout_s)
                    self._checked_at = time.monotonic()
        except TimeoutError as exc:
            raise ClusterUnavailable(f"GET {_VERSION}: no answer within {timeout_s:.2g} s") from exc

    async def _ask_version(self, timeout_s: float) -> None:
        try:
            version = await self.get(_VERSION, {}, timeout_s=timeout_s)
        except KindNotInstalled as exc:
            raise ClusterUnavailable(f"GET {_VERSION}: the server does not know it: is it an API server?") from exc
        except (ClusterForbidden, ClusterUnauthenticated):
            return  # which only an API server says
        if not text(version, "gitVersion"):
            raise ClusterUnavailable(f"GET {_VERSION}: the answer names no version: is it an API server?")

    async def create(self, path: str, body: object, *, timeout_s: float) -> Any:
        """What the API server makes of a new object: a review, which is answered and kept nowhere, or a Lease."""
        return await self._exchange("POST", path, {}, body, timeout_s=timeout_s)

    async def replace(self, path: str, body: object, *, timeout_s: float) -> Any:
        """Puts an object in the place of the one at a path; by its resourceVersion only if that is still the newest.

        Raises ObjectChanged when it is not.
        """
        return await self._exchange("PUT", path, {}, body, timeout_s=timeout_s)

    async def patch(self, path: str, patch: Patch, params: Mapping[str, str], *, timeout_s: float) -> Any:
        """Changes an object. Raises ClusterInvalid when a `test` of it fails, or a policy denies it."""
        return await self._exchange("PATCH", path, params, patch, timeout_s=timeout_s)

    async def watch(
        self, path: str, params: Mapping[str, str], on_event: Callable[[Any], None], *, window_s: float
    ) -> None:
        """Calls `on_event` with each event, until the server ends the window, which it is asked to do.

        Raises WatchCut when it had begun and did not end well.
        """
        what = f"watch {path}"
        asked = {**params, "watch": "1", "timeoutSeconds": str(max(1, round(window_s)))}
        began = False
        try:
            async with asyncio.timeout(window_s + SLACK_S):
                async with self._answer("GET", path, asked, None, silence_s=window_s + SLACK_S) as response:
                    began = True
                    await _read_lines(response, on_event, what)
        except TimeoutError as exc:
            detail = f"{what}: the server did not end it in time"
            raise ClusterUnavailable(detail if began else f"{what}: no answer in time") from exc

    async def _exchange(
        self, method: str, path: str, params: Mapping[str, str], body: object, *, timeout_s: float
    ) -> Any:
        what = f"{method} {path}"
        try:
            async with asyncio.timeout(timeout_s):
                async with self._answer(method, path, params, body, silence_s=timeout_s) as response:
                    content = await _read_all(response, what)
        except TimeoutError as exc:
            raise ClusterUnavailable(f"{what}: no answer within {timeout_s:.2g} s") from exc
        return _json(content, response.status_code, what)

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, params: Mapping[str, str], body: object, *, silence_s: float
    ) -> AsyncIterator[httpx2.Response]:
        """A success, its body unread. A refused identity is read anew, once."""
        identity = await self._credentials.current()
        async with contextlib.AsyncExitStack() as opened:
            response = await opened.enter_async_context(self._sent(identity, method, path, params, body, silence_s))
            if response.status_code == 401 and (newer := await self._newer(identity)):
                response = await opened.enter_async_context(self._sent(newer, method, path, params, body, silence_s))
            if not 200 <= response.status_code < 300:
                content = await _read_all(response, f"{method} {path}")
                raise failure_of(response.status_code, _lower(response), content, f"{method} {path}")
            yield response

    async def _newer(self, refused: Identity) -> Identity | None:
        newer = await self._credentials.current(refused)
        return None if newer == refused else newer

    @asynccontextmanager
    async def _sent(
        self, identity: Identity, method: str, path: str, params: Mapping[str, str], body: object, silence_s: float
    ) -> AsyncIterator[httpx2.Response]:
        endpoint = self.access.endpoint
        session = await self._session_of(identity)
        headers = {**_HEADERS, **self._authorization(identity)}
        if isinstance(body, Patch):
            headers["content-type"], body = body.media_type, body.content
        extensions = {"sni_hostname": endpoint.server_name} if endpoint.server_name else {}
        timeout = httpx2.Timeout(silence_s, connect=min(CONNECT_TIMEOUT_S, silence_s))
        url, what, asked_at, began = endpoint.url + path, f"{method} {path}", self._monotonic(), False
        try:
            request = session.http.build_request(
                method, url, params=params, headers=headers, json=body, timeout=timeout, extensions=extensions
            )
            response = await session.http.send(request, stream=True, follow_redirects=False)
            try:
                self.clock.observe(_lower(response), asked_at=asked_at)
                began = response.status_code < 300
                yield response
            finally:
                await response.aclose()
        except httpx2.InvalidURL as exc:
            raise ClusterUnavailable(f"{what}: not a URL that can be asked for") from exc
        except (httpx2.HTTPError, httpx2.StreamError, ssl.SSLError, OSError) as exc:
            await self._failed(session)
            kind = WatchCut if began and not isinstance(exc, httpx2.ReadTimeout) else ClusterUnavailable
            raise kind(f"{what}: {explain_connection_error(exc, url)}") from exc

    def _authorization(self, identity: Identity) -> Mapping[str, str]:
        if identity.token is None:
            return {}
        if not self.access.endpoint.may_see_token:
            raise ClusterUnauthenticated("a token is sent over https only; over http to this machine alone")
        return {"authorization": f"Bearer {identity.token}"}

    # Sessions: a certificate or an authority that has changed needs new connections

    async def _session_of(self, identity: Identity) -> Session:
        async with self._opening:
            current = self._session
            if current is not None and current.shows(identity):
                return current
            self._session = await asyncio.to_thread(Session, self.access.endpoint, identity)
        if current is not None:
            await self._retire(current)
        return self._session

    async def _failed(self, session: Session) -> None:
        """A request on it had no answer: what else it holds open may be dead too, or its authorities outdated."""
        if session is self._session and time.monotonic() - session.made_at > _RENEW_AFTER_S:
            self._session = None
            await self._retire(session)

    async def _retire(self, session: Session) -> None:
        """Others may still read from it: it is closed when the one after the next is retired."""
        self._replaced.append(session)
        if len(self._replaced) > 2:
            await self._replaced.pop(0).http.aclose()

    async def aclose(self) -> None:
        await self._credentials.aclose()
        sessions = [*self._replaced, *([self._session] if self._session else [])]
        self._session, self._replaced = None, []
        for session in sessions:
            await session.http.aclose()


async def _read_all(response: httpx2.Response, what: str) -> bytes:
    content = bytearray()
    async for chunk in _chunks(response, what):
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise ClusterUnavailable(f"{what}: the answer is larger than {MAX_ANSWER_BYTES // 2**20} MiB")
    return bytes(content)


async def _read_lines(response: httpx2.Response, on_event: Callable[[Any], None], what: str) -> None:
    """One JSON object a line. Half a line at the end is no event: it comes again when the watch is resumed."""
    rest = bytearray()
    async for chunk in _chunks(response, what):
        *lines, tail = chunk.split(b"\n")
        for line in lines:
            rest += line
            if rest.strip():
                on_event(_json(bytes(rest), response.status_code, what))
            rest.clear()
        rest += tail
        if len(rest) > MAX_LINE_BYTES:
            raise ClusterUnavailable(f"{what}: an event is larger than {MAX_LINE_BYTES // 2**20} MiB")
        await asyncio.sleep(0)  # a server that never pauses must not keep others from their turn
    if rest.strip():
        raise WatchCut(f"{what}: it ended in the middle of an event")


async def _chunks(response: httpx2.Response, what: str) -> AsyncIterator[bytes]:
    if response.headers.get("content-encoding", "identity").lower() not in {"identity", ""}:
        raise ClusterUnavailable(f"{what}: the answer is packed, which was not asked for")
    async for chunk in response.aiter_raw():
        yield chunk


def _json(content: bytes, status: int, what: str) -> dict[str, Any]:
    try:
        data = parse_json(content)
    except ValueError as exc:
        raise not_kubernetes(status, content, what) from exc
    if not isinstance(data, dict):
        raise not_kubernetes(status, content, what)
    return data


def _lower(response: httpx2.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}
