"""Watches: changes as they come, in a window of time, with bookmarks and the ways in which a watch goes stale.

Windows and bookmarks go by real seconds, since they are a matter between two processes.
https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.api.reading import selected
from failover_api.sandbox.cluster.api.request import must_be_number
from failover_api.sandbox.cluster.objects.refusals import ApiError, gone, invalid

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from failover_api.sandbox.cluster.api.request import Request, Target
    from failover_api.sandbox.cluster.objects.json_values import Object
    from failover_api.sandbox.cluster.plane import Plane
    from failover_api.sandbox.cluster.store import Change

BOOKMARK_EVERY_S = 60.0
LAST_BOOKMARKS_S = (2.0, 1.0)  # before the end of the window
_WINDOW_S = 2400.0
_NO_PROGRESS = (
    "a watch stream was requested by the client but the required storage feature RequestWatchProgress is disabled"
)
_END_OF_INITIAL = {"k8s.io/initial-events-end": "true"}


class _Watch:
    def __init__(self) -> None:
        self.loop, self.woken = asyncio.get_running_loop(), asyncio.Event()
        self.woken.set()  # what happened since the version that is asked for comes at once
        self.ends = self.breaks = False
        self.stale = False

    def wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # its loop is closed
            self.loop.call_soon_threadsafe(self.woken.set)


class Watches:
    """`silent`: nothing is sent any more, and nothing is closed, as when an API server ends in order.

    `is_old_etcd`: as with etcd 3.4, which cannot say how far a watch has come. `is_gone_by_status`: a version that is
    too old is answered by HTTP 410 and not by an event.
    """

    def __init__(self, plane: Plane) -> None:
        self._plane, self._store = plane, plane.store
        self._open: set[_Watch] = set()
        self.silent = self.is_old_etcd = self.is_gone_by_status = False
        self.bookmark_every_s = BOOKMARK_EVERY_S
        plane.store.watch(lambda _: self._wake_all())

    def __len__(self) -> int:
        return len(self._open)

    def end_all(self) -> None:
        for watch in list(self._open):
            watch.ends = True
            watch.wake()

    def cut_all(self) -> None:
        """As when the process dies: the connections break in the middle of the answer."""
        for watch in list(self._open):
            watch.ends = watch.breaks = True
            watch.wake()

    def compact(self) -> None:
        """The past is forgotten, also for the watches that are open: they are told so, and end."""
        with self._plane.clock.lock:
            self._store.compact()
            for watch in list(self._open):
                watch.stale = True
                watch.wake()

    def _wake_all(self) -> None:
        for watch in list(self._open):
            watch.wake()

    def check(self, target: Target, request: Request) -> None:
        """Raises ApiError for what is refused before the first byte."""
        selected(request)
        match = request.query.get("resourceVersionMatch")
        if "sendInitialEvents" in request.query and match != "NotOlderThan":
            why = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            raise invalid(target.kind, "", ("resourceVersionMatch", why))
        if text := request.query.get("resourceVersion"):
            asked = must_be_number(text)
            if self.is_gone_by_status and 0 < asked < self._store.compacted:
                raise gone(self._store.version, asked)

    async def events(self, target: Target, request: Request) -> AsyncIterator[bytes]:
        """Lines of JSON, until the window ends."""
        watch = _Watch()
        self._open.add(watch)
        try:
            async for event in self._events(watch, target, request):
                yield json.dumps(event, separators=(",", ":")).encode() + b"\n"
        finally:
            self._open.discard(watch)
        if watch.breaks:
            raise ConnectionResetError("cut by the sandbox")

    async def _events(self, watch: _Watch, target: Target, request: Request) -> AsyncIterator[Object]:
        fits = selected(request)
        if self.is_old_etcd and _needs_progress(request):
            yield {"type": "ERROR", "object": ApiError(500, "InternalError", _NO_PROGRESS).status}
            return
        position, first = self._begin(target, request, fits)
        for event in first:
            yield event
        if position is None:
            return
        bookmarks = self._bookmarks(request) if request.flag("allowWatchBookmarks") else []
        window_s = float(request.query.get("timeoutSeconds") or _WINDOW_S)
        ends = time.monotonic() + window_s
        while not watch.ends and time.monotonic() < ends:
            until = min(ends, *bookmarks) if bookmarks else ends
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(watch.woken.wait(), max(until - time.monotonic(), 0.0))
            watch.woken.clear()
            if self.silent or watch.ends:
                continue
            with self._plane.clock.lock:
                asked, position, changes = position, self._store.version, self._since(position)
            if watch.stale or changes is None:
                yield _error(gone(self._store.version, asked))
                return
            for change in changes:
                if (seen := _event(change, target, fits)) is not None:
                    yield seen
            while bookmarks and bookmarks[0] <= time.monotonic():
                bookmarks.pop(0)
                yield _bookmark(target, position)

    def _bookmarks(self, request: Request) -> list[float]:
        """When they are due."""
        began, window_s = time.monotonic(), float(request.query.get("timeoutSeconds") or _WINDOW_S)
        regular = [self.bookmark_every_s * n for n in range(1, int(window_s / self.bookmark_every_s) + 1)]
        last = [window_s - before for before in LAST_BOOKMARKS_S if window_s > before]
        return sorted(began + at for at in [*regular, *last] if at < window_s)

    def _since(self, position: int) -> list[Change] | None:
        """None: they are forgotten."""
        return None if position < self._store.compacted else self._store.since(position)

    def _begin(
        self, target: Target, request: Request, fits: Callable[[Object], bool]
    ) -> tuple[int | None, list[Object]]:
        """The version to go on from (None: it ends here), and what is sent at once."""
        with self._plane.clock.lock:
            text = request.query.get("resourceVersion", "")
            sends_all = request.flag("sendInitialEvents") or text in ("", "0")
            if not sends_all:
                asked = int(text)
                if asked < self._store.compacted:
                    return None, [_error(gone(self._store.version, asked))]
                return asked, []
            objects = self._store.objects(target.kind, target.namespace)
            first = [{"type": "ADDED", "object": one} for one in objects if fits(one)]
            if request.flag("sendInitialEvents"):
                first.append(_bookmark(target, self._store.version, _END_OF_INITIAL))
            return self._store.version, first


def _needs_progress(request: Request) -> bool:
    is_from_now = not request.query.get("resourceVersion") and request.flag("allowWatchBookmarks")
    return request.flag("sendInitialEvents") or is_from_now


def _event(change: Change, target: Target, fits: Callable[[Object], bool]) -> Object | None:
    """What a change is to this watch: one that no longer fits is gone for it."""
    if change.kind is not target.kind:
        return None
    if target.namespace and change.object["metadata"].get("namespace") != target.namespace:
        return None
    had = change.before is not None and fits(change.before)
    has = change.type != "DELETED" and fits(change.object)
    if not had and not has:
        return None
    type_ = "ADDED" if not had else "MODIFIED" if has else "DELETED"
    return {"type": type_, "object": change.object}


def _bookmark(target: Target, version: int, annotations: dict[str, str] | None = None) -> Object:
    meta: Object = {"resourceVersion": str(version), "creationTimestamp": None}
    if annotations:
        meta["annotations"] = annotations
    kind = target.kind
    return {"type": "BOOKMARK", "object": {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": meta}}


def _error(exc: ApiError) -> Object:
    return {"type": "ERROR", "object": exc.status}
