"""The command line's backends: the use cases themselves, or a running service over HTTP (remote.py).

Both give the same bodies (contract shapes as plain dicts) and raise Refused with the same problem objects.
"""

import asyncio
import contextlib
import getpass
import os
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from failover_api.edges.interruption import Interruption
from failover_api.edges.problems import problem
from failover_api.errors import FailoverError

if TYPE_CHECKING:  # the command line should not wait for what it may not need
    from failover_api.core.planning.request import MoveRequest
    from failover_api.settings import Settings

Body = dict[str, Any]
T = TypeVar("T")


class Refused(Exception):
    """A problem, as it is shown with --json. `hint` is a line to paste on a terminal, where one helps."""

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


class Backend(Protocol):
    """Where commands are carried out."""

    def list_all(self) -> Body: ...

    def status(self, service: str) -> Body: ...

    def history(self, service: str, *, limit: int, cursor: str | None) -> Body: ...

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

    def close(self) -> None:
        """Leaves; nothing is asked for any more."""
        ...


SHARE = 0.2  # of GitHub's limits: a service, or another command, may be at work as the same installation


class LocalBackend:
    """Works on GitHub itself: no service need be running. What was read for one command is there for the next."""

    def __init__(self, settings: "Settings", interruption: Interruption | None = None) -> None:
        self._settings, self._interruption = settings.with_share(SHARE), interruption or Interruption()
        self._runner = asyncio.Runner()
        self._exits = contextlib.AsyncExitStack()
        self._components: Any = None
        self._on_write: Callable[[], None] = lambda: None

    def close(self) -> None:
        with self._runner as runner:
            runner.run(self._exits.aclose())

    def list_all(self) -> Body:
        from failover_api.edges.bodies import list_body

        async def run(components: Any) -> Body:
            components.catalog.current()
            error = components.catalog.error
            return _dump(list_body(await components.failover.list_all(), error.detail if error else None))

        return self._in_house(run)

    def status(self, service: str) -> Body:
        from failover_api.edges.bodies import status_body

        async def run(components: Any) -> Body:
            return _dump(status_body(await components.failover.status(service)))

        return self._in_house(run)

    def history(self, service: str, *, limit: int, cursor: str | None) -> Body:
        from failover_api.edges.bodies import history_body

        async def run(components: Any) -> Body:
            return _dump(history_body(await components.failover.history(service, limit=limit, cursor=cursor)))

        return self._in_house(run)

    def move(
        self, service: str, action: str, request: "MoveRequest", callbacks: Callbacks = NOBODY
    ) -> tuple[Body, Versions]:
        from failover_api.core.catalog.model import Action
        from failover_api.edges.bodies import outcome_body

        async def run(components: Any) -> tuple[Body, Versions]:
            self._on_write = callbacks.on_write
            move = components.failover.move
            outcome = await move(service, Action(action), request, on_step=callbacks.on_step)
            return _dump(outcome_body(outcome)), frozenset({outcome.version})

        return self._in_house(run)

    def move_group(
        self, group: str, action: str, request: "MoveRequest", callbacks: Callbacks = NOBODY
    ) -> tuple[Body, Versions]:
        from failover_api.core.catalog.model import Action
        from failover_api.edges.bodies import group_body

        async def run(components: Any) -> tuple[Body, Versions]:
            self._on_write = callbacks.on_write
            move = components.failover.move_group
            outcome = await move(group, Action(action), request, on_step=callbacks.on_step)
            return _dump(group_body(outcome)), frozenset({outcome.version})

        return self._in_house(run)

    def check(self) -> Body:
        """The checks, as they are shown with --json."""
        from failover_api.check import check_access, check_all

        async def run(components: Any) -> Body:
            checks = [
                *await check_all(components.catalog, components.github, components.failover),
                *check_access(self._settings.access),
            ]
            shown = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks]
            return {"ok": all(check.ok for check in checks), "checks": shown}

        return self._in_house(run)

    def suggest(
        self, name: str | None, *, everything: bool, folder: Path | None, repository: str | None, branch: str
    ) -> Body:
        """Catalog entries for what a working tree holds, or a repository; `name` is one workload's, None: of all."""
        from failover_api import suggest

        async def read(components: Any) -> tuple[Mapping[str, bytes], str]:
            place = suggest.branch_to_read(components.catalog, repository, branch)
            return await suggest.read_branch(components.github, place), place.repository

        async def run(components: Any) -> Body:
            known = suggest.known_names(components.catalog)
            files, owner_name = (suggest.read_folder(folder), "owner/name") if folder else await read(components)
            found = suggest.suggest(files, name=name, without=() if everything or name else known)
            return found.body(repository=owner_name if everything else None)

        return self._in_house(run)

    def _in_house(self, use: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
        self._interruption.check()
        try:
            return self._runner.run(self._used(use))
        except FailoverError as exc:
            raise refused(exc) from exc
        except asyncio.CancelledError:
            self._interruption.check()
            raise
        finally:
            self._interruption.ended()

    async def _used(self, use: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
        from failover_api.wiring import open_failover

        await self._interruption.cancels()
        if self._components is None:
            opened = open_failover(self._settings, traffic=self._looks_on)
            self._components = await self._exits.enter_async_context(opened)
        return await use(self._components)

    def _looks_on(self, happening: object) -> None:
        from failover_api.forge.http.traffic import WriteStarted

        if isinstance(happening, WriteStarted):  # whichever step it belongs to
            self._on_write()


def refused(error: FailoverError) -> Refused:
    """The same error, as it is shown."""
    return Refused(problem(error, instance=None))


def _dump(body: Any) -> Body:
    dumped: Body = body.model_dump(mode="json", by_alias=True)
    return dumped


def caller() -> str:
    """Who sits here: the actor of a GitHub Actions run, else the user of this machine."""
    actor = os.environ.get("GITHUB_ACTOR")
    if actor:
        return actor
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "cli"
