"""The plan that undoes a commit: it puts back the exact former tokens, which need not be the value of a side.

Only the service's own switches are looked at, and its strategy where a promote changes that: a commit may have moved
other services in the same file. A plan is proved here too: the new text, read again, has the former tokens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from failover_api.core.catalog.model import Action, Service, Switch
from failover_api.core.planning.change import Change
from failover_api.core.planning.parking import NOTHING, Parking, unparking
from failover_api.core.planning.plan import Plan
from failover_api.core.planning.reversibility import irreversible_changes
from failover_api.core.planning.state import Reading, detect, is_same
from failover_api.core.planning.strategy import StrategyEdits, is_recreate, is_unblocked, rewriting
from failover_api.core.splice import Edit, Manifest, Scalar, parse
from failover_api.core.splice.shown import quoted
from failover_api.core.wording import one_line
from failover_api.errors import (
    CannotPlan,
    ChangedSince,
    ManifestError,
    NothingToRollBack,
    SwitchNotFound,
    VerifyFailed,
)

Manifests = Mapping[str, Manifest]
_AS_BEFORE = frozenset({"substitution", "template", "type"})  # it stood there before: nothing new is let in


@dataclass(frozen=True, slots=True)
class Undone:
    """What a rollback undoes: an operation, with the manifests of its commit's parent and of the commit.

    `at` is when it was committed, RFC 3339.
    """

    operation: str
    before: Manifests
    after: Manifests
    at: str = ""


@dataclass(frozen=True, slots=True)
class _SwitchChange:
    """One switch that a commit changed."""

    switch: Switch
    before: Scalar
    after: Scalar


def reconstruct_plan(service: Service, before: Manifests, after: Manifests, action: Action) -> Plan:
    """The plan that a commit was made of. `before` and `after` are the manifests of its parent and of the commit."""
    changes = _switch_changes(service, before, after)
    strategy, parked = rewriting(service, before, after), unparking(service, before, after, before)
    plan = _plan(service, action, before, {change.switch: change.after for change in changes}, strategy, parked)
    if action is Action.ROLLBACK:
        return plan
    new = {file: parse(data, file=file) for file, data in plan.new.items()}
    return replace(plan, warnings=irreversible_changes(service, action, plan.before.readings, before, new))


def plan_rollback(service: Service, now: Manifests, before: Manifests, after: Manifests, *, reverts: str) -> Plan:
    """Puts back what a commit changed: `before` and `after` as in reconstruct_plan(), `reverts` its operation.

    Without changes when all is back already. Raises NothingToRollBack when the commit changed nothing that the
    catalog names, or more than values; ChangedSince when a value is neither what the commit made it nor what it was,
    or its former token would not say any more what it said.
    """
    left = [
        change for change in _undoable(service, before, after, reverts) if not _is_at(change.switch, now, change.before)
    ]
    changed = [change for change in left if not _is_at(change.switch, now, change.after)]
    if changed:
        raise _changed_since(changed, now, reverts)
    wanted = {change.switch: change.before for change in left}
    strategy = rewriting(service, now, before) if rewriting(service, before, after) else None
    try:
        parked = unparking(service, now, before, after)
        plan = _plan(service, Action.ROLLBACK, now, wanted, strategy, parked, reverts=reverts)
    except VerifyFailed as exc:
        raise ChangedSince(f"{exc.detail}; somebody changed the file since operation {reverts}") from exc
    return replace(plan, warnings=(*_strategy_that_stays(service, now, before, after, reverts), *parked.warnings))


def _strategy_that_stays(
    service: Service, now: Manifests, before: Manifests, after: Manifests, reverts: str
) -> tuple[str, ...]:
    """What somebody has made of the strategy since is not undone."""
    if rewriting(service, before, after) is None or is_recreate(service, now) or is_unblocked(service, now):
        return ()
    return (f"spec.strategy is not as operation {reverts} left it: somebody changed it since, and it stays so",)


def _undoable(service: Service, before: Manifests, after: Manifests, reverts: str) -> list[_SwitchChange]:
    try:
        changes = _switch_changes(service, before, after)
    except ManifestError as exc:
        raise NothingToRollBack(f"operation {reverts} cannot be undone: with it or before it, {exc.detail}") from exc
    if not changes:
        raise NothingToRollBack(f"operation {reverts} changed no value that the catalog names for {service.name}")
    return changes


def _switch_changes(service: Service, before: Manifests, after: Manifests) -> list[_SwitchChange]:
    """The switches that the commit changed. One that is missing before and after it was added to the catalog later."""
    present = [
        switch for switch in service.switches if not (_is_missing(switch, before) and _is_missing(switch, after))
    ]
    changes = [_SwitchChange(switch, _scalar(switch, before), _scalar(switch, after)) for switch in present]
    return [change for change in changes if not is_same(change.before.value, change.after.value)]


def _is_missing(switch: Switch, manifests: Manifests) -> bool:
    try:
        _scalar(switch, manifests)
    except SwitchNotFound:
        return True
    return False


def _is_at(switch: Switch, manifests: Manifests, scalar: Scalar) -> bool:
    return is_same(_scalar(switch, manifests).value, scalar.value)


def _scalar(switch: Switch, manifests: Manifests) -> Scalar:
    assert switch.file is not None, "the service is located"
    return manifests[switch.file].find(switch.selector, switch.path)


def _plan(
    service: Service,
    action: Action,
    base: Manifests,
    wanted: Mapping[Switch, Scalar],
    strategy: StrategyEdits | None,
    parked: Parking = NOTHING,
    *,
    reverts: str | None = None,
) -> Plan:
    before = detect(service, base)
    moving = [reading for reading in before.readings if reading.switch in wanted]
    files = dict.fromkeys(reading.file for reading in moving)
    edited = {file: _edited(base[file], [r for r in moving if r.file == file], wanted) for file in files}
    if strategy is not None:
        edited[strategy.file] = edited.get(strategy.file, base[strategy.file]).apply(strategy.edits)
    edited |= parked.applied({**base, **edited})
    result = {**base, **edited}
    _prove(moving, result, wanted)
    return Plan(
        service=service,
        action=action,
        before=before,
        after=detect(service, result).state,
        changes=(
            *(_change(reading, wanted[reading.switch]) for reading in moving),
            *(strategy.changes if strategy else ()),
            *parked.changes,
        ),
        old={file: base[file].data for file in edited},
        new={file: manifest.data for file, manifest in edited.items()},
        reverts=reverts,
    )


def _edited(manifest: Manifest, readings: Sequence[Reading], wanted: Mapping[Switch, Scalar]) -> Manifest:
    """Aliases are put back in a second pass: the value that an alias stands for may have to come back first."""
    for is_alias in (False, True):
        scalars = {reading.switch: wanted[reading.switch] for reading in readings}
        edits = [_edit(manifest, *pair) for pair in scalars.items() if pair[1].raw.startswith("*") is is_alias]
        manifest = manifest.apply(edits)
    return manifest


def _edit(manifest: Manifest, switch: Switch, wanted: Scalar) -> Edit:
    return Edit(
        selector=switch.selector,
        path=switch.path,
        op="restore",
        value=wanted.value,
        raw=wanted.raw,
        expect_raw=manifest.find(switch.selector, switch.path).raw,
        allow=switch.allow | _AS_BEFORE,
    )


def _prove(moving: Sequence[Reading], result: Manifests, wanted: Mapping[Switch, Scalar]) -> None:
    for reading in moving:
        actual, expected = _scalar(reading.switch, result), wanted[reading.switch]
        if actual.raw != expected.raw or not is_same(actual.value, expected.value):
            detail = f"would be {_describe(actual)}, expected {_describe(expected)}"
            path = reading.switch.path_text
            raise CannotPlan(f"{path} {detail}", file=reading.file, line=actual.line, path=path)


def _describe(scalar: Scalar) -> str:
    return f"{quoted(scalar.value)} (written {one_line(scalar.raw)})"


def _change(reading: Reading, wanted: Scalar) -> Change:
    return Change(reading.file, reading.document, reading.switch.path_text, reading.line, reading.value, wanted.value)


def _changed_since(changes: Sequence[_SwitchChange], now: Manifests, reverts: str) -> ChangedSince:
    current = [(change, _scalar(change.switch, now)) for change in changes]
    places = [
        f"{change.switch.file}:{scalar.line}: {change.switch.path_text} is {quoted(scalar.value)}, expected "
        f"{quoted(change.after.value)}"
        for change, scalar in current
    ]
    return ChangedSince(f"{'; '.join(places)}, as operation {reverts} left it; somebody changed it since")
