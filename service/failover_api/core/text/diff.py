"""What changed, as a unified diff that `git apply` takes.

An edit of ours replaces text inside lines, so almost always old and new have as many lines, and line is compared with
line: linear in the file. Only when they have not does difflib look for what moved.
https://git-scm.com/docs/git-diff#generate_patch_text_with_p
"""

import difflib
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import groupby
from typing import NamedTuple

CONTEXT_LINES = 3
MAX_COMPARED = 250_000  # pairs of lines, for difflib, which is quadratic: some 40 ms


class _Span(NamedTuple):
    """Lines `start` up to `end` of the old text become lines `new_start` up to `new_end` of the new one."""

    start: int
    end: int
    new_start: int
    new_end: int


def unified_diff(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> str:
    """The diff of {path: bytes} to {path: bytes}; nothing for a file that is the same."""
    return "".join(_file_diff(path, old[path], new[path]) for path in new if old[path] != new[path])


def _file_diff(path: str, old: bytes, new: bytes) -> str:
    before, after = _lines(old), _lines(new)
    body = "".join(_hunk(group, before, after) for group in _groups(_spans(before, after)))
    end = "\t" if " " in path else ""  # what follows a tab is no part of the name
    return f"--- a/{path}{end}\n+++ b/{path}{end}\n{body}"


def _lines(data: bytes) -> list[bytes]:
    """The lines with their endings; only a line feed ends one, as in Git."""
    return BytesIO(data).readlines()


def _spans(before: Sequence[bytes], after: Sequence[bytes]) -> list[_Span]:
    if len(before) == len(after):
        differing = [at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
        runs = ([at for _, at in run] for _, run in groupby(enumerate(differing), key=lambda pair: pair[1] - pair[0]))
        return [_Span(run[0], run[-1] + 1, run[0], run[-1] + 1) for run in runs]
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    middle, new_middle = before[head : len(before) - tail], after[head : len(after) - tail]
    if len(middle) * len(new_middle) > MAX_COMPARED:
        return [_Span(head, head + len(middle), head, head + len(new_middle))]
    matcher = difflib.SequenceMatcher(None, middle, new_middle, autojunk=False)
    return [_Span(*(head + at for at in span)) for tag, *span in matcher.get_opcodes() if tag != "equal"]


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


def _hunk(group: Sequence[_Span], before: Sequence[bytes], after: Sequence[bytes]) -> str:
    first, last = group[0], group[-1]
    lead = min(CONTEXT_LINES, first.start)
    trail = min(CONTEXT_LINES, len(before) - last.end)
    lines: list[str] = []
    at = first.start - lead
    for span in group:
        lines += [_line(" ", line) for line in before[at : span.start]]
        lines += [_line("-", line) for line in before[span.start : span.end]]
        lines += [_line("+", line) for line in after[span.new_start : span.new_end]]
        at = span.end
    lines += [_line(" ", line) for line in before[at : at + trail]]
    old_range = _range(first.start - lead, last.end + trail)
    return f"@@ -{old_range} +{_range(first.new_start - lead, last.new_end + trail)} @@\n{''.join(lines)}"


def _range(start: int, end: int) -> str:
    count = end - start
    return f"{start + 1}" if count == 1 else f"{start + 1 if count else start},{count}"


def _line(mark: str, line: bytes) -> str:
    text = line.decode("utf-8", errors="replace")
    return f"{mark}{text}" if text.endswith("\n") else f"{mark}{text}\n\\ No newline at end of file\n"
