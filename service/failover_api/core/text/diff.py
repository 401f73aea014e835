"""A unified diff that `git apply` takes.

An edit of ours mostly replaces text inside lines: where old and new have as many lines, they are compared line by line,
in linear time. Otherwise difflib is used, within a bound; a longer text is compared piece by piece, between the lines
that each side has once.
https://git-scm.com/docs/git-diff#generate_patch_text_with_p
"""

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import groupby
from typing import NamedTuple

CONTEXT_LINES = 3
MAX_COMPARED = 250_000  # pairs of lines, for difflib, which is quadratic: some 40 ms
MAX_OF_A_PIECE = MAX_COMPARED // 8  # there may be many


class _Span(NamedTuple):
    """Lines `start` up to `end` of the old text become lines `new_start` up to `new_end` of the new one."""

    start: int
    end: int
    new_start: int
    new_end: int


class Hunk(NamedTuple):
    """Lines that stand together, each with its mark: "-" of the old text, "+" of the new one, " " of both.

    `start` and `new_start` are where they begin in each, counted from 0.
    """

    start: int
    new_start: int
    lines: Sequence[tuple[str, bytes]]


def unified_diff(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> str:
    """The diff of {path: bytes} to {path: bytes}; nothing for a file that is the same."""
    return "".join(_file_diff(path, old[path], new[path]) for path in new if old[path] != new[path])


def hunks(old: bytes, new: bytes) -> list[Hunk]:
    """What changes from one text to the other, with the lines around it."""
    before, after = _lines(old), _lines(new)
    return [_hunk(group, before, after) for group in _groups(_spans(before, after))]


def _file_diff(path: str, old: bytes, new: bytes) -> str:
    end = "\t" if " " in path else ""  # what follows a tab is no part of the name
    return f"--- a/{path}{end}\n+++ b/{path}{end}\n{''.join(map(_written, hunks(old, new)))}"


def _lines(data: bytes) -> list[bytes]:
    """The lines with their endings; only a line feed ends one, as in Git."""
    return BytesIO(data).readlines()


def _spans(
    before: Sequence[bytes], after: Sequence[bytes], at: int = 0, new_at: int = 0, most: int = MAX_COMPARED
) -> list[_Span]:
    """What differs; the lines are those from `at` and `new_at` on."""
    if len(before) == len(after):
        differing = [line for line, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
        runs = (
            [line for _, line in run] for _, run in groupby(enumerate(differing), key=lambda pair: pair[1] - pair[0])
        )
        return [_Span(at + run[0], at + run[-1] + 1, new_at + run[0], new_at + run[-1] + 1) for run in runs]
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    middle, new_middle = before[head : len(before) - tail], after[head : len(after) - tail]
    at, new_at = at + head, new_at + head
    if len(middle) * len(new_middle) > most:
        return _between_anchors(middle, new_middle, at, new_at)
    matcher = difflib.SequenceMatcher(None, middle, new_middle, autojunk=False)
    found = (span for tag, *span in matcher.get_opcodes() if tag != "equal")
    return [_Span(at + one, at + two, new_at + three, new_at + four) for one, two, three, four in found]


def _between_anchors(before: Sequence[bytes], after: Sequence[bytes], at: int, new_at: int) -> list[_Span]:
    """Piece by piece, between lines that surely belong together; as a whole where there are none."""
    anchors = _anchors(before, after)
    if not anchors:
        return [_Span(at, at + len(before), new_at, new_at + len(after))]
    spans: list[_Span] = []
    start, new_start = 0, 0
    for end, new_end in [*anchors, (len(before), len(after))]:
        piece, new_piece = before[start:end], after[new_start:new_end]
        spans += _spans(piece, new_piece, at + start, new_at + new_start, MAX_OF_A_PIECE)
        start, new_start = end + 1, new_end + 1
    return spans


def _anchors(before: Sequence[bytes], after: Sequence[bytes]) -> list[tuple[int, int]]:
    """Where the lines are that each side has once, in one order."""
    counts, new_counts = Counter(before), Counter(after)
    places = {line: place for place, line in enumerate(after) if new_counts[line] == 1}
    anchors: list[tuple[int, int]] = []
    for place, line in enumerate(before):
        if counts[line] == 1 and line in places and (not anchors or places[line] > anchors[-1][1]):
            anchors.append((place, places[line]))
    return anchors


def _common(one: Sequence[bytes], other: Sequence[bytes]) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _groups(spans: Sequence[_Span]) -> list[list[_Span]]:
    """Spans whose context lines touch are one hunk."""
    groups: list[list[_Span]] = []
    for span in spans:
        if groups and span.start - groups[-1][-1].end <= 2 * CONTEXT_LINES:
            groups[-1].append(span)
        else:
            groups.append([span])
    return groups


def _hunk(group: Sequence[_Span], before: Sequence[bytes], after: Sequence[bytes]) -> Hunk:
    lead = min(CONTEXT_LINES, group[0].start)
    start = at = group[0].start - lead
    lines: list[tuple[str, bytes]] = []
    for span in group:
        lines += [(" ", line) for line in before[at : span.start]]
        lines += [("-", line) for line in before[span.start : span.end]]
        lines += [("+", line) for line in after[span.new_start : span.new_end]]
        at = span.end
    lines += [(" ", line) for line in before[at : at + CONTEXT_LINES]]
    return Hunk(start, group[0].new_start - lead, lines)


def _written(hunk: Hunk) -> str:
    marks = [mark for mark, _ in hunk.lines]
    old_range = _range(hunk.start, len(marks) - marks.count("+"))
    new_range = _range(hunk.new_start, len(marks) - marks.count("-"))
    return f"@@ -{old_range} +{new_range} @@\n{''.join(_line(mark, line) for mark, line in hunk.lines)}"


def _range(start: int, count: int) -> str:
    return f"{start + 1}" if count == 1 else f"{start + 1 if count else start},{count}"


def _line(mark: str, line: bytes) -> str:
    text = line.decode("utf-8", errors="replace")
    return f"{mark}{text}" if text.endswith("\n") else f"{mark}{text}\n\\ No newline at end of file\n"
