"""What an alert asks for, and what comes of it: an act, or for each service why not.

A firing alert is one Idempotency-Key, by its fingerprint and its start: however often it is repeated, it moves once.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from failover_api.core.catalog.automatic import AlertRule, Meaning, Mode
from failover_api.core.catalog.model import Side
from failover_api.core.safety.governance.decisions import Act, Situation, capped, of_mode
from failover_api.core.safety.governance.evidence import evidence_of_alert
from failover_api.core.safety.governance.facts import ServiceFacts
from failover_api.core.safety.governance.gates import Gate, Hold
from failover_api.core.safety.governance.holds import node_holds, opt_in, service_holds, view_holds
from failover_api.core.safety.node_states import ViewState
from failover_api.core.safety.times import second

STALE_S = 3600.0
AHEAD_S = 300.0  # a sender whose clock is further ahead would never be stale
_LABEL = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of a delivery. `starts_at` is by its sender (s)."""

    fingerprint: str
    starts_at: float
    is_firing: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "")

    @property
    def key(self) -> str:
        """Its Idempotency-Key."""
        first = f"{self.fingerprint}\0{self.starts_at:.0f}"
        return f"alert-{hashlib.sha256(first.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class AlertOrder:
    """What an alert asks for: to take everything off a node, or to promote these services."""

    alert: Alert
    node: str | None = None
    services: tuple[str, ...] = ()
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class AlertAnswer:
    """`act` is to be made, `would` is what would be in mode `act`; `held` says of the other services why they stay."""

    act: Act | None = None
    would: Act | None = None
    held: Mapping[str, tuple[Hold, ...]] = field(default_factory=dict)


def rule_for(rules: Sequence[AlertRule], labels: Mapping[str, str]) -> AlertRule | None:
    """The first whose labels are all equal."""
    return next((rule for rule in rules if all(labels.get(key) == value for key, value in rule.match)), None)


def node_named(rule: AlertRule, labels: Mapping[str, str]) -> str | None:
    """The node that an alert is about; None where a label that it is named by is missing or empty."""
    if rule.node is None or not all(labels.get(key) for key in _LABEL.findall(rule.node)):
        return None
    return _LABEL.sub(lambda match: labels[match[1]], rule.node)


def order_of(rule: AlertRule, alert: Alert, groups: Mapping[str, Sequence[str]]) -> AlertOrder | None:
    """None for one that orders nothing: a witness, or one that does not say which node.

    `groups` is {name: members}. One that means node-off or evacuate is a Witness too, which the book keeps.
    """
    match rule.means:
        case Meaning.EVACUATE:
            node = node_named(rule, alert.labels)
            return None if node is None else AlertOrder(alert, node=node)
        case Meaning.PROMOTE:
            named = groups.get(rule.group, ()) if rule.group is not None else (rule.service,)
            services = tuple(name for name in named if name is not None)
            return AlertOrder(alert, services=services, is_forced=rule.even_if_ready)
        case Meaning.NODE_OFF:
            return None


def decide_alert(order: AlertOrder, situation: Situation) -> AlertAnswer:
    """What follows now. A service that is where the alert wants it, or is not placed, is left out."""
    if situation.verdicts.view.state is ViewState.OFF:
        return AlertAnswer()
    meant = [service for service in situation.services if _is_meant(service, order)]
    held = {service.name: tuple(_holds(order, service, situation)) for service in meant}
    free = [service for service in meant if not held[service.name]]
    held |= capped(situation, order.alert.key, free)
    free = [service for service in free if not held[service.name]]
    acting, watched = (tuple(of_mode(situation, free, mode)) for mode in (Mode.ACT, Mode.OBSERVE))
    held = {name: holds for name, holds in held.items() if holds}
    return AlertAnswer(_act(order, situation, acting), _act(order, situation, watched), held)


def _is_meant(service: ServiceFacts, order: AlertOrder) -> bool:
    if order.node is not None:
        return service.is_on(order.node)
    return service.name in order.services and service.side is not Side.BACKUP


def _holds(order: AlertOrder, service: ServiceFacts, situation: Situation) -> list[Hold]:
    node = situation.verdicts.nodes.get(service.active or "")
    case = situation.case(service, node, is_forced=order.is_forced)
    if takes_no_part := [*opt_in(case)]:
        return takes_no_part
    stale = _stale(order.alert, service, case.latest)
    return [
        *view_holds(situation.verdicts),
        *node_holds(case),
        *stale,
        *service_holds(case, of_node=order.node is not None),
    ]


def _stale(alert: Alert, service: ServiceFacts, now: float) -> list[Hold]:
    began = second(alert.starts_at)
    if alert.starts_at - now > AHEAD_S:
        cure = "Set the clock of whoever sends it."
        return [Hold(Gate.STALE_ALERT, f"The alert says that it fires since {began}, which is to come.", cure)]
    if now - alert.starts_at > STALE_S:
        return [Hold(Gate.STALE_ALERT, f"The alert fires since {began}, for over an hour.", "Move by hand.")]
    if service.last_move is not None and alert.starts_at < service.last_move.at:
        moved = second(service.last_move.at)
        detail = f"The alert fires since {began}, and the service was moved since, at {moved}."
        return [Hold(Gate.STALE_ALERT, detail, "If that was in vain, move by hand.")]
    return []


def _act(order: AlertOrder, situation: Situation, services: Sequence[ServiceFacts]) -> Act | None:
    if not services:
        return None
    alert = order.alert
    cases = [situation.case(each, situation.verdicts.nodes.get(each.active or "")) for each in services]
    return Act(
        services=tuple(service.name for service in services),
        node=order.node or services[0].active or "",
        key=alert.key,
        evidence=evidence_of_alert(alert.name, alert.starts_at, cases),
        decided_at=situation.verdicts.monotonic,
        trigger="alert",
    )
