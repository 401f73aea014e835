"""How often it was right, or would have been: the last events, so that one can dare to let it act.

    right            the node stayed away for ten minutes and more after the act, or after it would have been made
    too-early        it was back before
    came-back-first  it was back before anything would have moved
    open             nobody can tell yet

Times are by the API server's clock (s).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from failover_api.core.rfc3339 import showable
from failover_api.core.safety.governance.decisions import Act, Decisions, event_key
from failover_api.core.safety.judgement.verdicts import NodeVerdict, Verdicts

MAX_EVENTS = 50
RIGHT_AFTER_S = 600.0
_MAX_NAMES = 20


class Ended(StrEnum):
    """What became of an event."""

    RIGHT = "right"
    TOO_EARLY = "too-early"
    CAME_BACK_FIRST = "came-back-first"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Event:
    """One death of a node with services on it. `moved` are those that were moved, `would` those that would have been.

    `gates` are those that held the others when the node was seen last. `decided_at` is when the first of either could
    go, `back_at` when the node was seen again.
    """

    key: str
    node: str
    died_at: float
    moved: tuple[str, ...] = ()
    would: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    decided_at: float | None = None
    back_at: float | None = None

    def ended(self, now: float) -> Ended:
        if self.decided_at is None:
            return Ended.OPEN if self.back_at is None else Ended.CAME_BACK_FIRST
        away_s = (now if self.back_at is None else self.back_at) - self.decided_at
        if away_s >= RIGHT_AFTER_S:
            return Ended.RIGHT
        return Ended.OPEN if self.back_at is None else Ended.TOO_EARLY


@dataclass(frozen=True, slots=True)
class Tally:
    """The oldest first."""

    events: tuple[Event, ...] = ()

    def after(self, verdicts: Verdicts, decisions: Decisions) -> "Tally":
        """With what one more round has shown."""
        events = {event.key: event for event in self.events}
        for node in verdicts.nodes.values():
            events.update({key: _back(event, node, verdicts) for key, event in events.items()})
            if node.died_at is not None and any(one.node == node.name for one in decisions.pending):
                key = event_key(node)
                event = events.get(key) or Event(key, node.name, node.died_at)
                events[key] = _decided(event, decisions, verdicts.now)
        return Tally(tuple(events.values())[-MAX_EVENTS:])

    def counts(self, now: float) -> Mapping[Ended, int]:
        ended = [event.ended(now) for event in self.events]
        return {each: ended.count(each) for each in Ended}

    def as_json(self) -> list[dict[str, Any]]:
        return [{key: value for key, value in asdict(event).items() if value} for event in self.events]


def tally_from(data: object) -> Tally:
    """What as_json() said, perhaps of another version: what is not understood is left out."""
    found = [event for row in (data if isinstance(data, list) else []) if (event := _event(row)) is not None]
    return Tally(tuple(found)[-MAX_EVENTS:])


def _back(event: Event, node: NodeVerdict, verdicts: Verdicts) -> Event:
    is_back = node.is_ready and node.is_alive and event.node == node.name
    return replace(event, back_at=verdicts.now) if is_back and event.back_at is None else event


def _decided(event: Event, decisions: Decisions, now: float) -> Event:
    moved, would = _names(decisions.acts, event), _names(decisions.would, event)
    gates = {hold.gate.value for one in decisions.pending if one.node == event.node for hold in one.holds}
    is_first = event.decided_at is None and (moved or would)
    return replace(
        event,
        moved=_joined(event.moved, moved),
        would=_joined(event.would, would),
        gates=tuple(sorted(gates)),
        decided_at=now if is_first else event.decided_at,
    )


def _names(acts: Sequence[Act], event: Event) -> tuple[str, ...]:
    return tuple(name for act in acts if act.key == event.key for name in act.services)


def _joined(before: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, *more)))[:_MAX_NAMES]


def _event(row: object) -> Event | None:
    """None too for one with a time that nobody could be shown."""
    try:
        event = _adapter().validate_python(row)
    except ValidationError:
        return None
    times = [at for at in (event.died_at, event.decided_at, event.back_at) if at is not None]
    return event if None not in map(showable, times) else None


@cache
def _adapter() -> TypeAdapter[Event]:
    return TypeAdapter(Event)
