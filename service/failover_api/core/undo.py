"""What a commit did to a service, and how it is undone: the exact former tokens, which need not be either side's.

Only the service's own switches are looked at: a commit may have moved other services in the same file.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from failover_api.core.catalog import Action, Service, Switch
from failover_api.core.plan import Change, Plan
from failover_api.core.splice import Edit, Manifest, Scalar
from failover_api.core.state import Reading, detect, is_same
from failover_api.core.wording import quoted
from failover_api.errors import ChangedSince, NothingToRollBack

Manifests = Mapping[str, Manifest]
_AS_BEFORE = frozenset({"substitution", "template", "type"})  # it stood there before: nothing new is let in


@dataclass(frozen=True, slots=True)
class _Step:
    """One switch that a commit changed."""

    switch: Switch
    before: Scalar
    after: Scalar


def retrace(service: Service, before: Manifests, after: Manifests, action: Action) -> Plan:
    """The plan that led from `before` to `after`, the manifests of a commit's parent and of the commit."""
    steps = _steps(service, before, after)
    return _plan(service, action, before, {step.switch: step.after for step in steps})


def plan_rollback(service: Service, now: Manifests, before: Manifests, after: Manifests, *, reverts: str) -> Plan:
    """Puts back what a commit changed: `before` and `after` as in retrace(), `reverts` its operation.

    Without changes when all is back already. Raises NothingToRollBack when the commit changed nothing that the
    catalog names, ChangedSince when a value is neither what the commit made it nor what it was.
    """
    steps = _steps(service, before, after)
    if not steps:
        raise NothingToRollBack(f"operation {reverts} changed no value that the catalog names for {service.name}")
    wanted: dict[Switch, Scalar] = {}
    for step in steps:
        found = _scalar(step.switch, now)
        if is_same(found.value, step.before.value):
            continue
        if not is_same(found.value, step.after.value):
            raise _changed_since(step, found, reverts)
        wanted[step.switch] = step.before
    return _plan(service, Action.ROLLBACK, now, wanted, reverts=reverts)


def _steps(service: Service, before: Manifests, after: Manifests) -> list[_Step]:
    steps = [_Step(switch, _scalar(switch, before), _scalar(switch, after)) for switch in service.switches]
    return [step for step in steps if not is_same(step.before.value, step.after.value)]


def _scalar(switch: Switch, manifests: Manifests) -> Scalar:
    assert switch.file is not None, "the service is located"
    return manifests[switch.file].find(switch.selector, switch.path)


def _plan(
    service: Service, action: Action, base: Manifests, wanted: Mapping[Switch, Scalar], *, reverts: str | None = None
) -> Plan:
    before = detect(service, base)
    moving = [reading for reading in before.readings if reading.switch in wanted]
    files = dict.fromkeys(reading.file for reading in moving)
    edited = {
        file: base[file].apply(
            [_edit(reading, base, wanted[reading.switch]) for reading in moving if reading.file == file]
        )
        for file in files
    }
    return Plan(
        service=service,
        action=action,
        before=before,
        after=detect(service, {**base, **edited}).state,
        changes=tuple(_change(reading, wanted[reading.switch]) for reading in moving),
        old={file: base[file].data for file in edited},
        new={file: manifest.data for file, manifest in edited.items()},
        reverts=reverts,
    )


def _edit(reading: Reading, base: Manifests, wanted: Scalar) -> Edit:
    return Edit(
        selector=reading.switch.selector,
        path=reading.switch.path,
        op="restore",
        value=wanted.value,
        raw=wanted.raw,
        expect_raw=_scalar(reading.switch, base).raw,
        allow=reading.switch.allow | _AS_BEFORE,
    )


def _change(reading: Reading, wanted: Scalar) -> Change:
    return Change(reading.file, reading.document, reading.switch.path_text, reading.line, reading.value, wanted.value)


def _changed_since(step: _Step, found: Scalar, reverts: str) -> ChangedSince:
    return ChangedSince(
        f"{step.switch.file}:{found.line}: {step.switch.path_text} is {quoted(found.value)}, expected "
        f"{quoted(step.after.value)} as operation {reverts} left it; somebody changed it since"
    )
