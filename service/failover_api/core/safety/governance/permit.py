"""The last look before a write: what was decided has to be true still, of nodes that were read again since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from failover_api.core.planning.request import PERMIT_LASTS_S
from failover_api.core.safety.governance.alerts import AlertOrder, decide_alert
from failover_api.core.safety.governance.decisions import Act, Situation, decide
from failover_api.core.safety.governance.gates import Gate, Hold


@dataclass(frozen=True, slots=True)
class Permit:
    """This act may be written until `until` (monotonic), and not a moment later."""

    act: Act
    until: float

    def holds_at(self, monotonic: float) -> bool:
        return monotonic <= self.until


@dataclass(frozen=True, slots=True)
class Refused:
    """It may not be written: {service: why}. Nothing is lost, the next round decides anew."""

    holds: dict[str, tuple[Hold, ...]]


def recheck(act: Act, situation: Situation, order: AlertOrder | None = None) -> Permit | Refused:
    """`situation` is that of now, stepped with nodes and Leases that were listed after the act was decided.

    All of its services have to be free still: what was planned together is written together. `order` is the alert's
    that asks for it, if one does.
    """
    verdicts = situation.verdicts
    oldest = verdicts.monotonic - PERMIT_LASTS_S
    if verdicts.heard_at is None or verdicts.heard_at <= act.decided_at or verdicts.heard_at < oldest:
        return Refused(dict.fromkeys(act.services, (_NOT_READ_AGAIN,)))
    acts, held = _again(act, situation, order)
    if any(again.key == act.key and set(act.services) <= set(again.services) for again in acts):
        return Permit(act, verdicts.monotonic + PERMIT_LASTS_S)
    return Refused({name: held.get(name) or (_OTHERWISE,) for name in act.services})


def _again(
    act: Act, situation: Situation, order: AlertOrder | None
) -> tuple[Sequence[Act], Mapping[str, tuple[Hold, ...]]]:
    """What is decided now, and what holds."""
    if order is not None:
        answer = decide_alert(order, situation)
        return [answer.act] if answer.act is not None else [], answer.held
    decisions = decide(situation)
    return decisions.acts, {one.service: one.holds for one in decisions.pending if one.node == act.node}


_NOT_READ_AGAIN = Hold(
    Gate.BLIND, "Nodes and Leases were not read again since it was decided.", "It is decided anew by itself."
)
_OTHERWISE = Hold(Gate.BLIND, "Its node, or where it is, has changed since it was decided.", "It is decided anew.")
