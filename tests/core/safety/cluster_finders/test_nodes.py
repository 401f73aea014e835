"""node-missing, node-not-ready, node-cordoned: the side that a move leads to."""

from dataclasses import replace

import pytest

from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.observed import Taint, Toleration
from tests.core.safety.cluster_finders.scenes import before, on_dead_node, promote, slugs
from tests.support.cluster_views import NOW, W1, W2, deployment, node, sonarr, template, unseen


def of_nodes(hazards: list[Hazard]) -> list[Hazard]:
    return [hazard for hazard in hazards if hazard.slug.startswith("node-")]


def test_a_node_that_is_well_is_not_told_of() -> None:
    assert of_nodes(promote(before())) == []


def test_a_label_that_no_node_has_stops_the_move() -> None:
    (hazard,) = of_nodes(promote(before(nodes=[node(W1)])))
    assert hazard == Hazard(
        "node-missing",
        Severity.STOP,
        "Node role=backup",
        None,
        "No node of the cluster has the label role=backup, so the pod could not be scheduled. A node that is made "
        "anew has lost the labels that were set by hand.",
        "`kubectl label node NODE role=backup`, or correct the side in the catalog.",
    )


def test_a_node_that_the_catalog_names_and_the_cluster_does_not_have_is_missing() -> None:
    claims_only = replace(sonarr(backup_nodes=("k3s-w9",)), switches=sonarr().switches[1:])
    (hazard,) = of_nodes(promote(before(), service=claims_only))
    assert (hazard.slug, hazard.about) == ("node-missing", "Node k3s-w9")


@pytest.mark.parametrize(
    ("ready", "said"),
    [
        ("Unknown", "k3s-w2 has not been heard of since 2026-11-30 19:55 UTC: the pod would not be started there."),
        ("False", "k3s-w2 is not ready since 2026-11-30 19:55 UTC: the pod would not be started there."),
    ],
)
def test_a_node_that_is_not_ready_stops_the_move(ready: str, said: str) -> None:
    (hazard,) = of_nodes(promote(before(nodes=[node(W1), node(W2, ready=ready)])))
    assert (hazard.slug, hazard.severity, hazard.about) == ("node-not-ready", Severity.STOP, "Node k3s-w2")
    assert hazard.detail == said
    assert NOW - 300 == 1_796_068_500.0


def test_one_node_of_several_that_is_ready_is_enough() -> None:
    spare = node("k3s-w3", labels={"role": "backup"})
    assert of_nodes(promote(before(nodes=[node(W1), node(W2, ready="Unknown"), spare]))) == []


def test_a_cordoned_node_is_warned_of() -> None:
    (hazard,) = of_nodes(promote(before(nodes=[node(W1), node(W2, is_unschedulable=True)])))
    assert (hazard.slug, hazard.severity) == ("node-cordoned", Severity.WARN)
    assert hazard.detail == "k3s-w2 is cordoned: a new pod is not scheduled there."
    assert hazard.cure.startswith("`kubectl uncordon k3s-w2`")


def test_a_forgotten_taint_is_warned_of_unless_the_app_tolerates_it() -> None:
    taint = Taint("node.kubernetes.io/out-of-service", "nodeshutdown", "NoExecute")
    nodes = [node(W1), node(W2, taints=(taint,))]
    (hazard,) = of_nodes(promote(before(nodes=nodes)))
    assert "has the taint node.kubernetes.io/out-of-service=nodeshutdown:NoExecute" in hazard.detail
    tolerant = deployment("primary", template=replace(template("primary"), tolerations=(Toleration("", "Exists"),)))
    assert of_nodes(promote(before(nodes=nodes, deployments=[tolerant]))) == []


def test_a_taint_that_only_prefers_keeps_nobody_off() -> None:
    taint = Taint("disk", "slow", "PreferNoSchedule")
    assert of_nodes(promote(before(nodes=[node(W1), node(W2, taints=(taint,))]))) == []


def test_the_node_that_is_left_is_no_hazard_of_this_kind() -> None:
    assert of_nodes(promote(before(**on_dead_node()))) == []


def test_nodes_that_may_not_be_read_stop_nothing() -> None:
    assert of_nodes(promote(before(nodes=unseen()))) == []


def test_a_node_that_says_nothing_of_itself_stops_nothing() -> None:
    assert "node-not-ready" not in slugs(promote(before(nodes=[node(W1), replace(node(W2), ready=None)])))
