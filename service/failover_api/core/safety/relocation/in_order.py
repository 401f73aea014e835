"""Several relocations, one after the other: whose turn it is, and what has stopped all of it.

Each is an ordinary relocation; what they have in common is an operation, and the order that the trailers name. Nothing
is kept beside that: who has commits of the operation has begun, and the next begins once all of those are done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from failover_api.core.catalog.model import Action, Catalog, Service, Side
from failover_api.core.planning.waves import Order, Wave, order_of
from failover_api.core.safety.relocation.ladder import State


@dataclass(frozen=True, slots=True)
class Member:
    """One service. `state` is that of its relocation, None where no commit of the operation is about it.

    `is_there`: Git has it on the side that it is relocated to. `reason` is what its relocation waits for, or what
    stopped it; of one that has not begun, why it never will.
    """

    name: str
    state: State | None = None
    is_there: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """How far all of it is. `due` is who begins now, "" for nobody; `at` is the service that `reason` is about."""

    state: State
    due: str = ""
    at: str = ""
    reason: str = ""


def turn(members: Sequence[Member]) -> Turn:
    """Whose turn it is, of services in their order."""
    for member in members:
        if member.state is not None and member.state.is_under_way:
            return _at(member.state, member)
    for member in members:
        if member.state is State.STOPPED:
            return _at(State.STOPPED, member)
    begun = max((at for at, member in enumerate(members) if member.state is not None), default=-1)
    later = members[begun + 1 :]
    due = next((member for member in later if not member.is_there), None)
    if due is None:
        return Turn(State.DONE)
    for member in (due, *later[: later.index(due)]):
        if member.reason:
            return _at(State.STOPPED, member)
    gone = next((member for member in members[: begun + 1] if not member.is_there), None)
    if gone is not None:
        return Turn(State.STOPPED, at=gone.name, reason="It has been moved again since.")
    return Turn(State.RUNNING, due.name, due.name, "It is its turn.")


def in_order(members: Mapping[str, Side], catalog: Catalog) -> Order:
    """The services one by one, each after those that it waits for: on the way to backup as a promote, home as a demote.

    Of those that wait for each other in no way the order of `members` stays.
    """
    actions = {name: side.action for name, side in members.items()}
    order = order_of(actions, {name: service.after for name, service in catalog.services.items()})
    return Order(tuple((name,) for wave in order.waves for name in wave), order.waits_for, order.warnings)


def targets_of(wave: Wave, first: Side) -> Mapping[str, Side]:
    """{service: where it is relocated to}, in order; `first` is where the service goes that the trailers are of."""
    own = dict(wave.actions)
    return {name: Action(own[name]).target if name in own else first for name in wave.members}


def why_not_named(wave: Wave, group: str | None, targets: Mapping[str, Side], catalog: Catalog) -> str:
    """Why these services are not relocated together, whatever trailers say; "" where they may be.

    Anybody who may push can write trailers: they name members of their group, or services with a side on their node.
    """
    missing = sorted(targets.keys() - catalog.services.keys())
    if missing:
        return f"{missing[0]} is not in the catalog any more."
    if not wave.node:
        stray = sorted(targets.keys() - set(catalog.groups.get(group or "", ())))
        return f"{stray[0]} is not in group {group} any more." if stray else ""
    for name in targets:
        nodes = nodes_of(catalog.services[name])
        if nodes and wave.node not in nodes:
            return f"{name} has no side on node {wave.node}."
    return ""


def nodes_of(service: Service) -> frozenset[str]:
    """The nodes behind both sides; none where the catalog does not say."""
    return frozenset(node for side in Side for node in service.nodes(side))


def wave_of(order: Order, members: Mapping[str, Side], *, accept: Sequence[str], node: str) -> Wave:
    """What the trailers say of it. Where all go to the same side that is told by each commit."""
    is_mixed = len(set(members.values())) > 1
    actions = tuple((name, str(side.action)) for name, side in members.items()) if is_mixed else ()
    return Wave(1, order.waves, actions, tuple(accept), node=node)


def _at(state: State, member: Member) -> Turn:
    return Turn(state, at=member.name, reason=member.reason)
