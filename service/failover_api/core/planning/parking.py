"""Replication to backup is paused by the promote itself: what comes back would send its older data over the new.

Both ends, in the promote's own commit. A rollback puts back what stood there; nothing else unpauses them but a
relocation, which brings the data home first.
https://volsync.readthedocs.io
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from failover_api.core.catalog.model import Service, Workload
from failover_api.core.planning.change import Change
from failover_api.core.planning.state import document_name
from failover_api.core.splice import Edit, Manifest, Scalar
from failover_api.core.splice.paths import Path, format_path
from failover_api.core.wording import cut
from failover_api.errors import ManifestError, SwitchNotFound

PAUSED: Path = ("spec", "paused")
Manifests = Mapping[str, Manifest]


@dataclass(frozen=True, slots=True)
class Parking:
    """The edits of each file, and what they change. `warnings` name what cannot be paused."""

    edits: Mapping[str, tuple[Edit, ...]]
    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()

    def applied(self, manifests: Manifests) -> dict[str, Manifest]:
        """The files that it changes, by path."""
        return {file: manifests[file].apply(edits) for file, edits in self.edits.items()}


NOTHING = Parking({})


def parking(service: Service, manifests: Manifests) -> Parking:
    """What a promote of a located service pauses. What cannot be paused keeps nobody from moving: it is told."""
    edits: dict[str, list[Edit]] = {}
    changes: list[Change] = []
    warnings = list(_unfound(service))
    for document, manifest in _documents(service, manifests):
        try:
            scalar = _paused(document, manifest)
            if scalar is not None and scalar.value is True:
                continue
            edit = _pausing(document, scalar)
            manifest.apply([edit])
        except ManifestError as exc:
            warnings.append(f"{cut(_name(document))} is not paused: {exc.detail}")
            continue
        edits.setdefault(manifest.file, []).append(edit)
        changes.append(_change(document, manifest, scalar.value if scalar is not None else None, True))
    return Parking({file: tuple(own) for file, own in edits.items()}, tuple(changes), tuple(warnings))


def unparking(service: Service, now: Manifests, before: Manifests, after: Manifests) -> Parking:
    """What puts back the pauses that a commit made: `before` and `after` are those of its parent and of it.

    Where somebody has changed it since, or what stood there is not known, it stays.
    """
    edits: dict[str, list[Edit]] = {}
    changes: list[Change] = []
    for document, manifest in _documents(service, now):
        file = document.file or ""
        if file not in before or file not in after:
            continue
        try:
            was, made, stands = (_paused(document, each[file]) for each in (before, after, now))
        except ManifestError:
            continue
        if made is None or made.value is not True or stands is None or stands.value is not True:
            continue
        if was is not None and was.value is True:
            continue
        edits.setdefault(file, []).append(_putting_back(document, was))
        changes.append(_change(document, manifest, True, was.value if was is not None else None))
    return Parking({file: tuple(own) for file, own in edits.items()}, tuple(changes))


def _documents(service: Service, manifests: Manifests) -> Iterator[tuple[Workload, Manifest]]:
    for document in service.parked:
        if document.file is not None and document.file in manifests:
            yield document, manifests[document.file]


def _unfound(service: Service) -> Iterator[str]:
    """The ends that the catalog names and nobody has found."""
    pair = service.replication.to_backup if service.replication is not None else None
    found = {(document.selector.kind, document.selector.name) for document in service.parked}
    if pair is not None:
        for kind, name in (("ReplicationSource", pair.source), ("ReplicationDestination", pair.destination)):
            if (kind, name) not in found:
                yield f"{kind} {cut(name)} of `replication` was not found in Git, so it is not paused"


def _paused(document: Workload, manifest: Manifest) -> Scalar | None:
    """What stands there; None where nothing does."""
    try:
        return manifest.find(document.selector, PAUSED)
    except SwitchNotFound:
        manifest.select(document.selector)
        return None


def _pausing(document: Workload, scalar: Scalar | None) -> Edit:
    if scalar is None:
        return Edit(document.selector, PAUSED, op="add", value=True)
    return Edit(document.selector, PAUSED, value=True, expect=scalar.value)


def _putting_back(document: Workload, was: Scalar | None) -> Edit:
    if was is None:
        return Edit(document.selector, PAUSED, op="delete")
    return Edit(document.selector, PAUSED, op="restore", value=was.value, raw=was.raw, expect=True)


def _change(document: Workload, manifest: Manifest, old: object, new: object) -> Change:
    selector = document.selector
    scalar = _paused(document, manifest)
    line = scalar.line if scalar is not None else manifest.select(selector).line
    values = [each if each is None or isinstance(each, (bool, str, int, float)) else str(each) for each in (old, new)]
    return Change(manifest.file, document_name(manifest, selector), format_path(PAUSED), line, *values)


def _name(document: Workload) -> str:
    return f"{document.selector.kind} {document.selector.name}"
