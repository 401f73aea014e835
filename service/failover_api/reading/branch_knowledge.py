"""What all files of a branch say about claims and neighbours: read once, kept while the branch lists the same files.

file        read once, by its blob sha; what it says is kept, not the file
branch      what its files say together, at one generation of its listing
"""

import asyncio
from collections.abc import Sequence

from cachetools import LRUCache

from failover_api.concurrency import batches, together
from failover_api.core.catalog.model import Branch
from failover_api.core.search.file_facts import BranchKnowledge, FileFacts, branch_knowledge, read_file_facts
from failover_api.core.search.file_summary import is_kustomization
from failover_api.core.splice import MAX_BYTES
from failover_api.errors import ForgeUnavailable, RepositoryTooLarge
from failover_api.forge.port import Files
from failover_api.forge.values import Entry
from failover_api.reading.folder_index import (
    BATCH_BYTES,
    BATCH_FILES,
    BATCHES_AT_ONCE,
    MAX_FILES_READ,
    could_be_manifest,
)

FACTS_BYTES = 2 * 1024 * 1024
MAX_KEPT = 8_000  # claims, neighbours and names of documents, of all branches together: 200 bytes each at most


class BranchReader:
    """Reads branches, and keeps what they say."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._facts: LRUCache[tuple[str, bool], FileFacts] = LRUCache(
            FACTS_BYTES, getsizeof=lambda each: each.size_bytes
        )
        self._known: LRUCache[Branch, tuple[int, BranchKnowledge]] = LRUCache(
            MAX_KEPT, getsizeof=lambda kept: kept[1].count
        )

    def last(self, branch: Branch) -> BranchKnowledge | None:
        """What was read, if the branch is not known to have moved since. Asks nobody."""
        generation, known = self._known.get(branch, (-1, None))
        listing = self._files.last_listing(branch)
        is_current = listing is not None and listing.generation == generation
        return known if is_current and not self._files.is_listing_stale(branch) else None

    async def read(self, branch: Branch, *, not_before: float) -> BranchKnowledge:
        """What the branch says now; `not_before` as in Files.tree().

        Raises RepositoryTooLarge, ForgeUnavailable when a file could not be read, and what Files.tree() raises.
        """
        listing = await self._files.tree(branch, not_before=not_before)
        generation, kept = self._known.get(branch, (-1, None))
        if kept is not None and generation == listing.generation:
            return kept
        entries = [
            entry for entry in listing.entries if could_be_manifest(entry.path) and entry.size_bytes <= MAX_BYTES
        ]
        known = branch_knowledge(await self._read_all(branch, entries))
        self._known.pop(branch, None)
        if known.count <= MAX_KEPT:
            self._known[branch] = (listing.generation, known)
        return known

    async def _read_all(self, branch: Branch, entries: Sequence[Entry]) -> dict[str, FileFacts]:
        """What each file says, by path."""
        facts = {entry.path: self._facts.get(_key(entry)) for entry in entries}
        unread = [entry for entry in entries if facts[entry.path] is None]
        if len(unread) > MAX_FILES_READ:
            raise RepositoryTooLarge(
                f"{branch} has {len(unread)} files that could be manifests, and more than {MAX_FILES_READ} are not read"
            )
        slots = asyncio.Semaphore(BATCHES_AT_ONCE)

        async def read(batch: Sequence[Entry]) -> None:
            async with slots:
                blobs = await self._files.read_blobs(branch, batch)
                for entry in batch:
                    if entry.path in blobs:
                        facts[entry.path] = found = read_file_facts(entry.path, blobs[entry.path])
                        if found.size_bytes <= FACTS_BYTES // 8:
                            self._facts[_key(entry)] = found
                await asyncio.sleep(0)  # a batch takes some 50 ms of parsing: let others have a turn

        parts = batches(unread, BATCH_FILES, size_bytes=lambda entry: entry.size_bytes, max_bytes=BATCH_BYTES)
        await together(read(batch) for batch in parts)
        missing = [path for path, found in facts.items() if found is None]
        if missing:
            raise ForgeUnavailable(f"{missing[0]} on {branch} could not be read", retry_after_s=5.0)
        return {path: found for path, found in facts.items() if found is not None}


def _key(entry: Entry) -> tuple[str, bool]:
    """What a kustomization.yaml says depends on its name too."""
    return entry.sha, is_kustomization(entry.path)
