"""`failover ...`: the same use cases from a terminal. Nothing of the server is imported before it is needed."""

import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from failover_api.edges.desk import Desk, Direct, MoveOptions, Refused, Remote, refused
from failover_api.edges.terminal import Terminal
from failover_api.errors import CatalogInvalid, FailoverError, OutcomeUnknown

if TYPE_CHECKING:  # `failover --help` should not wait for pydantic
    from failover_api.settings import Settings

DONE, FAILED, USAGE, REFUSED, UNKNOWN = 0, 1, 2, 3, 4

app = typer.Typer(
    name="failover",
    help="Moves stateful services between two nodes by changing their manifests in Git.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; an error is its problem object.")]
Server = Annotated[str | None, typer.Option("--server", envvar="FAILOVER_SERVER", help="Call this service.")]
ServiceName = Annotated[str, typer.Argument(metavar="SERVICE", show_default=False)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the diff; write nothing.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it goes into the commit.")]
Force = Annotated[bool, typer.Option("--force", help="Move even a value that is on neither side.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def exit_code(problem: dict[str, object]) -> int:
    """The exit code of a problem, by its slug and status."""
    slug = str(problem.get("type", "")).rpartition(":")[2]
    match problem.get("status"):
        case _ if slug == "outcome-unknown":
            return UNKNOWN
        case 403 | 409 | 412:
            return REFUSED
        case 422 if slug == "idempotency-key-reused":
            return REFUSED
        case 400 | 404 | 413 | 415 | 422:
            return USAGE
        case 401:
            return USAGE
        case _:
            return FAILED


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
    terminal = Terminal(as_json=as_json)
    _carry_out(terminal, lambda settings: terminal.show_list(_desk(settings, server).list_all()))


@app.command()
def status(service: ServiceName, as_json: AsJson = False, server: Server = None) -> None:
    """Where one service is, switch by switch."""
    terminal = Terminal(as_json=as_json)
    _carry_out(terminal, lambda settings: terminal.show_status(_desk(settings, server).status(service)))


@app.command()
def promote(
    service: ServiceName,
    dry_run: DryRun = False,
    reason: Reason = "",
    force: Force = False,
    yes: Yes = False,
    as_json: AsJson = False,
    server: Server = None,
) -> None:
    """Move a service to backup."""
    _move(service, "promote", MoveOptions(dry_run=dry_run, force=force, reason=reason), yes, as_json, server)


@app.command()
def demote(
    service: ServiceName,
    dry_run: DryRun = False,
    reason: Reason = "",
    force: Force = False,
    yes: Yes = False,
    as_json: AsJson = False,
    server: Server = None,
) -> None:
    """Move a service back to primary."""
    _move(service, "demote", MoveOptions(dry_run=dry_run, force=force, reason=reason), yes, as_json, server)


@app.command()
def check(as_json: AsJson = False) -> None:
    """Go through everything that could be wrong: catalog, credentials, permissions, branch rules, every switch."""
    terminal = Terminal(as_json=as_json)

    def run(settings: "Settings") -> None:
        body = Direct(settings).check()
        terminal.show_checks(body)
        if not body["ok"]:
            raise typer.Exit(FAILED)

    _carry_out(terminal, run)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8080,
    insecure_no_auth: Annotated[
        bool,
        typer.Option("--insecure-no-auth", help="Run open. This version has no access control: it always does."),
    ] = False,
) -> None:
    """Run the HTTP service. It runs open: whoever reaches its port may move services."""
    from failover_api.edges.server import run_server

    _carry_out(Terminal(), lambda settings: run_server(settings, host=host, port=port))


@app.command()
def demo(
    serve: Annotated[bool, typer.Option("--serve", help="Keep it running and print curl lines to try.")] = False,
) -> None:
    """Walk through a failover against a built-in sandbox; nothing outside this machine is touched."""
    from failover_api.edges.demo import run_demo

    raise typer.Exit(run_demo(keep_serving=serve))


def main() -> NoReturn:
    """The entry point of `failover`."""
    # What a command has to say it says itself; only `serve` has a log.
    logging.getLogger("failover_api").addHandler(logging.NullHandler())
    app()
    raise AssertionError("unreachable")


def _move(service: str, action: str, options: MoveOptions, yes: bool, as_json: bool, server: str | None) -> None:
    terminal = Terminal(as_json=as_json)

    def run(settings: "Settings") -> None:
        desk = _desk(settings, server)
        chosen = options
        if terminal.can_ask and not yes and not options.dry_run:
            outcome, etag = desk.move(service, action, MoveOptions(True, options.force, options.reason))
            if outcome["changed"] and not terminal.ask(outcome):
                terminal.err.print("Nothing was written.")
                raise typer.Exit(REFUSED)
            chosen = MoveOptions(False, options.force, options.reason, if_match=etag)
        try:
            outcome, _ = desk.move(service, action, chosen)
        except KeyboardInterrupt:
            if chosen.dry_run:
                raise
            raise refused(OutcomeUnknown(f"interrupted; `failover status {service}` tells where it is")) from None
        terminal.show_outcome(outcome, with_diff=options.dry_run)

    _carry_out(terminal, run)


def _desk(settings: "Settings", server: str | None) -> Desk:
    url = (server or settings.server or "").rstrip("/")
    if not url:
        return Direct(settings)
    token = settings.token.get_secret_value() if settings.token else None
    return Remote(url, token, timeout_s=settings.deadline_s + 5.0)


def _carry_out(terminal: Terminal, run: Callable[["Settings"], None]) -> None:
    """Runs a command; every expected failure becomes a message and an exit code, never a traceback."""
    from failover_api.settings import Settings

    try:
        settings = Settings.read()
    except FailoverError as exc:
        terminal.show_problem(refused(exc).problem)
        raise typer.Exit(USAGE) from exc
    try:
        run(settings)
    except Refused as exc:
        terminal.show_problem(exc.problem)
        of_catalog = isinstance(exc.__cause__, CatalogInvalid)
        raise typer.Exit(USAGE if of_catalog else exit_code(exc.problem)) from exc
    except FailoverError as exc:
        problem = refused(exc).problem
        terminal.show_problem(problem)
        raise typer.Exit(exit_code(problem)) from exc
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; `failover status SERVICE` tells where a service is\n")
        raise typer.Exit(130) from None
