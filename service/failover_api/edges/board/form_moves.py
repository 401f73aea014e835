"""What a page of a move can be about: a service, a group or a node; its words, its addresses and its use case."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from failover_api.core.access.model import Verb
from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.edges.board.rows import may_all
from failover_api.edges.http.access import Session
from failover_api.edges.move_request import GROUP_KEYS, ROLLBACK_KEYS, SERVICE_KEYS
from failover_api.edges.targets import GROUP, Moved, Target, evacuate
from failover_api.wiring import Components

_REASONS = {
    Action.PROMOTE: "k3s-w1 is down",
    Action.DEMOTE: "k3s-w1 is back, and its data is synced",
    Action.ROLLBACK: "moved by mistake",
}
EVACUATE = "evacuate"


@dataclass(frozen=True, slots=True)
class FormMove:
    """What a page is about: `kind` is "service", "group" or "node".

    `path` is the page's own address, `back` that of the page it came from; `keys` may be asked for. `done` says in a
    few words that all of it is written, `in_part` that some of it was left out. `may_make`: whether the caller may also
    confirm it, by the services that it moves.
    """

    kind: str
    name: str
    path: str
    back: str
    title: str
    done: str
    in_part: str
    example_of_reason: str
    keys: tuple[str, ...]
    carry_out: Callable[[MoveRequest], Awaitable[Moved]]
    may_make: Callable[[Sequence[str]], bool]

    @property
    def is_service(self) -> bool:
        return self.kind == "service"


def form_move(who: Session, components: Components, target: Target, name: str, action: Action) -> FormMove:
    """Of a service, or of a group."""
    is_group = target is GROUP

    async def carry_out(move_request: MoveRequest) -> Moved:
        return await target.carry_out(components.failover, name, action, move_request)

    what = f"group {name}" if is_group else name
    is_rollback = action is Action.ROLLBACK
    done = f"{name} {'is rolled back' if is_rollback else f'is on {action.target}'} in Git"
    return FormMove(
        kind=target.kind,
        name=name,
        path=f"/{'groups' if is_group else 'services'}/{name}/{action}",
        back=f"/?group={name}" if is_group else f"/services/{name}",
        title=f"Roll back {what}" if is_rollback else f"{action.value.capitalize()} {what} to {action.target}",
        done=done,
        in_part=done,
        example_of_reason=_REASONS[action],
        keys=_asked(GROUP_KEYS if is_group else ROLLBACK_KEYS if is_rollback else SERVICE_KEYS),
        carry_out=carry_out,
        may_make=lambda services: may_all(who.caller, Verb.EXECUTE, services),
    )


def form_evacuation(who: Session, components: Components, node: str) -> FormMove:
    """Of everything that is active on a node. What that is, only the look tells; so it checks who may."""

    async def carry_out(move_request: MoveRequest) -> Moved:
        return await evacuate(who, components, node, move_request)

    return FormMove(
        kind="node",
        name=node,
        path=evacuation_path(node),
        back="/",
        title=f"Evacuate node {node}",
        done=f"{node} is evacuated in Git",
        in_part=f"{node} is evacuated in part in Git",
        example_of_reason=f"{node} gets a new disk",
        keys=_asked(GROUP_KEYS),
        carry_out=carry_out,
        may_make=lambda services: may_all(who.caller, Verb.EXECUTE, services),
    )


def evacuation_path(node: str) -> str:
    """The address of the page that evacuates a node."""
    return f"/nodes/{quote(node, safe='')}/{EVACUATE}"


def relocation_path(*, group: str | None = None, node: str | None = None) -> str:
    """The address of the page that relocates a group, or what is on a node."""
    kind, name = ("groups", group) if node is None else ("nodes", node)
    return f"/{kind}/{quote(name or '', safe='')}/relocate"


def services_of(body: Any) -> list[str]:
    """The services that an outcome is about."""
    return [member.service for member in body.services] if hasattr(body, "services") else [body.service]


def _asked(keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(key for key in keys if key != "dry_run")
