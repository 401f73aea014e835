"""Where a side's pod may run, and on what: whether one that runs is the side's own."""

from collections.abc import Mapping
from dataclasses import dataclass

from failover_api.core.safety.observed import Node, Pod, View
from failover_api.core.safety.rollout.expectation import Expectation
from failover_api.core.safety.rollout.live import Live, Workload


@dataclass(frozen=True, slots=True)
class Place:
    """`nodes` are the names of the side's nodes, None where nobody can tell; `claims` are those that its pod needs.

    `known` are all nodes, by name; `current` the names of pods of the present template.
    """

    nodes: frozenset[str] | None
    claims: frozenset[str]
    known: Mapping[str, Node]
    is_template_right: bool
    current: frozenset[str]

    def holds(self, pod: Pod) -> bool:
        """Whether the pod is on one of the side's nodes, with the side's claims."""
        if not self.claims <= set(pod.claims):
            return False
        if self.nodes is not None:
            return pod.node in self.nodes
        return self.is_template_right and pod.name in self.current  # the scheduler saw to it

    def is_down(self, node: str) -> bool:
        """Whether a node is known not to be ready, or to be gone; False where nodes are not seen."""
        if not node or not self.known:
            return False
        return node not in self.known or not self.known[node].is_ready


def place_of(expected: Expectation, live: Live, view: View) -> Place:
    claims = expected.claims
    if claims is None and live.workload is not None:
        claims = frozenset(live.workload.template.claims.values())
    nodes = {node.name: node for node in view.nodes.current.values()}
    is_right = live.workload is not None and _selects(live.workload, expected.labels)
    return Place(side_nodes(expected, nodes), claims or frozenset(), nodes, is_right, live.current)


def side_nodes(expected: Expectation, nodes: Mapping[str, Node]) -> frozenset[str] | None:
    """The nodes with the side's labels; else those the catalog names. None: nobody can tell."""
    if expected.labels and nodes:
        found = (node for node in nodes.values() if expected.labels.items() <= node.labels.items())
        return frozenset(node.name for node in found)
    return frozenset(expected.nodes) or None


def _selects(workload: Workload, labels: Mapping[str, str]) -> bool:
    return labels.items() <= workload.template.node_selector.items()
