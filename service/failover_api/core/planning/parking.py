"""Replication towards the side that an app moves to is paused by the move itself, both ends, in its own commit.

    promote     pauses `to_backup`: when the old node comes back, its source would send the older data over the new
    demote      pauses `to_primary`, for the same reason. What a promote has paused it leaves so: what was written on
                backup may be there alone, and replication that goes on overwrites it
    rollback    puts back what stood there before the commit that it undoes

What cannot be paused keeps nobody from moving: it is told, with the reason. Replication is never part of a side.
https://volsync.readthedocs.io
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from failover_api.core.catalog.model import ReplicationEnd, Service, Side
from failover_api.core.catalog.replication import PAUSED
from failover_api.core.planning.change import Change
from failover_api.core.planning.state import document_name, is_same
from failover_api.core.splice import Edit, Manifest, Scalar, Value
from failover_api.core.splice.paths import format_path
from failover_api.core.splice.shown import quoted
from failover_api.core.wording import cut
from failover_api.errors import ManifestError, SwitchNotFound

PAUSED_TEXT = format_path(PAUSED)
Manifests = Mapping[str, Manifest]


@dataclass(frozen=True, slots=True)
class Unpaused:
    """An end that a move should pause, and does not. `where` is FILE:LINE, None where it was not found."""

    about: str
    where: str | None
    why: str

    @property
    def sentence(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return f"{self.about}{place} is not paused by this commit: {self.why}"


@dataclass(frozen=True, slots=True)
class Parking:
    """The edits of each file, and what they change. `unpaused` are what cannot be paused, `warnings` all to be told."""

    edits: Mapping[str, tuple[Edit, ...]] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    unpaused: tuple[Unpaused, ...] = ()
    more: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        return (*(each.sentence for each in self.unpaused), *self.more)

    def applied(self, manifests: Manifests) -> dict[str, Manifest]:
        """The files that it changes, by path."""
        return {file: manifests[file].apply(edits) for file, edits in self.edits.items()}


NOTHING = Parking()


def parking(service: Service, manifests: Manifests, target: Side) -> Parking:
    """What a move of a located service to a side pauses, and what it cannot."""
    found = _Found()
    unpaused: list[Unpaused] = []
    for end in service.ends:
        if end.side is target:
            try:
                _park(end, _manifest(end, manifests), found)
            except ManifestError as exc:
                unpaused.append(Unpaused(_label(end, manifests), _where(end, manifests), exc.detail))
    return Parking(found.by_file, tuple(found.changes), tuple(unpaused), _left_paused(service, manifests, target))


def still_running(service: Service, manifests: Manifests, side: Side) -> tuple[str, ...]:
    """A sentence for each end that writes into the side where a service is: of one that is there already."""
    told = parking(service, manifests, side)
    running = [(change.document, f"{change.file}:{change.line}") for change in told.changes]
    running += [(each.about, each.where or "not found") for each in told.unpaused]
    return tuple(
        f"{about} ({where}) is not paused, and {service.name} is on {side} already, so nothing is written: set its "
        f"{PAUSED_TEXT} to true, or its data may be overwritten"
        for about, where in running
    )


def unparking(service: Service, now: Manifests, before: Manifests, after: Manifests) -> Parking:
    """What undoes the pauses that a commit made or lifted: `before` and `after` are those of its parent and of it.

    Where somebody has changed it since, or what stood there cannot be read, it stays, and is told.
    """
    found = _Found()
    told: list[str] = []
    for end in service.ends:
        file = end.document.file or ""
        if file not in before or file not in after:
            continue
        try:
            was, made = (_paused(end, each[file]) for each in (before, after))
            if _is_same(was, made):
                continue
            _put_back(end, now, was, made, found)
        except ManifestError as exc:
            told.append(f"{_label(end, now)} is not put back as it was: {exc.detail}")
    return Parking(found.by_file, tuple(found.changes), more=tuple(told))


class _Found:
    """Edits and changes, gathered."""

    def __init__(self) -> None:
        self.by_file: dict[str, tuple[Edit, ...]] = {}
        self.changes: list[Change] = []

    def add(self, end: ReplicationEnd, manifest: Manifest, edit: Edit, old: Value, new: Value) -> None:
        """Raises ManifestError for an edit that the editor refuses."""
        edits = (*self.by_file.get(manifest.file, ()), edit)
        manifest.apply(edits)
        self.by_file[manifest.file] = edits
        selector = end.document.selector
        line = _line(end, manifest)
        self.changes.append(Change(manifest.file, document_name(manifest, selector), PAUSED_TEXT, line, old, new))


def _park(end: ReplicationEnd, manifest: Manifest, found: _Found) -> None:
    scalar, selector = _paused(end, manifest), end.document.selector
    if scalar is None:
        return found.add(end, manifest, Edit(selector, PAUSED, op="add", value=True), None, True)
    if scalar.value is True:
        return None
    if scalar.value not in (False, None):
        raise ManifestError(f"{PAUSED_TEXT} is {quoted(scalar.value)}, expected true or false")
    allowed = frozenset({"type"}) if scalar.value is None else frozenset()
    edit = Edit(selector, PAUSED, value=True, expect=scalar.value, allow=allowed)
    return found.add(end, manifest, edit, scalar.value, True)


def _put_back(end: ReplicationEnd, now: Manifests, was: Scalar | None, made: Scalar | None, found: _Found) -> None:
    manifest, selector = _manifest(end, now), end.document.selector
    stands = _paused(end, manifest)
    if _is_same(stands, was):
        return
    if not _is_same(stands, made):
        raise ManifestError(f"somebody has made its {PAUSED_TEXT} {quoted(_value(stands))} since")
    if was is None:
        edit = Edit(selector, PAUSED, op="delete")
    elif stands is None:
        edit = Edit(selector, PAUSED, op="add", value=was.value)
    else:
        edit = Edit(selector, PAUSED, op="restore", value=was.value, raw=was.raw, expect_raw=stands.raw)
    found.add(end, manifest, edit, _value(stands), _value(was))


def _left_paused(service: Service, manifests: Manifests, target: Side) -> tuple[str, ...]:
    """On the way to primary: the replication to backup, which stays paused, in a sentence."""
    if target is not Side.PRIMARY:
        return ()
    ends = [end for end in service.ends if end.side is target.other and _is_paused(end, manifests)]
    if not ends:
        return ()
    names = " and ".join(f"{_label(end, manifests)} ({_where(end, manifests)})" for end in ends)
    stay = "stays" if len(ends) == 1 else "stay"
    why = f"what {service.name} wrote on backup is there alone, and a sync would overwrite it"
    return (f"{names} {stay} paused: {why}. Until you set {PAUSED_TEXT} to false there, backup gets no new data",)


def _manifest(end: ReplicationEnd, manifests: Manifests) -> Manifest:
    """Raises ManifestError where there is none, or it has not the document."""
    file = end.document.file
    if end.trouble or file is None or file not in manifests:
        raise ManifestError(end.trouble or "its manifest could not be read")
    manifests[file].select(end.document.selector)
    return manifests[file]


def _paused(end: ReplicationEnd, manifest: Manifest) -> Scalar | None:
    """What stands there; None where nothing does."""
    try:
        return manifest.find(end.document.selector, PAUSED)
    except SwitchNotFound:
        manifest.select(end.document.selector)
        return None


def _is_paused(end: ReplicationEnd, manifests: Manifests) -> bool:
    try:
        scalar = _paused(end, _manifest(end, manifests))
    except ManifestError:
        return False
    return scalar is not None and scalar.value is True


def _is_same(one: Scalar | None, other: Scalar | None) -> bool:
    """One that is not there is null."""
    return (one is None) == (other is None) and is_same(_value(one), _value(other))


def _value(scalar: Scalar | None) -> Value:
    return None if scalar is None else scalar.value


def _label(end: ReplicationEnd, manifests: Manifests) -> str:
    """As people say it: "ReplicationSource media/sonarr-to-w2"."""
    try:
        return cut(document_name(_manifest(end, manifests), end.document.selector))
    except ManifestError:
        selector = end.document.selector
        name = f"{selector.namespace}/{selector.name}" if selector.namespace else f"{selector.name}"
        return f"{selector.kind} {cut(name)}"


def _where(end: ReplicationEnd, manifests: Manifests) -> str | None:
    try:
        return f"{end.document.file}:{_line(end, _manifest(end, manifests))}"
    except ManifestError:
        return end.document.file


def _line(end: ReplicationEnd, manifest: Manifest) -> int:
    """That of the key, or of its document where it is not there."""
    scalar = _paused(end, manifest)
    return scalar.line if scalar is not None else manifest.select(end.document.selector).line
