"""HTTP to GitHub: one request with credentials, ETags, retries of what is safe to repeat, and the rate-limit circuit.

Reads are repeated after a passing fault. A write is never repeated here once it may have left: move.py reads back
first. Nobody sleeps for a rate limit: the circuit opens and every caller is told how long.
"""

import asyncio
import json
import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from failover_api.errors import (
    FileNotFound,
    GitHubError,
    GitHubRateLimited,
    GitHubUnavailable,
    WriteUnknown,
)
from failover_api.forge.app_auth import Credentials
from failover_api.forge.conditional import ConditionalCache, Copy
from failover_api.forge.connections import Connections
from failover_api.forge.replies import (
    BadCredentials,
    FreshlyRefused,
    Reply,
    graphql_refusal,
    lost,
    refusal,
)

ATTEMPTS = 3
ALWAYS = math.inf  # a `not_before` that no copy satisfies
FRESH_TOKEN_S = 5.0
FRESH_TOKEN_WAITS_S = (1.0, 2.0)
_HEADERS = {
    "accept": "application/vnd.github+json",
    "x-github-api-version": "2022-11-28",
    "user-agent": "failover-api",
}
_NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,  # the proxy refused to make a connection
    httpx2.UnsupportedProtocol,
)
_AS_APP = "app"  # the App's own requests count by themselves
_GRAPHQL = " graphql"  # behind a key: its own primary limit


class Circuit:
    """Open while GitHub asks us to wait, for each key of the credentials by itself."""

    def __init__(self) -> None:
        self._open_until: dict[str, float] = {}

    def check(self, key: str) -> None:
        """Raises GitHubRateLimited while the circuit is open."""
        wait_s = self._open_until.get(key, 0.0) - time.monotonic()
        if wait_s > 0:
            raise GitHubRateLimited(f"GitHub asks us to wait {wait_s:.0f} s more", retry_after_s=wait_s)

    def open(self, key: str, wait_s: float) -> None:
        now = time.monotonic()
        self._open_until = {other: until for other, until in self._open_until.items() if until > now}
        self._open_until[key] = max(self._open_until.get(key, 0.0), now + wait_s)


@dataclass(frozen=True, slots=True)
class _Ask:
    """One request. `url` is below the REST root or absolute; `repository` picks the token, or `bearer` is one.

    Shown without what nobody should see: credentials and the contents of files.
    """

    method: str
    url: str
    what: str
    repository: str
    json: object = field(default=None, repr=False)
    etag: str | None = None
    writing: bool = False
    graphql: bool = False
    attempts: int = ATTEMPTS
    bearer: str | None = field(default=None, repr=False)


