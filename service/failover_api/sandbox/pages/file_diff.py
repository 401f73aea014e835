"""What changed in files, as lines with their numbers."""

from __future__ import annotations

import difflib
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from failover_api.sandbox.git.history import with_renames

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from failover_api.sandbox.git.bare import Bare
    from failover_api.sandbox.git.history import Change
    from failover_api.sandbox.git.objects import Entry

MAX_FILES, MAX_ROWS = 200, 1500  # of a page; of a file
_AROUND = 3  # lines that are shown before and after a change

Kind = Literal["same", "added", "removed", "gap"]


@dataclass(frozen=True, slots=True)
class Row:
    """`old` and `new` are the numbers of the line; None where it is not there, or in a gap, which is left out."""

    kind: Kind
    old: int | None
    new: int | None
    text: str


@dataclass(frozen=True, slots=True)
class FileDiff:
    """`note` says why there are no rows, or not all."""

    path: str
    change: Change
    rows: list[Row]
    note: str = ""

    @property
    def added(self) -> int:
        return sum(row.kind == "added" for row in self.rows)

    @property
    def removed(self) -> int:
        return sum(row.kind == "removed" for row in self.rows)


def file_diffs(bare: Bare, changes: Mapping[str, Change]) -> list[FileDiff]:
    """The first MAX_FILES of them."""
    shown = itertools.islice(with_renames(bare, changes).items(), MAX_FILES)
    return [_file_diff(bare, path, change) for path, change in shown]


def lines_of(content: bytes) -> list[str] | None:
    """Its lines; None when it is not text."""
    if b"\0" in content:
        return None
    lines = content.decode("utf-8", "replace").split("\n")
    return [line.removesuffix("\r") for line in (lines if lines[-1] else lines[:-1])]


def _file_diff(bare: Bare, path: str, change: Change) -> FileDiff:
    old, new = (_lines(bare, entry) for entry in (change.old, change.new))
    if old is None or new is None:
        return FileDiff(path, change, [], "It is not text.")
    rows = list(itertools.islice(_rows(old, new), MAX_ROWS + 1))
    if len(rows) > MAX_ROWS:
        return FileDiff(path, change, rows[:MAX_ROWS], f"Only the first {MAX_ROWS:,} lines are shown.")
    return FileDiff(path, change, rows, "" if rows else "No line differs.")


def _lines(bare: Bare, entry: Entry | None) -> list[str] | None:
    if entry is None:
        return []
    return lines_of(bare.blob(entry.sha)) if entry.type == "blob" else [f"Subproject commit {entry.sha}"]


def _rows(old: Sequence[str], new: Sequence[str]) -> Iterator[Row]:
    groups = difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(_AROUND)
    for group in groups:
        _, old_at, _, new_at, _ = group[0]
        if old_at or new_at:
            yield Row("gap", None, None, "")
        for tag, old_at, old_end, new_at, new_end in group:
            if tag == "equal":
                both = zip(range(old_at, old_end), range(new_at, new_end), strict=True)
                yield from (Row("same", a + 1, b + 1, new[b]) for a, b in both)
            else:
                yield from (Row("removed", a + 1, None, old[a]) for a in range(old_at, old_end))
                yield from (Row("added", None, b + 1, new[b]) for b in range(new_at, new_end))
