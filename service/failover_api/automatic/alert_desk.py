"""What alerts come to: each is read by the catalog, kept as a witness, or handed to whoever may move services.

One after the other, in the order of the body: two of them may be about one service. Who asks has been asked for his
rights; whether a service may move now is for the gates, behind `Mover`.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from failover_api.core.catalog.automatic import IS_OFF, Mode
from failover_api.core.catalog.model import Catalog
from failover_api.core.safety.alerts import Meaningless, Meant, Unreadable, meaning_of
from failover_api.core.safety.governance import Alert, AlertOrder, Gate, Hold, Witness
from failover_api.core.safety.governance.gates import PASSING
from failover_api.core.wording import cut
from failover_api.errors import (
    ClusterFailure,
    ClusterNeeded,
    Conflict,
    FailoverError,
    ForgeFailure,
    ForgePermission,
    NotPermitted,
    NotReady,
    OutcomeUnknown,
)

# The key makes it safe to try these again.
_PASSING = (ForgeFailure, ClusterFailure, NotReady, NotPermitted, Conflict, OutcomeUnknown)
_log = logging.getLogger(__name__)


class Result(StrEnum):
    """What became of an alert, or of a service that it is about."""

    MOVED = "moved"
    PROPOSED = "proposed"  # a pull request is open
    WOULD_MOVE = "would-move"  # in mode observe
    NOTHING_TO_DO = "nothing-to-do"  # it is where the alert wants it
    HELD = "held"
    REFUSED = "refused"  # as the same move by hand would be
    WITNESS = "witness"
    WITHDRAWN = "withdrawn"  # a witness was
    IGNORED = "ignored"  # it means nothing here
    FORBIDDEN = "forbidden"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class ServiceEnd:
    """What became of one service. `holds` are the gates that hold it, in order; `detail` says why it is refused."""

    service: str
    result: Result
    holds: tuple[Hold, ...] = ()
    operation: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class AlertEnd:
    """What became of an alert. `meant` is None where it means nothing, or could not be read.

    `is_error`: a rule of the catalog fits it, and cannot be followed.
    """

    alert: Alert | Unreadable
    result: Result
    meant: Meant | None = None
    services: tuple[ServiceEnd, ...] = ()
    holds: tuple[Hold, ...] = ()
    detail: str = ""
    is_error: bool = False

    @property
    def read(self) -> Alert | None:
        """The alert; None where it could not be read."""
        return self.alert if isinstance(self.alert, Alert) else None

    @property
    def held(self) -> Hold | None:
        """The hold that is named: the first of a service that passes by itself before any other's."""
        first = [holds[0] for holds in (self.holds, *(each.holds for each in self.services)) if holds]
        passing = next((hold for hold in first if hold.gate in PASSING), None)
        return passing or next(iter(first), None)

    @property
    def is_to_come_again(self) -> bool:
        """Whether whoever sent it should send it again: what holds it passes by itself, and soon."""
        return self.held is not None and self.held.gate in PASSING


@dataclass(frozen=True, slots=True)
class Carried:
    """What an order came to. `holds` are of all of it: where it could not be told which services are meant.

    `detail` says more where there are no services.
    """

    services: tuple[ServiceEnd, ...] = ()
    holds: tuple[Hold, ...] = ()
    detail: str = ""


class Witnesses(Protocol):
    """Where what alerts testify is kept, so that any replica knows it."""

    async def testify(self, witness: Witness) -> str:
        """Why it counts for nothing as things are, "" when it may count.

        Raises NotReady while it cannot be kept, ClusterNeeded where it may not be.
        """
        ...

    async def take_back(self, fingerprint: str) -> bool:
        """Whether there was one. Raises as testify()."""
        ...


class Mover(Protocol):
    """Whoever judges nodes, asks the gates, and moves what may be moved."""

    async def carry_out(self, order: AlertOrder) -> Carried:
        """What became of each service that is meant; those that are where the alert wants them are left out.

        All that may be moved is moved together. Raises FailoverError where nothing was.
        """
        ...


