"""Files as they were at a commit, which never changes: what was read is kept for as long as there is room."""

from collections.abc import Sequence

from cachetools import LRUCache

from failover_api.core.catalog import Branch
from failover_api.forge.heads import Heads
from failover_api.forge.port import File, Snapshot

MAX_BYTES = 8 * 1024 * 1024
_ENTRY_OVERHEAD_BYTES = 512


class Past:
    """Files by repository, commit and path."""

    def __init__(self, heads: Heads) -> None:
        self._heads = heads
        self._files: LRUCache[tuple[str, str, str], File] = LRUCache(MAX_BYTES, getsizeof=_size)

    async def read(self, branch: Branch, commit: str, paths: Sequence[str]) -> Snapshot:
        """As Forge.read_at()."""
        places = {path: (branch.repository, commit, path) for path in paths}
        known = {path: file for path, place in places.items() if (file := self._files.get(place)) is not None}
        missing = [path for path in places if path not in known]
        if not missing:
            return Snapshot(branch, known, commit)
        found = await self._heads.files_at(branch, missing, commit)
        self._files.update({places[path]: file for path, file in found.items() if isinstance(file, File)})
        return Snapshot(branch, {**known, **found}, commit)


def _size(file: File) -> int:
    return len(file.data) + _ENTRY_OVERHEAD_BYTES
