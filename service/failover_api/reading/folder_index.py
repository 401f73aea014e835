"""The documents in the files of a folder: an index by kind and name, kept while the branch lists the same files.

file       read once, by its blob sha, whatever its path; what it holds is kept, not the file
index      what all files below a folder hold, at one generation of the branch's listing
texts      the files that hold a document, compressed: a candidate is read again for its keys
"""

import asyncio
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from cachetools import LRUCache

from failover_api.concurrency import batches, together
from failover_api.core.catalog.model import Branch, Service
from failover_api.core.search.file_summary import FileSummary, is_kustomization, patch_files, rank, summarize_file
from failover_api.core.splice import MAX_BYTES, Selector
from failover_api.errors import ForgeUnavailable, RepositoryTooLarge
from failover_api.forge.port import Files
from failover_api.forge.values import Entry, File, Listing

BATCH_FILES, BATCH_BYTES = 100, 4 * 1024 * 1024
BATCHES_AT_ONCE = 3
MAX_FILES_READ = 2000
SUMMARIES_BYTES, TEXTS_BYTES = 8 * 1024 * 1024, 6 * 1024 * 1024
MAX_DOCUMENTS = 40_000  # in all indexes together: some 200 bytes each
_SUFFIXES = (".yaml", ".yml", ".json")
_SHOWN_PATHS = 5
_SummaryKey = tuple[str, bool]  # the blob sha, and whether the file is read as a kustomization


@dataclass(frozen=True, slots=True)
class FolderIndex:
    """What the files below a folder hold at one generation of the listing.

    `summaries` is {path: entry and summary} of the files that hold something, `by_name` {(kind, name): paths};
    `patches` are the files that kustomizations apply as patches.
    """

    generation: int
    file_count: int
    summaries: Mapping[str, tuple[Entry, FileSummary]]
    by_name: Mapping[tuple[str, str], tuple[str, ...]]
    patches: frozenset[str]
    too_large: tuple[str, ...]

    def entries_of(self, wanted: Selector) -> list[Entry]:
        """The files with a document of that kind and name."""
        return [self.summaries[path][0] for path in self.by_name.get((wanted.kind or "", wanted.name or ""), ())]


class FolderIndexes:
    """Reads folders of a forge, and keeps their indexes."""

    def __init__(self, forge: Files) -> None:
        self._forge = forge
        self._summaries: LRUCache[_SummaryKey, FileSummary] = LRUCache(
            SUMMARIES_BYTES, getsizeof=lambda summary: summary.size_bytes
        )
        self._texts: LRUCache[str, bytes] = LRUCache(TEXTS_BYTES, getsizeof=lambda packed: len(packed) + 200)
        self._indexes: LRUCache[tuple[Branch, str], FolderIndex] = LRUCache(MAX_DOCUMENTS, getsizeof=_document_count)
        self._turns: WeakValueDictionary[tuple[Branch, str], asyncio.Lock] = WeakValueDictionary()

    def has(self, branch: Branch) -> bool:
        """Whether there is an index of a folder of this branch."""
        return any(indexed == branch for indexed, _ in self._indexes)

    async def index(self, service: Service, listing: Listing) -> FolderIndex:
        """The index of the folder that the service is searched in.

        Raises RepositoryTooLarge, and ForgeUnavailable when a file could not be read.
        """
        branch, search = service.branch, service.search
        key = (branch, search)
        turn = self._turns.setdefault(key, asyncio.Lock())  # who asks for the same folder waits for the first
        async with turn:
            index = self._indexes.get(key)
            if index is not None and index.generation == listing.generation:
                return index
            entries, too_large = _manifests_below(listing, search)
            self._check_bound(service, entries)
            kustomizations = [
                entry for entry in listing.entries if is_kustomization(entry.path) and not entry.path.startswith(search)
            ]
            if len(entries) + len(kustomizations) > MAX_FILES_READ:  # then only those above the folder
                kustomizations = [entry for entry in kustomizations if search.startswith(_folder(entry.path))]
            names = names_of(service)
            # Paths that name the service come first: a batch that fails later costs nothing of them.
            entries.sort(key=lambda entry: not any(entry.path.find(name, len(search)) >= 0 for name in names))
            summaries = await self.summarize(
                branch, [*entries, *kustomizations], service.wanted, validated_at=listing.validated_at
            )
            index = _index(listing.generation, entries, summaries, too_large)
            self._indexes.pop(key, None)
            if _document_count(index) <= MAX_DOCUMENTS:
                self._indexes[key] = index
            return index

    async def summarize(
        self, branch: Branch, entries: Sequence[Entry], wanted: Selector | None = None, *, validated_at: float = 0.0
    ) -> dict[str, FileSummary]:
        """What the files hold, by path. A file with the wanted document is handed to the forge to keep.

        Raises ForgeUnavailable when one could not be read: a manifest in it would be overlooked.
        """
        summaries = {entry.path: self._summaries.get(_key(entry)) for entry in entries}
        unread = [entry for entry in entries if summaries[entry.path] is None]
        slots = asyncio.Semaphore(BATCHES_AT_ONCE)

        async def read(batch: Sequence[Entry]) -> None:
            async with slots:
                blobs = await self._forge.read_blobs(branch, batch)
                for entry in batch:
                    data = blobs.get(entry.path)
                    if data is None:
                        continue
                    summary = summaries[entry.path] = self._summarize(entry, data)
                    if wanted is not None and any(rank(document, wanted) for document in summary.documents):
                        self._forge.remember(branch, File(entry.path, data, entry.sha), validated_at=validated_at)
                await asyncio.sleep(0)  # a batch takes some 50 ms of parsing: let others have a turn

        parts = batches(unread, BATCH_FILES, size_bytes=lambda entry: entry.size_bytes, max_bytes=BATCH_BYTES)
        await together(read(batch) for batch in parts)
        missing = [path for path, summary in summaries.items() if summary is None]
        if missing:
            raise _unreadable(list_paths(missing), branch)
        return {path: summary for path, summary in summaries.items() if summary is not None}

    async def texts(self, branch: Branch, entries: Sequence[Entry]) -> dict[str, bytes]:
        """The files as bytes, by path: from what is kept, else read. Raises ForgeUnavailable."""
        packed = {entry.path: self._texts.get(entry.sha) for entry in entries}  # while we read, some may be dropped
        unread = [entry for entry in entries if packed[entry.path] is None]
        blobs = await self._forge.read_blobs(branch, unread) if unread else {}
        for entry in unread:
            if entry.path not in blobs:
                raise _unreadable(entry.path, branch)
            self._keep_text(entry.sha, blobs[entry.path])
        kept = {path: zlib.decompress(text) for path, text in packed.items() if text is not None}
        return {entry.path: kept[entry.path] if entry.path in kept else blobs[entry.path] for entry in entries}

    def _check_bound(self, service: Service, entries: Sequence[Entry]) -> None:
        unread = sum(_key(entry) not in self._summaries for entry in entries)
        if unread > MAX_FILES_READ:
            raise RepositoryTooLarge(
                f"{service.name}: its manifest could be in {unread} files under {place_of(service)}, and more than "
                f"{MAX_FILES_READ} are not searched: name its `path` in the catalog, or a narrower `search`"
            )

    def _summarize(self, entry: Entry, data: bytes) -> FileSummary:
        summary = self._summaries[_key(entry)] = summarize_file(entry.path, data)
        if summary.documents:
            self._keep_text(entry.sha, data)
        return summary

    def _keep_text(self, sha: str, data: bytes) -> None:
        packed = zlib.compress(data, 1)
        if len(packed) < TEXTS_BYTES // 8:
            self._texts[sha] = packed


