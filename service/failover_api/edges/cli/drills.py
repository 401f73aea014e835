"""`failover drill`: a service is relocated to its other side, serves there, and comes home; what that took is told.

Two relocations like any other: each loses nothing, waits for its proofs, and can be aborted before its cutover.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import typer

from failover_api.edges.cli.backend import Backend, Body, Callbacks
from failover_api.edges.cli.execution import LATE, REFUSED, open_terminal, with_writing_backend
from failover_api.edges.cli.moves import move_request
from failover_api.edges.cli.options import Accept, AsJson, Reason, Server, ServiceName, Yes
from failover_api.edges.cli.relocations import follow
from failover_api.edges.cli.times import shown_time
from failover_api.edges.printable import one_line
from failover_api.errors import BadRequest

if TYPE_CHECKING:  # `failover --help` should not wait for pydantic
    from failover_api.core.planning.request import MoveRequest
    from failover_api.edges.cli.terminal import Terminal

_OTHER = {"primary": "backup", "backup": "primary"}


def drill(
    service: ServiceName,
    reason: Reason = "",
    accept: Accept = None,
    yes: Yes = False,
    as_json: AsJson = False,
    server: Server = None,
) -> None:
    """Relocate a service there and home again, and say what it took."""
    from failover_api.core.safety.relocation.drills import reason_of

    terminal = open_terminal(as_json=as_json)

    def run(backend: Backend, on_write: Callable[[], None]) -> None:
        status = backend.status(service)
        home = status["side"]
        if home not in _OTHER:
            raise BadRequest(f"{service} is {home}, on no one side: promote or demote it first")
        request = move_request(reason_of(reason), None, accept)
        if terminal.can_ask and not yes and not terminal.ask_drill(service, _OTHER[home], home):
            terminal.err.print("Nothing was written.")
            raise typer.Exit(REFUSED)
        body = _drilled(backend, terminal, service, home, request, Callbacks(on_write=on_write))
        body["copy_before"] = (status["replication"] or {}).get("data_as_of")
        terminal.show_drill(body, lines(body))
        if not body["ok"]:
            raise typer.Exit(LATE)

    left = (
        f"what was begun goes on where a service runs: `failover status {service}` says where it is, and "
        f"`failover relocate {service} --to SIDE` goes on, or brings it home"
    )
    with_writing_backend(terminal, server, run, named=service, interrupted=left)


def _drilled(
    backend: Backend, terminal: "Terminal", service: str, home: str, request: "MoveRequest", callbacks: Callbacks
) -> Body:
    """There, and home once it serves there. What did not get there is not brought home."""
    ways: list[Body] = []
    for before, to in ((home, _OTHER[home]), (_OTHER[home], home)):
        terminal.note(f"{service}: from {before} to {to}")
        begun, _ = backend.relocate(service, to, request, callbacks)
        *_, ended = follow(backend, terminal, begun)
        ways.append(_way(before, ended))
        if ended["state"] != "done":
            return {"service": service, "ok": False, "ways": ways, "reason": ended["reason"], "cure": ended["cure"]}
    return {"service": service, "ok": True, "ways": ways, "reason": "", "cure": ""}


def _way(before: str, ended: Body) -> Body:
    """One relocation: when each step was made, and for how long the app stood still."""
    steps = [{"step": step["name"], "at": step["at"]} for step in ended["steps"] if step["commits"]]
    return {
        "from": before,
        "to": ended["to"],
        "operation": ended["operation"],
        "state": ended["state"],
        "downtime_s": ended["downtime_s"],
        "data_as_of": _data_of(ended),
        "steps": steps,
    }


def _data_of(ended: Body) -> str | None:
    """The time of the data that the last sync brought, as the proofs say."""
    from failover_api.core.rfc3339 import rfc3339
    from failover_api.core.safety.relocation.proofs import data_as_of

    found = [at for step in ended["steps"] if (at := data_as_of(step["proof"])) is not None]
    return rfc3339(found[-1]) if found else None


def lines(body: Body) -> Iterator[str]:
    """The report, line by line."""
    name = body["service"]
    for way in body["ways"]:
        still = "" if way["downtime_s"] is None else f", stood still for {way['downtime_s']:.0f} s"
        data = f", with the data of {_shown(way['data_as_of'])}" if way["data_as_of"] else ""
        yield one_line(f"{name} from {way['from']} to {way['to']}: {way['state']}{still}{data}")
        for step in way["steps"]:
            yield one_line(f"  {step['step']:<10}  {_shown(step['at'])}")
    if body["copy_before"]:
        yield one_line(f"Before the drill the copy on the other side was of {_shown(body['copy_before'])}.")
    if body["ok"]:
        yield one_line(f"The drill of {name} went well: it is back on {body['ways'][-1]['to']}.")
    else:
        yield one_line(f"The drill of {name} did not go through: {body['reason']} {body['cure']}")


def _shown(at: str) -> str:
    return shown_time(at, seconds=True)
