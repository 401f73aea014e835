"""The service or group in a URL: whether the caller may look or move, and the use case to call."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import Request

from failover_api.core.access.model import Verb
from failover_api.core.catalog.model import Action, Side
from failover_api.core.planning.plan import Plan
from failover_api.core.planning.request import MoveRequest
from failover_api.core.safety.rollout.steps import Rollout
from failover_api.edges.bodies.automatic import automatic_body, off_body
from failover_api.edges.bodies.moves import group_body, node_outcome_body, outcome_body
from failover_api.edges.bodies.waves import operation_body
from failover_api.edges.http.access import Session
from failover_api.edges.http.shared_looks import Looks
from failover_api.edges.models.automatic import AutomaticBody
from failover_api.edges.models.body import Body
from failover_api.edges.models.moves import GroupOutcomeBody, OutcomeBody, PartedOutcomeBody
from failover_api.edges.models.waves import OperationBody
from failover_api.errors import UnknownUrl
from failover_api.failover import Failover
from failover_api.moves.outcome import Outcome, WaveReport
from failover_api.operations.wave_operation import no_operation
from failover_api.reading.history import Page
from failover_api.reading.nodes import Nodes
from failover_api.reading.status import Status
from failover_api.wiring import Components

if TYPE_CHECKING:  # nothing of it is loaded until somebody asks
    from failover_api.operations.relocation_report import GroupRelocationReport, RelocationReport


def components_of(request: Request) -> Components:
    """What the lifespan put together."""
    made: Components = request.app.state.components
    return made


def looks(request: Request) -> Looks:
    """The looks that callers share."""
    shared: Looks = request.app.state.looks
    return shared


async def look_at_status(who: Session, components: Components, service: str) -> Status:
    """One service's, shared with whoever looks at it within a second. Raises TooManyRequests."""
    catalog = components.catalog.current()
    catalog.service(service)
    who.looks()
    what = (id(catalog), "status", service)
    return await looks(who.request).share(what, lambda: components.failover.status(service))


async def look_at_history(who: Session, components: Components, service: str, limit: int, cursor: str | None) -> Page:
    """As look_at_status()."""
    catalog = components.catalog.current()
    components.failover.check_cursor(catalog.service(service), cursor)
    who.looks()
    what = (id(catalog), "history", service, limit, cursor)
    return await looks(who.request).share(
        what, lambda: components.failover.history(service, limit=limit, cursor=cursor)
    )


async def look_at_rollout(who: Session, components: Components, service: str, operation: str | None) -> Rollout:
    """As look_at_status()."""
    catalog = components.catalog.current()
    catalog.service(service)
    who.looks()
    what = (id(catalog), "rollout", service, operation)
    return await looks(who.request).share(what, lambda: components.failover.rollout(service, operation))


async def look_at_operation(
    who: Session, components: Components, operation: str
) -> "OperationBody | RelocationReport | GroupRelocationReport":
    """As look_at_status(): a move in waves without the services that the caller may not see, or what relocates.

    Raises UnknownUrl, also for one of which he may see nothing.
    """
    who.looks()
    catalog, failover = components.catalog.current(), components.failover
    try:
        waves = await looks(who.request).share(
            (id(catalog), "operation", operation), lambda: failover.operation(operation)
        )
    except UnknownUrl:
        if not any(service.replication is not None for service in catalog.services.values()):
            raise
        what = (id(catalog), "relocation", operation)
        report = await looks(who.request).share(what, lambda: failover.group_relocations.find(operation))
        if not any(map(who.sees, report.services)):
            raise no_operation(operation) from None
        return report
    body = operation_body(waves, visible=who.sees)
    if not body.waves:
        raise no_operation(operation)
    return body


def visible_error(components: Components, who: Session) -> str | None:
    """What is wrong with the catalog's newest version; which of the hidden services it names is not for everybody."""
    if components.catalog.error is None:
        return None
    sees_all = all(map(who.sees, components.catalog.current().services))
    return components.catalog.error.detail if sees_all else "the newest version is refused"


def known_groups(components: Components, who: Session) -> frozenset[str]:
    """The groups that the caller may know of: he knows every member."""
    groups = components.catalog.current().groups
    return frozenset(name for name, members in groups.items() if all(map(who.caller.knows, members)))


@dataclass(frozen=True, slots=True)
class Moved:
    """A move that ended, as it is answered. `version` is of the manifests that it was planned from by `plans`."""

    body: Body
    plans: Sequence[Plan]
    version: str
    is_pending: bool


async def look_at_nodes(who: Session, components: Components) -> Nodes:
    """As look_at_status(), all nodes."""
    who.looks()
    what = (id(components.catalog.current()), "nodes")
    return await looks(who.request).share(what, components.failover.nodes)


async def look_at_automatic(who: Session, components: Components) -> AutomaticBody:
    """What automatic failover sees and would do. Raises ClusterNeeded where it is asked for, and has no cluster."""
    if components.automatic.is_off:
        return off_body()
    who.looks()
    standing = await components.automatic.control().standing()
    return automatic_body(standing, visible=who.sees)


def check_services(who: Session, components: Components, services: Sequence[str]) -> None:
    """`execute` on each of these; of none, on all there may be. Raises UnknownService, Forbidden."""
    if not services:
        who.needs_everything(Verb.EXECUTE, "automatic")
    for service in services:
        _check_service(who, components, service, Verb.EXECUTE)


