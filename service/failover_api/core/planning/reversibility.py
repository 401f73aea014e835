"""What the opposite move will not bring back byte for byte, said before the move is made.

A move keeps a scalar's quotes and its place, and remembers nothing: where an alias, an odd spelling or a value of
neither side stood, the way back writes the side's value plainly. A rollback looks into Git, and puts the very tokens
back.
"""

from collections.abc import Iterator, Mapping, Sequence

from failover_api.core.catalog.model import Action
from failover_api.core.planning.state import Reading, State
from failover_api.core.planning.switch_edits import edits_back
from failover_api.core.splice import Edit, Manifest
from failover_api.core.wording import written
from failover_api.errors import FailoverError, ManifestError

Manifests = Mapping[str, Manifest]


def irreversible_changes(action: Action, before: Sequence[Reading], old: Manifests, new: Manifests) -> tuple[str, ...]:
    """A sentence for each. `before` is what `old` was read as; `new` are the files that the move changed."""
    told = [_stays(reading, action) for reading in before if new and reading.state.value == action.target.value]
    for file, manifest in new.items():
        moved = [reading for reading in before if reading.file == file and reading.state.value != action.target.value]
        told += _in_file(moved, action.opposite, old[file], manifest)
    return tuple(told)


def _in_file(moved: Sequence[Reading], back: Action, old: Manifest, new: Manifest) -> Iterator[str]:
    edits = edits_back(moved, back.target)
    if _gives_back(new, edits, old):
        return
    try:
        again = new.apply(edits)
    except ManifestError as exc:
        yield f"{back} will be refused: {exc.detail}; rollback brings it back"
        return
    told = [text for reading in moved if (text := _differs(reading, back, old, again))]
    yield from told or [f"{old.file}: {back} will not give the same bytes; rollback will"]


def _gives_back(new: Manifest, edits: Sequence[Edit], old: Manifest) -> bool:
    """Without a proof: the old text has had it."""
    try:
        return new.apply_unchecked(edits) == old.data
    except FailoverError:
        return False


def _differs(reading: Reading, back: Action, old: Manifest, again: Manifest) -> str | None:
    switch = reading.switch
    was, comes = (manifest.find(switch.selector, switch.path).raw for manifest in (old, again))
    if was == comes:
        return None
    stood = f"where {written(was)} stood" if was else "where nothing stood"
    if reading.state is State.UNKNOWN:
        stood += ", which is on neither side"
    which = "the alias" if was.startswith("*") else "it" if was else "the empty value"
    return f"{_place(reading)}: {back} will write {_entry(reading, comes)} {stood}; rollback puts {which} back"


def _stays(reading: Reading, action: Action) -> str:
    """Of a mixed service: what was there already goes along on the way back."""
    back = action.opposite
    what = f"{_place(reading)}: {reading.switch.path_text}"
    return f"{what} is on {action.target} already, and {back} will move it too; rollback will not"


def _place(reading: Reading) -> str:
    return f"{reading.file}:{reading.line}"


def _entry(reading: Reading, token: str) -> str:
    key = reading.switch.path[-1]
    return written(f"{key}: {token}" if isinstance(key, str) else token)
