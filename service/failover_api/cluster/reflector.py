"""One kind of objects kept in memory: listed once, then watched, and listed again when the watch has lost its place.

What may end a watch, and what follows:

    the window is over              watch on from the last version
    cut in the middle               the same, after a moment
    410, as an answer, an event, or a list's     list again
    no answer, refused, hung        list again: a server that was away may have been restored from a backup
    403                             list again; final when it stays, since a server that starts up says so too
    the kind is not there           list again: that asks whether it is an API server that says so; later once more
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from failover_api.cluster.client import Client
from failover_api.cluster.fields import namespace_and_name, text, value_at
from failover_api.cluster.kinds import Kind
from failover_api.cluster.lists import MAX_KEPT, Keeps, list_kind, parse_kept, too_many
from failover_api.cluster.replies import failure_in_watch
from failover_api.core.safety.observed import EVERYWHERE, NOT_LOOKED_AT, Key, Seen
from failover_api.errors import (
    ClusterFailure,
    ClusterForbidden,
    ClusterUnavailable,
    InternalError,
    KindNotInstalled,
    VersionExpired,
    WatchCut,
)

WINDOW_S = 20.0  # nothing is believed for longer without a word from the server
LIST_TIMEOUT_S = 30.0
LIST_AGAIN_S = 900.0  # a proxy may drop events and say nothing
_BACKOFF_S, _MAX_BACKOFF_S = 0.5, 20.0
_LASTING_S = 5.0  # a watch that was cut later had been well
_TRIES = 3  # what passes by itself meanwhile is not told
_FORBIDDEN_WAIT_S, _ABSENT_WAIT_S = 60.0, 120.0
_log = logging.getLogger(__name__)


class Reflector:
    """The objects of one kind in one namespace, "" for all, as they are now.

    `settled` is set once it is known how the first list ended. `is_forbidden`: we may not read it, which has been tried
    several times.
    """

    def __init__(
        self,
        client: Client,
        kind: Kind,
        keeps: Keeps,
        *,
        namespace: str = EVERYWHERE,
        window_s: float = WINDOW_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._kind, self._keeps, self._namespace = client, kind, keeps, namespace
        self._window_s, self._monotonic = window_s, monotonic
        self._objects: dict[Key, Any] = {}
        self._shown: Mapping[Key, Any] | None = None
        self._path = ""
        self._version = ""
        self._listed_at = float("-inf")
        self._began_at = float("inf")
        self._heard_at: float | None = None
        self._seen_at: float | None = None
        self._unseen = ""
        self._is_installed = True
        self._failures = self._refusals = 0
        self.settled = asyncio.Event()
        self.is_forbidden = False

    def seen(self) -> Seen[Any]:
        """As it is now; what was given before does not change."""
        if self._shown is None:
            self._shown = MappingProxyType(dict(self._objects))
        why = self._unseen or (NOT_LOOKED_AT if self._heard_at is None else "")
        unseen = {self._namespace: why} if why else {}
        return Seen(self._shown, self._seen_at, self._heard_at, unseen, self._is_installed, self.is_forbidden)

    async def run(self) -> None:
        """Keeps it current; cancel it to stop. No failure ends it."""
        while True:
            try:
                await self._round()
                self._failures = 0
            except ClusterFailure as exc:
                await self._after(exc)
            except Exception as exc:  # noqa: BLE001 - a view that nothing renews would be taken for the truth
                _log.exception("a watch of the cluster failed by a defect", extra={"kind": self._kind.field})
                await self._after(InternalError(f"a defect of ours: {type(exc).__name__}"))

    async def _round(self) -> None:
        """A list when one is due, then one window of a watch."""
        if not self._version or self._monotonic() - self._listed_at > LIST_AGAIN_S:
            await self._list()
        self._began_at = began = self._monotonic()
        window_s = self._window_s * random.uniform(0.8, 1.0)  # noqa: S311 - so that not all end at once
        params = {"resourceVersion": self._version, "allowWatchBookmarks": "true"}
        try:
            await self._client.watch(self._path, params, self._take, window_s=window_s)
        except KindNotInstalled as exc:  # a list tells whether that is so
            raise VersionExpired(exc.detail) from exc
        if self._monotonic() - began < min(1.0, window_s / 2):
            raise WatchCut(f"watch {self._path}: the server ended it at once")
        self._hear()

    async def _list(self) -> None:
        listed = await list_kind(self._client, self._kind, self._namespace, self._keeps, timeout_s=LIST_TIMEOUT_S)
        if not listed.version:
            raise ClusterUnavailable(f"GET {listed.path}: the list has no resourceVersion")
        now = self._monotonic()
        self._objects = {key: self._observed(value, key, now) for key, value in listed.objects.items()}
        self._version, self._path, self._listed_at = listed.version, listed.path, now
        self._is_installed = True
        self._shown = None
        self._hear()

    def _take(self, event: Any) -> None:
        """One event of a watch. What is not understood is passed over: there may be kinds of events to come."""
        type_, item = text(event, "type"), value_at(event, "object")
        if type_ == "ERROR":
            raise failure_in_watch(item, f"watch {self._path}")
        version = text(item, "metadata", "resourceVersion")
        if type_ in {"ADDED", "MODIFIED", "DELETED"}:
            self._apply(type_, item)
        elif type_ != "BOOKMARK":
            return
        self._version = version or self._version
        self._hear()

    def _apply(self, type_: str, item: object) -> None:
        found = parse_kept(self._kind, item, self._namespace, self._keeps)
        if type_ == "DELETED" or found is None:  # a volume may be for another namespace now, in which nobody needs it
            if (key := namespace_and_name(item)) is not None and self._objects.pop(key, None) is not None:
                self._shown = None
            return
        key, value = found
        self._objects[key] = self._observed(value, key, self._monotonic())
        if len(self._objects) > MAX_KEPT:
            raise too_many(self._path)
        self._shown = None

    def _observed(self, value: Any, key: Key, now: float) -> Any:
        observed = self._kind.observed
        return value if observed is None else observed(value, self._objects.get(key), now)

    def _hear(self) -> None:
        self._heard_at, self._seen_at = self._monotonic(), self._client.clock.now()
        self._unseen, self._refusals, self.is_forbidden = "", 0, False
        self.settled.set()

    async def _after(self, failure: ClusterFailure | InternalError) -> None:
        """Takes note of a failure, and waits until it is time to try again."""
        lasted_s = self._monotonic() - self._began_at
        self._failures = 1 if lasted_s > _LASTING_S else self._failures + 1
        self._began_at = float("inf")
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 - so that not all come back at once
        wait_s = jitter * min(_MAX_BACKOFF_S, _BACKOFF_S * 2.0 ** min(self._failures, 10))
        match failure:
            case WatchCut() if self._failures < _TRIES:
                await asyncio.sleep(wait_s)
                return
            case VersionExpired() if self._failures == 1:
                self._version = ""
                return
            case ClusterForbidden():
                self._refusals += 1
                self.is_forbidden = self._refusals >= _TRIES
                wait_s = _FORBIDDEN_WAIT_S if self.is_forbidden else min(wait_s, 1.0)
            case KindNotInstalled() if self._kind.is_optional:
                wait_s = _ABSENT_WAIT_S
        self._version = ""
        self._note(failure)
        await asyncio.sleep(max(wait_s, failure.retry_after_s or 0.0))

    def _note(self, failure: ClusterFailure | InternalError) -> None:
        if isinstance(failure, KindNotInstalled) and self._kind.is_optional:
            self._objects, self._shown, self._is_installed = {}, None, False
            self._hear()
            return
        if isinstance(failure, ClusterForbidden) and not self.is_forbidden:
            return  # it may be starting up
        if self.is_forbidden:
            self._objects, self._shown, self._heard_at, self._seen_at = {}, None, None, None
        self._unseen = failure.detail
        self.settled.set()
