"""Where a service's manifest is, when the catalog names no `path`.

The tree of the branch says which files there are; those whose path names the service are read first, the rest a
hundred at a time. What a file holds is kept by its blob sha, so the next service costs no reading. A found path is
kept until it is forgotten (its file is gone, or its document is) or the service's entry in the catalog changes.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cachetools import LRUCache

from failover_api.core.catalog import Branch, Service
from failover_api.core.splice import MAX_BYTES, Selector, parse
from failover_api.errors import (
    GitHubUnavailable,
    ManifestAmbiguous,
    ManifestInvalid,
    ManifestNotFound,
    RepositoryTooLarge,
)
from failover_api.forge.port import Entry, File, Forge

BATCH_FILES = 100
MAX_FILES_READ = 2000
PATHS_KEPT = 4096
_EXACT, _ANY_NAMESPACE = 2, 1  # how well a document matches
_SUFFIXES = (".yaml", ".yml", ".json")
_NAMED_AT_MOST = 5

# What a file holds: (kind, name, namespace) of each document; None when it is no YAML.
_Contents = frozenset[tuple[str, str, str | None]] | None


@dataclass(frozen=True, slots=True)
class _Tree:
    entries: tuple[Entry, ...]
    too_large: tuple[str, ...]
    read_at: float


class Discovery:
    """Finds manifests on a forge."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._paths: LRUCache[Service, str] = LRUCache(PATHS_KEPT)
        self._trees: dict[Branch, _Tree] = {}
        self._contents: LRUCache[str, _Contents] = LRUCache(50_000)
        self._turns: dict[Branch, asyncio.Lock] = {}

    async def locate(self, service: Service, *, not_before: float) -> Service:
        """The service with a file for each switch. A search uses nothing older than `not_before` (time.monotonic()).

        Raises ManifestNotFound, ManifestAmbiguous, RepositoryTooLarge, and what Forge.list_files() raises.
        """
        if service.wanted is None:
            return service
        path = self._paths.get(service)
        if path is None:
            async with self._turns.setdefault(service.branch, asyncio.Lock()):
                path = self._paths.get(service) or await self._search(service, service.wanted, not_before)
            self._paths[service] = path
        return service.located(path)

    def forget(self, service: Service) -> None:
        """The path is no longer right: search again next time."""
        self._paths.pop(service, None)

    async def _search(self, service: Service, wanted: Selector, not_before: float) -> str:
        """Reads what names the service, then the rest: a document without a namespace gives way to one with it."""
        named, others = await self._candidates(service, wanted, not_before)
        first = named or others
        self._check_bound(service, first)
        seen = await self._read(service.branch, first, others if named else (), wanted, not_before)
        if _best(seen, wanted) < _EXACT:
            self._check_bound(service, others)
            seen |= await self._read(service.branch, others, (), wanted, not_before)
        best = _best(seen, wanted)
        unread = [entry.path for entry in (*named, *others) if entry.path not in seen]
        if best < _EXACT and unread:  # one of them may hold it: in doubt refuse
            raise GitHubUnavailable(f"{_listed(unread)} on {service.branch} could not be read", retry_after_s=5.0)
        if not best:
            too_large = [path for path in self._trees[service.branch].too_large if path.startswith(service.search)]
            raise _not_found(service, wanted, seen, too_large)
        found = [path for path, contents in seen.items() if _rank(contents, wanted) == best]
        if len(found) > 1:
            what = _described(service, wanted)
            raise ManifestAmbiguous(f"{what} is in {_listed(found)}; name the right `path` in the catalog")
        return found[0]

    def _check_bound(self, service: Service, entries: Sequence[Entry]) -> None:
        unread = sum(entry.sha not in self._contents for entry in entries)
        if unread > MAX_FILES_READ:
            raise RepositoryTooLarge(
                f"{service.name}: its manifest could be in {unread} files under {_place(service)}, and more than "
                f"{MAX_FILES_READ} are not searched: name its `path` in the catalog, or a narrower `search`"
            )

    async def _candidates(
        self, service: Service, wanted: Selector, not_before: float
    ) -> tuple[list[Entry], list[Entry]]:
        """The files that could hold the manifest: those whose path names the service, and the others."""
        tree = self._trees.get(service.branch)
        if tree is None or tree.read_at < not_before:
            now = time.monotonic()
            entries = await self._forge.list_files(service.branch, not_before=not_before)
            tree = self._trees[service.branch] = _tree(entries, now)
        below = [entry for entry in tree.entries if entry.path.startswith(service.search)]
        names = {name for name in (service.name, wanted.name) if name}
        start = len(service.search)
        named = [entry for entry in below if any(entry.path.find(name, start) >= 0 for name in names)]
        chosen = {entry.path for entry in named}
        return named, [entry for entry in below if entry.path not in chosen]

    async def _read(
        self,
        branch: Branch,
        entries: Sequence[Entry],
        spare: Sequence[Entry],
        wanted: Selector,
        not_before: float,
    ) -> dict[str, _Contents]:
        """What the files hold, by path. A file with the wanted document is handed to the forge to keep."""
        unread = [entry for entry in entries if entry.sha not in self._contents]
        fill = [entry for entry in spare if entry.sha not in self._contents][:BATCH_FILES] if unread else []
        for batch in _batches(unread):
            blobs = await self._forge.read_blobs(branch, batch, fill)
            for entry in (*batch, *fill):
                data = blobs.get(entry.path)
                if data is None:
                    continue  # nothing is known of it: it is asked for again next time
                contents = self._contents[entry.sha] = _contents(data)
                if _rank(contents, wanted):
                    self._forge.remember(branch, File(entry.path, data, entry.sha), validated_at=not_before)
            fill = []
            await asyncio.sleep(0)  # a batch takes some 50 ms of parsing: let others have a turn
        return {e.path: self._contents[e.sha] for e in (*entries, *spare) if e.sha in self._contents}


