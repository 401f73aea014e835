"""HTTP to GitHub: one request with credentials, ETags, retries of what is safe to repeat, and its rate limits.

Reads are repeated after a passing fault. A write is never repeated here once it may have left: whoever asked for it
reads back first. Nobody sleeps for a rate limit: the circuit opens and every caller is told how long. Writes keep a
pace, so that it seldom comes to that.
"""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from failover_api.errors import (
    FileNotFound,
    GitHubError,
    GitHubPermission,
    GitHubRateLimited,
    GitHubUnavailable,
    NotReady,
    WriteUnknown,
)
from failover_api.forge.app_auth import Credentials
from failover_api.forge.budget import READ, WRITE, Budget
from failover_api.forge.circuit import Circuit
from failover_api.forge.conditional import ConditionalCache, Copy
from failover_api.forge.connections import Connections
from failover_api.forge.exchange import ATTEMPTS, Ask, Exchange
from failover_api.forge.pace import Pace
from failover_api.forge.replies import (
    BadCredentials,
    FreshlyRefused,
    Reply,
    graphql_refusal,
    rate_limited,
    refusal,
)
from failover_api.forge.traffic import (
    Denied,
    Quota,
    Repeated,
    Watcher,
    Writing,
    exchanged,
    refused,
    resource_of,
    tell,
    unwatched,
)
from failover_api.host_clock import HostClock

ALWAYS = math.inf  # a `not_before` that no copy satisfies
FRESH_TOKEN_S = 5.0
PATIENCE_S = 5.0  # a longer wait that GitHub asks for is told to the caller
FRESH_TOKEN_WAITS_S = (1.0, 2.0)
_AS_APP = "app"  # the App's own requests count by themselves
_GRAPHQL = " graphql"  # behind a key: its own primary limit


