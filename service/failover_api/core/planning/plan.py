"""The edits that bring every switch of a service to a side, and the proof that they do.

    plan(service, manifests, action)   what was read and what is asked for -> changes and new manifests

A plan is proved before anyone may write it: detect() on the new text says "on the target side", and Manifest.apply()
has shown that nothing but the planned scalars differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from failover_api.core.catalog.model import Action, Service, Side
from failover_api.core.planning.reversibility import irreversible_changes
from failover_api.core.planning.state import Detection, Reading, State, detect
from failover_api.core.planning.switch_edits import catalog_mismatch, edits_from
from failover_api.core.splice import Manifest, Value
from failover_api.core.splice.shown import quoted
from failover_api.errors import CannotPlan, ManifestDrifted, TypeMismatch


@dataclass(frozen=True, slots=True)
class Change:
    """One scalar that moves. `line` is where it stood before, from 1."""

    file: str
    document: str
    path: str
    line: int
    old: Value
    new: Value


@dataclass(frozen=True, slots=True)
class Plan:
    """What a move would do. `old` and `new` are {path: bytes} of the files that change.

    `reverts` is the operation that a rollback undoes; `warnings` say what the opposite move will not bring back;
    `accepted` are the slugs of the hazards that whoever asked for it has accepted.
    """

    service: Service
    action: Action
    before: Detection
    after: State
    changes: tuple[Change, ...]
    old: Mapping[str, bytes]
    new: Mapping[str, bytes]
    reverts: str | None = None
    warnings: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()


def plan(service: Service, manifests: Mapping[str, Manifest], action: Action, *, force: bool = False) -> Plan:
    """Plans the move of a located service. `manifests` is {path: manifest}.

    Raises whatever detect() and Manifest.apply() raise, CannotPlan when the result is not on the target side, and
    ManifestDrifted when a value is on neither side and `force`, which could move it, is not given.
    """
    before = detect(service, manifests)
    moving = [reading for reading in before.readings if reading.state.value != action.target.value]
    edited = {file: _edited(manifests[file], file, moving, action.target) for file in _files(moving)}
    after = detect(service, {**manifests, **edited})
    if after.state.value != action.target.value:
        raise CannotPlan(f"after the edit {service.name} would be {after.state}, expected {action.target}")
    if before.state is State.UNKNOWN and not force:  # checked last: an error that force cannot lift is raised first
        raise _drifted(before.readings)
    return Plan(
        service=service,
        action=action,
        before=before,
        after=after.state,
        changes=tuple(_change(reading, action.target) for reading in moving),
        old={file: manifests[file].data for file in edited},
        new={file: manifest.data for file, manifest in edited.items()},
        warnings=irreversible_changes(action, before.readings, manifests, edited),
    )


def _files(readings: Sequence[Reading]) -> list[str]:
    return list(dict.fromkeys(reading.file for reading in readings))


def _edited(manifest: Manifest, file: str, moving: Sequence[Reading], target: Side) -> Manifest:
    readings = [reading for reading in moving if reading.file == file]
    try:
        return manifest.apply(edits_from(readings, target))
    except TypeMismatch as exc:
        raise catalog_mismatch(exc, readings, manifest) from exc


def _change(reading: Reading, target: Side) -> Change:
    new = reading.switch.value(target)
    return Change(reading.file, reading.document, reading.switch.path_text, reading.line, reading.value, new)


def _drifted(readings: Sequence[Reading]) -> ManifestDrifted:
    unknown = [
        f"{reading.file}:{reading.line}: {reading.switch.path_text} is {quoted(reading.value)}, expected "
        f"{quoted(reading.switch.primary)} (primary) or {quoted(reading.switch.backup)} (backup)"
        for reading in readings
        if reading.state is State.UNKNOWN
    ]
    return ManifestDrifted("; ".join(unknown) + "; say force to move it all the same")
