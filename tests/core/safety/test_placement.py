"""On which node each side of a service is."""

from dataclasses import replace

from failover_api.core.planning.state import detect
from failover_api.core.safety.placement import Placement, placement
from tests.support.builders import manifests, service, switch
from tests.support.cluster_views import W1, W2, in_git, node, sonarr

NODES = {W1: node(W1), W2: node(W2)}


def test_the_labels_of_the_clusters_nodes_tell() -> None:
    assert placement(sonarr(), in_git(sonarr(), "primary"), NODES) == Placement(W1, frozenset({W2}))
    assert placement(sonarr(), in_git(sonarr(), "backup"), NODES) == Placement(W2, frozenset({W1}))


def test_without_a_cluster_the_catalog_tells_or_nobody_does() -> None:
    named = sonarr(primary_nodes=(W1,), backup_nodes=(W2,))
    assert placement(named, in_git(named, "primary"), {}) == Placement(W1, frozenset({W2}))
    assert placement(sonarr(), in_git(sonarr(), "primary"), {}) == Placement(None, frozenset())


def test_of_several_nodes_of_a_side_the_pod_tells() -> None:
    several = {**NODES, "k3s-w3": node("k3s-w3", labels={"role": "primary"})}
    detection = in_git(sonarr(), "primary")
    assert placement(sonarr(), detection, several).active is None
    assert placement(sonarr(), detection, several, "k3s-w3") == Placement("k3s-w3", frozenset({W2}))
    assert placement(sonarr(), detection, several, W2).active is None, "a pod of before the move is of no help"


def test_where_nobody_says_which_nodes_a_side_has_the_pod_tells() -> None:
    """As of two workloads of which one sleeps: no switch of theirs names a node."""
    mosquitto = service(switch("spec.replicas", 1, 0, kind="Deployment"))
    detection = detect(
        mosquitto, manifests({"a.yaml": b"kind: Deployment\nmetadata: {name: a}\nspec: {replicas: 1}\n"})
    )
    assert placement(mosquitto, detection, NODES) == Placement(None, frozenset())
    assert placement(mosquitto, detection, NODES, W1) == Placement(W1, frozenset())
    assert placement(mosquitto, detection, NODES, "") == Placement(None, frozenset()), "no pod has a node"


def test_a_service_that_is_on_no_one_side_has_no_node() -> None:
    mixed = in_git(sonarr(), "primary")
    assert placement(sonarr(), replace(mixed, state=type(mixed.state).MIXED), NODES) == Placement(None, frozenset())


def test_a_node_that_was_deleted_is_where_the_catalog_has_it_and_one_without_the_label_is_none() -> None:
    named, detection = sonarr(primary_nodes=(W1,), backup_nodes=(W2,)), in_git(sonarr(), "primary")
    assert placement(named, detection, {W2: node(W2)}) == Placement(W1, frozenset({W2}))
    bare = {W1: node(W1), W2: node(W2, labels={})}
    assert placement(named, detection, bare) == Placement(W1, frozenset())
