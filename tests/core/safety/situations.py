"""A situation in which a service would move: its node is dead and due, and nothing holds. A test changes one thing."""

from dataclasses import replace
from typing import Any

from failover_api.core.catalog.automatic import Automatic, Fence, Mode
from failover_api.core.catalog.model import Side
from failover_api.core.safety.governance import (
    DataFact,
    Gate,
    GitFacts,
    PodFact,
    ServiceFacts,
    Situation,
    decide,
)
from failover_api.core.safety.judgement import NodeState, NodeVerdict, Verdicts, ViewState, ViewVerdict

NOW, CLOCK = 1_796_068_800.0, 5_000.0
DIED, LEASE = NOW - 120.0, NOW - 170.0
RULES = Automatic(mode=Mode.ACT, dead_for_s=60.0, fence=Fence.NONE)


def ready(name: str, **changes: Any) -> NodeVerdict:
    plain: dict[str, Any] = {"is_alive": True, "is_ready": True, "ready_since": NOW - 9000.0, "renewed_at": NOW - 3.0}
    return replace(NodeVerdict(name, f"uid-{name}", NodeState.READY, NOW - 9000.0, "", **plain), **changes)


def dead(name: str, **changes: Any) -> NodeVerdict:
    plain: dict[str, Any] = {"died_at": DIED, "acts_at": NOW, "is_due": True, "ready_since": DIED, "renewed_at": LEASE}
    verdict = NodeVerdict(name, f"uid-{name}", NodeState.DEAD, NOW - 5.0, "It is dead.", **plain)
    return replace(verdict, **changes)


def service(name: str = "sonarr", **changes: Any) -> ServiceFacts:
    """On w1, with w2 as its other side and a copy of five minutes ago there."""
    plain: dict[str, Any] = {
        "mode": Mode.ACT,
        "side": Side.PRIMARY,
        "active": "w1",
        "targets": ("w2",),
        "read_at": CLOCK - 1.0,
        "pods": (PodFact(f"{name}-1", "w1", False),),
        "pods_heard_at": CLOCK - 1.0,
        "hazards": (),
        "data": DataFact(as_of=NOW - 300.0, is_protected=True),
    }
    return ServiceFacts(name, **{**plain, **changes})


def verdicts(*nodes: NodeVerdict, view: ViewState = ViewState.WATCHING, **changes: Any) -> Verdicts:
    found = nodes or (dead("w1"), ready("w2"), ready("cp"))
    told = ViewVerdict(view, NOW - 600.0, "Why it is so." if view is not ViewState.WATCHING else "")
    return replace(Verdicts(NOW, CLOCK, CLOCK - 0.1, told, {node.name: node for node in found}), **changes)


def situation(*services: ServiceFacts, **changes: Any) -> Situation:
    plain: dict[str, Any] = {"verdicts": verdicts(), "rules": RULES, "git": GitFacts(NOW)}
    return Situation(services=services or (service(),), **{**plain, **changes})


def gates(given: Situation, name: str = "sonarr") -> list[Gate]:
    """What holds it, in the order in which it is told."""
    return [hold.gate for one in decide(given).pending if one.service == name for hold in one.holds]