class GitHubClient:
    """Requests to one GitHub. `base_url` is its REST root; `connections` are closed by whoever made them.

    `sleep` is every wait of the adapter.
    """

    def __init__(
        self,
        connections: Connections,
        *,
        base_url: str,
        timeout_s: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._connections = connections
        self._base_url = base_url.rstrip("/")
        self._timeout = httpx2.Timeout(timeout_s, connect=min(5.0, timeout_s))
        self._circuit = Circuit()
        self.sleep = sleep
        self.cache = ConditionalCache()
        self.credentials: Credentials

    @property
    def graphql_url(self) -> str:
        """Beside the REST root: /graphql, or /api/graphql on GitHub Enterprise Server."""
        root = self._base_url.removesuffix("/v3") if self._base_url.endswith("/api/v3") else self._base_url
        return f"{root}/graphql"

    async def get(
        self, repository: str, url: str, *, what: str, not_before: float | None = ALWAYS, keep: bool = True
    ) -> bytes:
        """The body of a GET, validated with If-None-Match unless a copy was validated since `not_before`.

        `not_before` as in Forge.read(). Raises FileNotFound for a 404, and drops the copy.
        """
        copy = self.cache.get(url)
        if copy is not None and (not_before is None or copy.validated_at >= not_before):
            return copy.body
        started = time.monotonic()
        try:
            reply = await self._authorised(_Ask("GET", url, what, repository, etag=copy.etag if copy else None))
        except FileNotFound:
            self.cache.drop(url)
            raise
        if reply.status == 304 and copy is not None:
            kept = Copy(copy.body, reply.headers.get("etag") or copy.etag, started)
        else:
            kept = Copy(reply.body, reply.headers.get("etag"), started)
        if keep:
            self.cache.put(url, kept)
        return kept.body

    async def write(self, method: str, repository: str, url: str, body: object, *, what: str) -> Reply:
        """A PUT, POST, PATCH or DELETE that changes something. Raises WriteUnknown when its reply was lost.

        Repeated only when it surely never left.
        """
        return await self._authorised(_Ask(method, url, what, repository, json=body, writing=True))

    async def graphql(
        self,
        repository: str,
        query: str,
        variables: Mapping[str, object],
        *,
        what: str,
        writing: bool = False,
        attempts: int = ATTEMPTS,
    ) -> Any:
        """The `data` of a GraphQL request. Raises what its `errors` mean."""
        body = {"query": query, "variables": variables}
        ask = _Ask(
            "POST", self.graphql_url, what, repository, json=body, writing=writing, graphql=True, attempts=attempts
        )
        try:
            reply = await self._authorised(ask)
        except FileNotFound as exc:
            raise GitHubError(exc.detail) from exc
        data = reply.data.get("data") if isinstance(reply.data, dict) else None
        if not isinstance(data, dict):
            raise (WriteUnknown if writing else GitHubError)(f"{what}: GitHub's answer has no data")
        return data

    async def as_app(self, method: str, url: str, *, bearer: str, what: str, json: object = None) -> Reply:
        """A request with the App's own JWT: reading the installation, minting a token. Safe to repeat."""
        self._circuit.check(_AS_APP)
        return await self._repeated(_Ask(method, url, what, "", json=json, bearer=bearer), bearer)

    async def _authorised(self, ask: _Ask) -> Reply:
        """Sends with a token; one that GitHub does not know yet, or no more, is dealt with here.

        A refused request was not carried out, so a write may be sent again.
        """
        waits = iter(FRESH_TOKEN_WAITS_S)
        renewed = False
        while True:
            self._check_circuit(ask)
            token = await self.credentials.token(ask.repository)
            try:
                return await self._repeated(ask, token.value)
            except (BadCredentials, FreshlyRefused) as exc:
                if token.age_s() < FRESH_TOKEN_S and (wait_s := next(waits, None)) is not None:
                    await self.sleep(wait_s)
                elif not renewed and isinstance(exc, BadCredentials) and self.credentials.drop(ask.repository, token):
                    renewed = True
                else:
                    raise

    async def _repeated(self, ask: _Ask, token: str) -> Reply:
        """Sends until there is a reply. One that may have been carried out is repeated only when nothing changes."""
        for attempt in range(1, ask.attempts):
            try:
                return self._judged(ask, await self._exchange(ask, token))
            except GitHubUnavailable:
                await self.sleep(random.uniform(0.05, 0.15) * attempt)  # noqa: S311 - jitter
        return self._judged(ask, await self._exchange(ask, token))

    async def _exchange(self, ask: _Ask, token: str) -> Reply:
        """One request, one reply, parsed. Raises what a missing, cut or garbled reply means."""
        url = ask.url if "://" in ask.url else self._base_url + ask.url
        headers = {**_HEADERS, "authorization": f"Bearer {token}"}
        if ask.etag:
            headers["if-none-match"] = ask.etag
        http = self._connections.current
        try:
            response = await http.request(
                ask.method, url, headers=headers, json=ask.json, timeout=self._timeout, follow_redirects=False
            )
        except httpx2.InvalidURL as exc:
            raise GitHubError(f"{ask.what}: not a URL that can be asked for") from exc
        except httpx2.HTTPError as exc:
            await self._connections.failed(http)
            raise lost(exc, what=ask.what, sent=not isinstance(exc, _NEVER_SENT), writing=ask.writing) from exc
        return _reply(ask, response)

    def _judged(self, ask: _Ask, reply: Reply) -> Reply:
        """The reply when it is a success, else raises what it means. A rate limit opens the circuit."""
        if reply.status < 300 and not (ask.graphql and reply.errors):
            return reply
        if reply.status == 304 and ask.etag:
            return reply
        meaning = graphql_refusal if reply.status < 300 else refusal
        error = meaning(reply, now=time.time(), what=ask.what, writing=ask.writing)
        if isinstance(error, GitHubRateLimited):
            key = self.credentials.key(ask.repository) if ask.bearer is None else _AS_APP
            own_limit = ask.graphql and not error.secondary
            self._circuit.open(key + _GRAPHQL if own_limit else key, error.retry_after_s or 0.0)
        raise error

    def _check_circuit(self, ask: _Ask) -> None:
        key = self.credentials.key(ask.repository)
        self._circuit.check(key)
        if ask.graphql:
            self._circuit.check(key + _GRAPHQL)


def _reply(ask: _Ask, response: httpx2.Response) -> Reply:
    body = response.content
    headers = {key.lower(): value for key, value in response.headers.items()}
    try:
        data = json.loads(body) if body else None
    except ValueError as exc:
        if response.status_code < 300:  # a success we cannot read: cut, or not from GitHub
            raise lost(exc, what=ask.what, sent=True, writing=ask.writing) from exc
        data = None
    return Reply(ask.method, ask.url, response.status_code, headers, body, data)
