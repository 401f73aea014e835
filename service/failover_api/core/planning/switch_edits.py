"""The edits that bring switches to a side, there and back."""

from collections.abc import Iterable
from dataclasses import replace

from failover_api.core.catalog.model import Side, Switch, kind_of
from failover_api.core.planning.state import Reading
from failover_api.core.splice import Edit, Manifest, Value
from failover_api.core.splice.shown import quoted, shown
from failover_api.errors import ManifestError, TypeMismatch


def edits_from(readings: Iterable[Reading], side: Side) -> list[Edit]:
    """To a side, from the value that was read: an edit is refused where another value stands."""
    return [replace(_edit(reading.switch, reading.value, side), expect=reading.value) for reading in readings]


def edits_back(readings: Iterable[Reading], side: Side) -> list[Edit]:
    """To a side, from the other one: that is where the move has brought them, whatever was read before it."""
    return [_edit(reading.switch, reading.switch.value(side.other), side) for reading in readings]


def blocking_error(reading: Reading, manifest: Manifest) -> ManifestError | None:
    """Why a switch cannot be moved to the other side and back again; None when it can."""
    for side in Side:
        if reading.state.value != side.value:
            try:
                moved = manifest.apply(edits_from([reading], side))
                moved.apply(edits_back([reading], side.other))
            except TypeMismatch as exc:
                return catalog_mismatch(exc, [reading], manifest)
            except ManifestError as exc:
                return exc
    return None


def catalog_mismatch(error: TypeMismatch, readings: Iterable[Reading], manifest: Manifest) -> TypeMismatch:
    """The error in terms of the catalog, when the catalog's values have the wrong type.

    Where YAML readers differ on the type, it is the manifest that has to be corrected: then the error stays.
    """
    for reading in readings:
        switch = reading.switch
        if error.path == switch.path_text and not manifest.find(switch.selector, switch.path).ambiguous:
            return TypeMismatch(_mismatch(reading), file=reading.file, line=reading.line, path=error.path)
    return error


def _mismatch(reading: Reading) -> str:
    switch = reading.switch
    sides = " and ".join(f"{quoted(side)} ({kind_of(side)})" for side in (switch.primary, switch.backup))
    detail = f"{switch.path_text} is {quoted(reading.value)} ({kind_of(reading.value)}), and the catalog says {sides}"
    if _text(reading.value) not in (_text(switch.primary), _text(switch.backup)):
        return f"{detail}: correct the one that is wrong"
    if isinstance(reading.value, str):
        return f"{detail}: put them in quotes in the catalog"
    return f"{detail}: take the quotes off in the catalog"


def _text(value: Value) -> str:
    return value if isinstance(value, str) else shown(value)


def _edit(switch: Switch, old: Value, side: Side) -> Edit:
    return Edit(switch.selector, switch.path, value=switch.value(side), allow=_allowed(switch, old, side))


def _allowed(switch: Switch, old: Value, side: Side) -> frozenset[str]:
    """What the switch allows, and what its values imply: a side with `${...}` or `{{...}}`, a 0.5 in place of a 1."""
    sides = [value for value in (switch.primary, switch.backup) if isinstance(value, str)]
    implied = {word for word, mark in (("substitution", "${"), ("template", "{{")) if any(mark in s for s in sides)}
    if _is_number(old) and _is_number(switch.value(side)):
        implied.add("type")
    return switch.allow | implied


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
