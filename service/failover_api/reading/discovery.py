"""Where a service's manifest is, when the catalog names no `path`.

    listing     the tree of the branch says which files there are, and which are others than before
    picture     what all files below `search` hold; a file is read once, by its blob sha, whatever its name
    answer      the one copy; or why there is none, or which they are when there are several

A copy is a document of the right kind, name and namespace that has the keys of the service's switches, in a file that
no kustomization lays over others. An answer depends on the listing alone: not on what was read before, or kept. It
holds until the branch lists something else.
"""

import asyncio
import copy
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from cachetools import LRUCache

from failover_api.concurrency import together
from failover_api.core.catalog.model import Branch, Service
from failover_api.core.search.file_summary import (
    FileSummary,
    is_kustomization,
    is_partial,
    missing_key,
    pack,
    patch_files,
    rank,
    summarize_file,
    unpack,
)
from failover_api.core.search.near_misses import SearchContext, near_misses
from failover_api.core.splice import MAX_BYTES, DocumentId, Manifest, Selector, parse
from failover_api.core.splice.paths import Path
from failover_api.errors import (
    AmbiguousDocument,
    FailoverError,
    ForgeUnavailable,
    ManifestAmbiguous,
    ManifestError,
    ManifestNotFound,
    RepositoryTooLarge,
)
from failover_api.forge.port import Forge
from failover_api.forge.values import Entry, File, Listing

BATCH_FILES, BATCH_BYTES = 100, 4 * 1024 * 1024
BATCHES_AT_ONCE = 3
MAX_FILES_READ = 2000
OUTSIDE_READ = 20  # files outside `search` that are looked into when nothing was found
ANSWERS_KEPT = 2048
CONTENTS_BYTES, TEXTS_BYTES = 8 * 1024 * 1024, 8 * 1024 * 1024
PICTURES_HOLDINGS = 40_000  # documents in all pictures together: some 200 bytes each
_SUFFIXES = (".yaml", ".yml", ".json")
_NAMED_AT_MOST = 5
_EXACT = 2
_log = logging.getLogger(__name__)
_Key = tuple[str, bool]  # the blob sha, and whether the file is read as a kustomization


@dataclass(frozen=True, slots=True)
class _Picture:
    """What the files below a folder hold at one generation; `held` are those that hold something."""

    generation: int
    files: int
    held: Mapping[str, tuple[Entry, FileSummary]]
    by_name: Mapping[tuple[str, str], tuple[str, ...]]
    patches: frozenset[str]
    too_large: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A document that may be the one. `lack` says which key it has not; `is_chosen_by_name`: no other is meant."""

    rank: int
    document: DocumentId
    lack: ManifestError | None
    is_partial: bool
    is_chosen_by_name: bool


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a search came to: the place, or what is said instead."""

    generation: int
    entry: Entry | None = None
    located: Service | None = None
    error: FailoverError | None = None

    def give(self) -> Service:
        if self.error is not None:
            raise copy.copy(self.error)
        assert self.located is not None, "an answer is a place or an error"
        return self.located


