"""`failover promote`, `demote` and `rollback`: what would be done, the question, the move, and the wait for it."""

import math
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from failover_api.core.wording import listed
from failover_api.edges.cli.backend import Backend, Body, Callbacks, Refused, Versions, caller, refused
from failover_api.edges.cli.execution import DONE, LATE, REFUSED, UNKNOWN, open_terminal, with_writing_backend
from failover_api.edges.cli.options import (
    Accept,
    AsJson,
    DryRun,
    Force,
    Group,
    Key,
    NodeName,
    NoWait,
    Reason,
    Server,
    ServiceName,
    ServiceOrNone,
    SkipRefused,
    Supersede,
    Timeout,
    Tree,
    Until,
    Wait,
    Yes,
)
from failover_api.edges.interruption import Interrupted
from failover_api.errors import BadRequest

if TYPE_CHECKING:  # `failover --help` should not wait for pydantic
    from failover_api.core.planning.request import MoveRequest
    from failover_api.edges.cli.options import Milestone
    from failover_api.edges.cli.terminal import Terminal
    from failover_api.edges.cli.waiting import Patience

_NAMED = 3  # services that one sentence names
_AGAIN = "without one ask again: what is there already is not moved twice"


def promote_or_demote(action: str) -> Callable[..., None]:
    """The command: of a service, or of a group."""

    def move(
        service: ServiceOrNone = None,
        group: Group = None,
        dry_run: DryRun = False,
        path: Tree = None,
        reason: Reason = "",
        force: Force = False,
        supersede: Supersede = False,
        skip_refused: SkipRefused = False,
        accept: Accept = None,
        key: Key = None,
        yes: Yes = False,
        wait: Wait = False,
        no_wait: NoWait = False,
        until: Until = None,
        timeout: Timeout = None,
        as_json: AsJson = False,
        server: Server = None,
    ) -> None:
        if (service is None) == (group is None):
            raise typer.BadParameter("name a SERVICE or a --group, and not both")
        if skip_refused and group is None:
            raise typer.BadParameter("--skip-refused goes with --group")
        if path is not None and not dry_run:
            raise typer.BadParameter("--path goes with --dry-run: in a working tree nothing is moved")
        target = CommandTarget(action, service or group or "", is_group=group is not None, folder=path)
        flags = {"dry_run": dry_run, "force": force, "supersede": supersede, "skip_refused": skip_refused}
        how = _interaction(yes, _patience(until, timeout, wait=wait), no_wait=no_wait)
        _move(target, lambda: move_request(reason, key, accept, **flags), how, open_terminal(as_json=as_json), server)

    return move


def evacuate(
    node: NodeName,
    dry_run: DryRun = False,
    reason: Reason = "",
    force: Force = False,
    supersede: Supersede = False,
    skip_refused: SkipRefused = False,
    accept: Accept = None,
    key: Key = None,
    yes: Yes = False,
    wait: Wait = False,
    no_wait: NoWait = False,
    until: Until = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
    server: Server = None,
) -> None:
    """Move everything that is active on a node to its other side."""
    target = CommandTarget("evacuate", node, is_node=True)
    how = _interaction(yes, _patience(until, timeout, wait=wait), no_wait=no_wait)
    flags = {"dry_run": dry_run, "force": force, "supersede": supersede, "skip_refused": skip_refused}
    _move(target, lambda: move_request(reason, key, accept, **flags), how, open_terminal(as_json=as_json), server)


def rollback(
    service: ServiceName,
    dry_run: DryRun = False,
    reason: Reason = "",
    supersede: Supersede = False,
    accept: Accept = None,
    key: Key = None,
    yes: Yes = False,
    wait: Wait = False,
    until: Until = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
    server: Server = None,
) -> None:
    """Undo a service's newest move, to its exact former values."""
    target, how = CommandTarget("rollback", service), Interaction(yes, _patience(until, timeout, wait=wait))
    flags = {"dry_run": dry_run, "supersede": supersede}
    _move(target, lambda: move_request(reason, key, accept, **flags), how, open_terminal(as_json=as_json), server)


def _is_pending(problem: Body) -> bool:
    """Whether an open pull request refuses it."""
    told = [problem, *(problem.get("refused") or ())]
    return any(str(one.get("type", "")).endswith(":operation-pending") for one in told)


def _patience(until: "Milestone | None", timeout: str | None, *, wait: bool) -> "Patience | None":
    from failover_api.edges.cli.waiting import patience

    try:
        return patience(until, timeout, wait=wait)
    except ValueError as exc:
        raise typer.BadParameter(str(exc)) from None


