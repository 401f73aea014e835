"""Where a service is, switch by switch: primary, backup, mixed or unknown."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from failover_api.core.catalog.model import Service, Side, Switch
from failover_api.core.search.fields import text
from failover_api.core.splice import Manifest, Selector, Value


class State(StrEnum):
    """Of one switch: primary, backup or unknown. Of a service: mixed as well."""

    PRIMARY = "primary"
    BACKUP = "backup"
    MIXED = "mixed"  # some switches each way
    UNKNOWN = "unknown"  # a value that is on neither side


@dataclass(frozen=True, slots=True)
class Reading:
    """One switch as it stands in its file. `line` counts from 1."""

    switch: Switch
    file: str
    document: str  # as people say it: "Deployment media/sonarr"
    line: int
    value: Value
    state: State
    namespace: str | None = None  # of the document, as it says itself or as the catalog does
    kind: str = ""  # of the document, and its name
    name: str = ""
    target_namespace: str | None = None  # of a Flux document: where it puts what it makes, if it says so


@dataclass(frozen=True, slots=True)
class Detection:
    """All switches of a service, in the order of the catalog."""

    state: State
    readings: tuple[Reading, ...]


def detect(service: Service, manifests: Mapping[str, Manifest]) -> Detection:
    """Reads every switch of a located service. `manifests` is {path: manifest}.

    Raises SwitchNotFound, DocumentNotFound, AmbiguousDocument or ManifestInvalid for the first that cannot be read.
    """
    readings = tuple(_read(switch, manifests) for switch in service.switches)
    return Detection(combine_states(reading.state for reading in readings), readings)


def _read(switch: Switch, manifests: Mapping[str, Manifest]) -> Reading:
    assert switch.file is not None, "detect() takes a located service"
    manifest = manifests[switch.file]
    scalar = manifest.find(switch.selector, switch.path)
    document = manifest.select(switch.selector)
    return Reading(
        switch=switch,
        file=switch.file,
        document=document_name(manifest, switch.selector),
        line=scalar.line,
        value=scalar.value,
        state=state_of(switch, scalar.value),
        namespace=document.namespace or switch.selector.namespace,
        kind=document.kind or "",
        name=document.name or "",
        target_namespace=text(manifest.tree, _root(manifest, document.index), "spec", "targetNamespace"),
    )


def _root(manifest: Manifest, index: int) -> int:
    return manifest.tree.documents[index].root


def document_name(manifest: Manifest, selector: Selector) -> str:
    """The document as people say it: "Deployment media/sonarr"."""
    document = manifest.select(selector)
    namespace = document.namespace or selector.namespace
    name = f"{namespace}/{document.name}" if namespace and document.name else document.name
    return " ".join(filter(None, (document.kind, name))) or f"document {document.index + 1}"


def state_of(switch: Switch, value: Value) -> State:
    """The side that a value of the switch is on."""
    for side in Side:
        if is_same(value, switch.value(side)):
            return State(side.value)
    return State.UNKNOWN


def is_same(one: Value, other: Value) -> bool:
    """Equal as Kubernetes would see it: true is not 1 and not "true", but 1 is 1.0."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def combine_states(states: Iterable[State]) -> State:
    """The state of a service whose switches have these states (at least one)."""
    distinct = set(states)
    if State.UNKNOWN in distinct:
        return State.UNKNOWN
    return distinct.pop() if len(distinct) == 1 else State.MIXED
