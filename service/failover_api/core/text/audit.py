"""Whether a commit did what its trailers say: proved, not provable, or an edit. Anybody can write trailers.

Compared are the switches of today's catalog that can be read both before the commit and with it; "moved" are those that
it changed. "Listed" is what the message lists as changed (change_list): `path: old -> new`.

    the record says what none of ours says (a state, an action, a promote to primary)    an edit
    moved, and a value is listed as moved the other way: a revert that quotes ours        an edit
    moved, and the states before and with it are those of the record                      proved
    moved, the states are its own without some that did not move, and all is listed:
    the catalog has grown by switches that stood there already                            proved
    moved, states differ, and each is listed as it moved: other switches, other sides     not provable
    moved, states differ, and something else is listed                                    an edit
    moved, states differ, nothing is listed, and a value is on neither of today's sides   not provable
    moved, states differ, nothing is listed, and all values are on today's sides          an edit
    none moved, but what is listed was changed in the documents of the service            not provable
    none moved, and a switch came or went with the commit                                 an edit
    none moved, and none can be read before it or with it                                 not provable
    none moved                                                                            an edit

So a commit of ours is not called an edit when only the catalog has changed since: then it is not provable.
"""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum

from failover_api.core.catalog.model import Action, Service, Side, Switch
from failover_api.core.planning.request import RELOCATE
from failover_api.core.planning.state import State, combine_states, is_same, state_of
from failover_api.core.planning.strategy import BLOCK_TEXT, without_unblocking
from failover_api.core.splice import Manifest, Selector, Value
from failover_api.core.splice.paths import parse_path
from failover_api.core.text.added_keys import without_listed_keys
from failover_api.core.text.change_list import ListedChange, change_text, read_change_list
from failover_api.core.text.trailers import Record
from failover_api.errors import BadPath, ManifestError

# {today's path: manifest}; a file that did not exist, or cannot be read, is left out.
Manifests = Mapping[str, Manifest]

_QUOTES = re.compile("[\"']")
_WORD = re.compile(r"[^\s,{}\[\]]+|[\s,{}\[\]]+")


class Verdict(StrEnum):
    """What a commit that says it moved a service really is."""

    PROVED = "proved"
    NOT_PROVABLE = "not provable"
    EDIT = "edit"


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict; `why` is the reason, as it follows a colon in a sentence about the commit."""

    verdict: Verdict
    why: str = ""
    are_files_missing: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether it counts as a move of ours, proved or not."""
        return self.verdict is not Verdict.EDIT


@dataclass(frozen=True, slots=True)
class _SwitchValues:
    """A switch that can be read before the commit and with it, and its values there."""

    switch: Switch
    before: Value
    after: Value

    @property
    def is_moved(self) -> bool:
        return not is_same(self.before, self.after)

    @property
    def is_on_sides(self) -> bool:
        return State.UNKNOWN not in {state_of(self.switch, self.before), state_of(self.switch, self.after)}

    def is_listed(self, listed: Iterable[ListedChange], file: str) -> bool:
        return ListedChange(file, self.switch.path_text, change_text(self.before, self.after)) in listed

    def is_listed_reversed(self, listed: Iterable[ListedChange], file: str) -> bool:
        """Whether the opposite change is listed, and not the one that was made."""
        opposite = ListedChange(file, self.switch.path_text, change_text(self.after, self.before))
        return opposite in listed and not self.is_listed(listed, file)


def judge(service: Service, record: Record, text: str, before: Manifests, after: Manifests) -> Finding:
    """Whether the commit did to a located service what its record says.

    `before` and `after` are the manifests of its first parent and of the commit; `text` is where the record stands.
    """
    if not _could_be_ours(record):
        return Finding(Verdict.EDIT, "its trailers say what no commit of ours says")
    pairs, has_come_or_gone = _values_around(service, before, after)
    moved = [pair for pair in pairs if pair.is_moved]
    listed = {change for change in read_change_list(text) if change.file in _names(service, after)}
    if moved:
        finding = _judge_moved(record, pairs, moved, listed, after)
        # The catalog may have grown since by switches that did not move: without those, it may be proved after all.
        fits = finding.verdict is Verdict.NOT_PROVABLE and listed and _fits_some_of(record, pairs, moved)
        return Finding(Verdict.PROVED) if fits and _is_all_done(listed, service, before, after) else finding
    if any(_was_changed(change, service, before, after) for change in listed):
        return Finding(Verdict.NOT_PROVABLE, "it changed values that the catalog does not name any more")
    if not pairs and not has_come_or_gone:
        missing = any(file not in after for file in service.files)
        return Finding(Verdict.NOT_PROVABLE, "no value that the catalog names can be read there", missing)
    return Finding(Verdict.EDIT, "it changed no value that the catalog names")


def is_only_of_others(service: Service, text: str, before: Manifests, after: Manifests) -> bool:
    """Whether a commit moved no switch of a service, and changed nothing in its files but the values it lists."""
    pairs, has_come_or_gone = _values_around(service, before, after)
    if has_come_or_gone or any(pair.is_moved for pair in pairs):
        return False
    listed = read_change_list(text)
    return all(
        file in before and _is_as_listed([change for change in listed if change.file == new.file], before[file], new)
        for file, new in after.items()
    )


def _could_be_ours(record: Record) -> bool:
    states = set(State)
    if record.before not in states or record.after not in states:
        return False
    if record.action == RELOCATE:
        return record.before != record.after and {record.before, record.after} == set(Side)
    if record.action not in set(Action):
        return False
    action = Action(record.action)
    return action is Action.ROLLBACK or record.before != record.after == action.target.value