async def end_pause(who: Session, components: Components, id_: str) -> None:
    """Ends a pause. One of a service that the caller may not know of is answered as one that is not there."""
    who.needs_any(Verb.EXECUTE, "automatic")
    control = components.automatic.control()
    pause = await control.pause_of(id_, who.caller.knows)
    if not pause.services:
        who.needs_everything(Verb.EXECUTE, "automatic")
    for service in pause.services:  # the catalog may have it no more
        who.needs(Verb.EXECUTE, service)
    await control.resume(id_)


async def evacuate(who: Session, components: Components, node: str, request: MoveRequest) -> Moved:
    """Moves what is active on a node, or says what that would do. The caller has to be allowed every service there."""
    verb = Verb.PLAN if request.dry_run else Verb.EXECUTE
    who.needs_any(verb, f"node {node}")
    if request.dry_run:
        who.looks()

    def may(services: Sequence[str]) -> None:
        who.needs_every(verb, f"node {node}", services)

    outcome = await components.failover.evacuate(node, request, may=may)
    plans = [plan for part in outcome.parts for plan in part.plans]
    body = node_outcome_body(outcome, visible=who.sees)
    return Moved(body, plans, outcome.version, _is_pending(outcome.parts, outcome.waves))


async def relocate(
    who: Session, components: Components, service: str, target: Side, request: MoveRequest, *, is_synced: bool
) -> "RelocationReport":
    """Begins a relocation, or says how far it is; `is_synced`: whoever asks says that the data is there."""
    _check_service(who, components, service, Verb.EXECUTE)
    relocations = components.failover.relocations
    if not is_synced:
        return await relocations.start(service, target, request)
    return await relocations.vouch(service, target, request)


async def rehearse_relocation(
    who: Session, components: Components, service: str, target: Side, request: MoveRequest, *, is_synced: bool = False
) -> "RelocationReport":
    """All its steps, or what goes on once the data is said to be there; nothing is written."""
    _check_service(who, components, service, Verb.PLAN)
    who.looks()
    relocations = components.failover.relocations
    return await (relocations.vouch if is_synced else relocations.rehearse)(service, target, request)


async def abort_relocation(
    who: Session, components: Components, service: str, request: MoveRequest
) -> "RelocationReport":
    _check_service(who, components, service, Verb.EXECUTE)
    return await components.failover.relocations.abort(service, request)


async def relocate_group(
    who: Session, components: Components, name: str, target: Side, request: MoveRequest
) -> "GroupRelocationReport":
    """Relocates the services of a group, one after the other, or says what that would do."""
    _check_group(who, components, name, Verb.PLAN if request.dry_run else Verb.EXECUTE)
    if request.dry_run:
        who.looks()
    groups = components.failover.group_relocations
    return await groups.start(groups.of_group(name, target), request)


async def relocate_node(
    who: Session, components: Components, node: str, request: MoveRequest, *, is_home: bool
) -> "GroupRelocationReport":
    """The same of what is on a node. The caller has to be allowed every service of it."""
    verb = Verb.PLAN if request.dry_run else Verb.EXECUTE
    who.needs_any(verb, f"node {node}")
    if request.dry_run:
        who.looks()
    groups = components.failover.group_relocations
    together = await groups.of_node(node, is_home=is_home)
    who.needs_every(verb, f"node {node}", together.members)
    return await groups.start(together, request)


async def abort_relocations(
    who: Session, components: Components, request: MoveRequest, *, group: str = "", node: str = ""
) -> "GroupRelocationReport":
    """Ends those of a group or a node that are under way. The caller has to be allowed every service of them."""
    groups = components.failover.group_relocations
    if group:
        _check_group(who, components, group, Verb.EXECUTE)
    else:
        who.needs_any(Verb.EXECUTE, f"node {node}")

    def may(services: Sequence[str]) -> None:
        who.needs_every(Verb.EXECUTE, f"node {node}" if node else f"group {group}", services)

    return await groups.abort(request, group=group, node=node, may=may)


async def _move_service(failover: Failover, name: str, action: Action, request: MoveRequest) -> Moved:
    outcome = await failover.move(name, action, request)
    return Moved(outcome_body(outcome), outcome.plans, outcome.version, outcome.is_pending)


async def _move_group(failover: Failover, name: str, action: Action, request: MoveRequest) -> Moved:
    outcome = await failover.move_group(name, action, request)
    plans = [plan for part in outcome.parts for plan in part.plans]
    return Moved(group_body(outcome), plans, outcome.version, _is_pending(outcome.parts, outcome.waves))


def _is_pending(parts: Sequence[Outcome], waves: WaveReport | None) -> bool:
    """Whether more is to come: a merge, or a wave."""
    return any(part.is_pending for part in parts) or (waves is not None and waves.is_running)


def _check_service(who: Session, components: Components, name: str, verb: Verb) -> None:
    who.needs(verb, name)
    components.catalog.current().service(name)


def _check_group(who: Session, components: Components, name: str, verb: Verb) -> None:
    who.needs_all(verb, name, components.catalog.current().group(name))


@dataclass(frozen=True, slots=True)
class Target:
    """What can be moved: `kind` is what the URL names."""

    kind: str
    path: str
    check: Callable[[Session, Components, str, Verb], None]
    carry_out: Callable[[Failover, str, Action, MoveRequest], Awaitable[Moved]]
    body: Any


SERVICE = Target("service", "/failover/{service}", _check_service, _move_service, OutcomeBody)


GROUP = Target("group", "/groups/{group}", _check_group, _move_group, PartedOutcomeBody | GroupOutcomeBody)
