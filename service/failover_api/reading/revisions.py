"""Whether a revision has a commit in it: at most one comparison of a revision with a commit, which is kept."""

from cachetools import LRUCache

from failover_api.core.catalog.model import Branch
from failover_api.errors import ForgeFailure
from failover_api.forge.port import Forge

MAX_KEPT = 4096


class Revisions:
    """Compares commits of a branch."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._kept: LRUCache[tuple[Branch, str, str], bool] = LRUCache(MAX_KEPT)

    async def has(self, branch: Branch, revision: str, commit: str) -> bool | None:
        """Whether the revision is the commit, or a descendant of it; None where that cannot be told now."""
        if revision == commit:
            return True
        key = (branch, revision, commit)
        if key not in self._kept:
            try:
                comparison = await self._forge.compare(branch, commit, revision)
            except ForgeFailure:  # a commit of another repository, or a host that does not answer
                return None
            self._kept[key] = comparison.merge_base == commit
        return self._kept[key]
