"""Questions about history: the log of a path, what two trees differ in, where two branches parted, a merge."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from failover_api.sandbox.objects import Bare, Commit, Entry


@dataclass(frozen=True, slots=True)
class Change:
    """One path that differs; `old` None: added, `new` None: removed."""

    old: Entry | None
    new: Entry | None

    @property
    def status(self) -> str:
        if self.old is None:
            return "added"
        return "removed" if self.new is None else "modified"


def log(bare: Bare, start: str, path: str = "") -> Iterator[Commit]:
    """Commits reachable from `start`, newest first; with `path`, those that changed it, as `git log -- path`."""
    order = itertools.count()
    waiting = [(0, next(order), start)]
    seen = {start}
    while waiting:
        commit = bare.commit(heapq.heappop(waiting)[2])
        follow, shown = _followed(bare, commit, path) if path else (commit.parents, True)
        if shown:
            yield commit
        for parent in follow:
            if parent not in seen:
                seen.add(parent)
                heapq.heappush(waiting, (-bare.commit(parent).committer.time, next(order), parent))


def _followed(bare: Bare, commit: Commit, path: str) -> tuple[tuple[str, ...], bool]:
    """The parents to go on with and whether the commit itself changed `path`: a parent that has the same is enough."""
    here = bare.entry(commit.tree, path)
    there = {parent: bare.entry(bare.commit(parent).tree, path) for parent in commit.parents}
    same = tuple(parent for parent, entry in there.items() if entry == here)
    if same:
        return same[:1], False
    return commit.parents, bool(there) or here is not None


def ancestors(bare: Bare, start: str) -> set[str]:
    """`start` and all before it."""
    found = {start}
    waiting = [start]
    while waiting:
        new = [parent for parent in bare.commit(waiting.pop()).parents if parent not in found]
        found.update(new)
        waiting += new
    return found


def is_ancestor(bare: Bare, old: str, new: str) -> bool:
    return any(commit.sha == old for commit in log(bare, new))


def merge_base(bare: Bare, ours: str, theirs: str) -> str | None:
    """The newest commit that both have; None for unrelated histories."""
    known = ancestors(bare, ours)
    return next((commit.sha for commit in log(bare, theirs) if commit.sha in known), None)


def between(bare: Bare, base: str, head: str) -> list[Commit]:
    """Commits of `head` that `base` does not have, oldest first."""
    known = ancestors(bare, base)
    return [commit for commit in log(bare, head) if commit.sha not in known][::-1]


def diff(bare: Bare, old: str | None, new: str | None) -> dict[str, Change]:
    """{path: change} for every file that differs between two trees; equal subtrees are not entered."""
    if old == new:
        return {}
    before = dict(bare.tree(old)) if old else {}
    after = dict(bare.tree(new)) if new else {}
    changes: dict[str, Change] = {}
    for name in sorted(before.keys() | after.keys()):
        changes.update(_diff_entry(bare, name, before.get(name), after.get(name)))
    return changes


def _diff_entry(bare: Bare, name: str, old: Entry | None, new: Entry | None) -> dict[str, Change]:
    if old == new:
        return {}
    old_tree = old.sha if old and old.is_tree else None
    new_tree = new.sha if new and new.is_tree else None
    changes = {f"{name}/{path}": change for path, change in diff(bare, old_tree, new_tree).items()}
    files = Change(None if old_tree else old, None if new_tree else new)
    if files.old or files.new:
        changes[name] = files
    return changes


def merged_tree(bare: Bare, ours: str, theirs: str, base: str | None = None) -> str | None:
    """The tree of a three-way merge, whole files at a time; None when both sides changed a file differently.

    The arguments are commits; `base` is their merge base unless given.
    """
    base = base or merge_base(bare, ours, theirs)
    base_tree = bare.commit(base).tree if base else None
    our_changes = diff(bare, base_tree, bare.commit(ours).tree)
    their_changes = diff(bare, base_tree, bare.commit(theirs).tree)
    both = our_changes.keys() & their_changes.keys()
    if any(our_changes[path].new != their_changes[path].new for path in both):
        return None
    return bare.change(bare.commit(ours).tree, {path: change.new for path, change in their_changes.items()})
