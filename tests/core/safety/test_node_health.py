"""The state of a node, as far as one look can tell."""

from typing import Any

import pytest

from failover_api.core.safety.node_health import node_health
from failover_api.core.safety.node_states import NodeHealth, NodeState
from failover_api.core.safety.observed import Condition, Lease, Node

NOW, CLOCK = 1_796_068_800.0, 5_000.0


def health(ready: str | None, *, for_s: float = 60, still_s: float | None = 3, **node: Any) -> NodeHealth:
    """`for_s`: its condition has been so; `still_s`: its Lease has been seen to stand still; None: it is not seen."""
    condition = None if ready is None else Condition("Ready", ready, since=NOW - for_s)
    lease = None if still_s is None else Lease("k3s-w1", NOW - 3, 40, unchanged_since=CLOCK - still_s)
    return node_health(Node("k3s-w1", ready=condition, **node), lease, now=NOW, monotonic=CLOCK)


@pytest.mark.parametrize(
    ("ready", "for_s", "still_s", "state", "since"),
    [
        ("True", 9000, 3, NodeState.READY, NOW - 9000),
        ("True", 9000, 24.9, NodeState.READY, NOW - 9000),
        ("True", 9000, 25, NodeState.SUSPECT, NOW - 25),
        ("True", 9000, None, NodeState.READY, NOW - 9000),
        ("Unknown", 299, 340, NodeState.SUSPECT, NOW - 299),
        ("Unknown", 300, 350, NodeState.DEAD, NOW - 300),
        ("Unknown", 300, 0, NodeState.DEAD, NOW - 300),
        ("False", 900, 3, NodeState.UNWELL, NOW - 900),
        ("False", 900, None, NodeState.UNWELL, NOW - 900),
        ("False", 30, 26, NodeState.SUSPECT, NOW - 30),
    ],
)
def test_each_state_and_since_when(
    ready: str, for_s: float, still_s: float | None, state: NodeState, since: float
) -> None:
    assert health(ready, for_s=for_s, still_s=still_s) == NodeHealth(state, since)


def test_a_lease_of_which_nothing_was_heard_is_not_said_to_stand_still() -> None:
    """All of them would be: it is Leases that are not seen."""
    lease, ready = (
        Lease("k3s-w1", NOW - 90, 40, unchanged_since=CLOCK - 90),
        Condition("Ready", "True", since=NOW - 9000),
    )
    for unheard_s, state in ((88, NodeState.READY), (3, NodeState.SUSPECT)):
        heard_at = CLOCK - unheard_s
        found = node_health(Node("k3s-w1", ready=ready), lease, now=NOW, monotonic=CLOCK, leases_heard_at=heard_at)
        assert found.state is state


@pytest.mark.parametrize("ready", ["True", "Unknown", "False"])
def test_a_cordoned_node_is_planned_whatever_else_it_is(ready: str) -> None:
    assert health(ready, for_s=900, still_s=900, is_unschedulable=True).state is NodeState.PLANNED


def test_a_node_that_says_nothing_of_itself_is_not_known() -> None:
    assert health(None) == NodeHealth(NodeState.UNKNOWN)
