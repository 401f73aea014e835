"""The commands of `failover`. Nothing of the server is imported before it is needed."""

import contextlib
import logging
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from failover_api.edges.cli import catalog
from failover_api.edges.cli.backend import Backend, Body, Callbacks, LocalBackend, Refused, Versions, caller, refused
from failover_api.edges.cli.execution import (
    DONE,
    FAILED,
    REFUSED,
    UNKNOWN,
    carry_out,
    carry_out_in_order,
    open_terminal,
    with_backend,
)
from failover_api.edges.cli.options import (
    VERBS,
    Allow,
    AsJson,
    Cursor,
    DryRun,
    Expires,
    Force,
    Group,
    Key,
    Limit,
    Reason,
    Server,
    ServiceName,
    ServiceOrNone,
    Services,
    SkipRefused,
    Supersede,
    TokenName,
    Wait,
    Yes,
)
from failover_api.edges.interruption import Interrupted, Interruption, set_handlers
from failover_api.errors import OutcomeUnknown

if TYPE_CHECKING:  # `failover --help` should not wait for pydantic
    from failover_api.core.planning.request import MoveRequest
    from failover_api.edges.cli.terminal import Terminal
    from failover_api.settings import Settings

app = typer.Typer(
    name="failover",
    help="Moves stateful services between two nodes by changing their manifests in Git.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        import failover_api

        sys.stdout.write(f"failover-api {failover_api.__version__}\n")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Moves stateful services between two nodes by changing their manifests in Git."""


@app.command("list")
def list_services(as_json: AsJson = False, server: Server = None) -> None:
    """Where every service is."""
    terminal = open_terminal(as_json=as_json)

    def run(backend: Backend) -> None:
        body = backend.list_all()
        terminal.show_list(body)
        if body["services"] and all(service["error"] for service in body["services"]):
            raise typer.Exit(FAILED)

    with_backend(terminal, server, run)


@app.command()
def status(service: ServiceName, as_json: AsJson = False, server: Server = None) -> None:
    """Where one service is, switch by switch."""
    terminal = open_terminal(as_json=as_json)
    with_backend(terminal, server, lambda backend: terminal.show_status(backend.status(service)))


@app.command()
def history(
    service: ServiceName,
    limit: Limit = 20,
    cursor: Cursor = None,
    as_json: AsJson = False,
    server: Server = None,
) -> None:
    """What Git says of a service: its moves and people's edits, newest first."""
    terminal = open_terminal(as_json=as_json)
    with_backend(
        terminal, server, lambda backend: terminal.show_history(backend.history(service, limit=limit, cursor=cursor))
    )


def _command(action: str, summary: str) -> None:
    """Promote and demote: of a service, or of a group."""

    @app.command(action, help=summary)
    def move(
        service: ServiceOrNone = None,
        group: Group = None,
        dry_run: DryRun = False,
        reason: Reason = "",
        force: Force = False,
        supersede: Supersede = False,
        skip_refused: SkipRefused = False,
        key: Key = None,
        yes: Yes = False,
        wait: Wait = False,
        as_json: AsJson = False,
        server: Server = None,
    ) -> None:
        if (service is None) == (group is None):
            raise typer.BadParameter("name a SERVICE or a --group, and not both")
        if skip_refused and group is None:
            raise typer.BadParameter("--skip-refused goes with --group")
        target = CommandTarget(action, service or group or "", is_group=group is not None)
        flags = {"dry_run": dry_run, "force": force, "supersede": supersede, "skip_refused": skip_refused}
        how = Interaction(yes, wait)
        _move(target, lambda: _request(reason, key, **flags), how, open_terminal(as_json=as_json), server)


_command("promote", "Move a service, or a group, to backup.")
_command("demote", "Move a service, or a group, back to primary.")


@app.command()
def rollback(
    service: ServiceName,
    dry_run: DryRun = False,
    reason: Reason = "",
    supersede: Supersede = False,
    key: Key = None,
    yes: Yes = False,
    wait: Wait = False,
    as_json: AsJson = False,
    server: Server = None,
) -> None:
    """Undo a service's newest move: put its exact former values back."""
    target, how = CommandTarget("rollback", service), Interaction(yes, wait)
    flags = {"dry_run": dry_run, "supersede": supersede}
    _move(target, lambda: _request(reason, key, **flags), how, open_terminal(as_json=as_json), server)


@app.command()
def check(as_json: AsJson = False) -> None:
    """Go through everything that could be wrong: catalog, credentials, permissions, branch rules, every switch."""
    terminal = open_terminal(as_json=as_json)

    def run(settings: "Settings", interruption: Interruption) -> None:
        with contextlib.closing(LocalBackend(settings, interruption)) as backend:
            body = backend.check()
        terminal.show_checks(body)
        if not body["ok"]:
            raise typer.Exit(FAILED)

    carry_out_in_order(terminal, run)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8080,
    insecure_no_auth: Annotated[
        bool,
        typer.Option("--insecure-no-auth", help="Run open, without an access file: whoever reaches the port may move."),
    ] = False,
) -> None:
    """Run the HTTP service. FAILOVER_ACCESS (config/access.yaml) says who may call it."""
    from failover_api.edges.server import run_server

    carry_out(None, lambda settings: run_server(settings, host=host, port=port, open_to_all=insecure_no_auth))


app.command()(catalog.suggest)
app.command()(catalog.schema)

tokens = typer.Typer(no_args_is_help=True, help="Static tokens for callers of the service.")
app.add_typer(tokens, name="token")


