"""`failover relocate`: the steps of a planned move, one after the other, as they are made.

Whoever leaves in the middle leaves it under way: a running service goes on with it, or the next call of this command.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from failover_api.core.wording import shell_word
from failover_api.edges.cli.backend import Backend, Body, Callbacks, Refused
from failover_api.edges.cli.execution import DONE, LATE, REFUSED, open_terminal, with_writing_backend
from failover_api.edges.cli.moves import move_request
from failover_api.edges.cli.options import (
    Abort,
    Accept,
    AsJson,
    DryRun,
    Key,
    LeaveAtOnce,
    Reason,
    RelocationSide,
    Server,
    ServiceName,
    Synced,
    Yes,
)
from failover_api.edges.cli.progress import PASSING
from failover_api.edges.printable import one_line

if TYPE_CHECKING:  # `failover --help` should not wait for pydantic
    from failover_api.core.planning.request import MoveRequest
    from failover_api.edges.cli.terminal import Terminal

POLL_S = 2.0
_UNDER_WAY = ("running", "waiting")


def relocate(
    service: ServiceName,
    to: RelocationSide = None,
    dry_run: DryRun = False,
    reason: Reason = "",
    accept: Accept = None,
    key: Key = None,
    synced: Synced = False,
    abort: Abort = False,
    yes: Yes = False,
    no_wait: LeaveAtOnce = False,
    as_json: AsJson = False,
    server: Server = None,
) -> None:
    """Move a service and its data to the other side."""
    if abort == (to is not None):
        raise typer.BadParameter("name the side with --to, or --abort what is under way")
    if abort and (dry_run or synced):
        raise typer.BadParameter("--abort goes without --dry-run and --synced")
    terminal = open_terminal(as_json=as_json)

    def run(backend: Backend, on_write: Callable[[], None]) -> None:
        request = move_request(reason, key, accept, dry_run=dry_run)
        callbacks = Callbacks(on_write=on_write)
        if abort:
            terminal.show_relocation(backend.abort_relocation(service, request, callbacks))
            return
        assert to is not None, "checked above"
        if dry_run:
            terminal.show_relocation(backend.relocate(service, to.value, request)[0], with_diff=True)
            return
        if terminal.can_ask and not yes:
            request = _asked(backend, terminal, service, to.value, request)
        body, _ = backend.relocate(service, to.value, request, callbacks, is_synced=synced)
        if not no_wait:
            body = follow(backend, terminal, body)
        terminal.show_relocation(body)
        raise typer.Exit(_code(body))

    again = f"failover relocate {service} --to {to.value if to is not None else 'SIDE'}"
    left = (
        f"what was begun goes on where a service runs, or when `{again}` is asked for again; "
        f"`failover relocate {service} --abort` puts back what was, until the cutover"
    )
    with_writing_backend(terminal, server, run, named=service, interrupted=left)


def _asked(backend: Backend, terminal: "Terminal", service: str, to: str, request: "MoveRequest") -> "MoveRequest":
    """Shows all steps and asks. What is shown is what is begun with."""
    shown, versions = backend.relocate(service, to, replace(request, dry_run=True))
    if shown["state"] == "done" or shown["operation"] is not None:
        return request
    if not terminal.ask_relocation(shown):
        terminal.err.print("Nothing was written.")
        raise typer.Exit(REFUSED)
    return replace(request, versions=versions)


def follow(backend: Backend, terminal: "Terminal", body: Body) -> Body:
    """Until it has come to its end. What passes is waited for too."""
    said: set[str] = set()
    while True:
        for line in lines(body):
            if line not in said:
                said.add(line)
                terminal.note(line)
        if body["state"] not in _UNDER_WAY:
            return body
        time.sleep(POLL_S)
        body = _next(backend, terminal, body)


def _next(backend: Backend, terminal: "Terminal", body: Body) -> Body:
    if _asks_for_a_word(body) and terminal.can_ask:
        if not terminal.ask_whether_synced(body):
            again = f"failover relocate {shell_word(body['service'])}"
            terminal.note(
                f"It stays stopped. When its data is there: `{again} --to {body['to']} --synced`; `{again} --abort` "
                "starts it again where it was."
            )
            raise typer.Exit(REFUSED)
        from failover_api.core.planning.request import MoveRequest
        from failover_api.edges.cli.backend import caller

        request = MoveRequest(by=caller())
        return backend.relocate(body["service"], body["to"], request, is_synced=True)[0]
    try:
        return backend.relocation(body["service"], body["operation"])
    except Refused as exc:
        if exc.problem.get("status") not in PASSING:
            raise
        terminal.note(f"still waiting: {one_line(str(exc.problem.get('detail', '')))}")
        return body


def _asks_for_a_word(body: Body) -> bool:
    return body["state"] == "waiting" and "synced=true" in body["cure"]


def lines(body: Body) -> Iterator[str]:
    """Each step that was made, with its proof, and what is waited for now."""
    count = len(body["steps"])
    for number, step in enumerate(body["steps"], 1):
        if step["commits"]:
            proof = f": {step['proof']}" if step["proof"] else ""
            yield one_line(f"{number}/{count} {step['name']} {step['commits'][-1]['sha'][:12]}{proof}")
    if body["state"] in _UNDER_WAY and body["reason"]:
        cure = f" {body['cure']}" if body["cure"] else ""
        yield one_line(f"{body['step']}: {body['reason']}{cure}")


def _code(body: Body) -> int:
    return LATE if body["state"] == "stopped" else DONE
