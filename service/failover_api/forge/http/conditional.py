"""The ETag cache: replies are kept, and validated with If-None-Match.

A 304 costs no quota and no body, and proves that the copy is what a read would give now. Entries and bytes are
bounded; the least recently used go first.

https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

from dataclasses import dataclass
from operator import itemgetter

from cachetools import LRUCache

MAX_ENTRIES = 4096
MAX_BYTES = 24 * 1024 * 1024
_ENTRY_OVERHEAD_BYTES = 512


@dataclass(frozen=True, slots=True)
class CachedReply:
    """A body of an earlier 200. `validated_at` is the time (monotonic, seconds) it was last known to be current."""

    body: bytes
    etag: str | None
    validated_at: float


class ConditionalCache:
    """Bodies by URL."""

    def __init__(self, *, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self._max_entries = max_entries
        self._copies: LRUCache[str, tuple[int, CachedReply]] = LRUCache(max_bytes, getsizeof=itemgetter(0))

    def get(self, url: str) -> CachedReply | None:
        _, copy = self._copies.get(url, (0, None))
        return copy

    def put(self, url: str, copy: CachedReply) -> None:
        """Keeps a copy, unless a later one was kept meanwhile, or it is larger than the whole cache."""
        known, size_bytes = self.get(url), _size(url, copy)
        if known is not None and known.validated_at > copy.validated_at:
            return
        self._copies.pop(url, None)
        if size_bytes > self._copies.maxsize:
            return
        while len(self._copies) >= self._max_entries:
            self._copies.popitem()
        self._copies[url] = (size_bytes, copy)

    def drop(self, url: str) -> None:
        self._copies.pop(url, None)


def _size(url: str, copy: CachedReply) -> int:
    return len(copy.body) + len(url) + len(copy.etag or "") + _ENTRY_OVERHEAD_BYTES
