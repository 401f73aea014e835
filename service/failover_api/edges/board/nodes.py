"""The strip of nodes: the state of each, since when, and what is on it."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from failover_api.core.access.model import Caller, Verb
from failover_api.core.rfc3339 import rfc3339
from failover_api.edges.board.form_moves import evacuation_path, relocation_path
from failover_api.edges.board.rows import may_all
from failover_api.reading.nodes import NodeReport, Nodes


@dataclass(frozen=True, slots=True)
class NodeOnBoard:
    """One node; `active` and `standby` are those of its services that the caller may see."""

    name: str
    state: str
    since: str  # RFC 3339; "" when not known
    active: tuple[str, ...]
    standby: tuple[str, ...]
    may_look: bool  # at what evacuating it would do
    may_make: bool  # and do it
    can_relocate: bool = False  # all that is active there has what brings its data along
    can_come_home: bool = False  # something belongs there and is elsewhere, and all of that has it too
    may_bring_home: bool = False  # and the caller may do it

    @property
    def path(self) -> str:
        return evacuation_path(self.name)

    @property
    def relocation_path(self) -> str:
        return relocation_path(node=self.name)


def strip_of(
    nodes: Nodes | None, caller: Caller, relocatable: Set[str] = frozenset(), away: Set[str] = frozenset()
) -> tuple[NodeOnBoard, ...]:
    """Nothing where no cluster is configured. `relocatable` have `replication`; `away` are on backup."""

    def homeward(report: NodeReport) -> list[str]:
        return [name for name in report.standby if name in away]

    return tuple(
        NodeOnBoard(
            report.name,
            report.health.state.value,
            "" if report.health.since is None else rfc3339(report.health.since),
            tuple(name for name in report.active if caller.may(Verb.VIEW, name)),
            tuple(name for name in report.standby if caller.may(Verb.VIEW, name)),
            _may_all(caller, Verb.PLAN, report.active),
            _may_all(caller, Verb.EXECUTE, report.active),
            set(report.active) <= relocatable,
            set(homeward(report)) <= relocatable and _may_all(caller, Verb.PLAN, homeward(report)),
            _may_all(caller, Verb.EXECUTE, homeward(report)),
        )
        for report in (nodes.reports if nodes is not None else ())
    )


def _may_all(caller: Caller, verb: Verb, active: Sequence[str]) -> bool:
    """Whether he has the right for each service there, those he may not see too; False where there is none."""
    return bool(active) and may_all(caller, verb, active)
