"""How far an operation in waves has come: whose turn it is, who is waited for, and who is held.

    waiting     its turn has not come: somebody before it does not serve yet
    ready       it may move now
    proposed    a pull request has to be merged first; there is no limit to that
    coming      it has moved, and does not serve yet
    done        it serves
    late        it did not serve in time
    failed      it will not come with this operation: refused, left out, moved again since, ...
    held        somebody that it waits for is late, failed or held

Time comes in as an argument, and is the Git host's (s), as the times of commits are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from failover_api.core.planning.waves import Order

_NOT_YET = "not seen to serve yet"


class Standing(StrEnum):
    """How far one service is."""

    WAITING = "waiting"
    READY = "ready"
    PROPOSED = "proposed"
    COMING = "coming"
    DONE = "done"
    LATE = "late"
    FAILED = "failed"
    HELD = "held"


ENDED = frozenset({Standing.DONE, Standing.LATE, Standing.FAILED, Standing.HELD})
BROKEN = ENDED - {Standing.DONE}
_NOT_WRITTEN = frozenset({Standing.WAITING, Standing.READY})
NOT_MOVED = frozenset({*_NOT_WRITTEN, Standing.PROPOSED, Standing.HELD})


class OperationState(StrEnum):
    """Of an operation, and of one of its waves; only a wave may be waiting."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is known of one service. `serves` None: nobody sees it from here; `served_at` since when, None: not known.

    `written_at` is the time of the operation's commit of it; None: there is none. `trouble` is why it will not come.
    """

    is_there: bool = False
    written_at: float | None = None
    is_proposed: bool = False
    serves: bool | None = None
    served_at: float | None = None
    trouble: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """How far one service is, and why it is no further."""

    standing: Standing
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WaveState:
    """How far one wave is."""

    services: tuple[str, ...]
    state: OperationState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far all of it is. `due` is the number of the wave to be written now, from 1, and who moves in it."""

    state: OperationState
    waves: tuple[WaveState, ...]
    places: Mapping[str, Place]
    due: tuple[int, tuple[str, ...]] | None = None

    @property
    def is_running(self) -> bool:
        """Whether anything is still to come."""
        return self.state is OperationState.RUNNING


@dataclass(frozen=True, slots=True)
class Unmoved:
    """A service that an operation has not moved. `began_at` and `ends_at` are by the Git host's clock (s).

    `stopped` is why it will not move it any more, "" while it may. `is_of_death`: a node's death began it. `ends_at` is
    when nobody expects it of the operation any longer, None: as long as it is known.
    """

    operation: str
    began_at: float
    stopped: str = ""
    is_of_death: bool = False
    ends_at: float | None = None


@dataclass(frozen=True, slots=True)
class Clocking:
    """`now`; when the operation began; how long what moved may take to serve (s)."""

    now: float
    began_at: float
    timeout_s: float


def progress(
    order: Order, seen: Mapping[str, Sighting], clocking: Clocking, ended: Mapping[str, Place] | None = None
) -> Progress:
    """Where everything stands. `ended` is what an earlier look has decided: it is not decided again, but that what
    served meets trouble.
    """
    places = _Assessment(order, seen, clocking, dict(ended or {})).places()
    waves = tuple(_wave(names, places) for names in order.waves)
    return Progress(_state(waves), waves, places, _due(order, places))


def why_ended(name: str, order: Order, places: Mapping[str, Place]) -> str:
    """Why a service will not move any more, "" while it may: of one that is held, what became of whom it waits for."""
    place = places[name]
    if place.standing not in BROKEN:
        return ""
    others = [other for other in sorted(order.waits_for.get(name, ())) if places[other].standing in BROKEN]
    causes = [f"{other} {places[other].reason}" for other in others if places[other].standing is not Standing.HELD]
    return "; ".join(causes) if place.standing is Standing.HELD and causes else place.reason


def planned(order: Order) -> Progress:
    """Of a dry run: everything is still to come."""
    places = {name: Place(Standing.WAITING) for wave in order.waves for name in wave}
    waves = tuple(WaveState(names, OperationState.WAITING) for names in order.waves)
    return Progress(OperationState.WAITING, waves, places)


