"""Whether commits did to services what they say: the files before and with each commit, read and compared.

Many commits are read with one request. A finding is kept: a commit never changes, only the catalog may, and then the
commit is judged again.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from cachetools import LRUCache

from failover_api.core.catalog.model import Branch, Service, Switch
from failover_api.core.splice import Manifest, Selector
from failover_api.core.text.audit import Finding, Manifests, Verdict, is_only_of_others, judge
from failover_api.core.text.trailers import Record
from failover_api.errors import ManifestError
from failover_api.forge.port import Forge
from failover_api.forge.values import CommitPath, File
from failover_api.reading.file_history import ServiceChange
from failover_api.reading.services import ServiceReader

FINDINGS_KEPT = 4096

_Key = tuple[str, tuple[Switch, ...], str, tuple[str, ...], Record | None, bytes]


@dataclass(frozen=True, slots=True)
class CommitClaim:
    """What a commit says it did to a located service, and the `text` that says so.

    Without a record, it claims to have changed other services only.
    """

    service: Service
    change: ServiceChange
    record: Record | None
    text: str

    @property
    def key(self) -> _Key:
        switches, paths = self.service.switches, (*self.change.paths.values(), *self.change.before.values())
        text = hashlib.sha256(self.text.encode(errors="replace")).digest()
        return self.service.branch.repository, switches, self.change.logged.sha, paths, self.record, text


@dataclass(frozen=True, slots=True)
class CommitManifests:
    """The manifests before a commit and with it: {today's path: manifest}."""

    before: Manifests
    after: Manifests


class CommitAudit:
    """Judges what commits claim, and reads the manifests around a commit."""

    def __init__(self, forge: Forge, reader: ServiceReader) -> None:
        self._forge, self._reader = forge, reader
        self._findings: LRUCache[_Key, Finding] = LRUCache(FINDINGS_KEPT)

    async def judge(self, claims: Sequence[CommitClaim]) -> list[Finding]:
        """A finding for each claim. Raises what Forge.read_at_commits() raises."""
        keys = [claim.key for claim in claims]
        missing = [claim for claim, key in zip(claims, keys, strict=True) if key not in self._findings]
        found = dict(zip([claim.key for claim in missing], await self._judge(missing), strict=True))
        self._findings.update(found)
        return [found[key] if key in found else self._findings[key] for key in keys]

    async def has_files(self, branch: Branch, change: ServiceChange) -> bool:
        """Whether all files exist at the paths of the change, at the commit and before it."""
        return all(isinstance(file, File) for file in (await self._read(branch, [change])).values())

    async def arrivals(self, service: Service, changes: Sequence[ServiceChange]) -> dict[str, str]:
        """{today's path: commit that put the service's documents into that file}, where the file existed before.

        `changes` are newest first. All is read at once, and some of it parsed: a file may be large.
        """
        read = await self._read(service.branch, changes)
        arrivals: dict[str, str] = {}
        for file in service.files:
            selectors = {switch.selector for switch in service.switches if switch.file == file}
            places = [_by_today(service, *_sides(change)[0])[file] for change in changes]
            first = _first_without(lambda place: self._has_documents(read.get(place), selectors), places)  # noqa: B023 - used at once
            if first is not None and isinstance(read.get(places[first]), File):
                arrivals[file] = changes[first].logged.sha
        return arrivals

    def _has_documents(self, file: File | ManifestError | None, selectors: Iterable[Selector]) -> bool:
        try:
            manifest = self._manifest(file) if file is not None else None
            return manifest is not None and all(manifest.select(selector) for selector in selectors)
        except ManifestError:
            return False

    async def manifests_around(self, service: Service, change: ServiceChange) -> CommitManifests:
        """The manifests before a commit and with it. Raises ManifestError for a file that is missing or invalid."""
        read = await self._read(service.branch, [change])
        sides = [_by_today(service, *side) for side in _sides(change)]
        before, after = ({file: self._manifest(read[place]) for file, place in side.items()} for side in sides)
        return CommitManifests(before, after)

    async def manifests_around_each(
        self, branch: Branch, changes: Sequence[tuple[Service, ServiceChange]]
    ) -> list[CommitManifests]:
        """As manifests_around(), of many at once; a file that is missing or invalid is left out."""
        read = await self._read(branch, [change for _, change in changes])
        return [
            CommitManifests(*(self._readable(_by_today(service, *side), read) for side in _sides(change)))
            for service, change in changes
        ]

    async def _judge(self, claims: Sequence[CommitClaim]) -> list[Finding]:
        read: dict[Branch, Mapping[CommitPath, File | ManifestError]] = {}
        for branch in dict.fromkeys(claim.service.branch for claim in claims):
            read[branch] = await self._read(
                branch, [claim.change for claim in claims if claim.service.branch == branch]
            )
        findings: list[Finding] = []
        for claim in claims:
            findings.append(self._finding(claim, read[claim.service.branch]))
            await asyncio.sleep(0)  # a page may take a second of parsing: let others have a turn
        return findings

    def _finding(self, claim: CommitClaim, read: Mapping[CommitPath, File | ManifestError]) -> Finding:
        before, after = (
            self._readable(_by_today(claim.service, commit, paths), read) for commit, paths in _sides(claim.change)
        )
        if claim.record is not None:
            return judge(claim.service, claim.record, claim.text, before, after)
        is_others = is_only_of_others(claim.service, claim.text, before, after)
        return Finding(Verdict.PROVED if is_others else Verdict.EDIT)

    async def _read(
        self, branch: Branch, changes: Sequence[ServiceChange]
    ) -> Mapping[CommitPath, File | ManifestError]:
        places = [
            (commit, path)
            for change in changes
            for commit, paths in _sides(change)
            if commit
            for path in paths.values()
        ]
        return await self._forge.read_at_commits(branch, list(dict.fromkeys(places))) if places else {}

    def _readable(self, places: Mapping[str, CommitPath], read: Mapping[CommitPath, File | ManifestError]) -> Manifests:
        manifests = {}
        for file, place in places.items():
            try:
                manifests[file] = self._manifest(read[place])
            except (KeyError, ManifestError):
                continue
        return manifests

    def _manifest(self, file: File | ManifestError) -> Manifest:
        if isinstance(file, ManifestError):
            raise file
        return self._reader.manifest(file)


def _first_without(has: Callable[[CommitPath], bool], places: Sequence[CommitPath]) -> int | None:
    """The first place, newest first, that does not have it; None when all do.

    A binary search: what was added once mostly stays, and parsing each place would take long.
    """
    if not places or has(places[-1]):
        return None
    low, high = -1, len(places) - 1  # has it; does not have it
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if has(places[middle]) else (low, middle)
    return high


def _sides(change: ServiceChange) -> tuple[tuple[str, Mapping[str, str]], tuple[str, Mapping[str, str]]]:
    """(commit, {today's path: path}) of the first parent and of the commit; the parent is "" when there is none."""
    parent = change.logged.parents[0] if change.logged.parents else ""
    return (parent, change.before), (change.logged.sha, change.paths)


def _by_today(service: Service, commit: str, paths: Mapping[str, str]) -> dict[str, CommitPath]:
    return {file: (commit, paths[file]) for file in service.files}
