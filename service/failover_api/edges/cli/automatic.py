"""`failover automatic`: would it act now, and if not, why; pause, resume, ack. And `failover attest`."""

from typing import Annotated

import typer

from failover_api.edges.cli.backend import Backend, Body
from failover_api.edges.cli.completion import complete_service
from failover_api.edges.cli.execution import open_terminal, with_backend
from failover_api.edges.cli.options import AsJson, JsonFormat, NodeName, Server, Utc, examples

Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")]
Until = Annotated[
    str | None,
    typer.Option(
        "--until",
        metavar="WHEN",
        help="90m, 2h, 7d from now, or a time like 2026-12-01T20:00:00Z. [default: 30 days, the longest]",
    ),
]
PausedServices = Annotated[
    list[str] | None,
    typer.Option(
        "--service",
        metavar="SERVICE",
        autocompletion=complete_service,
        help="Only this one; may be repeated. [default: all]",
    ),
]
PauseId = Annotated[str, typer.Argument(metavar="ID", show_default=False, help="As `failover automatic` shows it.")]
SeenService = Annotated[
    str | None,
    typer.Argument(
        metavar="SERVICE", show_default=False, autocompletion=complete_service, help="The service you saw to."
    ),
]
SeenNode = Annotated[str | None, typer.Option("--node", metavar="NODE", help="Or the node.")]
HowKnown = Annotated[str, typer.Option("--reason", metavar="TEXT", help="How you know that it is off.")]
Withdraw = Annotated[bool, typer.Option("--withdraw", help="Take back what was said of it.")]
Output = Annotated[JsonFormat | None, typer.Option("--output", "-o", metavar="json", help="As --json.")]

app = typer.Typer(
    help="Automatic failover: would it act now, and if not, why.",
    invoke_without_command=True,
    epilog=examples("failover automatic", "failover automatic pause --reason 'new kernel' --until 2h"),
)


@app.callback()
def automatic(
    context: typer.Context,
    output: Output = None,
    utc: Utc = False,
    as_json: AsJson = False,
    server: Server = None,
) -> None:
    """Automatic failover: would it act now, and if not, why.

    Pause it at once, or let it go on.
    """
    if context.invoked_subcommand is None:
        _status(as_json=as_json or output is not None, utc=utc, server=server)


@app.command(epilog=examples("failover automatic status --json | jq '.pending[].holds[].gate'"))
def status(output: Output = None, utc: Utc = False, as_json: AsJson = False, server: Server = None) -> None:
    """Would it act now, and was it right so far."""
    _status(as_json=as_json or output is not None, utc=utc, server=server)


def _status(*, as_json: bool, utc: bool, server: str | None) -> None:
    terminal = open_terminal(as_json=as_json, utc=utc)

    def run(backend: Backend) -> None:
        with terminal.waiting("asking what moves by itself"):
            body = backend.automatic()
        terminal.show_automatic(body)

    with_backend(terminal, server, run)


@app.command(
    epilog=examples(
        "failover automatic pause --reason 'something is wrong'",
        "failover automatic pause --service sonarr --until 2h --reason 'new disk'",
    )
)
def pause(
    reason: Why = "",
    until: Until = None,
    service: PausedServices = None,
    utc: Utc = False,
    as_json: AsJson = False,
    server: Server = None,
) -> None:
    """Keep everything, or some services, from moving by itself. It counts at once, on every replica."""
    if not reason.strip():
        raise typer.BadParameter("--reason: why is it paused?")
    terminal = open_terminal(as_json=as_json, utc=utc)

    def run(backend: Backend) -> None:
        with terminal.waiting("pausing"):
            body = backend.pause(reason=reason, until=until, services=service or [])
        terminal.show_pause(body)

    with_backend(terminal, server, run)


@app.command(epilog=examples("failover automatic resume 01JDQ3Z5Y8V6T4R2P0N9M7K5H3"))
def resume(id: PauseId, as_json: AsJson = False, server: Server = None) -> None:  # noqa: A002 - as it is shown
    """End a pause."""
    terminal = open_terminal(as_json=as_json)

    def run(backend: Backend) -> None:
        with terminal.waiting("ending the pause"):
            backend.resume(id)
        terminal.show_done({"id": id, "resumed": True}, f"The pause {id} is over.")

    with_backend(terminal, server, run)


@app.command(epilog=examples("failover automatic ack sonarr", "failover automatic ack --node k3s-w1"))
def ack(service: SeenService = None, node: SeenNode = None, as_json: AsJson = False, server: Server = None) -> None:
    """Say that you have seen to a service, or to a node: what was blocked for its sake may move by itself again."""
    if (service is None) is (node is None):
        raise typer.BadParameter("expected either a SERVICE or --node NODE")
    terminal = open_terminal(as_json=as_json)

    def run(backend: Backend) -> None:
        with terminal.waiting("saying so"):
            body = backend.acknowledge(service=service or "", node=node or "")
        terminal.show_done(body, f"Acknowledged: {service or node}.")

    with_backend(terminal, server, run, named=service or node)


def attest(
    node: NodeName,
    reason: HowKnown = "",
    withdraw: Withdraw = False,
    as_json: AsJson = False,
    server: Server = None,
) -> None:
    """Say that a node is off, for sure. It ends when the node is heard of.

    What ran there may run elsewhere then.
    """
    if not withdraw and not reason.strip():
        raise typer.BadParameter("--reason: how do you know that it is off?")
    terminal = open_terminal(as_json=as_json)

    def run(backend: Backend) -> None:
        with terminal.waiting(f"looking at {node}"):
            body: Body = {"node": node, "withdrawn": True}
            if withdraw:
                backend.withdraw(node)
            else:
                body = backend.attest(node, reason=reason)
        said = f"Taken back: {node} is no longer said to be off." if withdraw else f"{node} counts as off."
        terminal.show_done(body, said)

    with_backend(terminal, server, run, named=node)
