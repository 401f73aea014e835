"""Reads all objects of one kind, page by page."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from failover_api.cluster.client import Client
from failover_api.cluster.fields import namespace_and_name, text, value_at
from failover_api.cluster.kinds import Kind, path_in
from failover_api.core.safety.observed import Key
from failover_api.errors import ClusterUnavailable, KindNotInstalled, VersionExpired

PAGE = 50  # objects: parsing more at once would take memory that is never given back, and others' turn
MAX_KEPT = 20_000  # objects of a kind
_MAX_READ = 200_000
_MAX_STARTS = 3  # a long list may outlive the version it was begun at

Keeps = Callable[[str], bool]  # whether objects of this namespace are kept


@dataclass(frozen=True, slots=True)
class Listed:
    """The objects that are kept, by key, and the version to watch from. `path` is the one that was there."""

    objects: dict[Key, Any]
    version: str
    path: str


async def list_kind(client: Client, kind: Kind, namespace: str, keeps: Keeps, *, timeout_s: float) -> Listed:
    """All objects of a kind in a namespace, "" for all. Raises ClusterFailure."""
    *newer, oldest = kind.paths
    end = time.monotonic() + timeout_s
    for path in newer:
        try:
            return await _list(client, kind, path_in(path, namespace), namespace, keeps, end)
        except KindNotInstalled:
            continue
    try:
        return await _list(client, kind, path_in(oldest, namespace), namespace, keeps, end)
    except KindNotInstalled:
        await client.check_is_api_server(timeout_s=max(0.001, end - time.monotonic()))
        raise


async def _list(client: Client, kind: Kind, path: str, namespace: str, keeps: Keeps, end: float) -> Listed:
    for _ in range(_MAX_STARTS - 1):
        try:
            return await _pages(client, kind, path, namespace, keeps, end)
        except VersionExpired:
            continue
    return await _pages(client, kind, path, namespace, keeps, end)


async def _pages(client: Client, kind: Kind, path: str, namespace: str, keeps: Keeps, end: float) -> Listed:
    objects: dict[Key, Any] = {}
    following, count = "", 0
    while True:
        asked = {"limit": str(PAGE), **({"continue": following} if following else {})}
        page = await client.get(path, asked, timeout_s=max(0.001, end - time.monotonic()))
        items = _items(page, path)
        count += len(items)
        objects.update(filter(None, (parse_kept(kind, item, namespace, keeps) for item in items)))
        following = text(page, "metadata", "continue", limit=10_000)
        if not following:
            return Listed(objects, text(page, "metadata", "resourceVersion"), path)
        if len(objects) > MAX_KEPT or count > _MAX_READ:
            raise too_many(path)
        del page, items  # while others are read, only one page is there: parsed, it takes ten times its text


def too_many(path: str) -> ClusterUnavailable:
    return ClusterUnavailable(f"{path}: more than {MAX_KEPT} objects, or {_MAX_READ} to choose them from")


def parse_kept(kind: Kind, item: object, namespace: str, keeps: Keeps) -> tuple[Key, Any] | None:
    """The object with its key; None for one that nobody needs, or that is of another namespace than was asked for."""
    key = namespace_and_name(item)
    if key is None or (namespace and key[0] != namespace):
        return None
    if not keeps(kind.belongs_to(item) if kind.belongs_to else key[0]):
        return None
    return key, kind.parse(item, key)


def _items(page: object, path: str) -> list[Any]:
    """An empty list may be written as null."""
    found = value_at(page, "items")
    if isinstance(found, list):
        return found
    if found is None and text(page, "kind").endswith("List"):
        return []
    raise ClusterUnavailable(f"GET {path}: the answer is no list of objects")