def _interaction(yes: bool, patience: "Patience | None", *, no_wait: bool) -> "Interaction":
    if no_wait and patience is not None:
        raise typer.BadParameter("--no-wait goes without --wait and --until")
    return Interaction(yes, patience, follows=not no_wait)


def move_request(reason: str, key: str | None, accept: Sequence[str] | None, **flags: Any) -> "MoveRequest":
    """Raises BadRequest, as the service would."""
    from failover_api.core.planning.request import MoveRequest, checked_accept, checked_key, checked_reason

    accepted = [word.strip() for given in accept or () for word in given.split(",") if word.strip()]
    return MoveRequest(
        by=caller(),
        reason=checked_reason(reason),
        key=checked_key([] if key is None else [key]),
        accept=checked_accept(accepted),
        **flags,
    )


@dataclass(frozen=True, slots=True)
class CommandTarget:
    """What a command is about."""

    action: str
    name: str
    is_group: bool = False
    is_node: bool = False
    folder: Path | None = None  # a working tree that it is planned on; None: the branch

    def carry_out(self, backend: Backend, request: "MoveRequest", callbacks: Callbacks) -> tuple[Body, Versions]:
        """As Backend.move()."""
        if self.is_node:
            return backend.evacuate(self.name, request, callbacks)
        move = backend.move_group if self.is_group else backend.move
        return move(self.name, self.action, request, callbacks)

    def hint(self, request: "MoveRequest", problem: Body) -> str:
        """The line to paste where it is refused: it accepts what stops it, or moves the others of the group."""
        from failover_api.edges.accepting import stops_of

        stops = stops_of(problem)
        if stops:
            accept = request.accept | frozenset(stops)
            return f"To move it all the same: {self._command(replace(request, accept=accept, dry_run=False))}"
        if (self.is_group or self.is_node) and _is_pending(problem):
            cure = "merge or close it first" + ("" if request.supersede else ", or add --supersede to have it closed")
            return f"An open pull request is not left out by --skip-refused: {cure}."
        if problem.get("refused") and not request.skip_refused:
            return f"To move the others: {self._command(replace(request, skip_refused=True))}"
        return ""

    def _command(self, request: "MoveRequest") -> str:
        from failover_api.edges.move_request import KEYS

        words = ["failover", self.action, *(["--group"] if self.is_group else []), self.name]
        words += [f"--{key.replace('_', '-')}" for key in KEYS if getattr(request, key) is True]
        words += [word for slug in sorted(request.accept) for word in ("--accept", slug)]
        words += ["--path", str(self.folder)] if self.folder is not None and request.dry_run else []
        words += ["--reason", request.reason] if request.reason else []
        words += ["--idempotency-key", request.key] if request.key else []
        return shlex.join(words)

    @property
    def where_to_look(self) -> str:
        """For whoever does not know how it ended."""
        if self.is_group or self.is_node:
            return "`failover list` tells where its services are"
        return f"`failover status {self.name}` tells where it is"


@dataclass(frozen=True, slots=True)
class Interaction:
    """How a person wants it done: without a question; with a wait, and for what. None: no wait.

    `follows`: a move in waves is followed to its end, whatever else is waited for.
    """

    yes: bool
    patience: "Patience | None"
    follows: bool = True


def _move(
    target: CommandTarget,
    read_request: Callable[[], "MoveRequest"],
    how: Interaction,
    terminal: "Terminal",
    server: str | None,
) -> None:
    from failover_api.edges.cli.progress import is_closed, pending_of, steps
    from failover_api.edges.cli.waves import has_stopped, is_running

    patience = how.patience

    def run(backend: Backend, on_write: Callable[[], None]) -> None:
        def move(request: "MoveRequest", *, is_rehearsal: bool) -> tuple[Body, Versions]:
            """`is_rehearsal`: a dry run is what was asked for, and not only the look before the question."""
            try:
                with steps(terminal.err) as show_step:
                    return target.carry_out(backend, request, Callbacks(show_step, on_write))
            except Refused as exc:
                exc.hint = target.hint(replace(request, dry_run=is_rehearsal), exc.problem)
                raise

        request = read_request()
        confirmed, shown = request, None
        asks = terminal.can_ask and not how.yes and not request.dry_run
        unseen = "" if request.dry_run else _what_is_unseen(backend, target, patience)
        if unseen and not asks and not how.yes:
            raise refused(BadRequest(f"{unseen}; nothing was written. --yes moves all the same"))
        if asks:
            shown, versions = move(replace(request, dry_run=True), is_rehearsal=request.dry_run)
            if shown["changed"] and not terminal.ask(shown, unseen):
                terminal.err.print("Nothing was written.")
                raise typer.Exit(REFUSED)
            confirmed = replace(request, versions=versions)
        outcome, _ = move(confirmed, is_rehearsal=request.dry_run)
        code, began = DONE, time.monotonic()
        is_followed = is_running(outcome) and how.follows
        if is_followed:
            outcome, code = _followed(backend, outcome, terminal, patience)
        elif has_stopped(outcome):
            code = LATE
        elif patience and pending_of(outcome):
            outcome, code = _merged(backend, outcome, terminal, patience)
        terminal.show_outcome(outcome, with_diff=request.dry_run, asked=shown)
        if target.folder is not None:
            terminal.note(f"Planned on {target.folder}: its history, open pull requests and the cluster were not seen.")
        if patience and is_closed(outcome):
            terminal.err.print("The pull request was closed; nothing moved.")
            code = REFUSED
        if patience and patience.needs_cluster and not (code or is_followed or request.dry_run):
            code = _seen(backend, outcome, terminal, patience, began)
        if code:
            raise typer.Exit(code)

    with_writing_backend(
        terminal, server, run, named=target.name, interrupted=target.where_to_look, folder=target.folder
    )


