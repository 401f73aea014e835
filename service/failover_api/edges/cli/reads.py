"""`failover list`, `status`, `rollout`, `report`, `history`, `nodes`, `groups`: where services are, and since when."""

import typer

from failover_api.edges.cli.backend import Backend
from failover_api.edges.cli.execution import FAILED, open_terminal, with_backend
from failover_api.edges.cli.options import (
    AsJson,
    Cursor,
    GroupFilter,
    GroupsOutput,
    Limit,
    ListFormat,
    ListOutput,
    NameFormat,
    Operation,
    OperationOrNone,
    Output,
    Server,
    ServiceName,
    SideFilter,
    Utc,
)


def list_services(
    side: SideFilter = None,
    group: GroupFilter = None,
    output: ListOutput = None,
    utc: Utc = False,
    as_json: AsJson = False,
    server: Server = None,
) -> None:
    """Where every service is, and since when."""
    terminal = open_terminal(as_json=as_json or output is ListFormat.JSON, utc=utc)

    def run(backend: Backend) -> None:
        from failover_api.edges.cli.listing import is_unreadable, of_group, on_side

        with terminal.waiting("looking at every service"):
            body = backend.list_all()
        body = body if group is None else of_group(body, group)
        terminal.show_list(body if side is None else on_side(body, side), output)
        if is_unreadable(body):
            raise typer.Exit(FAILED)

    with_backend(terminal, server, run, named=group)


def status(
    service: ServiceName, output: Output = None, utc: Utc = False, as_json: AsJson = False, server: Server = None
) -> None:
    """Where one service is, switch by switch."""
    terminal = open_terminal(as_json=as_json or output is not None, utc=utc)

    def run(backend: Backend) -> None:
        with terminal.waiting(f"looking at {service}"):
            body = backend.status(service)
        terminal.show_status(body)

    with_backend(terminal, server, run, named=service)


def rollout(
    service: ServiceName,
    operation: OperationOrNone = None,
    output: Output = None,
    utc: Utc = False,
    as_json: AsJson = False,
    server: Server = None,
) -> None:
    """How far a move has come: from the commit to a running app."""
    terminal = open_terminal(as_json=as_json or output is not None, utc=utc)

    def run(backend: Backend) -> None:
        with terminal.waiting(f"looking at {service}"):
            body = backend.rollout(service, operation=operation)
        terminal.show_rollout(service, body)

    with_backend(terminal, server, run, named=service)


def report(operation: Operation, utc: Utc = False, as_json: AsJson = False, server: Server = None) -> None:
    """What came of a move, in Markdown.

    Timeline, hazards, evidence, age of the data, what to do next.
    """
    terminal = open_terminal(as_json=as_json, utc=utc)

    def run(backend: Backend) -> None:
        from failover_api.edges.cli.report import find, markdown

        with terminal.waiting("gathering what came of it"):
            body = find(backend, operation)
        terminal.show_report(body, markdown(body, utc=utc))

    with_backend(terminal, server, run)


def history(
    service: ServiceName,
    limit: Limit = 20,
    cursor: Cursor = None,
    output: Output = None,
    utc: Utc = False,
    as_json: AsJson = False,
    server: Server = None,
) -> None:
    """The moves of a service and people's edits, newest first."""
    terminal = open_terminal(as_json=as_json or output is not None, utc=utc)

    def run(backend: Backend) -> None:
        with terminal.waiting(f"reading the history of {service}"):
            body = backend.history(service, limit=limit, cursor=cursor)
        terminal.show_history(body)

    with_backend(terminal, server, run, named=service)


def nodes(utc: Utc = False, output: Output = None, as_json: AsJson = False, server: Server = None) -> None:
    """The nodes: their state, since when, and what is on each."""
    terminal = open_terminal(as_json=as_json or output is not None, utc=utc)

    def run(backend: Backend) -> None:
        with terminal.waiting("looking at the nodes"):
            body = backend.nodes()
        terminal.show_nodes(body)

    with_backend(terminal, server, run)


def groups(output: GroupsOutput = None, as_json: AsJson = False, server: Server = None) -> None:
    """The groups, and the services that each moves together."""
    terminal = open_terminal(as_json=as_json or output is NameFormat.JSON)

    def run(backend: Backend) -> None:
        with terminal.waiting("reading the groups"):
            body = backend.groups()
        terminal.show_groups(body, output)

    with_backend(terminal, server, run)