@tokens.command("new")
def new_token(
    name: TokenName,
    allow: Allow = None,
    services: Services = None,
    expires: Expires = None,
    as_json: AsJson = False,
) -> None:
    """Make a token. It is printed once; access.yaml gets only its digest."""
    from failover_api.edges.cli.tokens import new_token

    terminal = open_terminal(as_json=as_json)

    def run(_: "Settings") -> None:
        made = new_token(name, allow=allow or VERBS, services=services or ["*"], expires=expires)
        terminal.show_token({"token": made.token, "entry": made.entry})

    carry_out(terminal, run)


@app.command()
def demo(
    serve: Annotated[bool, typer.Option("--serve", help="Keep it running and print lines to try.")] = False,
    step: Annotated[bool, typer.Option("--step", help="Wait for Enter before each step.")] = False,
) -> None:
    """Walk through a failover against a built-in sandbox; nothing outside this machine is touched."""
    from failover_api.edges.demo.run import run_demo

    if step and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise typer.BadParameter("--step waits for Enter, and here is no terminal to press it on")
    interruption = Interruption()
    try:
        with interruption.caught():
            code = run_demo(keep_serving=serve, step=step)
    except Interrupted as exc:
        raise typer.Exit(DONE if serve else exc.exit_code) from None
    raise typer.Exit(code)


def main() -> NoReturn:
    """The entry point of `failover`."""
    # What a command has to say it says itself; only `serve` has a log.
    logging.getLogger("failover_api").addHandler(logging.NullHandler())
    if os.getpid() == 1:  # of a container: the kernel drops what has no handler, and imports take a while
        # Not by an exception, which whatever is being imported might swallow.
        set_handlers(lambda signum, _: os._exit(128 + signum))
    app()
    raise AssertionError("unreachable")


def _request(reason: str, key: str | None, **flags: Any) -> "MoveRequest":
    """Raises BadRequest, as the service would."""
    from failover_api.core.planning.request import MoveRequest, checked_key, checked_reason

    given = [] if key is None else [key]
    return MoveRequest(by=caller(), reason=checked_reason(reason), key=checked_key(given), **flags)


@dataclass(frozen=True, slots=True)
class CommandTarget:
    """What a command is about."""

    action: str
    name: str
    is_group: bool = False

    def carry_out(self, backend: Backend, request: "MoveRequest", callbacks: Callbacks) -> tuple[Body, Versions]:
        """As Backend.move()."""
        move = backend.move_group if self.is_group else backend.move
        return move(self.name, self.action, request, callbacks)

    def without_refused(self, request: "MoveRequest") -> str:
        """The command that moves the others of the group."""
        from failover_api.edges.move_request import SERVICE_KEYS

        words = ["failover", self.action, "--group", self.name, "--skip-refused"]
        words += [f"--{key.replace('_', '-')}" for key in SERVICE_KEYS if getattr(request, key) is True]
        words += ["--reason", request.reason] if request.reason else []
        words += ["--idempotency-key", request.key] if request.key else []
        return shlex.join(words)

    @property
    def interrupted(self) -> OutcomeUnknown:
        where = "list` tells where its services are" if self.is_group else f"status {self.name}` tells where it is"
        return OutcomeUnknown(f"interrupted; `failover {where}")


@dataclass(frozen=True, slots=True)
class Interaction:
    """How a person wants it done: without a question; with a wait until somebody has merged it."""

    yes: bool
    wait: bool


def _move(
    target: CommandTarget,
    read_request: Callable[[], "MoveRequest"],
    how: Interaction,
    terminal: "Terminal",
    server: str | None,
) -> None:
    from failover_api.edges.cli.progress import is_closed, pending_of, steps

    interruption = Interruption()

    def run(backend: Backend) -> None:
        request = read_request()
        confirmed = request
        if terminal.can_ask and not how.yes and not request.dry_run:
            shown, versions = move(backend, replace(request, dry_run=True))
            if shown["changed"] and not terminal.ask(shown):
                terminal.err.print("Nothing was written.")
                raise typer.Exit(REFUSED)
            confirmed = replace(request, versions=versions)
        outcome, _ = move(backend, confirmed)
        code = DONE
        if how.wait and pending_of(outcome):
            outcome, code = _waited_for(backend, outcome, terminal)
        terminal.show_outcome(outcome, with_diff=request.dry_run)
        if how.wait and is_closed(outcome):
            terminal.err.print("The pull request was closed; nothing moved.")
            code = REFUSED
        if code:
            raise typer.Exit(code)

    def move(backend: Backend, request: "MoveRequest") -> tuple[Body, Versions]:
        try:
            with steps(terminal.err) as show_step:
                return target.carry_out(backend, request, Callbacks(show_step, interruption.sending))
        except Refused as exc:
            if exc.problem.get("refused"):
                exc.hint = target.without_refused(request)
            raise

    try:
        with_backend(terminal, server, run, interruption)
    except Interrupted as exc:
        if not interruption.may_have_written:
            terminal.note("interrupted: nothing was written")
            raise typer.Exit(exc.exit_code) from None
        terminal.show_problem(refused(target.interrupted).problem)
        raise typer.Exit(UNKNOWN) from None


def _waited_for(backend: Backend, outcome: Body, terminal: "Terminal") -> tuple[Body, int]:
    """The outcome, and the exit code. A signal ends the wait; what was proposed stays so, and its end is not known."""
    from failover_api.edges.cli.progress import wait_for_merge

    try:
        return wait_for_merge(backend, outcome, told=terminal.note), DONE
    except Interrupted:
        terminal.note("no longer waiting; the pull request stays open")
        return outcome, UNKNOWN
