"""The ETag cache: what GitHub said, kept to be asked about with If-None-Match.

A 304 costs no quota and no body, and proves that the copy is what a read would give now. Entries and bytes are
bounded; the least recently used go first.

https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

from dataclasses import dataclass

from cachetools import LRUCache

MAX_ENTRIES = 4096
MAX_BYTES = 32 * 1024 * 1024
_ENTRY_OVERHEAD_BYTES = 512


@dataclass(frozen=True, slots=True)
class Copy:
    """A body of an earlier 200. `validated_at` is the time (monotonic, seconds) it was last known to be current."""

    body: bytes
    etag: str | None
    validated_at: float


class ConditionalCache:
    """Bodies by URL."""

    def __init__(self, *, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self._max_entries = max_entries
        self._copies: LRUCache[str, Copy] = LRUCache(max_bytes, getsizeof=_size)

    def get(self, url: str) -> Copy | None:
        return self._copies.get(url)

    def put(self, url: str, copy: Copy) -> None:
        """Keeps a copy, unless a later one came meanwhile; none that is larger than the whole cache."""
        known = self._copies.get(url)
        if known is not None and known.validated_at > copy.validated_at:
            return
        self._copies.pop(url, None)
        if _size(copy) > self._copies.maxsize:
            return
        while len(self._copies) >= self._max_entries:
            self._copies.popitem()
        self._copies[url] = copy

    def drop(self, url: str) -> None:
        self._copies.pop(url, None)


def _size(copy: Copy) -> int:
    return len(copy.body) + _ENTRY_OVERHEAD_BYTES
