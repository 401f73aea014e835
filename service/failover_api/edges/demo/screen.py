"""What the demo prints on: a terminal whose lines break between words, and the pause between two steps."""

import re
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.control import Control
from rich.rule import Rule
from rich.segment import ControlType
from rich.text import Text

from failover_api.edges.cli.terminal import Terminal

_ERASE_LINE = Control((ControlType.ERASE_IN_LINE, 2))
WIDTH = 80  # of prose and headings, on wider terminals too


class Screen(Terminal):
    """A terminal for somebody who reads along: tables stay tables in a file, and warnings stand where they arise."""

    def __init__(self) -> None:
        super().__init__()
        is_plain = not self.out.is_terminal
        self.out = self.err = _Console(
            highlight=False, soft_wrap=True, force_terminal=True, color_system=None if is_plain else "auto"
        )

    def heading(self, text: str) -> None:
        rule = Rule(Text(text, style="bold"), align="left", style="dim")
        self.out.print()
        self.out.print(rule, soft_wrap=False, width=min(WIDTH, self.out.width))

    def say(self, text: str) -> None:
        """A paragraph, or lines to read one by one."""
        self.out.print(Text(text))

    def show_line(self, line: str) -> None:
        """To be pasted: in one piece, however long."""
        self.out.print(f"  {line}", markup=False)

    def show_command(self, line: str) -> None:
        self.out.print(Text(f"\n$ {line}", style="bold blue"))

    def goes_on(self) -> bool:
        """Waits for Enter. False for q, and at the end of the input. The question leaves no trace."""
        self.out.print()
        try:
            answer = self.out.input("[dim]Enter: next step, q: end[/] ")
        except EOFError:
            self.out.print()
            return False
        self.out.control(Control.move(0, -1), _ERASE_LINE, Control.move(0, -1))
        return not answer.strip().lower().startswith("q")


class _Console(Console):
    """Breaks a line between words, never inside one: a URL or a path stays whole."""

    def print(self, *objects: Any, **options: Any) -> None:
        width = min(WIDTH, self.width)
        super().print(*(_wrapped(one, width) if isinstance(one, Text) else one for one in objects), **options)


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
    for word in re.finditer(r"\S+", line):
        if word.end() - start > width - (indent if start else 0) and line[start : word.start()].strip():
            start = word.start()
            yield start
