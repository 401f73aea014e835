"""A unified diff as two sides, line beside line; what differs inside a line is marked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

_SHOWN = 500  # characters of each part of a line: what is longer is cut, as a whole file on one line is
_CUT = "…"
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass(frozen=True, slots=True)
class Text:
    """A line of one side, in three: what both have, what differs, what both have."""

    number: int
    before: str
    mark: str
    after: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line on each side; the same text, or None where there is none."""

    old: Text | None
    new: Text | None
    changed: bool


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that stand together. All of them begin with `indent` spaces, which a narrow screen has no room for."""

    rows: tuple[Row, ...]
    indent: int


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What changes in one file."""

    path: str
    hunks: tuple[Hunk, ...]


def side_by_side(diff: str) -> list[FileDiff]:
    """Reads what core/diff.py writes."""
    return [_file(part) for part in re.split(r"(?m)^(?=--- a/)", diff) if part]


def _file(part: str) -> FileDiff:
    head, *hunks = re.split(r"(?m)^(?=@@ )", part)
    path = head.partition("\n")[0].removeprefix("--- a/").removesuffix("\t")
    return FileDiff(path, tuple(_hunk(hunk.split("\n")[:-1]) for hunk in hunks))


def _hunk(lines: list[str]) -> Hunk:
    texts = [line[1:] for line in lines[1:] if line[:1] != "\\" and line[1:].strip()]
    indent = min((len(text) - len(text.lstrip(" ")) for text in texts), default=0)
    return Hunk(tuple(_rows(lines)), indent)


def _rows(lines: list[str]) -> Iterator[Row]:
    match = _HUNK.match(lines[0])
    assert match, "core/diff.py writes the header of a hunk"
    old_at, new_at = int(match[1]), int(match[2])
    removed: list[str] = []
    added: list[str] = []
    for line in lines[1:]:
        kind, text = line[:1], line[1:].removesuffix("\r")
        if kind == "-":
            removed.append(text)
        elif kind == "+":
            added.append(text)
        elif kind == " ":
            yield from _pairs(removed, added, old_at, new_at)
            old_at, new_at = old_at + len(removed), new_at + len(added)
            removed, added = [], []
            yield Row(_plain(old_at, text), _plain(new_at, text), changed=False)
            old_at, new_at = old_at + 1, new_at + 1
    yield from _pairs(removed, added, old_at, new_at)


def _pairs(removed: list[str], added: list[str], old_at: int, new_at: int) -> Iterator[Row]:
    for at, (old, new) in enumerate(zip_longest(removed, added)):
        if old is None or new is None:
            yield Row(_plain(old_at + at, old), _plain(new_at + at, new), changed=True)
        else:
            head, tail = _same(old, new)
            yield Row(_marked(old_at + at, old, head, tail), _marked(new_at + at, new, head, tail), changed=True)


def _same(one: str, other: str) -> tuple[int, int]:
    """How many characters both begin with, and end with beside those; no word is cut."""
    head = _common(one, other)
    return head, _common(one[head:][::-1], other[head:][::-1])


def _common(one: str, other: str) -> int:
    end = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    while end and (one[end - 1].isalnum() or one[end - 1] in "_./-"):
        end -= 1
    return end


def _plain(number: int, text: str | None) -> Text | None:
    return None if text is None else Text(number, _start(text, 3 * _SHOWN), "", "")


def _marked(number: int, text: str, head: int, tail: int) -> Text:
    end = len(text) - tail
    before = text[:head] if head <= _SHOWN else _CUT + text[head - _SHOWN : head]
    return Text(number, before, _start(text[head:end], _SHOWN), _start(text[end:], _SHOWN))


def _start(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + _CUT
