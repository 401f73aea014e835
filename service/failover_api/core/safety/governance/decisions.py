"""What follows from a node's death: an act, or for each service why not."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from failover_api.core.catalog.automatic import Automatic, Mode
from failover_api.core.safety.governance.book import EMPTY_BOOK, Book
from failover_api.core.safety.governance.evidence import evidence_of_death
from failover_api.core.safety.governance.facts import GitFacts, ServiceFacts
from failover_api.core.safety.governance.gates import Gate, Hold, Proposal
from failover_api.core.safety.governance.holds import (
    PROVES_NOTHING,
    Case,
    how_known_off,
    node_holds,
    opt_in,
    service_holds,
    view_holds,
)
from failover_api.core.safety.judgement.verdicts import NodeVerdict, Verdicts
from failover_api.core.safety.node_states import NodeState, ViewState
from failover_api.core.wording import cut, shell_word


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a round of the loop knows: see the package for how it is put together."""

    verdicts: Verdicts
    rules: Automatic
    services: tuple[ServiceFacts, ...]
    git: GitFacts
    book: Book = EMPTY_BOOK

    def case(self, service: ServiceFacts, node: NodeVerdict | None, *, is_forced: bool = False) -> Case:
        return Case(service, node, self.verdicts, self.rules, self.book, self.git, is_forced)


@dataclass(frozen=True, slots=True)
class Act:
    """One move of these services off a node, each to its other side. Nothing else may be written for this event.

    `key` is the Idempotency-Key. `died_at` is the cluster's time of death (s); None: an alert asks for it. `evidence`
    are lines for the commit. `decided_at` is of our monotonic clock. `trigger` is `automatic` or `alert`.
    """

    services: tuple[str, ...]
    node: str
    key: str
    evidence: tuple[str, ...]
    decided_at: float
    died_at: float | None = None
    trigger: str = "automatic"


@dataclass(frozen=True, slots=True)
class Pending:
    """A service on a node that is not well. `since` and `acts_at` are by the API server's clock (s).

    Nothing follows at `acts_at` while there are `holds`; None: it is not in sight. Where `is_act` is False it is only
    said, and nothing is moved: the catalog's mode, or the service's own, is not `act`.
    """

    service: str
    node: str
    since: float | None
    acts_at: float | None
    holds: tuple[Hold, ...] = ()
    is_act: bool = False


@dataclass(frozen=True, slots=True)
class Decisions:
    """`acts` are to be made, `would` are what would be if the mode of these services were `act` and not `observe`.

    `proposals` are what a person has to agree to, where nothing else holds.
    """

    acts: tuple[Act, ...] = ()
    would: tuple[Act, ...] = ()
    proposals: tuple[tuple[Proposal, Act], ...] = ()
    pending: tuple[Pending, ...] = ()


def decide(situation: Situation) -> Decisions:
    """What follows now. Of several dead nodes each is an event of its own."""
    if situation.verdicts.view.state is ViewState.OFF:
        return Decisions()
    decisions = Decisions()
    for name in sorted(situation.verdicts.nodes):
        node = situation.verdicts.nodes[name]
        on_it = [service for service in situation.services if service.is_on(name)]
        if on_it and is_in_question(node):
            decisions = _joined(decisions, _of_node(situation, node, on_it))
    return _joined(decisions, Decisions(pending=tuple(_on_no_node(situation))))


def on_no_node(situation: Situation) -> list[ServiceFacts]:
    """The services whose node the cluster does not have, as far as it is seen."""
    return [each for each in situation.services if situation.case(each, None).is_node_gone]


def _on_no_node(situation: Situation) -> Iterator[Pending]:
    """Nothing follows by itself, which is said: a Node object that was deleted proves nothing."""
    for service in on_no_node(situation):
        if service.mode is not Mode.NONE and service.active is not None and service.side is not None:
            by_hand = f"`failover {service.side.other.action} {cut(service.name)}`"
            detail, cure = f"The cluster has no node {cut(service.active)}, ", f"Look at the machine; then {by_hand}."
            if known := how_known_off(situation.case(service, None)):
                detail += f"and {known}. Nothing moves off a node that is not there but by hand, or by an alert."
                cure = f"{by_hand}."
            else:
                detail += PROVES_NOTHING
            is_act = mode_of(situation, service) is Mode.ACT
            holds = (*view_holds(situation.verdicts), Hold(Gate.FENCE, detail, cure))
            yield Pending(service.name, service.active, None, None, holds, is_act)


