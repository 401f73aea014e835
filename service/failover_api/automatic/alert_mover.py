"""What an alert asks for, carried out: the gates decide, as they are now, and the guard writes."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from cachetools import LRUCache

from failover_api.automatic.alert_desk import Carried, Result, ServiceEnd
from failover_api.core.safety.governance import Act, AlertOrder, Gate, GitFacts, Hold, Situation, decide_alert
from failover_api.core.safety.governance.holds import view_holds
from failover_api.core.wording import cut

AS_BEFORE_S = 2.0
MAX_KEPT = 256
_Asked = tuple[str | None, tuple[str, ...], bool]  # node, services, even if ready


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
    """Carries out what alerts ask for, one order after the other: several may be about one service.

    A storm of alerts that ask for the same is answered by one look at Git, for AS_BEFORE_S. `monotonic` is
    time.monotonic(), unless a test moves it.
    """

    def __init__(self, guard: Guard, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._guard, self._monotonic = guard, monotonic
        self._one_at_a_time = asyncio.Lock()
        self._last: LRUCache[_Asked, tuple[float, float, Carried]] = LRUCache(MAX_KEPT)

    async def carry_out(self, order: AlertOrder) -> Carried:
        """In the order of the catalog. Raises FailoverError where nothing could be decided, or written."""
        asked, starts_at = (order.node, order.services, order.is_forced), order.alert.starts_at
        async with self._one_at_a_time:
            at, before, carried = self._last.get(asked, (float("-inf"), starts_at, Carried()))
            # Of two that ask for the same, the older may be stale where the other is not.
            is_alike = starts_at == before or (starts_at < before) is _is_stale(carried)
            if self._monotonic() - at < AS_BEFORE_S and is_alike:
                return _again(carried)
            carried = await self._carry_out(order)
            self._last[asked] = self._monotonic(), starts_at, carried
            return carried

    async def _carry_out(self, order: AlertOrder) -> Carried:
        situation = await self._guard.situation(order)
        answer = decide_alert(order, situation)
        ends = {name: ServiceEnd(name, Result.HELD, holds) for name, holds in answer.held.items()}
        if answer.would is not None:
            ends |= {name: ServiceEnd(name, Result.WOULD_MOVE) for name in answer.would.services}
        if answer.act is not None:
            written = await self._guard.write(answer.act, order)
            ends |= {name: _end(name, written) for name in answer.act.services}
        known = [service.name for service in situation.services]
        ends |= {name: _unread(name, situation) for name in order.services if name not in known}
        services = tuple(ends[name] for name in dict.fromkeys((*known, *order.services)) if name in ends)
        return Carried(services) if services else _nothing(order, situation)


def _is_stale(carried: Carried) -> bool:
    """Whether an alert that began later may come to something else."""
    return any(hold.gate is Gate.STALE_ALERT for end in carried.services for hold in end.holds)


def _again(carried: Carried) -> Carried:
    """What was moved a moment ago is where the next alert wants it."""
    left = (end for end in carried.services if end.result not in {Result.MOVED, Result.PROPOSED})
    return replace(carried, services=tuple(left))


def _nothing(order: AlertOrder, situation: Situation) -> Carried:
    """Nothing is meant: which is not the same as that nobody can tell what is."""
    if holds := (*view_holds(situation.verdicts), *_git_holds(situation.git)):
        return Carried(holds=holds)
    if order.node is None:
        return Carried(detail="it is on backup already")
    if order.node not in situation.verdicts.nodes:
        return Carried(detail=f"the cluster has no node {cut(order.node)}: expected a node's name in Kubernetes")
    return Carried(detail=f"no service is active on {cut(order.node)}")


def _unread(service: str, situation: Situation) -> ServiceEnd:
    if holds := tuple(_git_holds(situation.git)):
        return ServiceEnd(service, Result.HELD, holds)
    return ServiceEnd(
        service, Result.REFUSED, detail="it could not be read from Git, or the catalog has it in another cluster"
    )


def _git_holds(git: GitFacts) -> Iterator[Hold]:
    if git.failed_at is not None or git.now is None:
        why = f": {cut(git.detail)}" if git.detail else ""
        yield Hold(Gate.GIT_UNREACHABLE, f"The Git host does not answer{why}.", "It is tried again by itself.")


def _end(service: str, written: Written) -> ServiceEnd:
    if holds := written.holds.get(service):
        return ServiceEnd(service, Result.HELD, holds)
    if service in written.refused:
        return ServiceEnd(service, Result.REFUSED, detail=written.refused[service])
    if service in written.there:
        return ServiceEnd(service, Result.NOTHING_TO_DO)
    return ServiceEnd(service, Result.PROPOSED if written.is_pending else Result.MOVED, operation=written.operation)
