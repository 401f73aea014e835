"""What the opposite move will not restore byte for byte, as warnings before a move is made.

A move keeps a scalar's quotes and its place, and nothing else: where an alias, an unusual spelling or a value of
neither side stood, the opposite move writes the side's value plainly. A rollback reads Git, and restores the tokens.
"""

from collections.abc import Iterator, Mapping, Sequence

from failover_api.core.catalog.model import Action, Service
from failover_api.core.planning.state import Reading, State
from failover_api.core.planning.strategy import rewriting
from failover_api.core.planning.switch_edits import edits_back
from failover_api.core.splice import Edit, Manifest
from failover_api.core.wording import written
from failover_api.errors import FailoverError, ManifestError

Manifests = Mapping[str, Manifest]


def irreversible_changes(
    service: Service, action: Action, before: Sequence[Reading], old: Manifests, new: Manifests
) -> tuple[str, ...]:
    """A sentence for each. `before` are the readings of `old`; `new` are the files that the move changed."""
    warnings = [_unmoved(reading, action) for reading in before if new and reading.state.value == action.target.value]
    strategy = rewriting(service, {**old, **new}, old)
    for file, manifest in new.items():
        moved = [reading for reading in before if reading.file == file and reading.state.value != action.target.value]
        of_strategy = strategy.edits if strategy and strategy.file == file else ()
        warnings += _in_file(moved, of_strategy, action.opposite, old[file], manifest)
    return tuple(warnings)


def _in_file(
    moved: Sequence[Reading], of_strategy: Sequence[Edit], back: Action, old: Manifest, new: Manifest
) -> Iterator[str]:
    edits = [*edits_back(moved, back.target), *of_strategy]
    if _restores(new, edits, old):
        return
    try:
        restored = new.apply(edits)
    except ManifestError as exc:
        yield f"{back} will be refused: {exc.detail}; rollback brings it back"
        return
    warnings = [text for reading in moved if (text := _difference(reading, back, old, restored))]
    yield from warnings or [f"{old.file}: {back} will not give the same bytes; rollback will"]


def _restores(new: Manifest, edits: Sequence[Edit], old: Manifest) -> bool:
    """Whether the edits give the old bytes. Those were read before, so the result needs no proof."""
    try:
        return new.apply_unchecked(edits) == old.data
    except FailoverError:
        return False


def _difference(reading: Reading, back: Action, old: Manifest, restored: Manifest) -> str | None:
    switch = reading.switch
    old_token, new_token = (manifest.find(switch.selector, switch.path).raw for manifest in (old, restored))
    if old_token == new_token:
        return None
    stood = f"where {written(old_token)} stood" if old_token else "where nothing stood"
    if reading.state is State.UNKNOWN:
        stood += ", which is on neither side"
    which = "the alias" if old_token.startswith("*") else "it" if old_token else "the empty value"
    return f"{_place(reading)}: {back} will write {_entry(reading, new_token)} {stood}; rollback puts {which} back"


def _unmoved(reading: Reading, action: Action) -> str:
    """Of a mixed service: this switch is there already, but the opposite move will move it with the others."""
    back = action.opposite
    what = f"{_place(reading)}: {reading.switch.path_text}"
    return f"{what} is on {action.target} already, and {back} will move it too; rollback will not"


def _place(reading: Reading) -> str:
    return f"{reading.file}:{reading.line}"


def _entry(reading: Reading, token: str) -> str:
    key = reading.switch.path[-1]
    return written(f"{key}: {token}" if isinstance(key, str) else token)
