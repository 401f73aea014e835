"""What an alert asks for, carried out: the gates decide, as they are now, and the guard writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from failover_api.automatic.alert_desk import Result, ServiceEnd
from failover_api.core.safety.governance import Act, AlertOrder, Hold, Situation, decide_alert


@dataclass(frozen=True, slots=True)
class Written:
    """What came of an act: the operation that moves its services, or the holds that were found at the last look.

    `is_pending`: a pull request is open. `there` are those that had moved before, `refused` says why others were not.
    """

    operation: str | None = None
    is_pending: bool = False
    there: tuple[str, ...] = ()
    holds: Mapping[str, tuple[Hold, ...]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


class Guard(Protocol):
    """Whoever judges nodes: the same for a node's death and for an alert."""

    async def situation(self, order: AlertOrder) -> Situation:
        """All that is known now, with a close look at what is meant. Raises NotReady where it is not known here."""
        ...

    async def write(self, act: Act, order: AlertOrder | None = None) -> Written:
        """Looks again, and writes what may be written still. Raises FailoverError when nothing was."""
        ...


class AlertMover:
    """Carries out what alerts ask for."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def carry_out(self, order: AlertOrder) -> Sequence[ServiceEnd]:
        """In the order of the catalog. Raises FailoverError where nothing could be decided, or written."""
        situation = await self._guard.situation(order)
        answer = decide_alert(order, situation)
        ends = {name: ServiceEnd(name, Result.HELD, holds) for name, holds in answer.held.items()}
        if answer.would is not None:
            ends |= {name: ServiceEnd(name, Result.WOULD_MOVE) for name in answer.would.services}
        if answer.act is not None:
            written = await self._guard.write(answer.act, order)
            ends |= {name: _end(name, written) for name in answer.act.services}
        return [ends[service.name] for service in situation.services if service.name in ends]


def _end(service: str, written: Written) -> ServiceEnd:
    if holds := written.holds.get(service):
        return ServiceEnd(service, Result.HELD, holds)
    if service in written.refused:
        return ServiceEnd(service, Result.REFUSED, detail=written.refused[service])
    if service in written.there:
        return ServiceEnd(service, Result.NOTHING_TO_DO)
    return ServiceEnd(service, Result.PROPOSED if written.is_pending else Result.MOVED, operation=written.operation)