def _judge_moved(
    record: Record,
    pairs: Sequence[_SwitchValues],
    moved: Sequence[_SwitchValues],
    listed: Set[ListedChange],
    after: Manifests,
) -> Finding:
    if any(pair.is_listed_reversed(listed, _name(pair.switch, after)) for pair in moved):
        return Finding(Verdict.EDIT, "it did the opposite of what it lists")
    before_state = combine_states(state_of(pair.switch, pair.before) for pair in pairs)
    after_state = combine_states(state_of(pair.switch, pair.after) for pair in pairs)
    if (before_state.value, after_state.value) == (record.before, record.after):
        return Finding(Verdict.PROVED)
    said = f"it says {record.before} to {record.after}, and today's catalog sees {before_state} to {after_state}"
    if listed:
        is_true = all(pair.is_listed(listed, _name(pair.switch, after)) for pair in moved)
    else:
        is_true = not all(pair.is_on_sides for pair in moved)
    return Finding(Verdict.NOT_PROVABLE if is_true else Verdict.EDIT, said)


def _fits_some_of(record: Record, pairs: Sequence[_SwitchValues], moved: Sequence[_SwitchValues]) -> bool:
    """Whether the states are those of the record without some of the switches that did not move: those came later."""
    before = {state_of(pair.switch, pair.before) for pair in moved}
    after = {state_of(pair.switch, pair.after) for pair in moved}
    still = {state_of(pair.switch, pair.before) for pair in pairs if not pair.is_moved}
    some = (set(kept) for count in range(len(still) + 1) for kept in itertools.combinations(still, count))
    return any(
        (combine_states(before | kept).value, combine_states(after | kept).value) == (record.before, record.after)
        for kept in some
    )


def _values_around(service: Service, before: Manifests, after: Manifests) -> tuple[list[_SwitchValues], bool]:
    """The switches that can be read before the commit and with it; and whether any can be read only once."""
    pairs: list[_SwitchValues] = []
    has_come_or_gone = False
    for switch in service.switches:
        old, new = _value(switch, before), _value(switch, after)
        if old and new:
            pairs.append(_SwitchValues(switch, old[0], new[0]))
        has_come_or_gone |= bool(old) != bool(new)
    return pairs, has_come_or_gone


def _value(switch: Switch, manifests: Manifests) -> tuple[Value, ...]:
    """(value,), or () where it cannot be read: None is a value."""
    assert switch.file is not None, "the service is located"
    manifest = manifests.get(switch.file)
    try:
        return () if manifest is None else (manifest.find(switch.selector, switch.path).value,)
    except ManifestError:
        return ()


def _names(service: Service, manifests: Manifests) -> set[str]:
    """The paths that the service's files had then."""
    return {manifests[file].file for file in service.files if file in manifests}


def _name(switch: Switch, manifests: Manifests) -> str:
    assert switch.file is not None, "the service is located"
    return manifests[switch.file].file if switch.file in manifests else ""


def _was_changed(change: ListedChange, service: Service, before: Manifests, after: Manifests) -> bool:
    """Whether the commit did this listed change, in a document of the service."""
    for switch in service.switches:
        old, new = before.get(switch.file or ""), after.get(switch.file or "")
        if old and new and new.file == change.file and _is_done(change, switch.selector, old, new):
            return True
    return False


def _is_all_done(listed: Set[ListedChange], service: Service, before: Manifests, after: Manifests) -> bool:
    """Whether the commit did every listed change of the service's documents.

    A path that leads nowhere in them is of another service. Of several changes listed for one path, one has to be done.
    """
    by_place: dict[tuple[str, str], list[ListedChange]] = {}
    for change in listed:
        by_place.setdefault((change.file, change.path), []).append(change)
    return all(
        not any(_leads_to_scalar(changes[0], switch, after) for switch in service.switches)
        or any(_was_changed(change, service, before, after) for change in changes)
        for changes in by_place.values()
    )


def _leads_to_scalar(change: ListedChange, switch: Switch, after: Manifests) -> bool:
    manifest = after.get(switch.file or "")
    if manifest is None or manifest.file != change.file:
        return False
    try:
        manifest.find(switch.selector, parse_path(change.path))
    except (BadPath, ManifestError):
        return False
    return True


def _is_done(change: ListedChange, selector: Selector, old: Manifest, new: Manifest) -> bool:
    try:
        path = parse_path(change.path)
        old_value, new_value = old.find(selector, path).value, new.find(selector, path).value
    except (BadPath, ManifestError):
        return False
    return not is_same(old_value, new_value) and change_text(old_value, new_value) == change.values


def _is_as_listed(listed: Sequence[ListedChange], old: Manifest, new: Manifest) -> bool:
    """Compared word by word: but for a strategy and listed keys our own commits add and remove no line."""
    if any(change.path == BLOCK_TEXT for change in listed):
        try:
            old, new = without_unblocking(old), without_unblocking(new)
        except ManifestError:
            return False
    try:
        old, new = without_listed_keys(old, new, listed)
    except ManifestError:
        return False
    old_words, new_words = (_words(manifest.data.decode()) for manifest in (old, new))
    if len(old_words) != len(new_words) or len(old.data.splitlines()) != len(new.data.splitlines()):
        return False
    changes = {pair for change in listed for pair in _changed_words(change)}
    return all(pair in changes for pair in zip(old_words, new_words, strict=True) if pair[0] != pair[1])


def _changed_words(change: ListedChange) -> list[tuple[str, str]]:
    old_words, new_words = map(_words, change.values.partition(" -> ")[::2])
    return list(zip(old_words, new_words, strict=True)) if len(old_words) == len(new_words) else []


def _words(text: str) -> list[str]:
    """Values, and what stands between them. Without quotes: those may change together with a value."""
    return _WORD.findall(_QUOTES.sub("", text))
