"""Reads services: where each is, its files as they stand on the branch, and its manifests parsed."""

import asyncio
import contextlib
import copy
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from sys import getsizeof

from cachetools import LRUCache

from failover_api.core.catalog.model import Branch, ReplicationEnd, Service, Workload
from failover_api.core.planning.version import manifests_version
from failover_api.core.search.file_summary import FileSummary, summarize
from failover_api.core.search.near_misses import SearchContext, near_misses, nearest_path
from failover_api.core.splice import Manifest, Selector, parse
from failover_api.errors import (
    DocumentNotFound,
    FailoverError,
    FileNotFound,
    ManifestError,
    ManifestNotFound,
    RepositoryTooLarge,
    WriteConflict,
)
from failover_api.forge.port import Files
from failover_api.forge.values import File, Snapshot
from failover_api.reading.discovery import Discovery

MANIFESTS_BYTES = 32 * 1024 * 1024
_NODE_BYTES = 250  # what an event of a parsed file takes, measured on CPython 3.11

# By the service's name: what was read of it, or why it could not be read.
Observations = Mapping[str, "Observation | FailoverError"]


@dataclass(frozen=True, slots=True)
class Observation:
    """A located service and its files. `manifests` is {path: manifest}."""

    service: Service
    snapshot: Snapshot
    manifests: Mapping[str, Manifest]

    @property
    def version(self) -> str:
        """The version that If-Match compares: of the manifests and the service's entry in the catalog."""
        return manifests_version(self.service, {path: self.snapshot.file(path).sha for path in self.manifests})


def versions_of(seen: Observations) -> dict[str, str]:
    """The versions by the service's name; "" for a service that could not be read."""
    return {
        name: observation.version if isinstance(observation, Observation) else "" for name, observation in seen.items()
    }


def companions(service: Service) -> Iterator[tuple[ReplicationEnd, Service]]:
    """What its moves pause, each document as if it were a service, to be found and read as one."""
    for end in service.named_ends:
        yield end, as_service(service, end.document)


def as_service(service: Service, document: Workload) -> Service:
    """A document that belongs to a service, to be found and read as a service is. None has such a name."""
    selector = document.selector
    return replace(
        service,
        name=f"{service.name}/{selector.kind}/{selector.name}",
        switches=(),
        unblocked=document,
        primary_workload=None,
        backup_workload=None,
        replication=None,
        groups=(),
    )


def snapshot_of(
    branch: Branch, seen: Observations, names: Collection[str], head: str | None, *, with_history: bool = False
) -> Snapshot:
    """What a write to `branch` is compared with: all that it was planned from.

    A single file by its own sha; several, or a plan `with_history`, by the head they were read at.
    """
    files: dict[str, File] = {}
    for name in names:
        observation = seen[name]
        if isinstance(observation, Observation):
            files |= {path: observation.snapshot.file(path) for path in observation.manifests}
    return Snapshot(branch, files, head if with_history or len(files) != 1 else None)


def observed(found: Observation | FailoverError) -> Observation:
    """What was read of a service. Raises why it could not be."""
    if isinstance(found, FailoverError):
        raise found
    return found


