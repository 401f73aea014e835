"""Whether a service that was moved by itself may go home: its node has been well for long enough."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from failover_api.core.catalog.automatic import Failback, Mode
from failover_api.core.catalog.model import Side
from failover_api.core.safety.governance.decisions import Situation, mode_of
from failover_api.core.safety.governance.facts import ServiceFacts
from failover_api.core.safety.governance.gates import Gate, Hold
from failover_api.core.safety.governance.holds import Case, blocked, git_unreachable, paused, relocating, view_holds
from failover_api.core.safety.judgement.verdicts import NodeVerdict
from failover_api.core.safety.node_states import NodeState
from failover_api.core.wording import cut


@dataclass(frozen=True, slots=True)
class Return:
    """A service that may go home to `node`: relocated where `is_act`, else a person is told how.

    It is not made while there are `holds`. `relocates`: it has what brings its data home. `moved_at` is when it was
    moved away (Git host's clock, s).
    """

    service: str
    node: str
    is_act: bool
    holds: tuple[Hold, ...] = ()
    relocates: bool = False
    moved_at: float = 0.0

    @property
    def command(self) -> str:
        """What a person runs; without `replication` nobody but a person knows whether the data is there."""
        return f"failover relocate {self.service} --to primary" if self.relocates else f"failover demote {self.service}"

    @property
    def key(self) -> str:
        """The Idempotency-Key of this way home: it is begun once for each time that the service was moved away."""
        return f"failback {self.service} {self.moved_at:.0f}"


def returns(situation: Situation) -> tuple[Return, ...]:
    """Of the services that were moved to backup by themselves. What a person has moved stays where it is."""
    if situation.rules.failback is Failback.NONE:
        return ()
    return tuple(_returns(situation))


def _returns(situation: Situation) -> Iterable[Return]:
    for service in situation.services:
        home = next((name for name in sorted(service.targets) if _is_well(situation, name)), None)
        if home is not None and _is_away(service) and mode_of(situation, service) is not Mode.NONE:
            moved_at = service.last_move.at if service.last_move is not None else 0.0
            is_act = _may_act(situation, service) and _came_back(situation, home, moved_at)
            holds = _holds(situation, service)
            yield Return(service.name, home, is_act, holds, service.can_relocate, moved_at)


def _is_away(service: ServiceFacts) -> bool:
    return service.side is Side.BACKUP and service.last_move is not None and service.last_move.is_automatic


def _is_well(situation: Situation, name: str) -> bool:
    node = situation.verdicts.nodes.get(name)
    return node is not None and node.state is NodeState.READY and _well_s(node, situation) >= _enough_s(situation)


def _well_s(node: NodeVerdict, situation: Situation) -> float:
    """By its condition, and by what we saw ourselves."""
    if node.ready_since is None:
        return 0.0
    by_condition_s = situation.verdicts.now - node.ready_since
    return by_condition_s if node.ready_for_s is None else min(by_condition_s, node.ready_for_s)


def _enough_s(situation: Situation) -> float:
    return situation.rules.failback_after_s


def _may_act(situation: Situation, service: ServiceFacts) -> bool:
    is_act = situation.rules.failback is Failback.ACT and mode_of(situation, service) is Mode.ACT
    return is_act and service.can_relocate and not service.needs_word  # the app would be stopped, and wait for it


def _came_back(situation: Situation, home: str, moved_at: float) -> bool:
    """Whether the node was lost and is back since: one that was well all the time was not why the service was moved.

    `moved_at` is by the Git host's clock.
    """
    node, git_now = situation.verdicts.nodes[home], situation.git.now
    ahead_s = situation.verdicts.now - git_now if git_now is not None else 0.0
    return node.ready_since is not None and node.ready_since > moved_at + ahead_s


def _holds(situation: Situation, service: ServiceFacts) -> tuple[Hold, ...]:
    case = situation.case(service, None)
    gates = (paused, blocked, relocating, _in_turn, git_unreachable)
    refusal = () if service.refusal is None else (service.refusal,)
    return (*view_holds(situation.verdicts), *(hold for gate in gates for hold in gate(case)), *refusal)


def _in_turn(case: Case) -> Iterator[Hold]:
    """What somebody relocates together with others is not taken out of their order."""
    if operation := case.service.to_relocate:
        detail = f"It is relocated with operation {cut(operation)}, once its turn comes."
        yield Hold(Gate.RELOCATING, detail, "Wait for its end, or abort it.")