def event_key(node: NodeVerdict) -> str:
    """The Idempotency-Key of a death: whoever decides on it, and whenever, it is the same.

    Raises ValueError for a node that has not died.
    """
    if node.died_at is None:
        raise ValueError(f"{node.name} has not died")
    death = f"{node.uid}\0{node.died_at:.0f}"
    return f"node-{hashlib.sha256(death.encode()).hexdigest()}"


def is_in_question(node: NodeVerdict) -> bool:
    """Whether something may follow from how it is."""
    return node.died_at is not None or node.state in {NodeState.SUSPECT, NodeState.DEAD}


def _of_node(situation: Situation, node: NodeVerdict, on_it: Sequence[ServiceFacts]) -> Decisions:
    held = {service.name: tuple(_holds(situation.case(service, node))) for service in on_it}
    if node.died_at is not None and not _is_acked(situation, node):
        cure = f"`failover automatic ack --node {shell_word(node.name)}`, or move by hand."
        held |= capped(situation, event_key(node), [each for each in on_it if not held[each.name]], cure=cure)
    since = node.died_at if node.died_at is not None else node.since
    movable = {each.name for each in of_mode(situation, on_it, Mode.ACT)}
    pending = tuple(
        Pending(name, node.name, since, _acts_at(node, holds), holds, name in movable) for name, holds in held.items()
    )
    if not node.is_due:
        return Decisions(pending=pending)
    free = [service for service in on_it if not held[service.name]]
    acting, watched = (tuple(of_mode(situation, free, mode)) for mode in (Mode.ACT, Mode.OBSERVE))
    proposals = tuple(_proposals(situation, node, on_it, held))
    return Decisions(_acts(situation, node, acting), _acts(situation, node, watched), proposals, pending)


def _holds(case: Case) -> Iterator[Hold]:
    if takes_no_part := tuple(opt_in(case)):
        yield from takes_no_part
        return
    yield from view_holds(case.verdicts)
    yield from node_holds(case)
    yield from service_holds(case, of_node=True)


def capped(
    situation: Situation, key: str, free: Sequence[ServiceFacts], *, cure: str = "Move by hand."
) -> dict[str, tuple[Hold, ...]]:
    """Holds of those that are more than one event may move; those that it has moved already are counted."""
    most = situation.rules.max_services
    moved = sum(service.was_moved_by(key) for service in situation.services)
    detail = f"More than {most} services would move with one event (`automatic.max_services`)."
    return {service.name: (Hold(Gate.MAX_SERVICES, detail, cure),) for service in free[max(0, most - moved) :]}


def _is_acked(situation: Situation, node: NodeVerdict) -> bool:
    return any(ack.node == node.name and ack.at >= (node.died_at or 0.0) for ack in situation.book.acks)


def _acts_at(node: NodeVerdict, holds: Sequence[Hold]) -> float | None:
    """When it would move if nothing changes: once the last of its holds has ended by itself."""
    if node.acts_at is None or any(hold.until is None for hold in holds):
        return None
    return max([node.acts_at, *(hold.until for hold in holds if hold.until is not None)])


def mode_of(situation: Situation, service: ServiceFacts) -> Mode:
    """The weaker of what the service and the catalog as a whole say."""
    order = [Mode.NONE, Mode.OBSERVE, Mode.ACT]
    return min(situation.rules.mode, service.mode, key=order.index)


def of_mode(situation: Situation, services: Sequence[ServiceFacts], mode: Mode) -> Iterator[ServiceFacts]:
    return (service for service in services if mode_of(situation, service) is mode)


def _acts(situation: Situation, node: NodeVerdict, services: Sequence[ServiceFacts]) -> tuple[Act, ...]:
    if not services:
        return ()
    cases = [situation.case(service, node) for service in services]
    return (
        Act(
            services=tuple(service.name for service in services),
            node=node.name,
            key=event_key(node),
            evidence=evidence_of_death(node, cases),
            decided_at=situation.verdicts.monotonic,
            died_at=node.died_at,
        ),
    )


def _proposals(
    situation: Situation, node: NodeVerdict, on_it: Sequence[ServiceFacts], held: dict[str, tuple[Hold, ...]]
) -> Iterator[tuple[Proposal, Act]]:
    for proposal in Proposal:
        asked = [
            service
            for service in on_it
            if held[service.name]
            and all(hold.proposal is not None for hold in held[service.name])
            and held[service.name][-1].proposal is proposal
            and mode_of(situation, service) is Mode.ACT
        ]
        yield from ((proposal, act) for act in _acts(situation, node, asked))


def _joined(one: Decisions, other: Decisions) -> Decisions:
    return replace(
        one,
        acts=one.acts + other.acts,
        would=one.would + other.would,
        proposals=one.proposals + other.proposals,
        pending=one.pending + other.pending,
    )
