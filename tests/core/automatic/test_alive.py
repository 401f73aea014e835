"""Whether a person may say of a node that it is off: not of one that lives."""

import pytest

from failover_api.core.automatic.alive import why_alive
from failover_api.core.safety.observed import Condition, Lease, Node

NOW, MONOTONIC = 1_795_996_800.0, 500.0


def lease(*, renewed_s: float, still_s: float) -> Lease:
    """Renewed so long ago by its own word, and seen unchanged for so long by us."""
    return Lease(node="w1", renewed_at=NOW - renewed_s, unchanged_since=MONOTONIC - still_s)


@pytest.mark.parametrize(
    ("ready", "found", "why"),
    [
        ("True", lease(renewed_s=900, still_s=900), "w1 is Ready"),
        ("False", lease(renewed_s=900, still_s=24.9), "the Lease of w1 is fresh"),  # its clock may be wrong
        ("False", lease(renewed_s=900, still_s=25), ""),
        ("Unknown", lease(renewed_s=24.9, still_s=24.9), "the Lease of w1 is fresh"),
        ("Unknown", lease(renewed_s=25, still_s=1), ""),  # we began to look a moment ago
        ("Unknown", lease(renewed_s=1, still_s=25), ""),
        ("Unknown", None, ""),
        ("False", None, "w1 has no Lease, and Kubernetes hears of it"),
        (None, None, "w1 has no Lease, and Kubernetes hears of it"),
    ],
)
def test_nobody_says_of_a_node_that_it_is_off_which_lives(ready: str | None, found: Lease | None, why: str) -> None:
    node = Node("w1", "uid-w1", ready=Condition("Ready", ready) if ready is not None else None)
    said = why_alive(node, found, now=NOW, monotonic=MONOTONIC)
    assert said.startswith(why)
    assert bool(said) is bool(why)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (None, ""),
        (lease(renewed_s=900, still_s=1), ""),
        (lease(renewed_s=1, still_s=1), "the Lease of w1 is fresh"),  # its kubelet runs on without a Node
    ],
)
def test_of_a_node_that_the_cluster_does_not_have_any_more_its_lease_tells(found: Lease | None, why: str) -> None:
    said = why_alive(None, found, now=NOW, monotonic=MONOTONIC)
    assert said.startswith(why)
    assert bool(said) is bool(why)
