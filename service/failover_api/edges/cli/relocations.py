"""`failover relocate`: the steps of a planned move, one after the other, as they are made. Of a group or a node, too.

Whoever leaves in the middle leaves it under way: a running service goes on with it, or the next call of this command.
"""

import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import typer

from failover_api.core.wording import shell_word
from failover_api.edges.cli.backend import Backend, Body, Callbacks, Kind, Refused, Versions
from failover_api.edges.cli.execution import DONE, LATE, REFUSED, UNKNOWN, open_terminal, with_writing_backend
from failover_api.edges.cli.moves import move_request
from failover_api.edges.cli.options import (
    Abort,
    Accept,
    AsJson,
    DryRun,
    Home,
    Key,
    LeaveAtOnce,
    Reason,
    RelocatedGroup,
    RelocatedNode,
    RelocationSide,
    Server,
    ServiceOrNone,
    SkipRefused,
    Synced,
    Yes,
)
from failover_api.edges.cli.progress import PASSING
from failover_api.edges.interruption import Interrupted
from failover_api.edges.printable import one_line

if TYPE_CHECKING:  # `failover --help` should not wait for pydantic
    from failover_api.core.planning.request import MoveRequest
    from failover_api.edges.cli.terminal import Terminal

POLL_S = 2.0
_UNDER_WAY = ("running", "waiting")
_ACCEPTABLE = ("unsynced-overwritten", "data-left-behind")  # whatever else stops it, it cannot do without
_TOLD_ONCE = ("refused", "warnings")  # by the answer to who begins it


@dataclass(frozen=True, slots=True)
class Relocated:
    """What is relocated. `to` is "" for a node: there each service goes to its other side, or home."""

    kind: Kind
    name: str
    to: str = ""
    is_home: bool = False
    is_synced: bool = False

    def begin(self, backend: Backend, request: "MoveRequest", callbacks: Callbacks) -> tuple[Body, Versions]:
        if self.kind == "group":
            return backend.relocate_group(self.name, self.to, request, callbacks)
        if self.kind == "node":
            return backend.relocate_node(self.name, request, callbacks, is_home=self.is_home)
        return backend.relocate(self.name, self.to, request, callbacks, is_synced=self.is_synced)

    def abort(self, backend: Backend, request: "MoveRequest", callbacks: Callbacks) -> Body:
        if self.kind == "service":
            return backend.abort_relocation(self.name, request, callbacks)
        return backend.abort_group_relocation(self.kind, self.name, request, callbacks)

    def command(self, *more: str) -> str:
        """The line that is about it."""
        return shlex.join(
            ["failover", "relocate", *([] if self.kind == "service" else [f"--{self.kind}"]), self.name, *more]
        )

    def again(self, *more: str) -> str:
        """The line that asks for the same."""
        return self.command(*(["--home"] if self.is_home else ["--to", self.to] if self.to else []), *more)

    def hint(self, problem: Body, *, is_skipping: bool) -> str:
        """What to do where it is refused."""
        from failover_api.edges.accepting import stops_of

        stops = [stop for stop in stops_of(problem) if stop.rpartition(":")[2] in _ACCEPTABLE]
        if stops:
            accepting = [word for stop in stops for word in ("--accept", stop)]
            return f"To relocate it all the same: {self.again(*accepting)}"
        if problem.get("refused") and not is_skipping:
            return f"To relocate the others: {self.again('--skip-refused')}"
        is_running = self.kind != "service" and str(problem.get("type", "")).endswith(":relocation-running")
        return f"To end it: {self.command('--abort')}" if is_running else ""


def relocate(
    service: ServiceOrNone = None,
    to: RelocationSide = None,
    group: RelocatedGroup = None,
    node: RelocatedNode = None,
    home: Home = False,
    dry_run: DryRun = False,
    reason: Reason = "",
    skip_refused: SkipRefused = False,
    accept: Accept = None,
    key: Key = None,
    synced: Synced = False,
    abort: Abort = False,
    yes: Yes = False,
    no_wait: LeaveAtOnce = False,
    as_json: AsJson = False,
    server: Server = None,
) -> None:
    """Move a service and its data to the other side.

    Those of a group or a node one after the other.
    """
    if sum(name is not None for name in (service, group, node)) != 1:
        raise typer.BadParameter("name a SERVICE, a --group or a --node, and one of them alone")
    if node is None and abort == (to is not None):
        raise typer.BadParameter("name the side with --to, or --abort what is under way")
    if node is not None and to is not None:
        raise typer.BadParameter("--node goes without --to: each service goes to its other side; --home brings home")
    if home and (node is None or abort):
        raise typer.BadParameter("--home goes with --node, and without --abort")
    if abort and (dry_run or synced):
        raise typer.BadParameter("--abort goes without --dry-run and --synced")
    if (synced and service is None) or (skip_refused and service is not None):
        raise typer.BadParameter("--synced goes with a SERVICE, --skip-refused with a --group or a --node")
    kind: Kind = "service" if service is not None else "group" if group is not None else "node"
    target = Relocated(kind, service or group or node or "", to.value if to else "", home, synced)
    terminal = open_terminal(as_json=as_json)

    def run(backend: Backend, on_write: Callable[[], None]) -> None:
        request = move_request(reason, key, accept, dry_run=dry_run, skip_refused=skip_refused)
        callbacks = Callbacks(on_write=on_write)
        if abort:
            terminal.show_relocation(target.abort(backend, request, callbacks))
            return
        try:
            if terminal.can_ask and not (yes or dry_run or synced):  # with --synced nothing begins
                request = _asked(backend, terminal, target, request)
            begun, _ = target.begin(backend, request, callbacks)
        except Refused as exc:
            exc.hint = target.hint(exc.problem, is_skipping=skip_refused)
            raise
        body = begun
        if not (no_wait or dry_run):
            try:
                for newest in follow(backend, terminal, begun):
                    body = newest
            except Interrupted:
                if as_json:
                    terminal.show_relocation(body)
                terminal.note(_left(target, body, server))
                raise typer.Exit(UNKNOWN) from None
        terminal.show_relocation(body, with_diff=dry_run)
        raise typer.Exit(DONE if dry_run else _code(body))

    left = (
        f"what was begun goes on where a service runs, or when `{target.again()}` is asked for again; "
        f"`{target.command('--abort')}` puts back what was, until the cutover"
    )
    with_writing_backend(terminal, server, run, named=target.name, interrupted=left)