def _not_found(
    service: Service, wanted: Selector, seen: Mapping[str, _Contents], too_large: Sequence[str]
) -> ManifestNotFound:
    broken = [path for path, contents in seen.items() if contents is None]
    hint = f"; {len(broken)} could not be read as YAML: {_listed(broken)}" if broken else ""
    if too_large:
        hint += f"; larger than {MAX_BYTES:,} bytes and skipped: {_listed(too_large)}"
    what = _described(service, wanted)
    return ManifestNotFound(f"no {what} in the {len(seen)} YAML files under {_place(service)}{hint}")


def _tree(entries: Sequence[Entry], read_at: float) -> _Tree:
    manifests = [entry for entry in entries if _could_be_manifest(entry.path)]
    small = tuple(entry for entry in manifests if entry.size_bytes <= MAX_BYTES)
    return _Tree(small, tuple(entry.path for entry in manifests if entry.size_bytes > MAX_BYTES), read_at)


def _could_be_manifest(name: str) -> bool:
    path = name.lower()
    return path.endswith(_SUFFIXES) and not path.startswith((".github/", ".git/")) and path.isprintable()


def _contents(data: bytes) -> _Contents:
    if b"Deployment" not in data and b"StatefulSet" not in data:
        return frozenset()  # most files: no need to parse them
    try:
        documents = parse(data, file="").documents
    except ManifestInvalid:
        return None
    return frozenset((d.kind, d.name, d.namespace) for d in documents if d.kind and d.name)


def _best(seen: Mapping[str, _Contents], wanted: Selector) -> int:
    return max((_rank(contents, wanted) for contents in seen.values()), default=0)


def _rank(contents: _Contents, wanted: Selector) -> int:
    held = {namespace for kind, name, namespace in contents or () if (kind, name) == (wanted.kind, wanted.name)}
    return _EXACT if wanted.namespace in held else _ANY_NAMESPACE if None in held else 0


def _described(service: Service, wanted: Selector) -> str:
    return f"{wanted.kind} {wanted.namespace}/{wanted.name} of service {service.name}"


def _place(service: Service) -> str:
    return f"{service.search or './'} on {service.branch}"


def _listed(paths: Sequence[str]) -> str:
    shown = sorted(paths)[:_NAMED_AT_MOST]
    more = f" and {len(paths) - len(shown)} more" if len(paths) > len(shown) else ""
    return ", ".join(shown) + more


def _batches(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    for start in range(0, len(entries), BATCH_FILES):
        yield entries[start : start + BATCH_FILES]
