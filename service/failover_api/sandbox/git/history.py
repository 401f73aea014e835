"""Questions about history: the log of a path, what two trees differ in, where two branches parted."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from failover_api.sandbox.git.bare import Bare
    from failover_api.sandbox.git.objects import Commit, Entry

_BASE, _HEAD = 1, 2
_BOTH = _BASE | _HEAD
_ALIKE = 0.5  # what makes a file another one's next version


@dataclass(frozen=True, slots=True)
class Change:
    """One path that differs; `old` None: added, `new` None: removed. `before`: the path it was moved from."""

    old: Entry | None
    new: Entry | None
    before: str | None = None

    @property
    def status(self) -> str:
        if self.before is not None:
            return "renamed"
        if self.old is None:
            return "added"
        return "removed" if self.new is None else "modified"


@dataclass(frozen=True, slots=True)
class Divergence:
    """`ahead` and `behind`: what head has beyond base, and base beyond head, oldest first.

    `meeting` is the newest commit that both have; None for unrelated histories.
    """

    ahead: list[Commit]
    behind: list[Commit]
    meeting: str | None


class _Queue:
    """Commits, newest first: never one before another that came after it."""

    def __init__(self, bare: Bare) -> None:
        self._bare = bare
        self._heap: list[tuple[int, int, int, str]] = []
        self._count = itertools.count()

    def __bool__(self) -> bool:
        return bool(self._heap)

    def add(self, sha: str) -> None:
        time, generation = self._bare.rank(sha)
        heapq.heappush(self._heap, (-time, -generation, next(self._count), sha))

    def next(self) -> str:
        return heapq.heappop(self._heap)[3]


def log(bare: Bare, start: str, path: str = "") -> Iterator[Commit]:
    """Commits reachable from `start`, newest first; with `path`, those that changed it, as `git log -- path`."""
    waiting, seen = _Queue(bare), {start}
    waiting.add(start)
    while waiting:
        commit = bare.commit(waiting.next())
        follow, changed = _followed(bare, commit, path) if path else (commit.parents, True)
        if changed:
            yield commit
        for parent in follow:
            if parent not in seen:
                seen.add(parent)
                waiting.add(parent)


def _followed(bare: Bare, commit: Commit, path: str) -> tuple[tuple[str, ...], bool]:
    """The parents to go on with and whether the commit itself changed `path`: a parent that has the same is enough."""
    here = bare.entry(commit.tree, path)
    there = {parent: bare.entry(bare.commit(parent).tree, path) for parent in commit.parents}
    same = tuple(parent for parent, entry in there.items() if entry == here)
    if same:
        return same[:1], False
    return commit.parents, bool(there) or here is not None


def is_ancestor(bare: Bare, old: str, new: str) -> bool:
    """Whether `new` is `old` or comes after it."""
    least = bare.rank(old)
    seen, waiting = {new}, [new]
    while waiting:
        sha = waiting.pop()
        if sha == old:
            return True
        later = {parent for parent in bare.commit(sha).parents if bare.rank(parent) >= least} - seen
        seen |= later
        waiting += later
    return False


def diverge(bare: Bare, base: str, head: str) -> Divergence:
    """Walks both histories back only to where they met."""
    if base == head:
        return Divergence([], [], base)
    beyond: dict[int, list[Commit]] = {_BASE: [], _HEAD: []}
    sides, apart = {base: _BASE, head: _HEAD}, 2  # `apart`: how many of those that wait are on one side only
    waiting, meeting = _Queue(bare), None
    waiting.add(base)
    waiting.add(head)
    while apart:
        sha = waiting.next()
        side, commit = sides[sha], bare.commit(sha)
        if side == _BOTH:
            meeting = meeting or sha
        else:
            apart -= 1
            beyond[side].append(commit)
        for parent in commit.parents:
            before = sides.get(parent, 0)
            sides[parent] = before | side
            if not before:
                waiting.add(parent)
            apart += (sides[parent] != _BOTH) - (before not in (0, _BOTH))
    meeting = meeting or (waiting.next() if waiting else None)
    return Divergence(beyond[_HEAD][::-1], beyond[_BASE][::-1], meeting)


def between(bare: Bare, base: str, head: str) -> list[Commit]:
    """Commits of `head` that `base` does not have, oldest first."""
    return diverge(bare, base, head).ahead


def diff(bare: Bare, old: str | None, new: str | None) -> dict[str, Change]:
    """{path: change} for every file that differs between two trees; equal subtrees are not entered."""
    if old == new:
        return {}
    changes: dict[str, Change] = {}
    before = bare.tree(old) if old else {}
    after = bare.tree(new) if new else {}
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            changes.update(_diff_entry(bare, name, before.get(name), after.get(name)))
    return changes


def with_renames(bare: Bare, changes: Mapping[str, Change]) -> dict[str, Change]:
    """A file that is gone here and there again, the same or at least half of it, was moved: as GitHub sees it."""
    gone = {path: change.old for path, change in changes.items() if change.old and change.new is None}
    renamed: dict[str, Change] = {}
    for path, change in changes.items():
        before = _former(bare, change.new, gone) if change.new and change.old is None else None
        if before is not None:
            change = Change(gone.pop(before), change.new, before)
        renamed[path] = change
    moved = {change.before for change in renamed.values()}
    return {path: change for path, change in renamed.items() if path not in moved}


def _former(bare: Bare, new: Entry, gone: Mapping[str, Entry]) -> str | None:
    """Which of the files that are gone a new one was."""
    same = next((path for path, old in gone.items() if old == new), None)
    if same is not None or new.type != "blob":
        return same
    files = [path for path, old in gone.items() if old.type == "blob" and old.mode == new.mode]
    alike = {path: _likeness(bare.blob(gone[path].sha), bare.blob(new.sha)) for path in files}
    best = max(alike, key=alike.__getitem__, default=None)
    return best if best is not None and alike[best] >= _ALIKE else None


def _likeness(old: bytes, new: bytes) -> float:
    """The share of the larger one that both have, by their lines."""
    both = Counter(old.splitlines(keepends=True)) & Counter(new.splitlines(keepends=True))
    return sum(len(line) * count for line, count in both.items()) / max(len(old), len(new), 1)


def _diff_entry(bare: Bare, name: str, old: Entry | None, new: Entry | None) -> dict[str, Change]:
    old_tree = old.sha if old and old.is_tree else None
    new_tree = new.sha if new and new.is_tree else None
    changes = {f"{name}/{path}": change for path, change in diff(bare, old_tree, new_tree).items()}
    files = Change(None if old_tree else old, None if new_tree else new)
    if files.old or files.new:
        changes[name] = files
    return changes
