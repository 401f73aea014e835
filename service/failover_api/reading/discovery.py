"""Where a service's manifest is, when the catalog names no `path`.

    listing    the tree of the branch says which files there are, and which of them changed
    index      the documents in all files below `search` (folder_index)
    result     the one document that matches; or why there is none, or where they are when there are several

A match is a document of the right kind, name and namespace that has the keys of the service's switches, in a file that
no kustomization applies as a patch. A result depends on the listing alone, not on what was read before or is kept. It
holds until the branch lists something else.
"""

import asyncio
import copy
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cachetools import LRUCache

from failover_api.core.catalog.model import Branch, Service
from failover_api.core.search.file_summary import EXACT, FileSummary, is_partial, missing_key, rank
from failover_api.core.search.near_misses import NearMiss, SearchContext, near_misses
from failover_api.core.splice import MAX_BYTES, DocumentId, Manifest, Selector, parse
from failover_api.core.splice.paths import Path
from failover_api.errors import (
    AmbiguousDocument,
    FailoverError,
    ManifestAmbiguous,
    ManifestError,
    ManifestNotFound,
)
from failover_api.forge.port import Files
from failover_api.forge.values import Entry, Listing
from failover_api.reading.folder_index import (
    FolderIndex,
    FolderIndexes,
    could_be_manifest,
    list_paths,
    names_of,
    place_of,
)

MAX_OUTSIDE_READ = 20  # files outside `search` that are read when nothing was found
RESULTS_KEPT = 2048
_SHOWN_LINES = 5
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A document of the right kind and name. `missing` says which key it does not have.

    `is_unique_name`: its selector alone means this document; no index is needed to tell it from others in the file.
    """

    rank: int
    document: DocumentId
    missing: ManifestError | None
    is_partial: bool
    is_unique_name: bool


@dataclass(frozen=True, slots=True)
class _Result:
    """What a search found: the located service and its file's entry, or the error to raise."""

    generation: int
    entry: Entry | None = None
    located: Service | None = None
    error: FailoverError | None = None

    def service(self) -> Service:
        if self.error is not None:
            raise copy.copy(self.error)  # a kept error is raised many times: each needs a traceback of its own
        assert self.located is not None, "a result is a place or an error"
        return self.located


class Discovery:
    """Finds manifests on a forge."""

    def __init__(self, forge: Files) -> None:
        self._forge = forge
        self._indexes = FolderIndexes(forge)
        self._results: LRUCache[Service, _Result] = LRUCache(RESULTS_KEPT)
        self._refreshes: dict[Branch, asyncio.Task[None]] = {}
        forge.watch_trees(self._refresh_later)

    async def aclose(self) -> None:
        """Cancels the refreshes in the background."""
        refreshes = list(self._refreshes.values())
        for refresh in refreshes:
            refresh.cancel()
        await asyncio.gather(*refreshes, return_exceptions=True)

    async def locate(self, service: Service, *, not_before: float | None, head: str | None = None) -> Service:
        """The service with a file for each switch, as the branch lists it; `not_before` and `head` as in Forge.tree().

        Raises ManifestNotFound, ManifestAmbiguous, SwitchNotFound when only a key of it is missing,
        RepositoryTooLarge, and what Forge.tree() raises.
        """
        if service.wanted is None:
            return service
        result = self._results.get(service)
        if result is not None and not_before is None and head is None and self._still_holds(result, service.branch):
            return result.service()
        if result is None and not_before is None:
            not_before = time.monotonic()
        listing = await self._forge.tree(service.branch, not_before=not_before, head=head)
        result = self._results.get(service)  # another task may have searched meanwhile
        if result is None or result.generation != listing.generation:
            result = self._results[service] = await self._search(service, service.wanted, listing)
        # The listing proves that the file is what it was, so no read has to ask; but not for a file that we wrote
        # since: its entry is of before.
        if result.entry is not None and result.entry.path not in listing.written:
            self._forge.confirm(service.branch, result.entry, validated_at=listing.validated_at)
        return result.service()

    def _still_holds(self, result: _Result, branch: Branch) -> bool:
        """As far as is known without asking the host."""
        listing = self._forge.last_listing(branch)
        return listing is None or (listing.generation == result.generation and not self._forge.is_listing_stale(branch))

    def known(self, service: Service) -> Service | None:
        """Where it was found last, which may be long ago; None when it is not known."""
        if service.wanted is None:
            return service
        result = self._results.get(service)
        return None if result is None else result.located

    def forget(self, service: Service) -> None:
        """The place is no longer right: the next locate() searches again."""
        self._results.pop(service, None)
        self._forge.invalidate_tree(service.branch)

    # Searching

    async def _search(self, service: Service, wanted: Selector, listing: Listing) -> _Result:
        index = await self._indexes.index(service, listing)
        candidates = await self._candidates(service, wanted, index)
        manifests = {path: documents for path, documents in candidates.items() if path not in index.patches}
        matches = [
            (path, candidate)
            for path, documents in manifests.items()
            for candidate in documents
            if candidate.missing is None
        ]
        best = max((candidate.rank for _, candidate in matches), default=0)
        match [(path, candidate) for path, candidate in matches if candidate.rank == best]:
            case [(path, candidate)]:
                document_index = None if candidate.is_unique_name else candidate.document.index
                located = service.located(path, document_index)
                return _Result(index.generation, index.summaries[path][0], located)
            case []:
                error = _missing_key_of_the_only_one(manifests) or await self._not_found(
                    service, wanted, index, candidates, listing
                )
                return _Result(index.generation, error=error)
            case several:
                return _Result(index.generation, error=_ambiguous(service, wanted, several))

    async def _candidates(self, service: Service, wanted: Selector, index: FolderIndex) -> dict[str, list[_Candidate]]:
        """The documents of that kind, name and namespace, by path, each read for the keys of the switches."""
        paths = [switch.path for switch in service.switches if switch.file is None]
        found: dict[str, list[_Candidate]] = {}
        for path, data in (await self._indexes.texts(service.branch, index.entries_of(wanted))).items():
            candidates = _candidates(parse(data, file=path), wanted, paths)
            if candidates:
                found[path] = candidates
            await asyncio.sleep(0)  # a file takes some milliseconds of parsing: let others have a turn
        return found

    async def _not_found(
        self,
        service: Service,
        wanted: Selector,
        index: FolderIndex,
        candidates: Mapping[str, Sequence[_Candidate]],
        listing: Listing,
    ) -> ManifestNotFound:
        known = [
            NearMiss(0, path, _incomplete(path, candidate, candidate.missing, is_patch=path in index.patches))
            for path, documents in candidates.items()
            for candidate in documents
            if candidate.missing is not None
        ]
        context = SearchContext(
            searched={path: summary for path, (_, summary) in index.summaries.items()},
            outside=await self._outside(service, listing),
            patches=index.patches,
            links=[path for path in listing.links if path.startswith(service.search)],
            others=[entry.path for entry in listing.entries if entry.path.startswith(service.search)],
        )
        return _not_found(service, wanted, index, near_misses(wanted, names_of(service), context, known))

    async def _outside(self, service: Service, listing: Listing) -> dict[str, FileSummary]:
        """What files outside the folder hold whose path names the service: a few, and none when that fails."""
        names = names_of(service)
        entries = [
            entry
            for entry in listing.entries
            if not entry.path.startswith(service.search)
            and could_be_manifest(entry.path)
            and entry.size_bytes <= MAX_BYTES
            and any(name in entry.path for name in names)
        ][:MAX_OUTSIDE_READ]
        try:
            return await self._indexes.summarize(service.branch, entries)
        except FailoverError:
            return {}

    # In the background

    def _refresh_later(self, branch: Branch) -> None:
        """Somebody else moved the branch: the changes are read now, so that the next move does not wait for that."""
        if branch not in self._refreshes and self._indexes.has(branch):
            task = self._refreshes[branch] = asyncio.create_task(self._refresh(branch))
            task.add_done_callback(lambda _: self._refreshes.pop(branch, None))

    async def _refresh(self, branch: Branch) -> None:
        try:
            listing = await self._forge.tree(branch, not_before=time.monotonic())
            by_folder = {service.search: service for service in self._results if service.branch == branch}
            for service in by_folder.values():
                await self._indexes.index(service, listing)
        except FailoverError as exc:
            _log.debug("the search was not repeated", extra={"problem": exc.slug, "detail": exc.detail})


