"""What a command asks: the use cases themselves (local.py), or a running service over HTTP (remote.py).

Both give the same bodies (contract shapes as plain dicts) and raise Refused with the same problem objects.
"""

import getpass
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from failover_api.edges.problems import problem
from failover_api.errors import ConfigInvalid, FailoverError

if TYPE_CHECKING:  # the command line should not wait for what it may not need
    from failover_api.core.catalog.model import Catalog
    from failover_api.core.planning.request import MoveRequest

Body = dict[str, Any]


class Refused(Exception):
    """A problem, as it is shown with --json. `hint` is a line that helps on a terminal, where there is one."""

    def __init__(self, problem: Body) -> None:
        super().__init__(problem.get("detail", ""))
        self.problem = problem
        self.hint = ""


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Whom a move under way calls: `on_step` with each step, in words; `on_write` when a write is about to be sent."""

    on_step: Callable[[str], None] = lambda _: None
    on_write: Callable[[], None] = lambda: None


Versions = frozenset[str]  # of the manifests that an outcome was planned from; none where the answer names none
NOBODY = Callbacks()


Kind = Literal["service", "group", "node"]


class Backend(Protocol):
    """Where commands are carried out."""

    def list_all(self) -> Body: ...

    def status(self, service: str) -> Body: ...

    def history(self, service: str, *, limit: int, cursor: str | None) -> Body: ...

    def rollout(self, service: str, *, operation: str | None = None) -> Body: ...

    def operation(self, operation: str) -> Body:
        """How far a move in waves is. Without a running service whatever is due is done now."""
        ...

    def waves(self, operation: str) -> Body | None:
        """The same and nothing more; None for what is no move in waves."""
        ...

    def tidy(self, service: str, operation: str) -> None:
        """Once a move serves: puts back what it changed beside its values. A running service does so by itself."""
        ...

    def groups(self) -> Body: ...

    def nodes(self) -> Body: ...

    def evacuate(self, node: str, request: "MoveRequest", callbacks: Callbacks = ...) -> tuple[Body, Versions]:
        """As move(), of everything that is active on a node."""
        ...

    def automatic(self) -> Body:
        """What automatic failover sees and would do."""
        ...

    def pause(self, *, reason: str, until: str | None, services: Sequence[str]) -> Body:
        """`until` is a time of RFC 3339 or a duration, None: as long as may be. No `services`: all."""
        ...

    def resume(self, id_: str) -> None: ...

    def acknowledge(self, *, service: str = "", node: str = "") -> Body: ...

    def attest(self, node: str, *, reason: str) -> Body: ...

    def withdraw(self, node: str) -> None:
        """What was said of a node is taken back."""
        ...

    def names(self, kind: Kind) -> Sequence[str]:
        """The services, groups or nodes that there are, as far as the caller may know them."""
        ...

    def move(
        self, service: str, action: str, request: "MoveRequest", callbacks: Callbacks = ...
    ) -> tuple[Body, Versions]:
        """The outcome, and the versions that bind a later request to what it shows."""
        ...

    def move_group(
        self, group: str, action: str, request: "MoveRequest", callbacks: Callbacks = ...
    ) -> tuple[Body, Versions]:
        """As move()."""
        ...

    def relocate(
        self, service: str, to: str, request: "MoveRequest", callbacks: Callbacks = ..., *, is_synced: bool = False
    ) -> tuple[Body, Versions]:
        """As move(): begins a relocation, or says how far it is. `is_synced`: the data is there, a person says."""
        ...

    def relocation(self, service: str, operation: str) -> Body:
        """How far it is. Without a running service whatever is due is done now."""
        ...

    def abort_relocation(self, service: str, request: "MoveRequest", callbacks: Callbacks = ...) -> Body: ...

    def relocate_group(
        self, group: str, to: str, request: "MoveRequest", callbacks: Callbacks = ...
    ) -> tuple[Body, Versions]:
        """As relocate(), of all services of a group, one after the other."""
        ...

    def relocate_node(
        self, node: str, request: "MoveRequest", callbacks: Callbacks = ..., *, is_home: bool = False
    ) -> tuple[Body, Versions]:
        """The same of what is active on a node; `is_home`: of what belongs there."""
        ...

    def group_relocation(self, operation: str) -> Body:
        """As relocation(), of a group or a node."""
        ...

    def abort_group_relocation(
        self, kind: Kind, name: str, request: "MoveRequest", callbacks: Callbacks = ...
    ) -> Body: ...

    def close(self) -> None:
        """Leaves; nothing is asked for any more."""
        ...


def names_in(catalog: "Catalog", kind: Kind) -> tuple[str, ...]:
    """What a catalog has of a kind; of nodes those that it names."""
    return tuple({"service": catalog.services, "group": catalog.groups, "node": catalog.nodes}[kind])


def refused(error: FailoverError) -> Refused:
    """The same error, as it is shown. Of a catalog's errors the first is, and the rest are counted."""
    exc = Refused(problem(error, instance=None))
    if isinstance(error, ConfigInvalid) and len(error.errors) > 1:
        exc.hint = f"{len(error.errors) - 1} more like it: failover check"
    return exc


def caller() -> str:
    """Who sits here: the actor of a GitHub Actions run, else the user of this machine."""
    actor = os.environ.get("GITHUB_ACTOR")
    if actor:
        return actor
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "cli"
