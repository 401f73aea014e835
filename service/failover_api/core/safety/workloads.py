"""The workloads of a service's documents: Deployments, StatefulSets, and what a HelmRelease's values say of its own.

What a chart does by itself is not seen in its values, and nothing is told of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from failover_api.core.safety.documents import Document, Keys, When
from failover_api.core.safety.switch_moves import ServiceMove
from failover_api.core.splice import Value

DEPLOYMENT, STATEFULSET, RELEASE = "Deployment", "StatefulSet", "HelmRelease"
RECREATE, ROLLING = "Recreate", "RollingUpdate"
POD = ("spec", "template")
VALUES = ("spec", "values")
REPLICAS = frozenset({"replicas", "replicaCount"})
_STRATEGIES = frozenset({"strategy", "updateStrategy", "deploymentStrategy", "strategyType"})


@dataclass(frozen=True, slots=True)
class Strategy:
    """How a Deployment replaces its pods. `has_block`: `rollingUpdate` is written out, be it empty."""

    type: str
    has_block: bool


def strategy_of(when: When) -> Strategy:
    """Of a Deployment; RollingUpdate is Kubernetes' default."""
    return Strategy(when.text("spec", "strategy", "type") or ROLLING, when.has("spec", "strategy", "rollingUpdate"))


def moves_pod(document: Document) -> bool:
    """Whether the move gives the pods of the workload another place or claim."""
    if document.kind in {DEPLOYMENT, STATEFULSET}:
        return document.is_moved_below(*POD) and document.after.number("spec", "replicas") != 0
    return document.kind == RELEASE and document.is_moved_below(*VALUES)


def is_switched_on(move: ServiceMove) -> bool:
    """Whether a workload of the service wakes up with the move: that one waits for no pod."""
    return any(
        switch.reading.switch.path[-1] in REPLICAS and _is_none(switch.old) and _is_some(switch.new)
        for switch in move.switches
    )


def strategies_in_values(when: When) -> Iterator[tuple[Keys, str]]:
    """The types of strategies that a release's values name, each with its place."""
    for way, text in when.below(*VALUES):
        is_type = way[-1] == "type" and way[-2] in _STRATEGIES
        if text is not None and (is_type or way[-1] in _STRATEGIES):
            yield way, text


def statefulsets_in_values(when: When) -> Iterator[Keys]:
    """The controllers that a release's values make StatefulSets, as bjw-s' app-template has them."""
    for way, text in when.below(*VALUES, "controllers"):
        if len(way) == 5 and way[-1] == "type" and text == "statefulset":
            yield way


def replicas_in_values(when: When) -> Iterator[tuple[Keys, str]]:
    """The numbers of replicas that a release's values name: its own, or those of app-template's controllers."""
    for way, text in when.below(*VALUES):
        is_own = len(way) == 3 or (len(way) == 5 and way[2] == "controllers")
        if way[-1] in REPLICAS and is_own and text is not None:
            yield way, text


def _is_none(value: Value) -> bool:
    return value == 0 and not isinstance(value, bool)


def _is_some(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
