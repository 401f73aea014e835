"""Cluster of the real API: each method is one of the parts beside this file."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence

from failover_api.cluster import access_review
from failover_api.cluster.access import Access
from failover_api.cluster.client import Client
from failover_api.cluster.election_lease import ElectionLease
from failover_api.cluster.fields import text
from failover_api.cluster.kinds import KINDS, Kind
from failover_api.cluster.live_view import LiveView
from failover_api.cluster.look import look, look_at
from failover_api.cluster.out_of_service import OutOfServiceTaint
from failover_api.cluster.port import Right, Scope
from failover_api.core.safety.observed import Seen, View
from failover_api.errors import ClusterFailure, ClusterUnavailable
from failover_api.host_clock import HostClock

ASK_TIMEOUT_S = 10.0  # of what nobody waits for in a move
_OPEN_AGAIN_S = 10.0


class Kubernetes:
    """One cluster. `open_access` says how it is reached; when that fails, it is tried again."""

    def __init__(
        self,
        what: str,
        open_access: Callable[[], Access],
        *,
        timeout_s: float,
        kinds: Sequence[Kind] = KINDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`monotonic` is time.monotonic(), unless a test moves it: by it is told how long ago things were seen."""
        self.what = what
        self._open_access, self._timeout_s, self._kinds = open_access, timeout_s, kinds
        self._monotonic = monotonic
        self._client: Client | None = None
        self._opening = asyncio.Lock()
        self._no_clock = HostClock("the API server")
        self._live: LiveView | None = None
        self._watching: asyncio.Task[None] | None = None
        self._why_closed = ""
        self._began_at, self._tried = 0.0, asyncio.Event()  # of watching

    @property
    def clock(self) -> HostClock:
        return self._client.clock if self._client is not None else self._no_clock

    async def look(self, scope: Scope) -> View:
        if self._watching is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._began_at + self._timeout_s - time.monotonic())):
                    await self._tried.wait()
            if self._live is not None:
                await self._live.cover(scope)
                await self._live.settle(self._timeout_s)
                return self._live.view(scope)
            return self.view()
        try:
            client = await self._opened()
        except ClusterFailure as exc:
            return self._unseen(exc.detail)
        return await look(client, scope, timeout_s=self._timeout_s, kinds=self._kinds, monotonic=self._monotonic)

    def view(self) -> View:
        if self._live is not None:
            return self._live.view()
        return self._unseen(self._why_closed or "it is not watched")

    def _unseen(self, why: str) -> View:
        return View(**{kind.field: Seen(unseen={"": why}) for kind in self._kinds})

    def watch(self, scope: Callable[[], Scope]) -> None:
        if self._watching is None:
            self._began_at = time.monotonic()
            self._watching = asyncio.create_task(self._watch(scope))

    async def _watch(self, scope: Callable[[], Scope]) -> None:
        while True:
            try:
                client = await self._opened()
                break
            except ClusterFailure as exc:
                self._why_closed = exc.detail
                self._tried.set()
                await asyncio.sleep(_OPEN_AGAIN_S)
        self._live = LiveView(client, scope, kinds=self._kinds, monotonic=self._monotonic)
        self._tried.set()
        await self._live.run()

    async def version(self) -> str:
        client = await self._opened()
        return text(await client.get("/version", {}, timeout_s=ASK_TIMEOUT_S), "gitVersion") or "of no known version"

    async def review(self, scope: Scope) -> Sequence[Right]:
        client = await self._opened()
        return await access_review.review(client, scope, timeout_s=ASK_TIMEOUT_S, kinds=self._kinds)

    async def review_lease(self, name: str, namespace: str | None) -> Sequence[Right]:
        client = await self._opened()
        place = namespace or client.access.namespace
        return await access_review.review_lease(client, name, place, timeout_s=ASK_TIMEOUT_S)

    async def list_nodes(self, *, timeout_s: float) -> View:
        client = await self._opened()
        kinds = [kind for kind in self._kinds if kind.field in {"nodes", "leases"}]
        return View(**await look_at(client, frozenset(), timeout_s=timeout_s, kinds=kinds, monotonic=self._monotonic))

    def lease(self, name: str, namespace: str | None, *, timeout_s: float) -> ElectionLease:
        return ElectionLease(self._opened, name, namespace, timeout_s=timeout_s)

    def node_fence(self, *, timeout_s: float) -> OutOfServiceTaint:
        return OutOfServiceTaint(self._opened, timeout_s=timeout_s)

    async def _opened(self) -> Client:
        """The one client, whoever is the first to need it."""
        async with self._opening:
            if self._client is None:
                try:
                    self._client = Client(await asyncio.to_thread(self._open_access), monotonic=self._monotonic)
                except OSError as exc:
                    raise ClusterUnavailable(f"{self.what}: {exc.strerror or exc}") from exc
                self.what = self._client.access.what
            return self._client

    async def aclose(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        if self._client is not None:
            await self._client.aclose()
