"""One look at a cluster: every kind is listed once, all at the same time, and what does not come in time is unseen."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from failover_api.cluster.client import Client
from failover_api.cluster.kinds import KINDS, Kind
from failover_api.cluster.lists import Listed, list_kind
from failover_api.cluster.live_view import merged
from failover_api.cluster.port import Scope
from failover_api.core.safety.observed import EVERYWHERE, Seen, View
from failover_api.errors import ClusterFailure, ClusterForbidden, KindNotInstalled

Monotonic = Callable[[], float]
_AT_ONCE = 8  # requests: more connections cost more than they save
_APART = 5  # namespaces: more are read at once, with whatever else there is
_AGAIN_AFTER_S = 0.15  # an API server that starts up forbids everything for a moment
_END_S = 0.2


async def look(
    client: Client,
    scope: Scope,
    *,
    timeout_s: float,
    kinds: Sequence[Kind] = KINDS,
    monotonic: Monotonic = time.monotonic,
) -> View:
    """What `scope` needs of a cluster. Never longer than `timeout_s`, and no failure is raised."""
    return View(**await look_at(client, scope, timeout_s=timeout_s, kinds=kinds, monotonic=monotonic))


async def look_at(
    client: Client,
    scope: Scope,
    *,
    timeout_s: float,
    kinds: Sequence[Kind],
    monotonic: Monotonic = time.monotonic,
) -> dict[str, Seen[Any]]:
    """The same by the name of each kind."""
    looks = {kind.field: _Look(client, kind, scope, monotonic) for kind in kinds}
    limit = asyncio.Semaphore(_AT_ONCE)
    tasks = [asyncio.create_task(each.run(limit, time.monotonic() + timeout_s)) for each in looks.values()]
    try:
        await asyncio.wait(tasks, timeout=timeout_s)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=_END_S)
    late = f"no answer within {timeout_s:.2g} s"
    return {field: each.seen(late) for field, each in looks.items()}


class _Look:
    """One kind. What has come is there, even if the rest never does."""

    def __init__(self, client: Client, kind: Kind, scope: Scope, monotonic: Monotonic) -> None:
        self._client, self._kind, self._scope, self._monotonic = client, kind, scope, monotonic
        self._parts: dict[str, Seen[Any]] = {}
        self._is_refused = False
        self._wanted = self._first()

    def _first(self) -> frozenset[str]:
        """The namespaces to look in first; EVERYWHERE: all at once."""
        wanted = self._kind.namespaces(self._scope)
        return frozenset({EVERYWHERE}) if wanted is None or len(wanted) > _APART else wanted

    async def run(self, limit: asyncio.Semaphore, end: float) -> None:
        await self._read(limit, end)
        wide = self._parts.get(EVERYWHERE)
        fallbacks = self._kind.fallbacks(self._scope)
        if wide is not None and self._is_refused and fallbacks:
            self._wanted, self._parts = fallbacks, {}
            await self._read(limit, end)

    async def _read(self, limit: asyncio.Semaphore, end: float) -> None:
        await asyncio.gather(*(self._part(namespace, limit, end) for namespace in sorted(self._wanted)))

    async def _part(self, namespace: str, limit: asyncio.Semaphore, end: float) -> None:
        try:
            listed = await self._list(namespace, limit, end)
        except KindNotInstalled as exc:
            seen = self._seen({}) if self._kind.is_optional else Seen(unseen={namespace: exc.detail})
            self._parts[namespace] = Seen(seen.objects, seen.seen_at, seen.heard_at, seen.unseen, is_installed=False)
        except ClusterFailure as exc:
            self._is_refused = isinstance(exc, ClusterForbidden)
            self._parts[namespace] = Seen(unseen={namespace: exc.detail}, is_forbidden=self._is_refused)
        else:
            self._parts[namespace] = self._seen(listed.objects)

    async def _list(self, namespace: str, limit: asyncio.Semaphore, end: float) -> Listed:
        try:
            return await self._list_once(namespace, limit, end)
        except ClusterForbidden:
            await asyncio.sleep(_AGAIN_AFTER_S)
            return await self._list_once(namespace, limit, end)

    async def _list_once(self, namespace: str, limit: asyncio.Semaphore, end: float) -> Listed:
        async with limit:
            left_s = max(0.001, end - time.monotonic()) + _END_S  # the look itself ends first, and says so
            return await list_kind(self._client, self._kind, namespace, self._keeps, timeout_s=left_s)

    def _keeps(self, namespace: str) -> bool:
        return self._kind.keeps(namespace, self._scope)

    def _seen(self, objects: dict[Any, Any]) -> Seen[Any]:
        now, observed = self._monotonic(), self._kind.observed
        if observed is not None:
            objects = {key: observed(value, None, now) for key, value in objects.items()}
        return Seen(objects, self._client.clock.now(), now)

    def seen(self, late: str) -> Seen[Any]:
        missing = {namespace: late for namespace in self._wanted if namespace not in self._parts}
        seen = merged([*self._parts.values(), *([Seen(unseen=missing)] if missing else [])])
        return replace(seen, within=self._kind.namespaces(self._scope))
