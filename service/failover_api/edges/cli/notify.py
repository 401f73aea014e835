"""`failover notify --test`: whether those who would be told of a move can be reached from here."""

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from failover_api.edges.cli.execution import FAILED, USAGE, carry_out_in_order, note_of_local_files, open_terminal
from failover_api.edges.cli.local import LocalBackend
from failover_api.edges.cli.options import AsJson
from failover_api.edges.interruption import Interruption

if TYPE_CHECKING:  # `failover --help` should not wait for pydantic
    from failover_api.settings import Settings

Test = Annotated[bool, typer.Option("--test", help="Send one test message to each target.")]
NOBODY = """\
The catalog names nobody to tell. Add to services.yaml:

notifications:
  - url_file: /etc/failover-api/notify/urls

and write into that file an apprise URL on each line, such as ntfy://ntfy.sh/TOPIC. docs/ALERTS.md has more."""


def notify(test: Test = False, as_json: AsJson = False) -> None:
    """Try the notifications of the catalog, from this machine.

    Each target gets one test message, whatever events it is for. No URL is printed: they hold secrets.
    """
    if not test:
        raise typer.BadParameter("say --test: a message goes to each target that the catalog names")
    terminal = open_terminal(as_json=as_json)

    def run(settings: "Settings", interruption: Interruption) -> None:
        note_of_local_files(terminal, settings)
        with contextlib.closing(LocalBackend(settings, interruption)) as backend, terminal.waiting("sending"):
            body = backend.try_notifications()
        terminal.show_targets(body)
        if not body["targets"]:
            terminal.note(NOBODY)
            raise typer.Exit(USAGE)
        if not body["ok"]:
            raise typer.Exit(FAILED)

    carry_out_in_order(terminal, run)