def _candidates(manifest: Manifest, wanted: Selector, paths: Sequence[Path]) -> list[_Candidate]:
    ranked = [(rank(document, wanted), document) for document in manifest.documents]
    ranked = [(document_rank, document) for document_rank, document in ranked if document_rank]
    best = [document for document_rank, document in ranked if document_rank == EXACT] or [doc for _, doc in ranked]
    return [
        _Candidate(
            rank=document_rank,
            document=document,
            missing=missing_key(manifest, document, paths),
            is_partial=is_partial(manifest, document),
            is_unique_name=best == [document],
        )
        for document_rank, document in ranked
    ]


def _missing_key_of_the_only_one(candidates: Mapping[str, Sequence[_Candidate]]) -> ManifestError | None:
    """Which key the one whole manifest of that name does not have: it is no patch, so this has to be mended."""
    match [each for documents in candidates.values() for each in documents if not each.is_partial]:
        case [candidate]:
            return candidate.missing
    return None


def _incomplete(path: str, candidate: _Candidate, missing: ManifestError, *, is_patch: bool) -> str:
    what = "is a patch of it:" if is_patch or candidate.is_partial else "has it, and"
    return f"{path}:{candidate.document.line} {what} {missing.detail.removeprefix(f'{path}:{missing.line}: ')}"


def _ambiguous(service: Service, wanted: Selector, matches: Sequence[tuple[str, _Candidate]]) -> ManifestAmbiguous:
    what = _described(service, wanted)
    files = list(dict.fromkeys(path for path, _ in matches))
    if len(files) > 1:
        return ManifestAmbiguous(f"{what} is in {list_paths(files)}; name the right `path` in the catalog")
    lines = [str(candidate.document.line) for _, candidate in matches]
    text = f"{what} is there {len(lines)} times, on lines {', '.join(lines[:_SHOWN_LINES])}"
    return AmbiguousDocument(text, file=files[0], line=matches[1][1].document.line)


def _not_found(service: Service, wanted: Selector, index: FolderIndex, nearest: str) -> ManifestNotFound:
    broken = [path for path, (_, summary) in index.summaries.items() if summary.problem]
    hint = nearest
    if broken:
        hint += f"; {len(broken)} could not be read as YAML: {list_paths(broken)}"
    if index.too_large:
        hint += f"; larger than {MAX_BYTES:,} bytes and skipped: {list_paths(index.too_large)}"
    what = _described(service, wanted)
    return ManifestNotFound(f"no {what} in the {index.file_count} YAML files under {place_of(service)}{hint}")


def _described(service: Service, wanted: Selector) -> str:
    return f"{wanted.kind} {wanted.namespace}/{wanted.name} of service {service.name}"