def _what_is_unseen(backend: Backend, target: CommandTarget, patience: "Patience | None") -> str:
    """What was asked to be waited for and cannot be seen from here, in a sentence; "" when all can be."""
    if patience is None or not patience.needs_cluster:
        return ""
    from failover_api.edges.cli.options import Milestone
    from failover_api.edges.cli.waiting import tells_applied, unseen

    services = backend.list_all()["services"]
    if target.is_node:
        own: list[str] = next(
            (node["services"]["active"] for node in backend.nodes()["nodes"] if node["name"] == target.name), []
        )
    else:
        in_group = [each["service"] for each in services if target.is_group and target.name in each["groups"]]
        own = in_group or [target.name]
    names = unseen(services, own)
    if patience.until is Milestone.APPLIED:  # which Flux's events may tell where no cluster is seen
        names = [name for name in names if not tells_applied(backend, name)]
    return f"whether {listed(names, _NAMED)} will be {patience.until} cannot be seen from here" if names else ""


def _followed(backend: Backend, outcome: Body, terminal: "Terminal", patience: "Patience | None") -> tuple[Body, int]:
    """The outcome with its waves as they came out, and the exit code."""
    from failover_api.edges.cli import waves

    end = time.monotonic() + patience.timeout_s if patience and patience.timeout_s else math.inf
    terminal.note(f"{outcome['message']} Following operation {outcome['operation']} to its end:")
    try:
        operation = waves.follow(backend, outcome, told=terminal.note, end=end)
        outcome = waves.ended(backend, outcome, operation)
    except Interrupted:
        terminal.note(f"no longer following; what is written stays, and a running service goes on ({_AGAIN})")
        return outcome, UNKNOWN
    return outcome, DONE if operation["state"] == waves.DONE else LATE


def _merged(backend: Backend, outcome: Body, terminal: "Terminal", patience: "Patience") -> tuple[Body, int]:
    """The outcome, and the exit code. A signal ends the wait; what was proposed stays so, and its end is not known."""
    from failover_api.edges.cli.progress import pending_of, wait_for_merge

    end = math.inf if patience.timeout_s is None else time.monotonic() + patience.timeout_s
    try:
        outcome = wait_for_merge(backend, outcome, told=terminal.note, end=end)
    except Interrupted:
        terminal.note("no longer waiting; the pull request stays open")
        return outcome, UNKNOWN
    if pending_of(outcome):
        terminal.note("no longer waiting: it is not merged in time, and the pull request stays open")
        return outcome, LATE
    return outcome, DONE


def _seen(backend: Backend, outcome: Body, terminal: "Terminal", patience: "Patience", began: float) -> int:
    """The exit code, once what was asked for is seen in the cluster, or the time is up."""
    from failover_api.edges.cli.waiting import UNTIDY, wait_for_cluster

    left_s = None if patience.timeout_s is None else max(0.0, patience.timeout_s - (time.monotonic() - began))
    try:
        missing = wait_for_cluster(backend, outcome, patience, told=terminal.note, left_s=left_s)
    except Interrupted:
        terminal.note("no longer waiting; the change is made")
        return UNKNOWN
    for name, why in missing.items():
        how = "" if why.startswith(UNTIDY) else f" is not {patience.until} in time"
        terminal.note(f"the change is made, and {name}{how}: {why}")
    return LATE if missing else DONE
