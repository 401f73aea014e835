"""The edits that bring every switch of a service to a side, and the proof that they do.

    plan(service, manifests, action)   what was read and what is asked for -> changes and new manifests
    plan_tidy(service, manifests, ...) the second commit of a move with `unblock: rolling`

A plan is proved before anyone may write it: detect() on the new text says "on the target side", and Manifest.apply()
has shown that nothing but the planned scalars differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from failover_api.core.catalog.model import Action, Service, Side
from failover_api.core.planning.change import Change
from failover_api.core.planning.parking import NOTHING, parking, still_running
from failover_api.core.planning.reversibility import irreversible_changes
from failover_api.core.planning.state import Detection, Reading, State, detect
from failover_api.core.planning.strategy import StrategyEdits, putting_back, unblocking
from failover_api.core.planning.switch_edits import catalog_mismatch, edits_from
from failover_api.core.splice import Edit, Manifest
from failover_api.core.splice.shown import quoted
from failover_api.errors import CannotPlan, ManifestDrifted, TypeMismatch

__all__ = ["Change", "Plan", "plan", "plan_tidy"]

Manifests = Mapping[str, Manifest]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a move would do. `old` and `new` are {path: bytes} of the files that change.

    `reverts` is the operation that a rollback undoes; `warnings` say what the opposite move will not bring back;
    `accepted` are the slugs of the hazards that whoever asked for it has accepted. `is_tidy`: it moves nothing, and
    only puts the strategy back. `step` is the one of a relocation that it is, "" of any other move, and `proof` what
    has let that go on.
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
    is_tidy: bool = False
    step: str = ""
    proof: str = ""


def plan(
    service: Service, manifests: Manifests, action: Action, *, force: bool = False, former: Manifests | None = None
) -> Plan:
    """Plans the move of a located service. `manifests` is {path: manifest}.

    `former` are the manifests as they were before a promote of ours unblocked the Deployment that stands unblocked now.

    Raises whatever detect() and Manifest.apply() raise, CannotPlan when the result is not on the target side, and
    ManifestDrifted when a value is on neither side and `force`, which could move it, is not given.
    """
    before = detect(service, manifests)
    moving = [reading for reading in before.readings if reading.state.value != action.target.value]
    strategy = _strategy(service, manifests, action, former) if moving else None
    edited = {
        file: _edited(manifests[file], file, moving, action.target, strategy) for file in _files(moving, strategy)
    }
    warnings = irreversible_changes(service, action, before.readings, manifests, edited)
    parked = parking(service, manifests, action.target) if moving else NOTHING
    running = () if moving else still_running(service, manifests, action.target)
    edited |= parked.applied({**manifests, **edited})
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
        changes=(
            *(_change(reading, action.target) for reading in moving),
            *(strategy.changes if strategy else ()),
            *parked.changes,
        ),
        old={file: manifests[file].data for file in edited},
        new={file: manifest.data for file, manifest in edited.items()},
        warnings=(*warnings, *parked.warnings, *running),
    )


def plan_tidy(service: Service, manifests: Manifests, action: Action, *, former: Manifests | None) -> Plan:
    """Puts the strategy of `former` back, and moves nothing. Without changes when that is done, or was not our doing.

    `action` is that of the operation, `former` as in plan().
    """
    before = detect(service, manifests)
    strategy = None if former is None else putting_back(service, manifests, former)
    old = {strategy.file: manifests[strategy.file]} if strategy else {}
    return Plan(
        service=service,
        action=action,
        before=before,
        after=before.state,
        changes=strategy.changes if strategy else (),
        old={file: manifest.data for file, manifest in old.items()},
        new={file: manifest.apply(strategy.edits).data for file, manifest in old.items()} if strategy else {},
        is_tidy=True,
    )


def _strategy(service: Service, manifests: Manifests, action: Action, former: Manifests | None) -> StrategyEdits | None:
    if action is Action.PROMOTE:
        return unblocking(service, manifests)
    return None if former is None else putting_back(service, manifests, former)


def _files(readings: Sequence[Reading], strategy: StrategyEdits | None) -> list[str]:
    return list(dict.fromkeys([*(reading.file for reading in readings), *([strategy.file] if strategy else [])]))


def _edited(
    manifest: Manifest, file: str, moving: Sequence[Reading], target: Side, strategy: StrategyEdits | None
) -> Manifest:
    readings = [reading for reading in moving if reading.file == file]
    of_strategy: tuple[Edit, ...] = strategy.edits if strategy and strategy.file == file else ()
    try:
        return manifest.apply([*edits_from(readings, target), *of_strategy])
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
