"""Reading: a service, its files as they stand on the branch, and the same parsed."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cachetools import LRUCache

from failover_api.core.catalog import Branch, Service
from failover_api.core.splice import Manifest, parse
from failover_api.core.version import manifests_version
from failover_api.discovery import Discovery
from failover_api.errors import (
    DocumentNotFound,
    FailoverError,
    FileNotFound,
    ManifestError,
    RepositoryTooLarge,
    WriteConflict,
)
from failover_api.forge.port import File, Forge, Snapshot

MANIFESTS_KEPT = 512

# By the name of the service: what was read of it, or why it could not be.
Seen = Mapping[str, "Observation | FailoverError"]


@dataclass(frozen=True, slots=True)
class Observation:
    """A located service and its files. `manifests` is {path: manifest}."""

    service: Service
    snapshot: Snapshot
    manifests: Mapping[str, Manifest]

    @property
    def version(self) -> str:
        """Names the manifests and the service's entry in the catalog."""
        return manifests_version(self.service, {path: self.snapshot.file(path).sha for path in self.manifests})


def versions_of(seen: Seen) -> dict[str, str]:
    """The versions of what was read, by the service's name; "" for what could not be."""
    return {name: one.version if isinstance(one, Observation) else "" for name, one in seen.items()}


def snapshot_of(
    branch: Branch, seen: Seen, names: Collection[str], head: str | None, *, with_history: bool = False
) -> Snapshot:
    """What a write to `branch` is compared with: all that it was planned from.

    One file by itself; several, or a plan `with_history`, by the head they were read at.
    """
    found: dict[str, File] = {}
    for name in names:
        one = seen[name]
        if isinstance(one, Observation):
            found |= {path: one.snapshot.file(path) for path in one.manifests}
    return Snapshot(branch, found, head if with_history or len(found) != 1 else None)


class Observer:
    """Reads services from a forge."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._discovery = Discovery(forge)
        self._manifests: LRUCache[tuple[str, str], Manifest] = LRUCache(MANIFESTS_KEPT)

    async def observe(self, service: Service, *, not_before: float | None, at_head: bool = False) -> Observation:
        """Reads a service; `not_before` and `at_head` as in Forge.read().

        A manifest that had to be found is searched for once more when it is not where it was. Raises what
        Discovery.locate() and Forge.read() raise, and ManifestError for a file or document that cannot be used.
        """
        located = await self._discovery.locate(service, not_before=_since(not_before))
        try:
            return await self._read(located, not_before, at_head)
        except (FileNotFound, DocumentNotFound):
            if located is service:
                raise
            self._discovery.forget(service)
            now = time.monotonic()
            return await self._read(await self._discovery.locate(service, not_before=now), now, at_head)

    async def observe_all(self, branch: Branch, services: Sequence[Service], *, not_before: float | None) -> Seen:
        """Reads services of one branch, all at one commit; a service that cannot be read holds its error.

        Raises what is no service's own fault: an outage, a missing repository, a rate limit.
        """
        found: dict[str, Observation | FailoverError] = {}
        located: list[tuple[Service, Service]] = []
        since = _since(not_before)
        for service in services:
            try:
                located.append((service, await self._discovery.locate(service, not_before=since)))
            except (ManifestError, RepositoryTooLarge) as exc:
                found[service.name] = exc
        paths = tuple(dict.fromkeys(path for _, place in located for path in place.files))
        if paths:
            snapshot = await self._forge.read(branch, paths, not_before=not_before, at_head=True)
            for service, place in located:
                found[service.name] = await self._one_of_many(service, place, snapshot)
                await asyncio.sleep(0)  # hundreds are parsed here: let others have a turn
        return found

    async def observe_together(
        self, branch: Branch, services: Sequence[Service], *, not_before: float | None, at_head: bool = False
    ) -> tuple[Seen, str | None]:
        """Reads services of one branch, and says at which head: None when a single file was read by itself, or none.

        A service that cannot be read holds its error. Raises WriteConflict when the branch moved while it was read.
        """
        if len(services) == 1:
            try:
                found = await self.observe(services[0], not_before=not_before, at_head=at_head)
            except (ManifestError, RepositoryTooLarge) as exc:
                return {services[0].name: exc}, None
            return {services[0].name: found}, found.snapshot.head
        seen = await self.observe_all(branch, services, not_before=not_before)
        heads = {one.snapshot.head for one in seen.values() if isinstance(one, Observation)}
        if len(heads) > 1:  # a manifest had to be looked for once more
            raise WriteConflict(f"{branch} moved while it was read")
        return seen, next(iter(heads), None)

    async def observe_at(self, service: Service, commit: str) -> Observation:
        """A located service as it was at a commit of its repository. Raises as observe()."""
        return self._parsed(service, await self._forge.read_at(service.branch, commit, service.files))

    def manifest(self, file: File) -> Manifest:
        """The file parsed; kept, since most are asked for again. Raises ManifestInvalid."""
        key = (file.path, file.sha)
        manifest = self._manifests.get(key)
        if manifest is None:
            manifest = self._manifests[key] = parse(file.data, file=file.path)
        return manifest

    async def _one_of_many(self, service: Service, place: Service, snapshot: Snapshot) -> Observation | FailoverError:
        try:
            return self._parsed(place, snapshot)
        except (FileNotFound, DocumentNotFound) as exc:
            if place is service:
                return exc
            self._discovery.forget(service)
            try:
                return await self.observe(service, not_before=time.monotonic(), at_head=True)
            except (ManifestError, RepositoryTooLarge) as again:
                return again
        except ManifestError as exc:
            return exc

    async def _read(self, service: Service, not_before: float | None, at_head: bool) -> Observation:
        snapshot = await self._forge.read(service.branch, service.files, not_before=not_before, at_head=at_head)
        return self._parsed(service, snapshot)

    def _parsed(self, service: Service, snapshot: Snapshot) -> Observation:
        manifests = {path: self.manifest(snapshot.file(path)) for path in service.files}
        for switch in service.switches:
            assert switch.file is not None, "discovery has located it"
            manifests[switch.file].select(switch.selector)
        own = Snapshot(snapshot.branch, {path: snapshot.files[path] for path in service.files}, snapshot.head)
        return Observation(service, own, manifests)


def _since(not_before: float | None) -> float:
    """Discovery always has to know how old its tree may be."""
    return time.monotonic() if not_before is None else not_before
