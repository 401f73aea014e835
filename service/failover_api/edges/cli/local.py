"""The backend that works on GitHub itself; the Backend protocol is in backend.py."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from failover_api.edges.cli.backend import NOBODY, Body, Callbacks, Kind, Versions, names_in, refused
from failover_api.edges.interruption import Interruption
from failover_api.errors import FailoverError

if TYPE_CHECKING:  # `failover --help` should not wait for pydantic
    from failover_api.config_file import ConfigFile
    from failover_api.core.catalog.model import Catalog
    from failover_api.core.planning.request import MoveRequest
    from failover_api.forge.values import Check
    from failover_api.notify.trial import Tried
    from failover_api.settings import Settings

T = TypeVar("T")

SHARE = 0.2  # of GitHub's limits: a service, or another command, may be at work as the same installation


class LocalBackend:
    """Works on GitHub itself: no service need be running. What was read for one command is there for the next."""

    def __init__(
        self, settings: "Settings", interruption: Interruption | None = None, *, folder: Path | None = None
    ) -> None:
        """With a `folder`, moves are dry runs on that working tree."""
        self._settings, self._interruption = settings.with_share(SHARE), interruption or Interruption()
        self._runner = asyncio.Runner()
        self._exits = contextlib.AsyncExitStack()
        self._components: Any = None
        self._catalog: ConfigFile[Catalog] | None = None  # None: that of the settings
        self._folder = folder
        self._on_write: Callable[[], None] = lambda: None

    def close(self) -> None:
        with self._runner as runner:
            runner.run(self._exits.aclose())

    def list_all(self) -> Body:
        from failover_api.edges.bodies.places import list_body

        async def run(components: Any) -> Body:
            components.catalog.current()
            error = components.catalog.error
            return _dump(list_body(await components.failover.list_all(), error.detail if error else None))

        return self._in_house(run)

    def status(self, service: str) -> Body:
        from failover_api.edges.bodies.places import status_body

        async def run(components: Any) -> Body:
            return _dump(status_body(await components.failover.status(service)))

        return self._in_house(run)

    def history(self, service: str, *, limit: int, cursor: str | None) -> Body:
        from failover_api.edges.bodies.history import history_body

        async def run(components: Any) -> Body:
            return _dump(history_body(await components.failover.history(service, limit=limit, cursor=cursor)))

        return self._in_house(run)

    def rollout(self, service: str, *, operation: str | None = None) -> Body:
        from failover_api.edges.bodies.rollouts import rollout_body

        async def run(components: Any) -> Body:
            return _dump(rollout_body(await components.failover.rollout(service, operation)))

        return self._in_house(run)

    def operation(self, operation: str) -> Body:
        from failover_api.edges.bodies.waves import operation_body

        async def run(components: Any) -> Body:
            return _dump(operation_body(await components.failover.go_on(operation)))

        return self._in_house(run)

    def waves(self, operation: str) -> Body | None:
        from failover_api.edges.bodies.waves import operation_body
        from failover_api.errors import UnknownUrl

        async def run(components: Any) -> Body | None:
            try:
                return _dump(operation_body(await components.failover.operation(operation)))
            except UnknownUrl:
                return None

        return self._in_house(run)

    def tidy(self, service: str, operation: str) -> None:
        async def run(components: Any) -> None:
            if components.catalog.current().service(service).unblocked is not None:
                await components.failover.tidy(service, operation)

        self._in_house(run)

    def groups(self) -> Body:
        from failover_api.edges.bodies.places import groups_body

        async def run(components: Any) -> Body:
            return _dump(groups_body(components.failover.groups()))

        return self._in_house(run)

    def nodes(self) -> Body:
        from failover_api.edges.bodies.nodes import nodes_body

        async def run(components: Any) -> Body:
            return _dump(nodes_body(await components.failover.nodes()))

        return self._in_house(run)

    def automatic(self) -> Body:
        from failover_api.edges.bodies.automatic import automatic_body, off_body

        async def run(components: Any) -> Body:
            if components.automatic.is_off:
                return _dump(off_body())
            return _dump(automatic_body(await components.automatic.control().standing()))

        return self._in_house(run)

    def pause(self, *, reason: str, until: str | None, services: Sequence[str]) -> Body:
        from failover_api.edges.automatic_requests import pause_request
        from failover_api.edges.bodies.automatic import pause_body
        from failover_api.edges.cli.backend import caller

        async def run(components: Any) -> Body:
            given = {"reason": reason, "until": until, "services": list(services) or None}
            asked = pause_request(given)
            made = await components.automatic.control().pause(
                by=caller(),
                reason=asked.reason,
                until=asked.until,
                lasts_s=asked.lasts_s,
                services=asked.services,
            )
            return _dump(pause_body(made))

        return self._in_house(run)

    def resume(self, id_: str) -> None:
        async def run(components: Any) -> None:
            await components.automatic.control().resume(id_)

        self._in_house(run)

    def acknowledge(self, *, service: str = "", node: str = "") -> Body:
        from failover_api.edges.bodies.automatic import ack_body
        from failover_api.edges.cli.backend import caller

        async def run(components: Any) -> Body:
            control = components.automatic.control()
            return _dump(ack_body(await control.acknowledge(by=caller(), service=service, node=node)))

        return self._in_house(run)

    def attest(self, node: str, *, reason: str) -> Body:
        from failover_api.core.planning.request import checked_reason
        from failover_api.edges.bodies.automatic import attestation_body
        from failover_api.edges.cli.backend import caller

        async def run(components: Any) -> Body:
            control = components.automatic.control()
            return _dump(attestation_body(await control.attest(node, by=caller(), reason=checked_reason(reason))))

        return self._in_house(run)

    def withdraw(self, node: str) -> None:
        async def run(components: Any) -> None:
            await components.automatic.control().withdraw(node)

        self._in_house(run)

    def evacuate(self, node: str, request: "MoveRequest", callbacks: Callbacks = NOBODY) -> tuple[Body, Versions]:
        from failover_api.edges.bodies.moves import node_outcome_body

        async def run(components: Any) -> tuple[Body, Versions]:
            self._on_write = callbacks.on_write
            outcome = await components.failover.evacuate(node, request, on_step=callbacks.on_step)
            return _dump(node_outcome_body(outcome)), frozenset({outcome.version})

        return self._in_house(run)

    def names(self, kind: Kind) -> Sequence[str]:
        async def run(components: Any) -> Sequence[str]:
            return names_in(components.catalog.current(), kind)

        return self._in_house(run)

    def move(
        self, service: str, action: str, request: "MoveRequest", callbacks: Callbacks = NOBODY
    ) -> tuple[Body, Versions]:
        from failover_api.core.catalog.model import Action
        from failover_api.edges.bodies.moves import outcome_body

        async def run(components: Any) -> tuple[Body, Versions]:
            self._on_write = callbacks.on_write
            move = (await self._failover(components, [service])).move
            outcome = await move(service, Action(action), request, on_step=callbacks.on_step)
            return _dump(outcome_body(outcome)), frozenset({outcome.version})

        return self._in_house(run)

    def move_group(
        self, group: str, action: str, request: "MoveRequest", callbacks: Callbacks = NOBODY
    ) -> tuple[Body, Versions]:
        from failover_api.core.catalog.model import Action
        from failover_api.edges.bodies.moves import group_body

        async def run(components: Any) -> tuple[Body, Versions]:
            self._on_write = callbacks.on_write
            names = components.catalog.current().group(group)
            move = (await self._failover(components, names)).move_group
            outcome = await move(group, Action(action), request, on_step=callbacks.on_step)
            return _dump(group_body(outcome)), frozenset({outcome.version})

        return self._in_house(run)

    def relocate(
        self, service: str, to: str, request: "MoveRequest", callbacks: Callbacks = NOBODY, *, is_synced: bool = False
    ) -> tuple[Body, Versions]:
        from failover_api.core.catalog.model import Side
        from failover_api.edges.bodies.relocations import relocation_body

        async def run(components: Any) -> tuple[Body, Versions]:
            self._on_write = callbacks.on_write
            relocations, target = components.failover.relocations, Side(to)
            if is_synced:
                report = await relocations.vouch(service, target, request)
            elif request.dry_run:
                report = await relocations.rehearse(service, target, request)
            else:
                report = await relocations.start(service, target, request)
            return _dump(relocation_body(report, dry_run=request.dry_run)), frozenset({report.version})

        return self._in_house(run)

    def relocation(self, service: str, operation: str) -> Body:
        from failover_api.edges.bodies.relocations import relocation_body

        async def run(components: Any) -> Body:
            report = await components.failover.relocations.advance(service)
            if report is None or report.operation != operation:
                report = await components.failover.relocations.find(operation)
            return _dump(relocation_body(report))

        return self._in_house(run)

    def abort_relocation(self, service: str, request: "MoveRequest", callbacks: Callbacks = NOBODY) -> Body:
        from failover_api.edges.bodies.relocations import relocation_body

        async def run(components: Any) -> Body:
            self._on_write = callbacks.on_write
            return _dump(relocation_body(await components.failover.relocations.abort(service, request)))

        return self._in_house(run)

    def relocate_group(
        self, group: str, to: str, request: "MoveRequest", callbacks: Callbacks = NOBODY
    ) -> tuple[Body, Versions]:
        from failover_api.core.catalog.model import Side

        async def run(components: Any) -> tuple[Body, Versions]:
            groups = components.failover.group_relocations
            return await self._begun(groups, groups.of_group(group, Side(to)), request, callbacks)

        return self._in_house(run)

    def relocate_node(
        self, node: str, request: "MoveRequest", callbacks: Callbacks = NOBODY, *, is_home: bool = False
    ) -> tuple[Body, Versions]:
        async def run(components: Any) -> tuple[Body, Versions]:
            groups = components.failover.group_relocations
            return await self._begun(groups, await groups.of_node(node, is_home=is_home), request, callbacks)

        return self._in_house(run)

    async def _begun(
        self, groups: Any, together: Any, request: "MoveRequest", callbacks: Callbacks
    ) -> tuple[Body, Versions]:
        from failover_api.edges.bodies.group_relocations import group_relocation_body

        self._on_write = callbacks.on_write
        report = await groups.start(together, request)
        return _dump(group_relocation_body(report, dry_run=request.dry_run)), frozenset({report.version})

    def group_relocation(self, operation: str) -> Body:
        from failover_api.edges.bodies.group_relocations import group_relocation_body

        async def run(components: Any) -> Body:
            return _dump(group_relocation_body(await components.failover.group_relocations.go_on(operation)))

        return self._in_house(run)

    def abort_group_relocation(
        self, kind: Kind, name: str, request: "MoveRequest", callbacks: Callbacks = NOBODY
    ) -> Body:
        from failover_api.edges.bodies.group_relocations import group_relocation_body

        async def run(components: Any) -> Body:
            self._on_write = callbacks.on_write
            groups = components.failover.group_relocations
            return _dump(group_relocation_body(await groups.abort(request, **{kind: name})))

        return self._in_house(run)

    def check(
        self,
        *,
        branch: str | None = None,
        folder: Path | None = None,
        repository: str | None = None,
        on_step: Callable[[str], None] = lambda _: None,
    ) -> Body:
        """The checks, as they are shown with --json: of a working tree, or of GitHub; there of another `branch`."""
        from failover_api.check.run import check_access, check_all, check_tree
        from failover_api.config_file import catalog_file

        access = _of_tree(self._settings, "access", folder)
        self._catalog = catalog_file(_catalog_of(self._settings, folder), branch=branch)

        async def run(components: Any) -> Body:
            catalog = components.catalog
            if folder is not None:
                checks = await check_tree(catalog, folder, repository=repository, on_step=on_step)
            else:
                checks = await check_all(
                    catalog,
                    components.github,
                    components.failover,
                    cluster=components.cluster,
                    lease=lambda: components.automatic.control().rights(),
                    has_flux_events=self._settings.flux_events_secret_file is not None,
                    on_step=on_step,
                )
            of_callers = check_access(access) if folder is None or access.exists() else []
            return _checks_body([*checks, *of_callers])

        return self._in_house(run)

    def try_notifications(self) -> Body:
        """One test message to each target of the catalog, as it is shown with --json."""
        from failover_api.edges.cli.backend import caller
        from failover_api.notify.trial import try_targets

        async def run(components: Any) -> Body:
            tried = await try_targets(components.catalog.current(), caller())
            return {
                "ok": bool(tried) and not any(one.fault for one in tried),
                "targets": [_target(one) for one in tried],
            }

        return self._in_house(run)

    def suggest(
        self, name: str | None, *, everything: bool, folder: Path | None, repository: str | None, branch: str
    ) -> Body:
        """Catalog entries for what a working tree holds, or a repository; `name` is one workload's, None: of all."""
        from failover_api import suggest
        from failover_api.core.catalog.placeholders import REPOSITORY
        from failover_api.reading.git_config import origin_of
        from failover_api.reading.working_tree import read_folder

        async def read(components: Any) -> tuple[Mapping[str, bytes], str]:
            place = suggest.branch_to_read(components.catalog, repository, branch)
            return await suggest.read_branch(components.github, place), place.repository

        async def run(components: Any) -> Body:
            known = suggest.known_names(components.catalog)
            here = (read_folder(folder), origin_of(folder) or REPOSITORY) if folder else None
            files, owner_name = here or await read(components)
            found = suggest.suggest(files, name=name, without=() if everything or name else known)
            return found.body(repository=owner_name if everything else None)

        return self._in_house(run)

    async def _failover(self, components: Any, names: Sequence[str]) -> Any:
        """What moves these services, or only says what that would do on the working tree."""
        if self._folder is None:
            return components.failover
        from failover_api.rehearsal import open_tree

        on_tree = await open_tree(
            components.catalog.current(), self._folder, names, deadline_s=self._settings.deadline_s
        )
        self._exits.push_async_callback(on_tree.aclose)
        return on_tree

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
            if self._folder is not None:
                from failover_api.config_file import catalog_file

                self._catalog = catalog_file(_catalog_of(self._settings, self._folder))
            opened = open_failover(self._settings, self._catalog, traffic=self._looks_on)
            self._components = await self._exits.enter_async_context(opened)
        return await use(self._components)

    def _looks_on(self, happening: object) -> None:
        from failover_api.forge.http.traffic import WriteStarted

        if isinstance(happening, WriteStarted):  # whichever step it belongs to
            self._on_write()


def _dump(body: Any) -> Body:
    dumped: Body = body.model_dump(mode="json", by_alias=True)
    return dumped


def _target(tried: "Tried") -> Body:
    place = {"file": tried.file, "line": tried.line, "notifier": tried.notifier or None}
    return {**place, "ok": not tried.fault, "detail": tried.fault}


def _of_tree(settings: "Settings", name: str, folder: Path | None) -> Path:
    """A configuration file: that of the working tree, unless the environment names another."""
    path: Path = getattr(settings, name)
    return path if folder is None or name in settings.model_fields_set else folder / path


def _catalog_of(settings: "Settings", folder: Path | None) -> Path:
    """A tree may be without: then it is the catalog that the other commands use."""
    config = _of_tree(settings, "config", folder)
    return config if config.exists() else settings.config


def _checks_body(checks: "Iterable[Check]") -> Body:
    """The failures are last."""
    from failover_api.forge.values import Level

    levels = list(Level)
    ordered = sorted(checks, key=lambda check: levels.index(check.level))
    shown = [
        {"name": check.name, "ok": check.ok, "level": check.level.value, "detail": check.detail} for check in ordered
    ]
    return {"ok": all(check.ok for check in ordered), "checks": shown}