class GitHubClient:
    """Requests to one GitHub. `base_url` is its REST root; `connections` are closed by whoever made them.

    `sleep` is every wait of the adapter. `pace` is how many writes are sent; None: as many as GitHub allows. `budget`
    is what may be spent on looking. `watcher` is told of every request.
    """

    def __init__(
        self,
        connections: Connections,
        *,
        base_url: str,
        timeout_s: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        pace: Pace | None = None,
        budget: Budget | None = None,
        watcher: Watcher = unwatched,
    ) -> None:
        self._exchange = Exchange(connections, base_url=base_url, timeout_s=timeout_s)
        self._circuit = Circuit()
        self._pace = pace or Pace()
        self._budget = budget or Budget()
        self._watcher = watcher
        self.sleep = sleep
        self.cache = ConditionalCache()
        self.clock = HostClock()
        self.credentials: Credentials
        self.share = 1.0  # of the installation's writes
        self.unused: tuple[str, tuple[str, ...]] = ("", ())  # the variable of the credentials, and those that give way

    def write_wait_s(self, repository: str, calls: int = 1) -> float:
        """As Forge.write_wait_s(). GraphQL's own quota does not count: what is no mutation goes on without it."""
        key = self.credentials.key(repository)
        asked_for = self._circuit.wait_s(key)
        return 0.0 if asked_for > PATIENCE_S else max(asked_for, self._pace.wait_s(key, calls))

    async def get(
        self,
        repository: str,
        url: str,
        *,
        what: str,
        not_before: float | None = ALWAYS,
        keep: bool = True,
        pulls: bool = False,
        digest: Callable[[bytes], bytes] | None = None,
    ) -> bytes:
        """The body of a GET, validated with If-None-Match unless a copy was validated since `not_before`.

        `not_before` as in Forge.read(). `digest` makes of a body what is kept, and given, instead: the same digest
        for every GET of that URL. Raises FileNotFound for a 404, and drops the copy.
        """
        copy = self.cache.get(url)
        if copy is not None and (not_before is None or copy.validated_at >= not_before):
            return copy.body
        started = time.monotonic()
        try:
            etag = copy.etag if copy else None
            reply = await self._authorised(Ask("GET", url, what, repository, etag=etag, pulls=pulls))
        except FileNotFound:
            self.cache.drop(url)
            raise
        if reply.status == 304 and copy is not None:
            kept = Copy(copy.body, reply.headers.get("etag") or copy.etag, started)
        else:
            body = reply.body if digest is None else digest(reply.body)
            kept = Copy(body, reply.headers.get("etag"), started)
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
    ) -> Reply:
        """A PUT, POST, PATCH or DELETE that changes something. Raises WriteUnknown when its reply was lost.

        Repeated only when it surely never left; when it is `repeatable`, after a lost reply too.
        """
        ask = Ask(method, url, what, repository, json=body, writing=not repeatable, creates=True, pulls=pulls)
        return await self._authorised(ask)

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
    ) -> Any:
        """The `data` of a GraphQL request. Raises what its `errors` mean."""
        ask = Ask(
            "POST",
            self._exchange.graphql_url,
            what,
            repository,
            json={"query": query, "variables": variables},
            writing=writing,
            creates=writing,
            pulls=pulls,
            graphql=True,
            attempts=attempts,
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
        return await self._repeated(Ask(method, url, what, "", json=json, bearer=bearer), bearer)

    async def _authorised(self, ask: Ask) -> Reply:
        """As _with_token(); credentials that will not do are told of."""
        try:
            return await self._with_token(ask)
        except (NotReady, GitHubPermission) as exc:
            tell(self._watcher, Denied(exc))
            raise

    async def _with_token(self, ask: Ask) -> Reply:
        """Sends with a token; one that GitHub does not know yet, or no more, is dealt with here.

        A refused request was not carried out, so a write may be sent again.
        """
        waits = iter(FRESH_TOKEN_WAITS_S)
        renewed = False
        while True:
            self._check_limits(ask)
            token = await self.credentials.token(ask.repository, pulls=ask.pulls)
            try:
                return await self._repeated(ask, token.value)
            except (BadCredentials, FreshlyRefused) as exc:
                if token.age_s() < FRESH_TOKEN_S and (wait_s := next(waits, None)) is not None:
                    await self.sleep(wait_s)
                elif not renewed and isinstance(exc, BadCredentials) and self.credentials.drop(ask.repository, token):
                    renewed = True
                else:
                    raise
                tell(self._watcher, Repeated("token"))

    async def _repeated(self, ask: Ask, token: str) -> Reply:
        """Sends until there is a reply. One that may have been carried out is repeated only when nothing changes."""
        for attempt in range(1, ask.attempts):
            try:
                return await self._send(ask, token)
            except GitHubUnavailable:
                tell(self._watcher, Repeated("unavailable"))
                await self.sleep(random.uniform(0.05, 0.15) * attempt)  # noqa: S311 - jitter
        return await self._send(ask, token)

    async def _send(self, ask: Ask, token: str) -> Reply:
        """The reply when it is a success, else raises what it means, or what its absence does."""
        if ask.creates:
            self._pace.take(self.credentials.key(ask.repository))
            tell(self._watcher, Writing())
        account = self._account(ask)
        self._budget.spend(account, WRITE if ask.creates else READ)
        if self._pace.others is not None:
            self._pace.others.sent(account, resource_of(ask))
        started = time.monotonic()
        reply: Reply | None = None
        try:
            reply = await self._exchange.send(ask, token)
            self.clock.saw(reply.headers, asked_at=started)
        finally:
            duration_s, offset_s = time.monotonic() - started, self.clock.offset_s if self.clock.is_known else None
            told = exchanged(ask, reply, account=account, duration_s=duration_s, clock_offset_s=offset_s)
            self._count(account, ask, reply, told.quota)
            tell(self._watcher, told)
        return self._judged(ask, reply)

    def _count(self, account: str, ask: Ask, reply: Reply | None, quota: Quota | None) -> None:
        """What the reply shows of GitHub's limits."""
        if quota is not None:
            self._budget.saw(account, quota)
        others, now = self._pace.others, self.clock.now()
        if others is None:
            return
        is_free = reply is not None and (reply.status == 304 or rate_limited(reply, now=now) is not None)
        others.replied(account, resource_of(ask), free=is_free)
        if quota is not None:
            used, left_s = quota.limit - quota.remaining, quota.reset_at - now
            others.counted(account, quota.resource, used=used, reset_at=quota.reset_at, left_s=left_s)

    def _account(self, ask: Ask) -> str:
        """Whose limits hold for it."""
        return self.credentials.key(ask.repository) if ask.bearer is None else _AS_APP

    def _judged(self, ask: Ask, reply: Reply) -> Reply:
        """The reply when it is a success, else raises what it means. A rate limit opens the circuit."""
        if reply.status < 300 and not (ask.graphql and reply.errors):
            return reply
        if reply.status == 304 and ask.etag:
            return reply
        now = self.clock.now()
        if reply.status < 300:
            error = graphql_refusal(reply, now=now, what=ask.what, writing=ask.writing, pulls=ask.pulls)
        else:
            error = refusal(reply, now=now, what=ask.what, writing=ask.writing)
        tell(self._watcher, refused(ask, error))
        if isinstance(error, GitHubRateLimited):
            key = self._account(ask)
            if error.secondary and ask.creates:
                self._pace.drain(key, error.retry_after_s or 0.0)
            own_limit = ask.graphql and not error.secondary
            self._circuit.open(
                key + _GRAPHQL if own_limit else key, error.retry_after_s or 0.0, secondary=error.secondary
            )
        raise error

    def _check_limits(self, ask: Ask) -> None:
        """Raises GitHubRateLimited when the request would not be sent."""
        key = self.credentials.key(ask.repository)
        self._circuit.check(key)
        self._budget.check(key, resource_of(ask), now=self.clock.now())
        if ask.graphql:
            self._circuit.check(key + _GRAPHQL)
        if ask.creates:
            self._pace.check(key)
