"""What a move does to a service, with all that is known of it: of a plan, or of a side that is only thought of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from failover_api.core.catalog.model import Action, Service, Side, Workload
from failover_api.core.catalog.replication import PAUSED
from failover_api.core.planning.change import Entries
from failover_api.core.planning.parking import NOTHING, PAUSED_TEXT, Unpaused, parking
from failover_api.core.planning.plan import Plan
from failover_api.core.planning.state import Detection, Reading, document_name
from failover_api.core.planning.strategy import BLOCK_TEXT, ENTRIES, ROLLING_UPDATE, is_recreate
from failover_api.core.safety.documents import Document, When
from failover_api.core.splice import Manifest, Value
from failover_api.core.splice.paths import Path, parse_path

Manifests = Mapping[str, Manifest]
NO_MANIFESTS: Manifests = {}
# What a plan changes beside its switches, by file, document and path.
Beside = Mapping[tuple[str, str, str], Value | Entries]


@dataclass(frozen=True, slots=True)
class SwitchMove:
    """One switch, as it was read, and the value it gets."""

    reading: Reading
    new: Value

    @property
    def old(self) -> Value:
        return self.reading.value

    @property
    def where(self) -> str:
        return f"{self.reading.file}:{self.reading.line}"


@dataclass(frozen=True, slots=True)
class ServiceMove:
    """What a move does to one service: the switches that it changes, in order, and all its documents.

    `readings` are of all switches, moved or not. `is_thought`: nobody has asked for it. `is_to_come`: it is one step
    further ahead: the service is not yet where it would leave, and has written nothing there. `is_made`: it is the one
    that brought the service to where it is, and all that it changed beside the switches stands in the manifests.
    `unpaused` is the replication towards its target that it should pause, and does not.
    """

    service: Service
    switches: tuple[SwitchMove, ...]
    readings: tuple[Reading, ...] = ()
    documents: tuple[Document, ...] = field(default=(), repr=False)
    is_thought: bool = False
    is_to_come: bool = False
    is_made: bool = False
    unpaused: tuple[Unpaused, ...] = ()


def planned_move(plan: Plan, manifests: Manifests = NO_MANIFESTS) -> ServiceMove:
    """What a plan does; `manifests` are what it was made from, those of the service.

    One that was made of a commit alone has no readings, and nothing can be said of it.
    """
    changes = {(change.file, change.document, change.path, change.line): change.new for change in plan.changes}
    new = {place: value for place, value in changes.items() if not isinstance(value, Mapping)}
    places = {
        (reading.file, reading.document, reading.switch.path_text, reading.line): reading
        for reading in plan.before.readings
    }
    switches = tuple(SwitchMove(reading, new[place]) for place, reading in places.items() if place in new)
    beside = {
        (file, document, path): value
        for (file, document, path, line), value in changes.items()
        if (file, document, path, line) not in places
    }
    readings = plan.before.readings
    documents = _documents(readings, {move.reading: move.new for move in switches}, manifests, beside=beside)
    ends = _ends(plan.service, manifests, beside) if switches else ()
    unpaused = () if plan.action is Action.ROLLBACK else _unpaused(plan.service, manifests, plan.action.target)
    return ServiceMove(plan.service, switches, readings, (*documents, *ends), unpaused=unpaused)


def _unblocking(service: Service, readings: Sequence[Reading], side: Side, manifests: Manifests) -> Beside:
    """What a promote would change beside its switches, told without an edit."""
    unblocked = service.unblocked
    if unblocked is None or side is Side.PRIMARY or not manifests or not is_recreate(service, manifests):
        return {}
    own = (
        reading for reading in readings if reading.file == unblocked.file and reading.document.startswith("Deployment")
    )
    return {
        (reading.file, reading.document, path): value
        for reading in own
        for path, value in (("spec.strategy.type", ROLLING_UPDATE), (BLOCK_TEXT, ENTRIES))
    }


def possible_move(
    service: Service, detection: Detection, side: Side, manifests: Manifests = NO_MANIFESTS
) -> ServiceMove:
    """What a move to a side would do."""
    moving = [reading for reading in detection.readings if reading.state.value != side.value]
    return _to(service, detection, moving, side, manifests)


def whole_move(service: Service, detection: Detection, side: Side, manifests: Manifests = NO_MANIFESTS) -> ServiceMove:
    """What a move to a side would do once the service is on the other: all that a side is made of."""
    old = {reading: reading.switch.value(side.other) for reading in detection.readings}
    return _to(service, detection, detection.readings, side, manifests, old=old, is_to_come=True)


def made_move(service: Service, detection: Detection, side: Side, manifests: Manifests) -> ServiceMove:
    """The move that has brought a service to a side, by what there is now: a strategy may be put back since."""
    old = {reading: reading.switch.value(side.other) for reading in detection.readings}
    new = {reading: reading.switch.value(side) for reading in detection.readings}
    documents = (*_documents(detection.readings, new, manifests, old=old), *_ends(service, manifests, {}))
    switches = tuple(SwitchMove(reading, value) for reading, value in new.items())
    return ServiceMove(service, switches, detection.readings, documents, is_thought=True, is_to_come=True, is_made=True)


def each_way(service: Service, detection: Detection, manifests: Manifests) -> dict[Side, ServiceMove]:
    """The move to each side: the one that can be made now, and the one that could be made after it."""
    return {
        side: (possible_move if detection.state.value == side.other.value else whole_move)(
            service, detection, side, manifests
        )
        for side in reversed(Side)
    }


def _to(
    service: Service,
    detection: Detection,
    moving: Sequence[Reading],
    side: Side,
    manifests: Manifests,
    *,
    old: Mapping[Reading, Value] | None = None,
    is_to_come: bool = False,
) -> ServiceMove:
    new = {reading: reading.switch.value(side) for reading in moving}
    beside = _unblocking(service, detection.readings, side, manifests) if moving else {}
    documents = _documents(detection.readings, new, manifests, old=old, beside=beside)
    parked = parking(service, manifests, side) if moving and manifests else NOTHING
    paused = {(change.file, change.document, change.path): change.new for change in parked.changes}
    documents += _ends(service, manifests, paused) if moving else ()
    return ServiceMove(
        service,
        tuple(SwitchMove(reading, value) for reading, value in new.items()),
        detection.readings,
        documents,
        is_thought=True,
        is_to_come=is_to_come,
        unpaused=parked.unpaused,
    )


def _unpaused(service: Service, manifests: Manifests, target: Side) -> tuple[Unpaused, ...]:
    return parking(service, manifests, target).unpaused if manifests else ()


def _ends(service: Service, manifests: Manifests, beside: Beside) -> tuple[Document, ...]:
    """What VolSync does with the service's claims, in which no switch stands."""
    return tuple(
        _end_document(end.document, manifests[end.document.file], beside)
        for end in service.ends
        if end.document.file is not None and end.document.file in manifests and not end.trouble
    )


