"""The interface to GitHub's runner: lines of output that are commands, files for outputs and the summary.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from failover_api.edges.printable import one_line

_ARMOUR = re.compile(r"-----[A-Z ]{1,60}-----")  # of a PEM file: no secret, and many texts have it


class Runner:
    """The runner that this process is a step of."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def say(self, line: str = "") -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def mask(self, secret: str) -> None:
        """Keeps a secret out of the log from here on, each of its lines as well."""
        for line in secret.splitlines():
            if len(line) >= 8 and not _ARMOUR.fullmatch(line):
                self.say(f"::add-mask::{_escaped(line)}")

    def complain(self, title: str, detail: str) -> None:
        """An annotation, shown at the top of the run."""
        shown = _escaped(one_line(title)).replace(":", "%3A").replace(",", "%2C")
        self.say(f"::error title={shown}::{_escaped(one_line(detail))}")

    @contextmanager
    def quoting(self) -> Iterator[None]:
        """What is printed within is text: a line of a manifest that reads like a command is not one."""
        word = secrets.token_hex(16)
        self.say(f"::stop-commands::{word}")
        try:
            yield
        finally:
            self.say(f"::{word}::")

    def put_outputs(self, outputs: Mapping[str, str]) -> None:
        end = f"end-{secrets.token_hex(16)}"  # a value cannot guess where it ends
        self._append("GITHUB_OUTPUT", "".join(f"{name}<<{end}\n{text}\n{end}\n" for name, text in outputs.items()))

    def put_summary(self, text: str) -> None:
        self._append("GITHUB_STEP_SUMMARY", text)

    def _append(self, variable: str, text: str) -> None:
        if path := self._environ.get(variable):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(text)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
