"""A cluster kept in memory: each kind watched by itself, everywhere, or by namespace where no more is allowed."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from failover_api.cluster.client import Client
from failover_api.cluster.kinds import KINDS, Kind
from failover_api.cluster.port import Scope
from failover_api.cluster.reflector import Reflector
from failover_api.core.safety.observed import EVERYWHERE, NOT_LOOKED_AT, Seen, View
from failover_api.errors import FailoverError

_ADJUST_S = 1.0
_WIDE_AGAIN_S = 600.0  # a server that starts up may have forbidden for long what it allows
_log = logging.getLogger(__name__)


class LiveView:
    """What `scope` needs of a cluster, as it is now; it may change while this runs."""

    def __init__(
        self,
        client: Client,
        scope: Callable[[], Scope],
        *,
        kinds: Sequence[Kind] = KINDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._scope_now, self._began_at = scope, time.monotonic()
        self._scope: Scope = frozenset()
        self._adjusting = asyncio.Lock()
        self._told: Set[str] = frozenset()  # the kinds that are not seen, as the log has it
        self._kinds = {kind.field: _LiveKind(client, kind, monotonic) for kind in kinds}

    async def run(self) -> None:
        """Watches until it is cancelled."""
        try:
            while True:
                await self._adjust()
                await asyncio.sleep(_ADJUST_S)
                self._tell()
        finally:
            for kind in self._kinds.values():
                await kind.stop()

    async def _adjust(self) -> None:
        async with self._adjusting:
            before = self._scope
            with contextlib.suppress(FailoverError):  # without a catalog it stays as it was
                self._scope = self._scope_now()
            if self._scope != before:
                self._began_at = time.monotonic()
            for kind in self._kinds.values():
                await kind.adjust(self._scope)

    async def cover(self, scope: Scope) -> None:
        """Begins to look at these namespaces now, if they have just become those of services."""
        if self._missing(scope):
            await self._adjust()

    def view(self, scope: Scope = frozenset()) -> View:
        """All that is known now; later events do not change it. What of `scope` is not watched is unseen."""
        missing = self._missing(scope)
        return View(**{field: kind.seen(missing) for field, kind in self._kinds.items()})

    def _missing(self, scope: Scope) -> Mapping[str, str]:
        """Why namespaces are not seen that are not watched."""
        if self._scope is None:
            return {}
        return dict.fromkeys({EVERYWHERE} if scope is None else scope - self._scope, "it is not watched")

    def _tell(self) -> None:
        """Logs which kinds are not seen, when that changes: once for all of them."""
        whys = {field: next(iter(kind.seen({}).unseen.values()), "") for field, kind in self._kinds.items()}
        reasons = {field: why for field, why in whys.items() if why not in {"", NOT_LOOKED_AT}}
        if reasons.keys() == self._told:
            return
        self._told = reasons.keys()
        if reasons:
            what = "all" if len(reasons) == len(self._kinds) else sorted(reasons)
            _log.warning("the cluster is not seen", extra={"kinds": what, "detail": next(iter(reasons.values()))})
        else:
            _log.info("the cluster is seen again")

    async def settle(self, timeout_s: float) -> None:
        """Waits until it is known of each kind whether it can be seen; in all at most so long after the start."""
        left_s = self._began_at + timeout_s - time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, left_s)):
                for kind in self._kinds.values():
                    await kind.settle()


class _LiveKind:
    """One kind: a reflector for all namespaces, or one for each."""

    def __init__(self, client: Client, kind: Kind, monotonic: Callable[[], float]) -> None:
        self._client, self._kind, self._monotonic = client, kind, monotonic
        self._scope: Scope = frozenset()
        self._running: dict[str, tuple[Reflector, asyncio.Task[None]]] = {}
        self._probe: tuple[Reflector, asyncio.Task[None]] | None = None
        self._probe_at = float("inf")
        self._started = asyncio.Event()

    async def adjust(self, scope: Scope) -> None:
        """Starts, changes and ends reflectors as the scope, and what is allowed, has it."""
        has_changed, self._scope = scope != self._scope, scope
        if not self._running:
            self._start(EVERYWHERE)
        elif EVERYWHERE in self._running:
            wide = self._running[EVERYWHERE][0]
            fallbacks = self._kind.fallbacks(scope)
            if wide.is_forbidden and fallbacks:
                await self._replace(fallbacks)
                self._probe_at = time.monotonic() + _WIDE_AGAIN_S
            elif has_changed and self._kind.is_filtered:
                await self._end([EVERYWHERE])  # until it is listed anew it is unseen, and nothing seems to be absent
                self._start(EVERYWHERE)
        elif has_changed:
            await self._replace(self._kind.fallbacks(scope) or frozenset({EVERYWHERE}))
        elif self._kind.namespaces(scope) is None:
            await self._widen()

    async def _widen(self) -> None:
        """From where only some namespaces may be read to everywhere, once that is allowed."""
        if self._probe is None:
            if time.monotonic() >= self._probe_at:
                self._probe = self._reflecting(EVERYWHERE)
        elif self._probe[0].seen().heard_at is not None:
            narrow = [task for _, task in self._running.values()]
            self._running, self._probe = {EVERYWHERE: self._probe}, None
            await _cancelled(narrow)
        elif self._probe[0].is_forbidden:
            await self._end_probe()
            self._probe_at = time.monotonic() + _WIDE_AGAIN_S

    async def _replace(self, namespaces: frozenset[str]) -> None:
        for namespace in sorted(namespaces - self._running.keys()):
            self._start(namespace)
        await self._end([namespace for namespace in self._running if namespace not in namespaces])

    def _start(self, namespace: str) -> None:
        self._running[namespace] = self._reflecting(namespace)
        self._started.set()

    def _reflecting(self, namespace: str) -> tuple[Reflector, asyncio.Task[None]]:
        reflector = Reflector(self._client, self._kind, self._keeps, namespace=namespace, monotonic=self._monotonic)
        return reflector, asyncio.create_task(reflector.run())

    def _keeps(self, namespace: str) -> bool:
        return self._kind.keeps(namespace, self._scope)

    async def _end(self, namespaces: Sequence[str]) -> None:
        await _cancelled([self._running.pop(namespace)[1] for namespace in namespaces])

    async def _end_probe(self) -> None:
        probe, self._probe = self._probe, None
        await _cancelled([probe[1]] if probe is not None else [])

    async def stop(self) -> None:
        await self._end_probe()
        await self._end(list(self._running))

    async def settle(self) -> None:
        await self._started.wait()
        for reflector, _ in list(self._running.values()):
            await reflector.settled.wait()

    def seen(self, missing: Mapping[str, str]) -> Seen[Any]:
        """`missing` says why namespaces are not seen that are not watched, {namespace: why}."""
        seen = merged([reflector.seen() for reflector, _ in self._running.values()])
        seen = replace(seen, within=self._kind.namespaces(self._scope))
        if not missing or not self._kind.is_filtered:
            return seen
        return replace(seen, unseen={**missing, **seen.unseen}, is_forbidden=False)


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def merged(parts: Sequence[Seen[Any]]) -> Seen[Any]:
    """One kind, of which namespaces were seen by themselves: as old as the oldest of them."""
    if len(parts) == 1:
        return parts[0]
    missing = [part for part in parts if part.unseen]
    return Seen(
        objects={key: value for part in parts for key, value in part.objects.items()},
        seen_at=min((part.seen_at for part in parts if part.seen_at is not None), default=None),
        heard_at=min((part.heard_at for part in parts if part.heard_at is not None), default=None),
        unseen={namespace: why for part in parts for namespace, why in part.unseen.items()},
        is_installed=any(part.is_installed for part in parts) if parts else True,
        is_forbidden=bool(missing) and all(part.is_forbidden for part in missing),
    )
