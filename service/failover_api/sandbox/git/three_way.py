"""What a merge of two branches comes to, as `git merge` does it: path by path, and within a file line by line."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from failover_api.sandbox.git import history
from failover_api.sandbox.git.objects import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from failover_api.sandbox.git.bare import Bare

    Lines = Sequence[bytes]

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


def merged_tree(bare: Bare, ours: str, theirs: str, base: str | None = None) -> str | None:
    """The tree of a merge; None when both sides changed the same lines.

    The arguments are commits; `base` is where they met unless given.
    """
    base = base or history.diverge(bare, ours, theirs).meeting
    base_tree = bare.commit(base).tree if base else None
    our_changes = history.diff(bare, base_tree, bare.commit(ours).tree)
    changes: dict[str, Entry | None] = {}
    for path, change in history.diff(bare, base_tree, bare.commit(theirs).tree).items():
        ours_here = our_changes.get(path)
        if ours_here is None:
            changes[path] = change.new
        elif ours_here.new != change.new:
            merged = _merged_file(bare, change.old, ours_here.new, change.new)
            if merged is None:
                return None
            changes[path] = merged
    return bare.change(bare.commit(ours).tree, changes)


def merged_text(base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """None when both sides changed the same or neighbouring lines, or a side is binary."""
    if b"\0" in base + ours + theirs:
        return None
    lines, our_lines, their_lines = (_LINE.findall(text) for text in (base, ours, theirs))
    merged: list[bytes] = []
    at, at_ours, at_theirs = 0, 0, 0
    for start, in_ours, in_theirs, size in _common(lines, our_lines, their_lines):
        before, our, their = lines[at:start], our_lines[at_ours:in_ours], their_lines[at_theirs:in_theirs]
        if before not in (our, their) and our != their:
            return None
        merged += their if our == before else our
        merged += lines[start : start + size]
        at, at_ours, at_theirs = start + size, in_ours + size, in_theirs + size
    return b"".join(merged)


def _merged_file(bare: Bare, base: Entry | None, ours: Entry | None, theirs: Entry | None) -> Entry | None:
    sides = base, ours, theirs
    if not base or not ours or not theirs or any(side and side.type != "blob" for side in sides):
        return None
    text = merged_text(*(bare.blob(side.sha) for side in (base, ours, theirs)))
    mode = theirs.mode if ours.mode == base.mode else ours.mode
    return Entry(mode, bare.put_blob(text)) if text is not None else None


def _common(base: Lines, ours: Lines, theirs: Lines) -> Iterator[tuple[int, int, int, int]]:
    """Runs of lines that all three have: where each starts in each, and its length. The last one is the end."""
    in_ours = _blocks(base, ours)
    in_theirs = _blocks(base, theirs)
    i = j = 0
    while i < len(in_ours) and j < len(in_theirs):
        our_start, our_at, our_size = in_ours[i]
        their_start, their_at, their_size = in_theirs[j]
        start = max(our_start, their_start)
        end = min(our_start + our_size, their_start + their_size)
        if start < end:
            yield start, our_at + start - our_start, their_at + start - their_start, end - start
        if our_start + our_size < their_start + their_size:
            i += 1
        else:
            j += 1
    yield len(base), len(ours), len(theirs), 0


def _blocks(base: Lines, side: Lines) -> list[tuple[int, int, int]]:
    matcher = difflib.SequenceMatcher(None, base, side, autojunk=False)
    return [(block.a, block.b, block.size) for block in matcher.get_matching_blocks() if block.size]
