"""A cluster in which all is well but that k3s-w1 is not heard of, for decisions about alerts."""

from typing import Any

from failover_api.core.catalog.automatic import Automatic, Fence, Mode
from failover_api.core.catalog.model import Side
from failover_api.core.safety.governance import DataFact, GitFacts, ServiceFacts, Situation
from failover_api.core.safety.judgement import NodeState, NodeVerdict, Verdicts, ViewState, ViewVerdict

NOW, CLOCK = 1_796_068_800.0, 5_000.0
W1, W2 = "k3s-w1", "k3s-w2"
RULES = Automatic(mode=Mode.ACT, fence=Fence.NONE)


def node(name: str, state: NodeState, **changes: Any) -> NodeVerdict:
    plain: dict[str, Any] = {"uid": f"uid-{name}", "since": NOW - 60, "reason": ""}
    plain |= {"is_ready": state is NodeState.READY, "ready_since": NOW - 9000, "renewed_at": NOW}
    return NodeVerdict(name=name, state=state, **{**plain, **changes})


def verdicts(view: ViewState = ViewState.WATCHING, *nodes: NodeVerdict, **changes: Any) -> Verdicts:
    seen = nodes or (node(W1, NodeState.SUSPECT), node(W2, NodeState.READY))
    plain = {"now": NOW, "monotonic": CLOCK, "heard_at": CLOCK}
    by_name = {each.name: each for each in seen}
    return Verdicts(**{**plain, **changes}, view=ViewVerdict(view, NOW, "for a reason"), nodes=by_name)


def service(name: str = "sonarr", **changes: Any) -> ServiceFacts:
    """On k3s-w1, and free to go to k3s-w2."""
    plain = {
        "mode": Mode.ACT,
        "side": Side.PRIMARY,
        "active": W1,
        "targets": (W2,),
        "read_at": CLOCK,
        "pods": (),
        "pods_heard_at": CLOCK,
        "hazards": (),
        "data": DataFact(is_copy=False),
    }
    return ServiceFacts(name, **{**plain, **changes})


def situation(*services: ServiceFacts, **changes: Any) -> Situation:
    plain = {"verdicts": verdicts(), "rules": RULES, "git": GitFacts(NOW)}
    return Situation(**{**plain, "services": services or (service(),), **changes})
