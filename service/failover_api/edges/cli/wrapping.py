"""Lines that break between words where they are shown on a terminal. A file or a pipe gets them as they are."""

import re
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

# What stands between backticks is to be pasted: it stays in one line, and so does a URL or a path.
_WORD = re.compile(r"(?:`[^`]*`|\S)+")


class WrappingConsole(Console):
    """Breaks each line of a Text between words, never inside one, and nothing that is printed with `no_wrap`.

    `widest` is how wide lines get on a terminal that is wider.
    """

    def __init__(self, *, widest: int | None = None, **options: Any) -> None:
        super().__init__(highlight=False, soft_wrap=True, **options)
        self._widest = widest

    def print(self, *objects: Any, no_wrap: bool | None = None, **options: Any) -> None:
        if self.is_terminal and not no_wrap:
            width = min(self._widest or self.width, self.width)
            objects = tuple(_wrapped(one, width) if isinstance(one, Text) else one for one in objects)
        super().print(*objects, no_wrap=no_wrap, **options)


def _wrapped(text: Text, width: int) -> Text:
    lines: list[Text] = []
    for line in text.split("\n", allow_blank=True):
        indent = len(line.plain) - len(line.plain.lstrip(" "))
        indent += 2 if indent else 0
        first, *more = line.divide(_starts(line.plain, width, indent))
        lines += [first, *(Text.assemble(" " * indent, part) for part in more)]
    for line in lines:
        line.rstrip()
    return Text("\n").join(lines)


def _starts(line: str, width: int, indent: int) -> Iterator[int]:
    """Where a line goes on below itself, by `indent`: at the word that would not fit."""
    start = 0
    for word in _WORD.finditer(line):
        if word.end() - start > width - (indent if start else 0) and line[start : word.start()].strip():
            start = word.start()
            yield start
