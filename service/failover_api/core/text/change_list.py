"""The list of changes in a commit message or in the body of a pull request: written, and read back.

message     two spaces, the file; four spaces, `path: old -> new`
body        a row of a table: file and line, path, old, new
"""

from collections.abc import Iterator
from dataclasses import dataclass

from failover_api.core.planning.change import Entries
from failover_api.core.splice import Value
from failover_api.core.splice.paths import parse_path
from failover_api.core.splice.shown import shown
from failover_api.core.text.escaping import unescape_for_git
from failover_api.core.text.trailers import unwrapped
from failover_api.errors import BadPath

MAX_LINE = 2_000  # a longer one is none of ours
_FILE, _CHANGE, _ROW = "  ", "    ", "| ["
_CELLS = 4
_SPLITS = 8  # places in a line where its path could end


@dataclass(frozen=True, slots=True)
class ListedChange:
    """One scalar of a list of changes; `values` is `old -> new`."""

    file: str
    path: str
    values: str


def change_text(old: Value | Entries, new: Value | Entries) -> str:
    """The values of a change as a list has them: `primary -> backup`."""
    return f"{shown(old)} -> {shown(new)}"


def read_change_list(text: str) -> frozenset[ListedChange]:
    """All changes that a text lists in our form; the rest of it is ignored."""
    return frozenset(_changes(unwrapped(unescape_for_git(text).replace("\r\n", "\n").split("\n"))))


def _changes(lines: list[str]) -> Iterator[ListedChange]:
    file = ""
    for line in lines:
        change = None
        if len(line) > MAX_LINE:
            continue
        if line.startswith(_ROW):
            change = _row(line)
        elif line.startswith(_CHANGE) and file:
            change = _change(file, line.strip())
        elif line.startswith(_FILE):
            file = line.strip()
        else:
            file = ""
        if change is not None:
            yield change


def _change(file: str, line: str) -> ListedChange | None:
    """`path: old -> new`. A path may hold a colon too: in quotes, where what is before it is no path."""
    at = -1
    for _ in range(_SPLITS):
        at = line.find(": ", at + 1)
        if at < 0:
            return None
        if _is_path(line[:at]):
            return ListedChange(file, line[:at], line[at + 2 :])
    return None


def _row(line: str) -> ListedChange | None:
    cells = line.strip().removeprefix("|").removesuffix("|").split(" | ")
    if len(cells) != _CELLS:
        return None
    place = _code_span_text(cells[0].strip().removeprefix("[").partition("](")[0])
    path, old, new = (_code_span_text(cell.strip()) for cell in cells[1:])
    return ListedChange(place.rpartition(":")[0], path, f"{old} -> {new}")


def _code_span_text(span: str) -> str:
    """https://github.github.com/gfm/#code-spans"""
    ticks = len(span) - len(span.lstrip("`"))
    text = span[ticks : len(span) - ticks].replace("\\|", "|")
    is_padded = len(text) > 1 and text[0] == text[-1] == " "
    return text[1:-1] if is_padded and text.strip() else text


def _is_path(text: str) -> bool:
    try:
        parse_path(text)
    except BadPath:
        return False
    return True