class ServiceReader:
    """Reads services from a forge."""

    def __init__(self, forge: Files) -> None:
        self._forge = forge
        self._discovery = Discovery(forge)
        self._manifests: LRUCache[tuple[str, str], Manifest] = LRUCache(MANIFESTS_BYTES, getsizeof=_size)

    async def aclose(self) -> None:
        """Cancels the work in the background."""
        await self._discovery.aclose()

    async def observe(self, service: Service, *, not_before: float | None, at_head: bool = False) -> Observation:
        """Reads a service; `not_before` and `at_head` as in Forge.read().

        A manifest that had to be found is searched for once more when it is not where it was. Raises what
        Discovery.locate() and Forge.read() raise, and ManifestError for a file or document that cannot be used.
        """
        try:
            return await self._observe(service, not_before, at_head)
        except (FileNotFound, DocumentNotFound) as exc:
            if service.wanted is None:
                raise self._with_nearest(service, exc) from exc
            self._forget(service)
            return await self._observe(service, time.monotonic(), at_head)

    async def _locate(self, service: Service, *, not_before: float | None, head: str | None = None) -> Service:
        """As Discovery.locate(), with what its moves pause. What of that is not found keeps nobody from moving."""
        located = await self._discovery.locate(service, not_before=not_before, head=head)
        ends: list[ReplicationEnd] = []
        for end, companion in companions(service):
            if end.trouble:
                ends.append(end)
                continue
            try:
                ends.append(_at(end, await self._discovery.locate(companion, not_before=not_before, head=head)))
            except (ManifestError, RepositoryTooLarge) as exc:
                ends.append(replace(end, trouble=exc.detail.replace(companion.name, service.name)))
        return replace(located, ends=tuple(ends)) if ends else located

    def _known(self, service: Service) -> Service | None:
        """Where it was found last, with all that belongs to it; None when any of it is not known."""
        located = self._discovery.known(service)
        ends = [(end, self._discovery.known(companion)) for end, companion in companions(service)]
        if located is None or not ends:
            return located
        found = tuple(_at(end, place) for end, place in ends if place is not None or end.trouble)
        return replace(located, ends=found) if len(found) == len(ends) else None

    def _forget(self, service: Service) -> None:
        for each in (service, *(companion for _, companion in companions(service))):
            self._discovery.forget(each)

    async def _observe(self, service: Service, not_before: float | None, at_head: bool) -> Observation:
        """A read at a head is made at the known place, and that head then tells whether the place still holds."""
        if service.wanted is None or not at_head or not_before is None:
            return await self._read(await self._locate(service, not_before=not_before), not_before, at_head)
        located = await self._place(service, not_before)
        observation = await self._read(located, not_before, at_head)
        confirmed = await self._locate(service, not_before=not_before, head=observation.snapshot.head)
        return observation if confirmed == located else await self._read(confirmed, not_before, at_head)

    async def observe_all(
        self, branch: Branch, services: Sequence[Service], *, not_before: float | None
    ) -> Observations:
        """Reads services of one branch, all at one commit; a service that cannot be read holds its error.

        Raises what is no service's own fault: an outage, a missing repository, a rate limit.
        """
        observations: dict[str, Observation | FailoverError] = {}
        located: list[tuple[Service, Service]] = []
        for service in services:
            try:
                located.append((service, await self._place(service, not_before)))
            except (ManifestError, RepositoryTooLarge) as exc:
                observations[service.name] = exc
        paths = tuple(dict.fromkeys(path for _, place in located for path in place.files_read))
        if paths:
            snapshot = await self._forge.read(branch, paths, not_before=not_before, at_head=True)
            for service, place in located:
                observations[service.name] = await self._one_of_many(service, place, snapshot, not_before)
                await asyncio.sleep(0)  # hundreds are parsed here: let others have a turn
        return observations

    async def _place(self, service: Service, not_before: float | None) -> Service:
        """Where it was found last, to be confirmed by what is read there; else it is searched for."""
        known = None if not_before is None else self._known(service)
        return known or await self._locate(service, not_before=not_before)

    async def observe_together(
        self, branch: Branch, services: Sequence[Service], *, not_before: float | None, at_head: bool = False
    ) -> tuple[Observations, str | None]:
        """Reads services of one branch, and says at which head: None when a single file was read by itself, or none.

        A service that cannot be read holds its error. Raises WriteConflict when the branch moved while it was read.
        """
        if len(services) == 1:
            try:
                observation = await self.observe(services[0], not_before=not_before, at_head=at_head)
            except (ManifestError, RepositoryTooLarge) as exc:
                return {services[0].name: exc}, None
            return {services[0].name: observation}, observation.snapshot.head
        seen = await self.observe_all(branch, services, not_before=not_before)
        heads = {observation.snapshot.head for observation in seen.values() if isinstance(observation, Observation)}
        if len(heads) > 1:  # a manifest was searched for once more, and read at a later head than the others
            raise WriteConflict(f"{branch} moved while it was read")
        return seen, next(iter(heads), None)

    async def observe_at(self, service: Service, commit: str) -> Observation:
        """A located service as it was at a commit of its repository. Raises as observe()."""
        return self._parsed(service, await self._forge.read_at(service.branch, commit, service.files_read))

    def manifest(self, file: File) -> Manifest:
        """The file parsed, and kept: most are needed again. Raises ManifestInvalid."""
        key = (file.path, file.sha)
        manifest = self._manifests.get(key)
        if manifest is None:
            manifest = parse(file.data, file=file.path)
            if _size(manifest) <= MANIFESTS_BYTES // 2:  # a larger one would leave no room for any other
                self._manifests[key] = manifest
        return manifest

    def readable(self, files: Mapping[str, File | ManifestError]) -> dict[str, Manifest]:
        """The files that can be read, parsed, by path."""
        manifests: dict[str, Manifest] = {}
        for path, file in files.items():
            with contextlib.suppress(ManifestError):
                if isinstance(file, File):
                    manifests[path] = self.manifest(file)
        return manifests

    async def _one_of_many(
        self, service: Service, place: Service, snapshot: Snapshot, not_before: float | None
    ) -> Observation | FailoverError:
        try:
            if place is not service and not_before is not None:
                confirmed = await self._locate(service, not_before=not_before, head=snapshot.head)
                if confirmed != place:
                    return await self.observe(service, not_before=not_before, at_head=True)
            return self._parsed(place, snapshot)
        except (FileNotFound, DocumentNotFound) as exc:
            if place is service:
                return self._with_nearest(service, exc)
            self._forget(service)
            try:
                return await self.observe(service, not_before=time.monotonic(), at_head=True)
            except (ManifestError, RepositoryTooLarge) as again:
                return again
        except (ManifestError, RepositoryTooLarge) as exc:
            return exc

    def _with_nearest(self, service: Service, error: ManifestNotFound) -> ManifestNotFound:
        """The error with a hint at the file that was probably meant, when the branch's tree is known."""
        listing = self._forge.last_listing(service.branch)
        if listing is None or not isinstance(error, FileNotFound):
            return error
        path = nearest_path(error.file, (entry.path for entry in listing.entries))
        return _with_hint(error, f"; nearest: {path}") if path else error

    def _with_ends(self, service: Service, snapshot: Snapshot) -> tuple[Service, dict[str, Manifest]]:
        """The service with what its moves pause, and the files of that, as far as they can be read."""
        ends: list[ReplicationEnd] = []
        manifests: dict[str, Manifest] = {}
        for end in service.ends:
            file, trouble = end.document.file, end.trouble
            if file is not None and not trouble:
                try:
                    manifests[file] = self.manifest(snapshot.file(file))
                    manifests[file].select(end.document.selector)
                except ManifestError as exc:
                    trouble = exc.detail
            ends.append(replace(end, trouble=trouble))
        return replace(service, ends=tuple(ends)), manifests

    async def _read(self, service: Service, not_before: float | None, at_head: bool) -> Observation:
        snapshot = await self._forge.read(service.branch, service.files_read, not_before=not_before, at_head=at_head)
        return self._parsed(service, snapshot)

    def _parsed(self, service: Service, snapshot: Snapshot) -> Observation:
        manifests = {path: self.manifest(snapshot.file(path)) for path in service.files}
        if service.ends:
            service, beside = self._with_ends(service, snapshot)
            manifests |= beside
        for switch in service.switches:
            assert switch.file is not None, "discovery has located it"
            _check_document(manifests[switch.file], switch.selector)
        own = Snapshot(snapshot.branch, {path: snapshot.files[path] for path in manifests}, snapshot.head)
        return Observation(service, own, manifests)


def _at(end: ReplicationEnd, located: Service | None) -> ReplicationEnd:
    """The end, where its document was found as a service; one that has a trouble is not looked for."""
    if end.trouble or located is None or located.unblocked is None:
        return end
    return replace(end, document=located.unblocked)


def _size(manifest: Manifest) -> int:
    """About how many bytes it takes in memory: the file, its text and the values in it, and the events."""
    return len(manifest.data) + 2 * getsizeof(manifest.tree.text) + _NODE_BYTES * len(manifest.tree.shapes)


def _check_document(manifest: Manifest, selector: Selector) -> None:
    """Raises DocumentNotFound, with what is close to it in the file, and AmbiguousDocument."""
    try:
        manifest.select(selector)
    except DocumentNotFound as exc:
        context = SearchContext(searched={manifest.file: FileSummary(summarize(manifest))})
        raise _with_hint(exc, near_misses(selector, (), context)) from exc


def _with_hint(error: ManifestNotFound, hint: str) -> ManifestNotFound:
    hinted = copy.copy(error)
    hinted.detail = f"{error.detail}{hint}"
    hinted.args = (hinted.detail,)
    return hinted