def _asked(backend: Backend, terminal: "Terminal", target: Relocated, request: "MoveRequest") -> "MoveRequest":
    """Shows all steps and asks. What is shown is what is begun with."""
    shown, versions = target.begin(backend, replace(request, dry_run=True), Callbacks())
    if shown["state"] == "done" or shown["operation"] is not None:
        return request
    if not terminal.ask_relocation(shown):
        terminal.err.print("Nothing was written.")
        raise typer.Exit(REFUSED)
    return replace(request, versions=versions)


def follow(backend: Backend, terminal: "Terminal", body: Body) -> Iterator[Body]:
    """How far it is, time and again until it has come to its end. What passes is waited for too."""
    said: set[str] = set()
    while True:
        yield body
        for line in lines(body):
            if line not in said:
                said.add(line)
                terminal.note(line)
        if body["state"] not in _UNDER_WAY:
            return
        time.sleep(POLL_S)
        body = _next(backend, terminal, body)


def _next(backend: Backend, terminal: "Terminal", body: Body) -> Body:
    for part in parts(body):
        if part["awaits_word"] and terminal.can_ask:
            _give_word(backend, terminal, part)
    try:
        if "relocations" in body:
            return {**backend.group_relocation(body["operation"]), **{key: body[key] for key in _TOLD_ONCE}}
        return backend.relocation(body["service"], body["operation"])
    except Refused as exc:
        if exc.problem.get("status") not in PASSING:
            raise
        terminal.note(f"still waiting: {one_line(str(exc.problem.get('detail', '')))}")
        return body


def _give_word(backend: Backend, terminal: "Terminal", body: Body) -> None:
    """Asks whether the data is there, and passes that on. Whoever says no leaves the app stopped, and is told so."""
    if not terminal.ask_whether_synced(body):
        again = f"failover relocate {shell_word(body['service'])}"
        terminal.note(
            f"It stays stopped. When its data is there: `{again} --to {body['to']} --synced`; "
            f"`{again} --abort` starts it again where it was."
        )
        raise typer.Exit(REFUSED)
    from failover_api.core.planning.request import MoveRequest
    from failover_api.edges.cli.backend import caller

    backend.relocate(body["service"], body["to"], MoveRequest(by=caller()), is_synced=True)


def parts(body: Body) -> list[Body]:
    """The relocation of each service."""
    found: list[Body] = body.get("relocations", [body])
    return found


def lines(body: Body) -> Iterator[str]:
    """Each step that was made, with its proof, and what is waited for now; of several, with whose it is."""
    if "relocations" not in body:
        yield from _lines(body)
        return
    for part in body["relocations"]:
        if part["operation"] is not None:
            yield from (f"{one_line(part['service'])}: {line}" for line in _lines(part))


def _lines(body: Body) -> Iterator[str]:
    count = len(body["steps"])
    for number, step in enumerate(body["steps"], 1):
        if step["commits"]:
            proof = f": {step['proof']}" if step["proof"] else ""
            stopped = " stopped" if step["state"] == "stopped" else ""
            yield one_line(f"{number}/{count} {step['name']}{stopped} {step['commits'][-1]['sha'][:12]}{proof}")
    if body["state"] in _UNDER_WAY and body["reason"]:
        cure = f" {body['cure']}" if body["cure"] else ""
        yield one_line(f"{body['step']}: {body['reason']}{cure}")


def _code(body: Body) -> int:
    return LATE if body["state"] == "stopped" else DONE


def _left(target: Relocated, body: Body, server: str | None) -> str:
    """What becomes of one that nobody follows any more."""
    where = "goes on there" if server else "goes on where a service runs; without one nobody does until you ask again"
    step, to = (f" in {body['step']}", f" to {body['to']}") if target.kind == "service" else ("", "")
    name = target.name if target.kind == "service" else f"{target.kind} {target.name}"
    return one_line(
        f"interrupted{step}: the relocation of {name}{to} (operation {body['operation']}) {where}. "
        f"`{target.again()}` shows how far it is and goes on; "
        f"`{target.command('--abort')}` puts back what was, until the cutover"
    )