def _index(
    generation: int, entries: Sequence[Entry], summaries: Mapping[str, FileSummary], too_large: Sequence[str]
) -> FolderIndex:
    """`summaries` may have more files than `entries`: kustomizations of other folders, whose patches count."""
    indexed = {entry.path: (entry, summaries[entry.path]) for entry in entries if not summaries[entry.path].is_empty}
    by_name: dict[tuple[str, str], list[str]] = {}
    for path, (_, summary) in indexed.items():
        for key in dict.fromkeys((doc.kind, doc.name) for doc in summary.documents if not doc.in_list):
            by_name.setdefault(key, []).append(path)
    paths_by_name = {key: tuple(paths) for key, paths in by_name.items()}
    return FolderIndex(
        generation, len(entries), indexed, paths_by_name, patch_files(summaries.items()), tuple(too_large)
    )


def _document_count(index: FolderIndex) -> int:
    return 1 + sum(1 + len(summary.documents) for _, summary in index.summaries.values())


def _manifests_below(listing: Listing, search: str) -> tuple[list[Entry], list[str]]:
    """The files of the folder that could be manifests, and the paths of those that are too large for one."""
    manifests = [entry for entry in listing.entries if entry.path.startswith(search) and could_be_manifest(entry.path)]
    too_large = [entry.path for entry in manifests if entry.size_bytes > MAX_BYTES]
    return [entry for entry in manifests if entry.size_bytes <= MAX_BYTES], too_large


def could_be_manifest(path: str) -> bool:
    """By its name alone."""
    lower = path.lower()
    if lower.startswith((".github/", ".git/")) or not lower.isprintable():
        return False
    return lower.endswith(_SUFFIXES) or is_kustomization(path)


def names_of(service: Service) -> tuple[str, ...]:
    """The names that the path of its manifest may contain: the service's, and the document's."""
    names = (service.name, service.wanted.name if service.wanted else None)
    return tuple(dict.fromkeys(name for name in names if name))


def place_of(service: Service) -> str:
    """Where it is searched, in words: `apps/ on acme/homelab@main`."""
    return f"{service.search or './'} on {service.branch}"


def list_paths(paths: Sequence[str]) -> str:
    """The paths in words, the first few of them: `a.yaml, b.yaml and 3 more`."""
    shown = sorted(paths)[:_SHOWN_PATHS]
    more = f" and {len(paths) - len(shown)} more" if len(paths) > len(shown) else ""
    return ", ".join(shown) + more


def _folder(path: str) -> str:
    """With its final "/", or "" for the root."""
    return path[: path.rfind("/") + 1]


def _key(entry: Entry) -> _SummaryKey:
    return entry.sha, is_kustomization(entry.path)


def _unreadable(what: str, branch: Branch) -> ForgeUnavailable:
    return ForgeUnavailable(f"{what} on {branch} could not be read", retry_after_s=5.0)