def _end_document(document: Workload, manifest: Manifest, beside: Beside) -> Document:
    identity, label = manifest.select(document.selector), document_name(manifest, document.selector)
    root = manifest.tree.documents[identity.index].root
    place = (manifest.file, label, PAUSED_TEXT)
    moves: dict[Path, Value | Entries] = {PAUSED: beside[place]} if place in beside else {}
    return Document(
        file=manifest.file,
        label=label,
        kind=identity.kind or "",
        name=identity.name or "",
        namespace=identity.namespace or document.selector.namespace,
        line=identity.line,
        before=When(manifest.tree, root, {}),
        after=When(manifest.tree, root, moves),
        moved=tuple(moves),
    )


def _documents(
    readings: Sequence[Reading],
    new: Mapping[Reading, Value],
    manifests: Manifests,
    *,
    old: Mapping[Reading, Value] | None = None,
    beside: Beside | None = None,
) -> tuple[Document, ...]:
    """Each document once, in the order of the switches. `old` and `new` stand at the switches before and after."""
    of_document: dict[tuple[str, int], list[Reading]] = {}
    for reading in readings if manifests else ():
        index = manifests[reading.file].select(reading.switch.selector).index
        of_document.setdefault((reading.file, index), []).append(reading)
    return tuple(
        _document(manifests[file], index, own, old or {}, new, beside or {})
        for (file, index), own in of_document.items()
    )


def _document(
    manifest: Manifest,
    index: int,
    readings: Sequence[Reading],
    old: Mapping[Reading, Value],
    new: Mapping[Reading, Value],
    beside: Beside,
) -> Document:
    first = readings[0]
    identity = next(document for document in manifest.documents if document.index == index)
    before: dict[Path, Value | Entries] = {reading.switch.path: old.get(reading, reading.value) for reading in readings}
    moves: dict[Path, Value | Entries] = {reading.switch.path: new[reading] for reading in readings if reading in new}
    moves |= {
        parse_path(path): value
        for (file, document, path), value in beside.items()
        if (file, document) == (first.file, first.document)
    }
    root = manifest.tree.documents[index].root
    return Document(
        file=first.file,
        label=first.document,
        kind=identity.kind or "",
        name=identity.name or "",
        namespace=first.namespace,
        line=identity.line,
        before=When(manifest.tree, root, before),
        after=When(manifest.tree, root, {**before, **moves}),
        moved=tuple(path for path, value in moves.items() if before.get(path) != value or path not in before),
    )