@dataclass(slots=True)
class _Assessment:
    order: Order
    seen: Mapping[str, Sighting]
    clocking: Clocking
    found: dict[str, Place] = field(default_factory=dict)
    proposed: list[str] = field(default_factory=list)  # of earlier waves

    def places(self) -> Mapping[str, Place]:
        for wave in self.order.waves:  # those that are waited for are in earlier ones
            self.proposed = [name for name, place in self.found.items() if place.standing is Standing.PROPOSED]
            for name in wave:
                sighting, before = self.seen.get(name, Sighting()), self.found.get(name)
                if before is None or (before.standing is Standing.DONE and sighting.trouble):
                    self.found[name] = self._place(name, sighting)
        return {name: self.found[name] for wave in self.order.waves for name in wave}

    def _place(self, name: str, sighting: Sighting) -> Place:
        if sighting.trouble:
            return Place(Standing.FAILED, sighting.trouble)
        if sighting.written_at is not None or sighting.is_there:
            return self._moved(name, sighting)
        if sighting.is_proposed:
            return Place(Standing.PROPOSED, sighting.detail or "a pull request waits for its merge")
        return self._not_moved(name)

    def _moved(self, name: str, sighting: Sighting) -> Place:
        since = self.clocking.began_at if sighting.written_at is None else sighting.written_at
        end = since + self.clocking.timeout_s
        if sighting.serves:
            is_own, at = sighting.written_at is not None, sighting.served_at
            is_late = is_own and at is not None and at > end
            return Place(Standing.LATE, _late(self.clocking)) if is_late else Place(Standing.DONE)
        if sighting.serves is None and name not in self.order.waited_for:
            return Place(Standing.DONE, "not seen from here")
        why = sighting.detail or ("not seen from here" if sighting.serves is None else _NOT_YET)
        if self.clocking.now > end:
            return Place(Standing.LATE, f"{_late(self.clocking)}: {why}")
        return Place(Standing.COMING, why)

    def _not_moved(self, name: str) -> Place:
        waited_for = {other: self.found[other] for other in sorted(self.order.waits_for.get(name, ()))}
        broken = [other for other, place in waited_for.items() if place.standing in BROKEN]
        if broken:
            return Place(Standing.HELD, f"waits for {', '.join(broken)}")
        missing = [other for other, place in waited_for.items() if place.standing is not Standing.DONE]
        if self.proposed and not missing:  # a wave ends with the merge of what it proposed
            return Place(Standing.WAITING, f"waits for the merge of {', '.join(self.proposed)}")
        return Place(Standing.WAITING, f"waits for {', '.join(missing)}") if missing else Place(Standing.READY)


def _late(clocking: Clocking) -> str:
    return f"did not serve within {clocking.timeout_s:g} s"


def _due(order: Order, places: Mapping[str, Place]) -> tuple[int, tuple[str, ...]] | None:
    """The first wave of which somebody is ready, and nobody's turn is still to come: a wave is one commit."""
    for number, wave in enumerate(order.waves, 1):
        standings = {name: places[name].standing for name in wave}
        ready = tuple(name for name in wave if standings[name] is Standing.READY)
        if ready and Standing.WAITING not in standings.values():
            return number, ready
    return None


def _wave(names: Sequence[str], places: Mapping[str, Place]) -> WaveState:
    standings = {places[name].standing for name in names}
    if standings & _NOT_WRITTEN:
        state = OperationState.WAITING
    elif standings - ENDED:
        state = OperationState.RUNNING
    else:
        state = OperationState.STOPPED if standings & BROKEN else OperationState.DONE
    return WaveState(tuple(names), state, "; ".join(_reasons(names, places)))


def _reasons(names: Sequence[str], places: Mapping[str, Place]) -> Iterator[str]:
    """What is said of several is said once."""
    whose: dict[str, list[str]] = {}
    for name in names:
        whose.setdefault(places[name].reason, []).append(name)
    for reason, of in whose.items():
        if reason:
            yield f"{', '.join(of)}: {reason}"


def _state(waves: Sequence[WaveState]) -> OperationState:
    states = {wave.state for wave in waves}
    if states & {OperationState.WAITING, OperationState.RUNNING}:
        return OperationState.RUNNING
    return OperationState.STOPPED if OperationState.STOPPED in states else OperationState.DONE
