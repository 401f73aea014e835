"""Running a command: its backend, its signals, and every expected failure as a message and an exit code."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from failover_api.edges.cli.backend import Backend, Body, Refused, refused
from failover_api.edges.cli.local import LocalBackend
from failover_api.edges.cli.remote import RemoteBackend
from failover_api.edges.interruption import Interrupted, Interruption
from failover_api.errors import ConfigInvalid, FailoverError, NotReady, OutcomeUnknown

if TYPE_CHECKING:  # `failover --help` should not wait for pydantic
    from failover_api.edges.cli.terminal import Terminal
    from failover_api.settings import Settings

DONE, FAILED, USAGE, REFUSED, UNKNOWN, LATE = 0, 1, 2, 3, 4, 5


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


def open_terminal(*, as_json: bool = False, utc: bool = False) -> "Terminal":
    """Imported with the first command that shows something: `serve` does without rich."""
    from failover_api.edges.cli.terminal import Terminal

    return Terminal(as_json=as_json, utc=utc)


def with_backend(
    terminal: "Terminal",
    server: str | None,
    use: Callable[[Backend], None],
    *,
    named: str | None = None,
    interruption: Interruption | None = None,
    folder: Path | None = None,
) -> None:
    """`named` is the service or the group that the command is about; `folder` a working tree to plan it on."""

    def run(settings: "Settings", interruption: Interruption) -> None:
        with contextlib.closing(open_backend(settings, server, interruption, folder)) as backend:
            try:
                use(backend)
            except Refused as exc:
                from failover_api.edges.cli.near_names import add_near_names

                add_near_names(exc.problem, named, backend.names)
                raise

    carry_out_in_order(terminal, run, interruption)


def with_writing_backend(
    terminal: "Terminal",
    server: str | None,
    use: Callable[[Backend, Callable[[], None]], None],
    *,
    named: str,
    interrupted: str,
    folder: Path | None = None,
) -> None:
    """As with_backend(), for what writes. `use` is given what to call when a write is about to be sent.

    `interrupted` is what there is to do after a signal that came later than that.
    """
    interruption = Interruption()
    try:
        with_backend(
            terminal,
            server,
            lambda backend: use(backend, interruption.sending),
            named=named,
            interruption=interruption,
            folder=folder,
        )
    except Interrupted as exc:
        if not interruption.may_have_written:
            terminal.note("interrupted: nothing was written")
            raise typer.Exit(exc.exit_code) from None
        terminal.show_problem(refused(OutcomeUnknown(f"interrupted; {interrupted}")).problem)
        raise typer.Exit(UNKNOWN) from None


def carry_out_in_order(
    terminal: "Terminal", run: Callable[["Settings", Interruption], None], interruption: Interruption | None = None
) -> None:
    """Signals end it in order. With an `interruption` the caller says what that means: Interrupted is raised."""
    ours = interruption or Interruption()
    try:
        with ours.caught():
            carry_out(terminal, lambda settings: run(settings, ours))
    except Interrupted as exc:
        if interruption is not None:
            raise
        terminal.note("interrupted")
        raise typer.Exit(exc.exit_code) from None


def carry_out(terminal: "Terminal | None", run: Callable[["Settings"], None]) -> None:
    """Runs a command; every expected failure becomes a message and an exit code, never a traceback."""
    from failover_api.settings import Settings

    def show_problem(problem: Body, hint: str = "") -> None:
        (terminal or open_terminal()).show_problem(problem, hint)

    try:
        settings = Settings.read()
    except FailoverError as exc:
        show_problem(refused(exc).problem)
        raise typer.Exit(USAGE) from exc
    try:
        run(settings)
    except Refused as exc:
        show_problem(exc.problem, exc.hint)
        of_catalog = isinstance(exc.__cause__, ConfigInvalid)
        raise typer.Exit(USAGE if of_catalog else exit_code(exc.problem)) from exc
    except FailoverError as exc:
        problem = refused(exc).problem
        show_problem(problem)
        raise typer.Exit(USAGE if isinstance(exc, ConfigInvalid) else exit_code(problem)) from exc


def note_of_local_files(terminal: "Terminal", settings: "Settings") -> None:
    """Who works with a server may have no catalog here, and asks a command that looks at nothing but local files."""
    if settings.server and not settings.config.exists():
        terminal.note(
            "This command looks at files of this machine, and not at the server: it ignores FAILOVER_SERVER. "
            f"FAILOVER_CONFIG names the catalog ({settings.config} without it); `failover check --path DIR` takes that "
            "of a working tree."
        )


def open_backend(
    settings: "Settings", server: str | None, interruption: Interruption | None = None, folder: Path | None = None
) -> Backend:
    """The working tree in `folder`; the service at `server` or FAILOVER_SERVER; else GitHub itself."""
    if folder is not None:
        return LocalBackend(settings, interruption, folder=folder)
    url = _checked(server) if server else settings.server
    if not url:
        return LocalBackend(settings, interruption)
    token = settings.token.get_secret_value() if settings.token else None
    return RemoteBackend(url, token, timeout_s=settings.deadline_s + 5.0)


def _checked(server: str) -> str:
    """As FAILOVER_SERVER is: a wrong one may hold a password, and is not shown."""
    from failover_api.settings import SERVER_LIKE, server_url

    try:
        return server_url(server)
    except ValueError:
        raise refused(NotReady(f"--server: expected {SERVER_LIKE}")) from None
