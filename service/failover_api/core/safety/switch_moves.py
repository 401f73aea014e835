"""The switches that a move changes, with all that is known of each: of a plan, or of a side that is only thought of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from failover_api.core.catalog.model import Service, Side
from failover_api.core.planning.plan import Plan
from failover_api.core.planning.state import Detection, Reading
from failover_api.core.splice import Value


@dataclass(frozen=True, slots=True)
class SwitchMove:
    """One switch, as it was read, and the value it gets."""

    reading: Reading
    new: Value

    @property
    def old(self) -> Value:
        return self.reading.value

    @property
    def where(self) -> str:
        return f"{self.reading.file}:{self.reading.line}"


@dataclass(frozen=True, slots=True)
class ServiceMove:
    """What a move does to one service: the switches that it changes, in order."""

    service: Service
    switches: tuple[SwitchMove, ...]

    @property
    def claims(self) -> list[SwitchMove]:
        """The switches that give the app another claim."""
        return [move for move in self.switches if move.reading.switch.is_claim and isinstance(move.new, str)]


def planned_move(plan: Plan) -> ServiceMove:
    """What a plan does. One that was made of a commit alone has no readings, and nothing can be said of it."""
    new = {
        (change.file, change.document, change.path, change.line): change.new
        for change in plan.changes
        if not isinstance(change.new, Mapping)
    }
    places = {
        (reading.file, reading.document, reading.switch.path_text, reading.line): reading
        for reading in plan.before.readings
    }
    return ServiceMove(
        plan.service, tuple(SwitchMove(reading, new[place]) for place, reading in places.items() if place in new)
    )


def possible_move(service: Service, detection: Detection, side: Side) -> ServiceMove:
    """What a move to a side would do."""
    return _to(service, [reading for reading in detection.readings if reading.state.value != side.value], side)


def whole_side(service: Service, detection: Detection, side: Side) -> ServiceMove:
    """All that a side is made of, whether the service is there or not."""
    return _to(service, detection.readings, side)


def _to(service: Service, readings: Sequence[Reading], side: Side) -> ServiceMove:
    return ServiceMove(service, tuple(SwitchMove(reading, reading.switch.value(side)) for reading in readings))
