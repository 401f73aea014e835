"""Relocations of a group or a node as one operation: what is asked for, how far it is, and how that is told."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from failover_api.core.catalog.model import Side
from failover_api.core.planning.request import Provenance
from failover_api.core.safety.relocation.in_order import Turn
from failover_api.core.safety.relocation.ladder import State
from failover_api.core.safety.relocation.steps import Step
from failover_api.core.safety.relocation.table import Position
from failover_api.operations.relocation_report import GroupRelocationReport, RelocationReport
from failover_api.reading.status import Status, Unreadable


@dataclass(frozen=True, slots=True)
class Together:
    """What is asked for: the services, and where each goes. `name` is the group's, or stands for the node's."""

    name: str
    members: Mapping[str, Side]
    node: str = ""
    unplaced: tuple[str, ...] = ()

    def is_about(self, asked: Provenance) -> bool:
        """Whether an operation is of this group, or of this node, wherever it leads."""
        if asked.wave is None:
            return False
        return asked.wave.node == self.node if self.node else asked.group == self.name


@dataclass(frozen=True, slots=True)
class GroupOperation:
    """An operation as it is now. `members` has the relocations that have commits of it, by service."""

    asked: Provenance
    targets: Mapping[str, Side]
    members: dict[str, RelocationReport]
    statuses: Mapping[str, Status | Unreadable]
    turn: Turn

    @property
    def newest(self) -> str:
        """Who has begun last; "" for nobody."""
        return next(reversed(self.members), "")

    @property
    def is_under_way(self) -> bool:
        return self.turn.state.is_under_way

    def is_same(self, asked: Together) -> bool:
        """Whether it brings these where they are to go; some may have been left out, or have left a node by now."""
        running, wanted = self.targets.items(), asked.members.items()
        return bool(asked.node) or running <= wanted or wanted <= running

    @property
    def to_come(self) -> tuple[str, ...]:
        """Who has not begun, and would once those before have come over."""
        names = list(self.targets)
        begun = max((names.index(name) for name in self.members), default=-1)
        return tuple(name for name in names[begun + 1 :] if not is_on(self.statuses.get(name), self.targets[name]))

    @property
    def next_up(self) -> str | None:
        """Who would begin next, once those that have begun are done."""
        return next(iter(self.to_come), None)

    @property
    def report(self) -> GroupRelocationReport:
        """How it is told."""
        assert self.asked.wave is not None, "it is one of several"
        return GroupRelocationReport(
            operation=self.asked.operation,
            name=self.asked.group or "",
            node=self.asked.wave.node,
            state=self.turn.state,
            relocations=tuple(map(self._told, self.targets)),
            at=self.turn.at,
            reason=self.turn.reason,
        )

    def _told(self, name: str) -> RelocationReport:
        """How far one of them is; of one that has not begun, why."""
        if name in self.members:
            return self.members[name]
        target, at = self.targets[name], self.turn.at
        if is_on(self.statuses.get(name), target):
            state, position, reason = State.DONE, Position.DONE, "It is there already."
        elif self.is_under_way:
            state, position, reason = State.WAITING, Position.READY, "" if at == name else f"It waits for {at}."
        else:
            reason = self.turn.reason if at == name else f"It has not begun: it would come after {at}."
            state, position = State.STOPPED, Position.READY
        step = Step.PROTECT if state is State.DONE else Step.REVERSE
        return RelocationReport(None, name, target, step, state, position, reason)


def unreadable(operation: str, name: str, target: Side, why: str) -> RelocationReport:
    """One of several that has begun, and cannot be read now."""
    return RelocationReport(operation, name, target, Step.REVERSE, State.WAITING, Position.READY, why)


def is_on(status: Status | Unreadable | None, side: Side) -> bool:
    """Whether Git has a service on a side."""
    return isinstance(status, Status) and status.detection.state.value == side.value


def numbered(asked: Provenance, name: str) -> Provenance:
    """The same, of the commits of one of them."""
    assert asked.wave is not None, "it is one of several"
    return replace(asked, wave=replace(asked.wave, number=1 + asked.wave.members.index(name)))


def part_of(asked: Provenance, name: str, *, by: str, reason: str, at: str) -> Provenance:
    """What the commits of one of them tell. The key is told by the first alone."""
    return numbered(replace(asked, by=by, reason=reason, at=at, key=None, step=None), name)
