"""What the demo prints on: a terminal whose lines break between words, and the pause between two steps."""

from rich.control import Control
from rich.rule import Rule
from rich.segment import ControlType
from rich.text import Text

from failover_api.edges.cli.terminal import Terminal
from failover_api.edges.cli.wrapping import WrappingConsole

_ERASE_LINE = Control((ControlType.ERASE_IN_LINE, 2))
WIDTH = 80  # of prose and headings, on wider terminals too


class Screen(Terminal):
    """A terminal for somebody who reads along: tables stay tables in a file, and warnings stand where they arise."""

    def __init__(self) -> None:
        super().__init__()
        is_plain = not self.out.is_terminal
        self.out = self.err = WrappingConsole(
            widest=WIDTH, force_terminal=True, color_system=None if is_plain else "auto"
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
