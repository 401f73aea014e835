"""What people read in a terminal. Prompts and problems go to standard error, answers to standard output."""

import io
import json
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

Body = dict[str, Any]

_COLOURS = {"primary": "green", "backup": "yellow", "mixed": "magenta", "unknown": "red"}
_DIFF_STYLES = {"@": "cyan", "-": "red", "+": "green"}
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160)) if code not in (9, 10)}


class Terminal:
    """Standard output and error, with colours where they are terminals."""

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json
        for stream in (sys.stdout, sys.stderr):  # a letter that cannot be shown must not hide what was done
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        self.out = Console(highlight=False, soft_wrap=True)
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there to answer; standard output may be a pipe."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    def show_json(self, body: Body) -> None:
        plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
        sys.stdout.write(json.dumps(body, indent=2, ensure_ascii=plain) + "\n")

    def show_list(self, body: Body) -> None:
        if self._as_json:
            return self.show_json(body)
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("SERVICE", "SIDE", "POLICY", "WHERE"):
            table.add_column(column, overflow="fold")
        for service in body["services"]:
            table.add_row(Text(service["service"]), _side(service["side"]), service["policy"], _where(service))
        self.out.print(table, soft_wrap=False)
        if body["config_error"]:
            self.err.print(
                f"[red]the catalog's newest version is refused:[/] {escape(printable(body['config_error']))}"
            )
        return None

    def show_status(self, body: Body) -> None:
        if self._as_json:
            return self.show_json(body)
        self.out.print(
            Text.assemble(
                (body["service"], "bold"),
                " is on ",
                _side(body["side"]),
                f"   {body['repository']}@{body['branch']}, policy {body['policy']}",
            )
        )
        places = [printable(f"{switch['file']}:{switch['line']}") for switch in body["switches"]]
        width = max(map(len, places), default=0)
        for switch, place in zip(body["switches"], places, strict=True):
            value = printable(f"{switch['path']} = {_value(switch['value'])}")
            side = _side(switch["side"])
            side.pad_right(len("primary") - len(side))
            self.out.print(Text.assemble("  ", side, "  ", (place.ljust(width), "dim"), f"  {value}"))
        return None

    def show_outcome(self, body: Body, *, with_diff: bool) -> None:
        if self._as_json:
            return self.show_json(body)
        if with_diff and body["diff"]:
            self.show_diff(body["diff"], self.out)
        self.out.print(Text(printable(body["message"])))
        if body["commit"]:
            verified = " (verified)" if body["commit"]["verified"] else ""
            self.out.print(Text(f"commit {body['commit']['sha']}{verified}\n{body['commit']['url']}", style="dim"))
        return None

    def show_diff(self, diff: str, console: Console) -> None:
        for line in diff.split("\n")[:-1]:
            style = "bold" if line.startswith(("--- ", "+++ ")) else _DIFF_STYLES.get(line[:1], "")
            console.print(Text(printable(line.removesuffix("\r")), style=style))

    def show_checks(self, body: Body) -> None:
        if self._as_json:
            return self.show_json(body)
        for check in body["checks"]:
            mark = ("ok    ", "green") if check["ok"] else ("FAILED", "bold red")
            self.out.print(Text.assemble(mark, f"  {check['name']}: ", printable(check["detail"])))
        failed = sum(not check["ok"] for check in body["checks"])
        self.out.print(Text(f"{failed} of {len(body['checks'])} checks failed." if failed else "All is well."))
        return None

    def show_problem(self, problem: Body) -> None:
        if self._as_json:
            return self.show_json(problem)
        self.err.print(
            Text.assemble((f"{problem.get('title', 'Error')}: ", "bold red"), printable(str(problem.get("detail", ""))))
        )
        if problem.get("outcome") == "unknown":
            self.err.print("[bold red]The change may have been made.[/]")
        return None

    def ask(self, outcome: Body) -> bool:
        """Shows what a move would do and asks; standard output stays clean."""
        self.show_diff(outcome["diff"], self.err)
        try:
            answer = self.err.input(f"{escape(_question(outcome))} \\[y/N] ")
        except EOFError:
            self.err.print()
            return False
        return answer.strip().lower() in {"y", "yes"}


def printable(text: str) -> str:
    """Without control characters: a manifest must not drive the terminal."""
    return text.translate(_CONTROL)


def _question(outcome: Body) -> str:
    return f"{outcome['action'].capitalize()} {outcome['service']} from {outcome['from']} to {outcome['to']}?"


def _side(side: str) -> Text:
    return Text(side, style=_COLOURS.get(side, ""))


def _where(service: Body) -> Text:
    if service.get("error"):
        return Text(printable(service["error"]["detail"]), style="red")
    strays = [s for s in service["switches"] if s["side"] == "unknown"]
    if strays:
        first = strays[0]
        said = f"{first['file']}:{first['line']}: {_value(first['value'])} is on neither side"
        return Text(printable(said), style="red")
    return Text(printable(", ".join(dict.fromkeys(switch["file"] for switch in service["switches"]))), style="dim")


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
