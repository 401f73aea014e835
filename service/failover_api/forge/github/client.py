"""Requests to GitHub: credentials, ETags, retries, rate limits, and errors as ours.

A read is repeated after a passing failure. A write is never repeated here once it may have been sent: the caller reads
back first. Nobody sleeps for a rate limit of GitHub: the circuit opens, and every caller is told how long. Writes keep
to a rate limit of our own, so that it seldom comes to that.
"""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from failover_api.errors import (
    FileNotFound,
    ForgeError,
    ForgePermission,
    ForgeRateLimited,
    ForgeUnavailable,
    NotReady,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.github.replies import BadCredentials, TokenNotActiveYet, graphql_refusal, rate_limited, refusal
from failover_api.forge.http.circuit_breaker import CircuitBreaker
from failover_api.forge.http.conditional import CachedReply, ConditionalCache
from failover_api.forge.http.connections import Connections
from failover_api.forge.http.credentials import Credentials
from failover_api.forge.http.rate_limit import RateLimit
from failover_api.forge.http.read_budget import READ, WRITE, ReadBudget
from failover_api.forge.http.reply import Reply
from failover_api.forge.http.traffic import (
    CredentialsRejected,
    Quota,
    RequestRetried,
    TrafficListener,
    WriteStarted,
    ignore_traffic,
    notify,
    request_completed,
    request_refused,
    resource_of,
)
from failover_api.forge.http.transport import ATTEMPTS, Request, Transport
from failover_api.host_clock import HostClock

REVALIDATE = math.inf  # a `not_before` that no copy satisfies: GitHub is always asked
FRESH_TOKEN_S = 5.0
PATIENCE_S = 5.0  # for a wait that GitHub asks for; a longer one is an error at once
FRESH_TOKEN_WAITS_S = (1.0, 2.0)
_AS_APP = "app"  # the App's own requests count by themselves
_GRAPHQL = " graphql"  # behind a key: its own primary limit


class GitHubClient:
    """Requests to one GitHub. `base_url` is its REST root; the caller closes `connections`.

    `sleep` is used for every wait of the adapter. `rate_limit` limits writes, `budget` reads of low priority.
    `listener` is told of every request.
    """

    def __init__(
        self,
        connections: Connections,
        *,
        base_url: str,
        timeout_s: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rate_limit: RateLimit | None = None,
        budget: ReadBudget | None = None,
        listener: TrafficListener = ignore_traffic,
    ) -> None:
        self._transport = Transport(connections, base_url=base_url, timeout_s=timeout_s)
        self._circuit = CircuitBreaker()
        self._rate_limit = rate_limit or RateLimit()
        self._budget = budget or ReadBudget()
        self._listener = listener
        self.sleep = sleep
        self.cache = ConditionalCache()
        self.clock = HostClock()
        self.credentials: Credentials
        self.share = 1.0  # of the installation's writes
        self.unused: tuple[str, tuple[str, ...]] = ("", ())  # the variable of the credentials, and those that give way

    def write_wait_s(self, repository: str, calls: int = 1) -> float:
        """As Forge.write_wait_s(). GraphQL's own quota does not count: a write of one file is REST."""
        key = self.credentials.key(repository)
        asked_for = self._circuit.wait_s(key)
        return 0.0 if asked_for > PATIENCE_S else max(asked_for, self._rate_limit.wait_s(key, calls))

    async def get(
        self,
        repository: str,
        url: str,
        *,
        what: str,
        not_before: float | None = REVALIDATE,
        keep: bool = True,
        pulls: bool = False,
        digest: Callable[[bytes], bytes] | None = None,
    ) -> bytes:
        """The body of a GET, validated with If-None-Match unless a copy was validated since `not_before`.

        `not_before` as in Forge.read(). `digest` reduces a body to what is kept and returned instead; every GET of a
        URL has to use the same. Raises FileNotFound for a 404, and drops the copy.
        """
        copy = self.cache.get(url)
        if copy is not None and (not_before is None or copy.validated_at >= not_before):
            return copy.body
        started = time.monotonic()
        try:
            etag = copy.etag if copy else None
            reply = await self._authorised(Request("GET", url, what, repository, etag=etag, pulls=pulls))
        except FileNotFound:
            self.cache.drop(url)
            raise
        if reply.status == 304 and copy is not None:
            # Valid as of the time the request was sent: a write that came in between is not in it.
            kept = CachedReply(copy.body, reply.headers.get("etag") or copy.etag, started)
        else:
            body = reply.body if digest is None else digest(reply.body)
            kept = CachedReply(body, reply.headers.get("etag"), started)
        if keep:
            self.cache.put(url, kept)
        return kept.body

    async def write(
        self,
        method: str,
        repository: str,
        url: str,
        body: object,
        *,
        what: str,
        pulls: bool = False,
        repeatable: bool = False,
        send_by: float | None = None,
    ) -> Reply:
        """A PUT, POST, PATCH or DELETE that changes something. Raises WriteUnknown when its reply was lost.

        It is repeated only if it was surely never sent; when `repeatable`, after a lost reply too. `send_by` as in
        Forge.commit().
        """
        request = Request(
            method,
            url,
            what,
            repository,
            json=body,
            writing=not repeatable,
            creates=True,
            pulls=pulls,
            send_by=send_by,
        )
        return await self._authorised(request)

    async def graphql(
        self,
        repository: str,
        query: str,
        variables: Mapping[str, object],
        *,
        what: str,
        writing: bool = False,
        pulls: bool = False,
        attempts: int = ATTEMPTS,
        send_by: float | None = None,
    ) -> Any:
        """The `data` of a GraphQL request. Raises what its `errors` mean. `send_by` as in Forge.commit()."""
        request = Request(
            "POST",
            self._transport.graphql_url,
            what,
            repository,
            json={"query": query, "variables": variables},
            writing=writing,
            creates=writing,
            pulls=pulls,
            graphql=True,
            attempts=attempts,
            send_by=send_by,
        )
        try:
            reply = await self._authorised(request)
        except FileNotFound as exc:
            raise ForgeError(exc.detail) from exc
        data = reply.data.get("data") if isinstance(reply.data, dict) else None
        if not isinstance(data, dict):
            raise (WriteUnknown if writing else ForgeError)(f"{what}: GitHub's answer has no data")
        return data

    async def as_app(self, method: str, url: str, *, bearer: str, what: str, json: object = None) -> Reply:
        """A request with the App's own JWT: reading the installation, minting a token. Safe to repeat."""
        self._circuit.check(_AS_APP)
        return await self._repeated(Request(method, url, what, "", json=json, bearer=bearer), bearer)

    async def _authorised(self, request: Request) -> Reply:
        """As _with_token(); the listener is told when the credentials do not suffice."""
        try:
            return await self._with_token(request)
        except (NotReady, ForgePermission) as exc:
            notify(self._listener, CredentialsRejected(exc))
            raise

    async def _with_token(self, request: Request) -> Reply:
        """Sends with a token, and again when GitHub does not know the token yet, or no longer.

        A request whose token was refused was not carried out, so a write can be sent again, too.
        """
        waits = iter(FRESH_TOKEN_WAITS_S)
        renewed = False
        while True:
            self._check_limits(request)
            token = await self.credentials.token(request.repository, pulls=request.pulls)
            try:
                return await self._repeated(request, token.value)
            except (BadCredentials, TokenNotActiveYet) as exc:
                if token.age_s() < FRESH_TOKEN_S and (wait_s := next(waits, None)) is not None:
                    await self.sleep(wait_s)  # a new token takes some seconds to reach all of GitHub's machines
                elif (
                    not renewed and isinstance(exc, BadCredentials) and self.credentials.drop(request.repository, token)
                ):
                    renewed = True
                else:
                    raise
                notify(self._listener, RequestRetried("token"))

    async def _repeated(self, request: Request, token: str) -> Reply:
        """Sends until there is a reply. A write that may have been carried out raises WriteUnknown, which ends this."""
        for attempt in range(1, request.attempts):
            try:
                return await self._send(request, token)
            except ForgeUnavailable:
                notify(self._listener, RequestRetried("unavailable"))
                await self.sleep(random.uniform(0.05, 0.15) * attempt)  # noqa: S311 - jitter
        return await self._send(request, token)

    async def _send(self, request: Request, token: str) -> Reply:
        """The reply when it is a success; raises what an error, or a missing reply, means."""
        if request.send_by is not None and time.monotonic() > request.send_by:
            raise WriteConflict(f"{request.what}: it could not be sent in time, and what it is based on is old by now")
        if request.creates:
            self._rate_limit.take(self.credentials.key(request.repository))
            notify(self._listener, WriteStarted())
        account = self._account(request)
        self._budget.spend(account, WRITE if request.creates else READ)
        if self._rate_limit.others is not None:
            self._rate_limit.others.sent(account, resource_of(request))
        started = time.monotonic()
        reply: Reply | None = None
        try:
            reply = await self._transport.send(request, token)
            self.clock.observe(reply.headers, asked_at=started)
        finally:  # also when there was no reply, or the deadline has cancelled it: the request was sent, and counts
            duration_s, offset_s = time.monotonic() - started, self.clock.offset_s if self.clock.is_known else None
            event = request_completed(request, reply, account=account, duration_s=duration_s, clock_offset_s=offset_s)
            self._count(account, request, reply, event.quota)
            notify(self._listener, event)
        return self._judged(request, reply)

    def _count(self, account: str, request: Request, reply: Reply | None, quota: Quota | None) -> None:
        """Takes from the reply what it shows of GitHub's limits, and of others' use of them."""
        if quota is not None:
            self._budget.observe(account, quota)
        others, now = self._rate_limit.others, self.clock.now()
        if others is None:
            return
        is_free = reply is not None and (reply.status == 304 or rate_limited(reply, now=now) is not None)
        others.replied(account, resource_of(request), free=is_free)
        if quota is not None:
            used, left_s = quota.limit - quota.remaining, quota.reset_at - now
            others.counted(account, quota.resource, used=used, reset_at=quota.reset_at, left_s=left_s)

    def _account(self, request: Request) -> str:
        """Whose rate limits the request counts against."""
        return self.credentials.key(request.repository) if request.bearer is None else _AS_APP

    def _judged(self, request: Request, reply: Reply) -> Reply:
        """The reply when it is a success; raises what an error means. A rate limit opens the circuit."""
        if reply.status < 300 and not (request.graphql and reply.errors):
            return reply
        if reply.status == 304 and request.etag:
            return reply
        now = self.clock.now()
        if reply.status < 300:
            error = graphql_refusal(reply, now=now, what=request.what, writing=request.writing, pulls=request.pulls)
        else:
            error = refusal(reply, now=now, what=request.what, writing=request.writing)
        notify(self._listener, request_refused(request, error))
        if isinstance(error, ForgeRateLimited):
            key = self._account(request)
            if error.secondary and request.creates:
                self._rate_limit.drain(key, error.retry_after_s or 0.0)
            own_limit = request.graphql and not error.secondary  # GraphQL's primary limit does not stop REST
            self._circuit.open(
                key + _GRAPHQL if own_limit else key, error.retry_after_s or 0.0, secondary=error.secondary
            )
        raise error

    def _check_limits(self, request: Request) -> None:
        """Raises ForgeRateLimited when the request must not be sent now."""
        key = self.credentials.key(request.repository)
        self._circuit.check(key)
        self._budget.check(key, resource_of(request), now=self.clock.now())
        if request.graphql:
            self._circuit.check(key + _GRAPHQL)
        if request.creates:
            self._rate_limit.check(key)
