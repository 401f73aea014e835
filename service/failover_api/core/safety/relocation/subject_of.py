"""What is relocated, from the catalog and the documents that were found."""

from collections.abc import Iterator, Mapping

from failover_api.core.catalog.model import Service, Side, Workload
from failover_api.core.catalog.replication import DataReplication, Pair, ReplicationKind
from failover_api.core.catalog.runtime import WorkloadName
from failover_api.core.planning.state import Detection
from failover_api.core.safety.placement import on_side
from failover_api.core.safety.relocation.places import Document, Place
from failover_api.core.safety.relocation.subject import Ends, SideSwitch, Subject
from failover_api.core.safety.rollout.expectation import expectation
from failover_api.core.splice import Selector
from failover_api.errors import CannotPlan

Found = Mapping[Selector, Workload]  # by what was asked for: where it is


def a_target(service: Service) -> Side:
    """A side to which something brings data: with VolSync that need not be so of both."""
    replication = service.replication
    is_one_way = replication is not None and replication.to_primary is None and replication.to_backup is not None
    return Side.BACKUP if is_one_way else Side.PRIMARY


def wanted(service: Service, detection: Detection, target: Side) -> list[Workload]:
    """The documents that a relocation needs beside those of the service's switches, each with its file if named.

    Raises CannotPlan where the catalog does not say what is needed.
    """
    _replication(service, target)
    ends = [end.document for end in service.named_ends]
    app = _app(service, detection, target)
    return ends if app is None or _switch_document(detection, app) else [*ends, Workload(None, _selector(app))]


def subject_of(
    service: Service,
    detection: Detection,
    found: Found,
    target: Side,
    operation: str,
) -> Subject:
    """`found` is where each of wanted() is. Raises CannotPlan as wanted() does."""
    replication = _replication(service, target)
    assert service.quiesce is not None, "the catalog sees to it"
    towards, away = service.pair_towards(target), service.pair_towards(target.other)
    switches = tuple(
        SideSwitch(
            Place(_at(switch.selector, switch.file), switch.path), switch.value(target.other), switch.value(target)
        )
        for switch in service.switches
    )
    return Subject(
        service=service.name,
        operation=operation,
        target=target,
        kind=replication.kind,
        quiesce=Place(_app_document(service, detection, found, target), service.quiesce.path),
        switches=switches,
        via=replication.via,
        towards=_ends(towards, found),
        away=_ends(away, found),
        running=service.quiesce.running,
        limits=service.relocate,
    )


def _replication(service: Service, target: Side) -> DataReplication:
    replication = service.replication
    if replication is None:
        raise CannotPlan(
            f"no `replication` in the catalog says how its data comes to {target}; "
            "`replication: {kind: none}` says that nothing needs to be brought"
        )
    for end in service.named_ends:
        if "$" in (end.document.selector.name or ""):
            raise CannotPlan(f"`replication` of {service.name}: {end.document.selector.name}: {end.trouble}")
    if replication.kind is ReplicationKind.VOLSYNC and service.pair_towards(target) is None:
        raise CannotPlan(
            f"`replication` of {service.name} has no `to_{target}` in the catalog: nothing brings data to {target}"
        )
    if service.quiesce is None:
        raise CannotPlan("no `quiesce` in the catalog says how to stop it")
    return replication


def _app(service: Service, detection: Detection, target: Side) -> WorkloadName | None:
    """What runs on the side that is left."""
    return expectation(service, on_side(detection, target.other)).workload


def _switch_document(detection: Detection, app: WorkloadName) -> Document | None:
    """The app's document, where a switch stands in it; None too where it cannot be told from a namesake.

    One in another namespace is another app, which must not be stopped in its place.
    """
    found: dict[tuple[str, str], Document] = {}
    exact: dict[tuple[str, str], Document] = {}
    for reading in detection.readings:
        is_named = (reading.kind, reading.name) == (app.kind, app.name)
        if is_named and (not app.namespace or reading.namespace in (None, app.namespace)):
            place, document = (reading.file, reading.document), _at(reading.switch.selector, reading.file)
            found.setdefault(place, document)
            if reading.namespace == app.namespace:
                exact.setdefault(place, document)
    candidates = list((exact or found).values())
    return candidates[0] if len(candidates) == 1 else None


def _app_document(service: Service, detection: Detection, found: Found, target: Side) -> Document:
    app = _app(service, detection, target)
    if app is None:
        raise CannotPlan(f"nobody knows which workload of {service.name} is to be stopped; name its `workload`")
    return _switch_document(detection, app) or _located(found, _selector(app))


def _ends(pair: Pair | None, found: Found) -> Ends | None:
    if pair is None:
        return None
    source, destination = (_located(found, selector) for selector in _selectors(pair))
    return Ends(source, destination)


def _located(found: Found, selector: Selector) -> Document:
    place = found[selector]
    return _at(place.selector, place.file)


def _at(selector: Selector, file: str | None) -> Document:
    return Document(selector, file)


def _selectors(pair: Pair) -> Iterator[Selector]:
    return (Selector(kind, name, pair.namespace) for kind, name in pair.objects)


def _selector(app: WorkloadName) -> Selector:
    return Selector(app.kind, app.name, app.namespace)
