"""The tree of a branch: which files it has, read once and then validated by its ETag.

A 304 says that no file has changed. A write of ours updates what is known without a request, as long as nobody else
moved the branch in between.

https://docs.github.com/en/rest/git/trees
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from cachetools import LRUCache

from failover_api.core.catalog.model import Branch
from failover_api.forge.github.objects import Objects, TreeEntry
from failover_api.forge.repository.lag import HEAD, LAG_S, Lag
from failover_api.forge.values import Entry, Listing

MAX_ENTRIES = 100_000  # of all branches together: some 300 bytes each
_REGULAR = {0o100644, 0o100755, 0o100664}
_SYMLINK = 0o120000
BranchListener = Callable[[Branch], None]


@dataclass(frozen=True, slots=True)
class _KnownTree:
    """A listing with the reply that it was made of. Times are those of time.monotonic().

    `written_at`: the listing was updated by a write of ours, but `body` and its ETag are of before. `behind_at`: a
    write of ours, or a missing file, showed that somebody else had moved the branch.
    """

    listing: Listing
    body: bytes
    written_at: float = float("-inf")
    behind_at: float | None = None


class Trees:
    """The branches' trees, as last seen."""

    def __init__(self, objects: Objects, lag: Lag) -> None:
        self._objects, self._lag = objects, lag
        self._known: LRUCache[Branch, _KnownTree] = LRUCache(MAX_ENTRIES, getsizeof=_size)
        self._generation = 0
        self._listener: BranchListener | None = None

    def watch(self, listener: BranchListener) -> None:
        """As Forge.watch_trees()."""
        self._listener = listener

    def last_listing(self, branch: Branch) -> Listing | None:
        """As Forge.last_listing()."""
        known = self._known.get(branch)
        return None if known is None else known.listing

    def is_listing_stale(self, branch: Branch) -> bool:
        """As Forge.is_listing_stale()."""
        known = self._known.get(branch)
        return known is not None and known.behind_at is not None

    def invalidate(self, branch: Branch) -> None:
        """As Forge.invalidate_tree()."""
        known = self._known.get(branch)
        if known is not None:
            self._keep(branch, replace(known, behind_at=time.monotonic()))

    async def read(self, branch: Branch, not_before: float | None, head: str | None = None) -> Listing:
        """As Forge.tree()."""
        known = self._known.get(branch)
        if known is not None and known.behind_at is None and _is_fresh(known, not_before, head):
            return known.listing
        started = time.monotonic()
        body, at, nodes = await self._objects.listing(branch, not_before=started)
        known = self._known.get(branch)
        if known is not None and self._lag.was_replaced(branch, HEAD, at):
            return known.listing  # GitHub's reply lags: it is of before a write of ours
        # What was learnt while the request was under way may not be in its reply: then the listing stays stale.
        behind_at = None if known is None or known.behind_at is None or known.behind_at <= started else known.behind_at
        if known is not None and body is known.body:
            listing = replace(known.listing, head=at, validated_at=started, written=frozenset())
        else:
            self._generation += 1
            listing = _listed(nodes(), at, self._generation, started)
        self._keep(branch, _KnownTree(listing, body, behind_at=behind_at))
        return listing

    def wrote(self, branch: Branch, commit: str, parents: Collection[str], paths: Collection[str]) -> None:
        """The branch is at `commit` now, which has these parents and wrote these files."""
        known, now = self._known.get(branch), time.monotonic()
        if known is None:
            return
        if known.listing.head in parents:
            written = known.listing.written | frozenset(paths)
            listing = replace(known.listing, head=commit, validated_at=now, written=written)
            self._keep(branch, replace(known, listing=listing, written_at=now))
            return
        self._lag.replaced(branch, HEAD, known.listing.head)
        self._keep(branch, replace(known, behind_at=now))
        if self._listener is not None:
            self._listener(branch)

    def _keep(self, branch: Branch, known: _KnownTree) -> None:
        self._known.pop(branch, None)
        if _size(known) <= MAX_ENTRIES:
            self._known[branch] = known


def _is_fresh(known: _KnownTree, not_before: float | None, head: str | None) -> bool:
    if head is not None:
        return known.listing.head == head
    if not_before is None or known.listing.validated_at >= not_before:
        return True
    return known.written_at > time.monotonic() - LAG_S  # GitHub's reply could still be of before our write


def _listed(nodes: Sequence[TreeEntry], head: str, generation: int, at: float) -> Listing:
    entries = tuple(Entry(node.path, node.sha, node.size_bytes) for node in nodes if node.mode in _REGULAR)
    links = tuple(node.path for node in nodes if node.mode == _SYMLINK)
    return Listing(entries, links, head, generation, at)


def _size(known: _KnownTree) -> int:
    return len(known.listing.entries) + len(known.listing.links) + 1
