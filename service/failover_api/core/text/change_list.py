"""What a commit's message, or a pull request's body, lists as changed: `path: old -> new`, file by file.

message     two spaces, the file; four spaces, `path: old -> new`
body        a row of a table: file and line, path, old, new
"""

from collections.abc import Iterator
from dataclasses import dataclass

from failover_api.core.splice import Value
from failover_api.core.splice.paths import parse_path
from failover_api.core.text.escaping import unescape_for_git
from failover_api.core.text.trailers import unwrapped
from failover_api.core.wording import shown
from failover_api.errors import BadPath

MAX_LINE = 2_000  # a longer one is none of ours
_FILE, _CHANGE, _ROW = "  ", "    ", "| ["
_CELLS = 4
_SPLITS = 8  # places in a line where its path could end


@dataclass(frozen=True, slots=True)
class ListedChange:
    """One scalar, as it was listed; `change` is `old -> new`."""

    file: str
    path: str
    change: str


def change_text(old: Value, new: Value) -> str:
    """As it is listed."""
    return f"{shown(old)} -> {shown(new)}"


def read_change_list(text: str) -> frozenset[ListedChange]:
    """All that is listed in a text; what is no listing of ours is left out."""
    return frozenset(_listed(unwrapped(unescape_for_git(text).replace("\r\n", "\n").split("\n"))))


def _listed(lines: list[str]) -> Iterator[ListedChange]:
    file = ""
    for line in lines:
        found = None
        if len(line) > MAX_LINE:
            continue
        if line.startswith(_ROW):
            found = _row(line)
        elif line.startswith(_CHANGE) and file:
            found = _change(file, line.strip())
        elif line.startswith(_FILE):
            file = line.strip()
        else:
            file = ""
        if found is not None:
            yield found


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
    place = _uncoded(cells[0].strip().removeprefix("[").partition("](")[0])
    path, old, new = (_uncoded(cell.strip()) for cell in cells[1:])
    return ListedChange(place.rpartition(":")[0], path, f"{old} -> {new}")


def _uncoded(span: str) -> str:
    """What a code span holds. https://github.github.com/gfm/#code-spans"""
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