class AlertDesk:
    """`catalog` gives the one in force; `witnesses` and `mover` are asked for when they are needed.

    They raise ClusterNeeded where there is no cluster.
    """

    def __init__(
        self, catalog: Callable[[], Catalog], witnesses: Callable[[], Witnesses], mover: Callable[[], Mover]
    ) -> None:
        self._catalog, self._witnesses, self._mover = catalog, witnesses, mover

    async def take(self, alerts: Sequence[Alert | Unreadable], may: Callable[[Meant], bool]) -> list[AlertEnd]:
        """`may` says whether who sent them may do what one means.

        Raises ClusterNeeded where automatic failover is on and has no cluster, or may not use it.
        """
        ends = [await self._take(alert, may) for alert in alerts]
        for end in ends:
            _log.log(_level(end), "alert taken", extra=_facts(end))
        return ends

    async def _take(self, alert: Alert | Unreadable, may: Callable[[Meant], bool]) -> AlertEnd:
        if isinstance(alert, Unreadable):
            return AlertEnd(alert, Result.UNREADABLE, detail=alert.detail)
        catalog = self._catalog()
        meant = meaning_of(alert, catalog)
        if isinstance(meant, Meaningless):
            return AlertEnd(alert, Result.IGNORED, detail=meant.detail, is_error=meant.is_error)
        if not may(meant):
            return AlertEnd(alert, Result.FORBIDDEN, meant, detail="its sender may not do what it means")
        if catalog.automatic.mode is Mode.NONE:
            return AlertEnd(alert, Result.HELD, meant, holds=(_OFF,)) if alert.is_firing else _no_more(alert, meant)
        try:
            return await (self._firing(alert, meant) if alert.is_firing else self._resolved(alert, meant))
        except NotReady as exc:
            return AlertEnd(alert, Result.HELD, meant, holds=(_blind(exc),))

    async def _resolved(self, alert: Alert, meant: Meant) -> AlertEnd:
        """It moves nothing, not even back."""
        if meant.witness is None or not await self._witnesses().take_back(alert.fingerprint):
            return _no_more(alert, meant)
        return AlertEnd(alert, Result.WITHDRAWN, meant)

    async def _firing(self, alert: Alert, meant: Meant) -> AlertEnd:
        why_none = await self._witnesses().testify(meant.witness) if meant.witness is not None else ""
        if meant.order is None:
            return AlertEnd(alert, Result.WITNESS, meant, detail=why_none)
        try:
            carried = await self._mover().carry_out(meant.order)
        except ClusterNeeded:
            raise
        except FailoverError as exc:
            if isinstance(exc, _PASSING) and not isinstance(exc, ForgePermission):
                return AlertEnd(alert, Result.HELD, meant, holds=(_unreachable(exc),))
            return AlertEnd(alert, Result.REFUSED, meant, detail=f"{exc.title}: {exc.detail}")
        result = Result.HELD if carried.holds else _together(carried.services)
        return AlertEnd(alert, result, meant, carried.services, carried.holds, carried.detail)


def _together(services: Sequence[ServiceEnd]) -> Result:
    """That of an alert, by those of its services: what was done, before what was not."""
    results = {each.result for each in services}
    for result in (Result.MOVED, Result.PROPOSED, Result.WOULD_MOVE, Result.REFUSED, Result.HELD):
        if result in results:
            return result
    return Result.NOTHING_TO_DO


def _no_more(alert: Alert, meant: Meant) -> AlertEnd:
    return AlertEnd(alert, Result.IGNORED, meant, detail="it is resolved, and had testified nothing")


_OFF = Hold(Gate.OPT_IN, IS_OFF, "Write `automatic: {mode: observe}`.")


def _blind(exc: NotReady) -> Hold:
    return Hold(Gate.BLIND, exc.detail, "Is the API server well, and can it be reached from here?")


def _unreachable(exc: FailoverError) -> Hold:
    """The gate that is nearest: another replica leads, what was decided on is not seen any more, or Git is lost."""
    is_unseen = isinstance(exc, (ClusterFailure, NotPermitted))
    gate = Gate.BLIND if is_unseen else Gate.STARTING if isinstance(exc, NotReady) else Gate.GIT_UNREACHABLE
    return Hold(gate, f"{exc.title}: {exc.detail}", "It is tried again when the alert comes again.")


def _level(end: AlertEnd) -> int:
    """Most that come mean nothing here; one that was meant to do something, and cannot, is for people."""
    if end.is_error:
        return logging.WARNING
    return logging.DEBUG if end.result is Result.IGNORED else logging.INFO


def _facts(end: AlertEnd) -> Mapping[str, object]:
    alert, held = end.alert, end.held
    name = cut(alert.name) if isinstance(alert, Alert) else alert.place
    facts = {"alert": name, "result": end.result.value, "detail": end.detail}
    return facts if held is None else {**facts, "gate": held.gate.value, "detail": held.detail}
