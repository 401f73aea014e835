"""A view of the cluster as a sample."""

import pytest

from failover_api.core.safety.judgement import NodeSample, sample_of
from failover_api.core.safety.observed import Lease, Node, Seen, Taint, View
from tests.support.cluster_views import NOW, W1, node, seen

LEASE = Lease(W1, NOW - 3.5, 40, unchanged_since=7.0)


def view(*nodes: Node, **changes: Seen[object]) -> View:
    return View(**{"nodes": seen(nodes), "leases": Seen({("", W1): LEASE}, NOW, 2.0), **changes})


def taint(key: str, effect: str) -> Taint:
    return Taint(f"node.kubernetes.io/{key}", "", effect)


def test_a_node_and_its_lease_are_one_sample() -> None:
    sample = sample_of(view(node(W1, uid="u1"), node("k3s-w2")), now=NOW, monotonic=9.0)
    assert sample.nodes[W1] == NodeSample(W1, "u1", "True", NOW - 300.0, NOW - 3.5)
    assert sample.nodes["k3s-w2"].renewed_at is None
    assert (sample.nodes_heard_at, sample.leases_heard_at, sample.heard_at) == (1.0, 2.0, 1.0)
    assert sample.why_unseen == ""


def test_of_a_node_that_is_gone_its_lease_tells_by_our_clock_whether_it_lives() -> None:
    for monotonic, alive in ((31.9, {W1}), (32.0, set[str]())):
        sample = sample_of(view(node("k3s-w2")), now=NOW + 3600.0, monotonic=monotonic)
        assert (dict(sample.lone_leases), sample.lone_alive) == ({W1: NOW - 3.5}, alive)


@pytest.mark.parametrize(
    ("taints", "is_evicted", "is_marked"),
    [
        ((taint("unreachable", "NoSchedule"),), False, False),
        ((taint("unreachable", "NoExecute"), taint("unreachable", "NoSchedule")), True, False),
        ((taint("not-ready", "NoExecute"),), False, False),
        ((taint("out-of-service", "NoExecute"),), False, True),
    ],
)
def test_which_taints_count(taints: tuple[Taint, ...], is_evicted: bool, is_marked: bool) -> None:
    found = sample_of(view(node(W1, ready="Unknown", taints=taints)), now=NOW, monotonic=9.0).nodes[W1]
    assert (found.is_evicted, found.is_out_of_service) == (is_evicted, is_marked)


def test_what_is_not_seen_of_either_is_told() -> None:
    forbidden: Seen[object] = Seen(unseen={"": "it is forbidden"})
    for changes in ({"nodes": forbidden}, {"leases": forbidden}):
        sample = sample_of(view(node(W1), **changes), now=NOW, monotonic=9.0)
        assert (sample.heard_at, sample.why_unseen) == (None, "it is forbidden")


def test_a_node_that_says_nothing_says_nothing() -> None:
    found = sample_of(view(Node(W1, uid="u1")), now=NOW, monotonic=9.0).nodes[W1]
    assert (found.ready, found.ready_since) == ("", None)
