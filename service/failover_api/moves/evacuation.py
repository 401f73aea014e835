"""Evacuations: everything that is active on a node, to its other side, each service by its own action.

Those that only commits move go together, like a group: one commit for each branch and direction. One that a pull
request may move goes by itself, so that its pull request is the one that any other move of it finds.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from failover_api.core.catalog.model import Action, Policy, Service
from failover_api.core.planning.request import MoveRequest, Provenance
from failover_api.core.planning.state import State
from failover_api.core.safety.surroundings import Surroundings
from failover_api.errors import FailoverError, ForgeFailure, InternalError
from failover_api.moves.group import parts_of
from failover_api.moves.move import Move
from failover_api.moves.outcome import Outcome, WaveReport, joined_version
from failover_api.moves.progress import OnStep
from failover_api.reading.pull_requests import may_be_proposed
from failover_api.reading.status import Status, Unreadable


@dataclass(frozen=True, slots=True)
class NodeOutcome:
    """Of an evacuation: a part for each branch and direction, and for each service that goes by itself.

    `order` are the services that were active on the node, as the catalog has them; `unplaced` are those of which nobody
    knows the node. `waves`, `later` and `warnings` as in GroupOutcome.
    """

    node: str
    parts: tuple[Outcome, ...]
    order: tuple[str, ...]
    unplaced: tuple[str, ...]
    dry_run: bool
    waves: WaveReport | None = None
    later: Mapping[str, tuple[State, State]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        return joined_version([part.version for part in self.parts])

    @property
    def to(self) -> State:
        """The side that they are moved to; mixed: some each way, unknown: there is none to move."""
        sides = {State(part.action.target.value) for part in self.parts} | {to for _, to in self.later.values()}
        return sides.pop() if len(sides) == 1 else State.MIXED if sides else State.UNKNOWN

    @property
    def changed(self) -> bool:
        return any(part.changed for part in self.parts)


def group_of(node: str) -> str:
    """What its commits say in place of a group. No group can be named so."""
    return f"node {node}"


def evacuated(
    statuses: Sequence[Status | Unreadable], active: Sequence[str], provenance: Provenance
) -> Iterator[tuple[Service, Action]]:
    """What an evacuation moves, each with its action; also what the same key has moved before."""
    for status in statuses:
        record = status.last_move.record if isinstance(status, Status) and status.last_move else None
        if record is not None and provenance.key is not None and record.provenance.key == provenance.key:
            yield status.service, Action(record.action)
        elif isinstance(status, Status) and status.service.name in active:
            is_home = status.detection.state is State.PRIMARY
            yield status.service, Action.PROMOTE if is_home else Action.DEMOTE


def parts_of_node(
    members: Sequence[tuple[Service, Action]],
    request: MoveRequest,
    provenance: Provenance,
    alone: Provenance,
    on_step: OnStep,
    surroundings: Callable[[Sequence[Service]], Surroundings],
) -> list[Move]:
    """`provenance` is of those that go together, `alone` of those that do not: it names no group."""
    moves: list[Move] = []
    for action in (Action.PROMOTE, Action.DEMOTE):
        own = [service for service, its in members if its is action]
        together = [service for service in own if service.policy is Policy.DIRECT and not may_be_proposed(service)]
        moves += parts_of(together, action, request, provenance, on_step, surroundings)
        moves += [
            Move((service,), action, request, alone, on_step, surroundings([service]))
            for service in own
            if service not in together
        ]
    return [replace(move, siblings=_siblings(move, members)) for move in moves]


def _siblings(move: Move, members: Sequence[tuple[Service, Action]]) -> frozenset[str]:
    return frozenset(service.name for service, _ in members if service not in move.services)


def is_own_refusal(error: FailoverError) -> bool:
    """Whether one service that goes by itself is at fault, and others may go without it."""
    return error.outcome == "not-applied" and not isinstance(error, (ForgeFailure, InternalError))


def left_out(move: Move, error: FailoverError) -> Outcome:
    """The outcome of a service that goes by itself, and is skipped."""
    name = move.services[0].name
    return Outcome(move.action, move.policy, (), "", changed=False, dry_run=move.request.dry_run, refused={name: error})
