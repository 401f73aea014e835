"""The side-by-side diff, line beside line; what differs inside a line is marked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest

from failover_api.core.text import diff

_SHOWN = 500  # characters of each part of a line: what is longer is cut, as a whole file on one line is
_CUT = "…"


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


def side_by_side(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> list[FileDiff]:
    """{path: bytes} as they are and as they become; nothing for a file that stays the same."""
    return [
        FileDiff(path, tuple(_hunk(hunk) for hunk in diff.hunks(old[path], new[path])))
        for path in new
        if old[path] != new[path]
    ]


def _hunk(hunk: diff.Hunk) -> Hunk:
    lines = [(mark, _text(line)) for mark, line in hunk.lines]
    indent = min((len(text) - len(text.lstrip(" ")) for _, text in lines if text.strip()), default=0)
    return Hunk(tuple(_rows(lines, hunk.start + 1, hunk.new_start + 1)), indent)


def _text(line: bytes) -> str:
    return line.decode("utf-8", errors="replace").removesuffix("\n").removesuffix("\r")


def _rows(lines: Sequence[tuple[str, str]], old_at: int, new_at: int) -> Iterator[Row]:
    """`old_at` and `new_at` are the numbers of the first line on each side."""
    for is_context, run in groupby(lines, key=lambda line: line[0] == " "):
        texts = list(run)
        removed = [text for mark, text in texts if mark != "+"]
        added = [text for mark, text in texts if mark != "-"]
        if is_context:
            for at, text in enumerate(removed):
                yield Row(_plain(old_at + at, text), _plain(new_at + at, text), changed=False)
        else:
            yield from _pairs(removed, added, old_at, new_at)
        old_at, new_at = old_at + len(removed), new_at + len(added)


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