class Discovery:
    """Finds manifests on a forge."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._answers: LRUCache[Service, _Answer] = LRUCache(ANSWERS_KEPT)
        self._contents: LRUCache[_Key, FileSummary] = LRUCache(CONTENTS_BYTES, getsizeof=lambda one: one.size_bytes)
        self._texts: LRUCache[str, bytes] = LRUCache(TEXTS_BYTES, getsizeof=lambda packed: len(packed) + 200)
        self._pictures: LRUCache[tuple[Branch, str], _Picture] = LRUCache(PICTURES_HOLDINGS, getsizeof=_holdings)
        self._turns: WeakValueDictionary[tuple[Branch, str], asyncio.Lock] = WeakValueDictionary()
        self._looks: dict[Branch, asyncio.Task[None]] = {}
        forge.watch_trees(self._look_again)

    async def aclose(self) -> None:
        """Ends what is under way."""
        looks = list(self._looks.values())
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)

    async def locate(self, service: Service, *, not_before: float | None, head: str | None = None) -> Service:
        """The service with a file for each switch, as the branch lists it; `not_before` and `head` as in Forge.tree().

        Raises ManifestNotFound, ManifestAmbiguous, SwitchNotFound when only a key of it is missing,
        RepositoryTooLarge, and what Forge.tree() raises.
        """
        if service.wanted is None:
            return service
        known = self._answers.get(service)
        if known is not None and not_before is None and head is None and self._still_holds(known, service.branch):
            return known.give()
        if known is None and not_before is None:
            not_before = time.monotonic()
        listing = await self._forge.tree(service.branch, not_before=not_before, head=head)
        known = self._answers.get(service)
        if known is None or known.generation != listing.generation:
            known = self._answers[service] = await self._search(service, service.wanted, listing)
        if known.entry is not None and known.entry.path not in listing.written:  # it is what it was: no need to ask
            self._forge.confirm(service.branch, known.entry, validated_at=listing.validated_at)
        return known.give()

    def _still_holds(self, answer: _Answer, branch: Branch) -> bool:
        """As far as is known without asking."""
        listing = self._forge.last_listing(branch)
        return listing is None or (listing.generation == answer.generation and not self._forge.is_listing_stale(branch))

    def known(self, service: Service) -> Service | None:
        """Where it was found last, which may be long ago; None when it is not known."""
        if service.wanted is None:
            return service
        answer = self._answers.get(service)
        return None if answer is None else answer.located

    def forget(self, service: Service) -> None:
        """The place is no longer right: search again next time."""
        self._answers.pop(service, None)
        self._forge.invalidate_tree(service.branch)

    # Searching

    async def _search(self, service: Service, wanted: Selector, listing: Listing) -> _Answer:
        picture = await self._picture(service, listing)
        entries = [picture.held[path][0] for path in picture.by_name.get((wanted.kind or "", wanted.name or ""), ())]
        found = await self._candidates(service, wanted, entries)
        sound = {path: some for path, some in found.items() if path not in picture.patches}
        copies = [(path, one) for path, some in sound.items() for one in some if one.lack is None]
        best = max((one.rank for _, one in copies), default=0)
        copies = [(path, one) for path, one in copies if one.rank == best]
        generation = picture.generation
        match copies:
            case [(path, one)]:
                index = None if one.is_chosen_by_name else one.document.index
                entry = picture.held[path][0]
                return _Answer(generation, entry, located=service.located(path, index))
            case []:
                error = _only_incomplete(sound) or await self._not_found(service, wanted, picture, found, listing)
                return _Answer(generation, error=error)
        return _Answer(generation, error=_ambiguous(service, wanted, copies))

    async def _picture(self, service: Service, listing: Listing) -> _Picture:
        """What all files below the folder hold. Raises RepositoryTooLarge, ForgeUnavailable for one not read."""
        branch, search = service.branch, service.search
        key = (branch, search)
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            picture = self._pictures.get(key)
            if picture is not None and picture.generation == listing.generation:
                return picture
            entries, too_large = _below(listing, search)
            self._check_bound(service, entries)
            elsewhere = [
                entry for entry in listing.entries if is_kustomization(entry.path) and not entry.path.startswith(search)
            ]
            if len(entries) + len(elsewhere) > MAX_FILES_READ:
                elsewhere = [entry for entry in elsewhere if search.startswith(_folder(entry.path))]
            names = _names(service)
            entries.sort(key=lambda entry: not any(entry.path.find(name, len(search)) >= 0 for name in names))
            contents = await self._read(branch, [*entries, *elsewhere], service.wanted, listing.validated_at)
            picture = _pictured(listing.generation, entries, elsewhere, contents, too_large)
            self._pictures.pop(key, None)
            if _holdings(picture) <= PICTURES_HOLDINGS:
                self._pictures[key] = picture
            return picture

    def _check_bound(self, service: Service, entries: Sequence[Entry]) -> None:
        unread = sum(_key(entry) not in self._contents for entry in entries)
        if unread > MAX_FILES_READ:
            raise RepositoryTooLarge(
                f"{service.name}: its manifest could be in {unread} files under {_place(service)}, and more than "
                f"{MAX_FILES_READ} are not searched: name its `path` in the catalog, or a narrower `search`"
            )

    async def _read(
        self, branch: Branch, entries: Sequence[Entry], wanted: Selector | None = None, validated_at: float = 0.0
    ) -> dict[str, FileSummary]:
        """What the files hold, by path. A file with the wanted document is handed to the forge to keep.

        Raises ForgeUnavailable when one could not be read: in doubt refuse.
        """
        contents = {entry.path: self._contents.get(_key(entry)) for entry in entries}
        unread = [entry for entry in entries if contents[entry.path] is None]
        slots = asyncio.Semaphore(BATCHES_AT_ONCE)

        async def read(batch: Sequence[Entry]) -> None:
            async with slots:
                blobs = await self._forge.read_blobs(branch, batch)
                for entry in batch:
                    data = blobs.get(entry.path)
                    if data is None:
                        continue
                    held = contents[entry.path] = self._take_in(entry, data)
                    if wanted is not None and any(rank(one, wanted) for one in held.documents):
                        self._forge.remember(branch, File(entry.path, data, entry.sha), validated_at=validated_at)
                await asyncio.sleep(0)  # a batch takes some 50 ms of parsing: let others have a turn

        await together(read(batch) for batch in _batches(unread))
        missing = [path for path, held in contents.items() if held is None]
        if missing:
            raise ForgeUnavailable(f"{_listed(missing)} on {branch} could not be read", retry_after_s=5.0)
        return {path: held for path, held in contents.items() if held is not None}

    def _take_in(self, entry: Entry, data: bytes) -> FileSummary:
        held = self._contents[_key(entry)] = summarize_file(entry.path, data)
        if held.documents:
            self._keep_text(entry.sha, data)
        return held

    def _keep_text(self, sha: str, data: bytes) -> None:
        packed = pack(data)
        if len(packed) < TEXTS_BYTES // 8:
            self._texts[sha] = packed

    async def _candidates(
        self, service: Service, wanted: Selector, entries: Sequence[Entry]
    ) -> dict[str, list[_Candidate]]:
        """The documents of that kind, name and namespace, by path, each read for its keys."""
        unread = [entry for entry in entries if entry.sha not in self._texts]
        blobs = await self._forge.read_blobs(service.branch, unread) if unread else {}
        for entry in unread:
            if entry.path not in blobs:
                raise ForgeUnavailable(f"{entry.path} on {service.branch} could not be read", retry_after_s=5.0)
        paths = [switch.path for switch in service.switches if switch.file is None]
        found: dict[str, list[_Candidate]] = {}
        for entry in entries:
            data = blobs[entry.path] if entry.path in blobs else unpack(self._texts[entry.sha])
            self._keep_text(entry.sha, data)
            candidates = _candidates(parse(data, file=entry.path), wanted, paths)
            if candidates:
                found[entry.path] = candidates
            await asyncio.sleep(0)
        return found

    async def _not_found(
        self,
        service: Service,
        wanted: Selector,
        picture: _Picture,
        found: Mapping[str, Sequence[_Candidate]],
        listing: Listing,
    ) -> ManifestNotFound:
        told = [
            (0, path, _incomplete(path, one, is_patch=path in picture.patches))
            for path, some in found.items()
            for one in some
            if one.lack is not None
        ]
        around = SearchContext(
            held={path: contents for path, (_, contents) in picture.held.items()},
            outside=await self._outside(service, listing),
            patches=picture.patches,
            links=[path for path in listing.links if path.startswith(service.search)],
            others=[entry.path for entry in listing.entries if entry.path.startswith(service.search)],
        )
        return _not_found(service, wanted, picture, near_misses(wanted, _names(service), around, told))

    async def _outside(self, service: Service, listing: Listing) -> dict[str, FileSummary]:
        """What files outside the folder hold whose path names the service: a few, and none when that fails."""
        names = _names(service)
        entries = [
            entry
            for entry in listing.entries
            if not entry.path.startswith(service.search)
            and _could_be_manifest(entry.path)
            and entry.size_bytes <= MAX_BYTES
            and any(name in entry.path for name in names)
        ][:OUTSIDE_READ]
        try:
            return await self._read(service.branch, entries)
        except FailoverError:
            return {}

    # Looking again, off anybody's path

    def _look_again(self, branch: Branch) -> None:
        """Somebody else moved the branch: what that changed is read now, so that the next move need not."""
        if branch not in self._looks and any(of == branch for of, _ in self._pictures):
            task = self._looks[branch] = asyncio.create_task(self._look(branch))
            task.add_done_callback(lambda _: self._looks.pop(branch, None))

    async def _look(self, branch: Branch) -> None:
        try:
            listing = await self._forge.tree(branch, not_before=time.monotonic())
            services = {one.search: one for one in self._answers if one.branch == branch}
            for service in services.values():
                await self._picture(service, listing)
        except FailoverError as exc:
            _log.debug("the search was not repeated", extra={"problem": exc.slug, "detail": exc.detail})


def _pictured(
    generation: int,
    entries: Sequence[Entry],
    elsewhere: Sequence[Entry],
    contents: Mapping[str, FileSummary],
    too_large: Sequence[str],
) -> _Picture:
    held = {entry.path: (entry, contents[entry.path]) for entry in entries if not contents[entry.path].is_empty}
    by_name: dict[tuple[str, str], list[str]] = {}
    for path, (_, one) in held.items():
        for key in dict.fromkeys((doc.kind, doc.name) for doc in one.documents if not doc.in_list):
            by_name.setdefault(key, []).append(path)
    patches = patch_files([(entry.path, contents[entry.path]) for entry in (*entries, *elsewhere)])
    named = {key: tuple(paths) for key, paths in by_name.items()}
    return _Picture(generation, len(entries), held, named, patches, tuple(too_large))


def _holdings(picture: _Picture) -> int:
    return 1 + sum(1 + len(contents.documents) for _, contents in picture.held.values())


def _candidates(manifest: Manifest, wanted: Selector, paths: Sequence[Path]) -> list[_Candidate]:
    ranked = [(rank(document, wanted), document) for document in manifest.documents]
    ranked = [(ranks, document) for ranks, document in ranked if ranks]
    best = [document for ranks, document in ranked if ranks == _EXACT] or [document for _, document in ranked]
    return [
        _Candidate(
            ranks, document, missing_key(manifest, document, paths), is_partial(manifest, document), best == [document]
        )
        for ranks, document in ranked
    ]


def _only_incomplete(found: Mapping[str, Sequence[_Candidate]]) -> ManifestError | None:
    """What the one manifest of that name lacks: it is no patch, so it is this that has to be mended."""
    whole = [one for some in found.values() for one in some if not one.is_partial]
    return whole[0].lack if len(whole) == 1 and sum(map(len, found.values())) == 1 else None


def _incomplete(path: str, one: _Candidate, *, is_patch: bool) -> str:
    assert one.lack is not None, "it is incomplete"
    what = "is a patch of it" if is_patch or one.is_partial else "is not all of it"
    return f"{path}:{one.document.line} {what}: {one.lack.detail.removeprefix(f'{path}:{one.lack.line}: ')}"


def _ambiguous(service: Service, wanted: Selector, copies: Sequence[tuple[str, _Candidate]]) -> ManifestAmbiguous:
    what = _described(service, wanted)
    files = list(dict.fromkeys(path for path, _ in copies))
    if len(files) > 1:
        return ManifestAmbiguous(f"{what} is in {_listed(files)}; name the right `path` in the catalog")
    lines = [str(one.document.line) for _, one in copies]
    text = f"{what} is there {len(lines)} times, on lines {', '.join(lines[:_NAMED_AT_MOST])}"
    return AmbiguousDocument(text, file=files[0], line=copies[1][1].document.line)


def _not_found(service: Service, wanted: Selector, picture: _Picture, nearest: str) -> ManifestNotFound:
    broken = [path for path, (_, contents) in picture.held.items() if contents.problem]
    hint = nearest
    if broken:
        hint += f"; {len(broken)} could not be read as YAML: {_listed(broken)}"
    if picture.too_large:
        hint += f"; larger than {MAX_BYTES:,} bytes and skipped: {_listed(picture.too_large)}"
    what = _described(service, wanted)
    return ManifestNotFound(f"no {what} in the {picture.files} YAML files under {_place(service)}{hint}")


def _below(listing: Listing, search: str) -> tuple[list[Entry], list[str]]:
    """The files of the folder that could be manifests, and those that are too large for one."""
    manifests = [entry for entry in listing.entries if entry.path.startswith(search) and _could_be_manifest(entry.path)]
    too_large = [entry.path for entry in manifests if entry.size_bytes > MAX_BYTES]
    return [entry for entry in manifests if entry.size_bytes <= MAX_BYTES], too_large


def _could_be_manifest(name: str) -> bool:
    path = name.lower()
    if path.startswith((".github/", ".git/")) or not path.isprintable():
        return False
    return path.endswith(_SUFFIXES) or is_kustomization(name)


def _names(service: Service) -> tuple[str, ...]:
    """What the path of a file about it may have in it."""
    name = service.wanted.name if service.wanted else None
    return tuple(dict.fromkeys(one for one in (service.name, name) if one))


def _folder(path: str) -> str:
    """With its final "/", or "" for the root."""
    return path[: path.rfind("/") + 1]


def _key(entry: Entry) -> _Key:
    return entry.sha, is_kustomization(entry.path)


def _described(service: Service, wanted: Selector) -> str:
    return f"{wanted.kind} {wanted.namespace}/{wanted.name} of service {service.name}"


def _place(service: Service) -> str:
    return f"{service.search or './'} on {service.branch}"


def _listed(paths: Sequence[str]) -> str:
    shown = sorted(paths)[:_NAMED_AT_MOST]
    more = f" and {len(paths) - len(shown)} more" if len(paths) > len(shown) else ""
    return ", ".join(shown) + more


def _batches(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """At most BATCH_FILES and about BATCH_BYTES each."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        if batch and (len(batch) == BATCH_FILES or size + entry.size_bytes > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.size_bytes
    if batch:
        yield batch
