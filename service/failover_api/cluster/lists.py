"""Reads all objects of one kind, page by page."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from failover_api.cluster.client import Client
from failover_api.cluster.fields import namespace_and_name, text, value_at
from failover_api.cluster.kinds import Kind, path_in
from failover_api.core.safety.observed import Key
from failover_api.errors import ClusterUnavailable, KindNotInstalled, VersionExpired

PAGE = 100  # objects: to parse more at once would keep others from their turn
MAX_OBJECTS = 100_000
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
    return await _list(client, kind, path_in(oldest, namespace), namespace, keeps, end)


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
        for item in _items(page, path):
            count += 1
            if (found := parse_kept(kind, item, namespace, keeps)) is not None:
                objects[found[0]] = found[1]
        following = text(page, "metadata", "continue", limit=10_000)
        if not following:
            return Listed(objects, text(page, "metadata", "resourceVersion"), path)
        if count > MAX_OBJECTS:
            raise ClusterUnavailable(f"GET {path}: more than {MAX_OBJECTS} objects")


def parse_kept(kind: Kind, item: object, namespace: str, keeps: Keeps) -> tuple[Key, Any] | None:
    """The object with its key; None for one that nobody needs, or that is of another namespace than was asked for."""
    key = namespace_and_name(item)
    if key is None or (namespace and key[0] != namespace) or not keeps(key[0]):
        return None
    return key, kind.parse(item, key)


def _items(page: object, path: str) -> Iterator[object]:
    """An empty list may be written as null."""
    found = value_at(page, "items")
    is_list = text(page, "kind").endswith("List")
    if not isinstance(found, list) and not (found is None and is_list):
        raise ClusterUnavailable(f"GET {path}: the answer is no list of objects")
    return iter(found or ())
