"""recreate-blocks, statefulset-blocks, old-pod-running, starts-nothing, from what runs now."""

from dataclasses import replace

import pytest

from failover_api.core.catalog.model import Workload
from failover_api.core.catalog.replication import DataReplication, Pair, ReplicationKind
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.observed import Autoscaler, Condition, Owner
from failover_api.core.splice import Selector
from tests.core.safety.cluster_finders.scenes import OLD, before, demote, in_all, manifest, on_dead_node, promote, slugs
from tests.support.cluster_views import (
    W1,
    W2,
    claim,
    deployment,
    leaving,
    node,
    pod,
    sonarr,
    stateful_set,
    stateful_sonarr,
)

RECREATE = manifest(more="strategy: {type: Recreate}")
STATEFUL = manifest(kind="StatefulSet")
OLD_OF_SET = pod("primary", of="StatefulSet")


def of(slug: str, hazards: list[Hazard]) -> list[Hazard]:
    return [hazard for hazard in hazards if hazard.slug == slug]


def test_recreate_with_its_pod_on_a_dead_node_blocks_and_names_both() -> None:
    (hazard,) = of("recreate-blocks", in_all(before(**on_dead_node()), text=RECREATE))
    assert hazard.severity is Severity.WARN, "from Git alone it is an info, and told once"
    assert "its pod sonarr-old-x is on k3s-w1, which is not ready" in hazard.detail


def test_the_catalogs_cure_is_named_where_it_helps_alone() -> None:
    to_backup = of("recreate-blocks", promote(before(**on_dead_node()), text=RECREATE))
    assert [hazard.cure.startswith("Write `unblock: rolling`") for hazard in to_backup] == [True]
    helm = sonarr(unblocked=Workload("b.yaml", Selector("Deployment")))  # it rolls another one
    (hazard,) = of("recreate-blocks", promote(before(**on_dead_node()), service=helm, text=RECREATE))
    assert "unblock" not in hazard.cure
    nodes = [node(W1), node(W2, ready="Unknown")]
    home = before("backup", nodes=nodes, pods=[leaving(pod())])
    text = manifest("backup", more="strategy: {type: Recreate}")
    (hazard,) = of("recreate-blocks", demote(home, text=text))
    assert hazard.cure.startswith("Once it is blocked: taint the node")


def test_recreate_on_a_node_that_is_well_stays_what_git_says() -> None:
    (hazard,) = of("recreate-blocks", in_all(before(), text=RECREATE))
    assert hazard.severity is Severity.INFO


def test_rolling_update_is_not_blocked_and_neither_is_one_that_a_promote_unblocks() -> None:
    assert of("recreate-blocks", promote(before(**on_dead_node()))) == []
    recreating = deployment("primary", strategy="Recreate")
    rolling = manifest(more="strategy: {type: RollingUpdate}")
    seen = before(deployments=[recreating], **on_dead_node())
    assert of("recreate-blocks", promote(seen, text=rolling)) == [], "what is live is not what the commit brings"


def test_a_pod_that_has_failed_blocks_nothing() -> None:
    """As after an orderly shutdown of its node: Recreate does not count it."""
    ended = replace(OLD, phase="Failed")
    assert of("recreate-blocks", in_all(before(**on_dead_node(ended)), text=RECREATE))[0].severity is Severity.INFO


def test_a_stateful_set_with_its_pod_on_a_dead_node_blocks() -> None:
    seen = before(deployments=[], stateful_sets=[stateful_set("primary")], **on_dead_node(OLD_OF_SET))
    (hazard,) = of("statefulset-blocks", in_all(seen, service=stateful_sonarr(), text=STATEFUL))
    assert hazard.severity is Severity.WARN
    assert "sonarr-0 is on k3s-w1, which is not ready" in hazard.detail
    assert hazard.cure.startswith("Move first, then taint the node")


def test_a_stateful_set_clings_to_a_pod_that_was_never_scheduled() -> None:
    pending = replace(OLD_OF_SET, node="", phase="Pending", ready=None)
    for management, is_told in (("OrderedReady", True), ("Parallel", False)):
        owner = stateful_set("primary", pod_management=management)
        seen = before(deployments=[], stateful_sets=[owner], pods=[pending])
        told = of("statefulset-blocks", promote(seen, service=stateful_sonarr(), text=STATEFUL))
        assert bool(told) is is_told
    assert (
        "kubectl delete pod sonarr-0 -n media"
        in of(
            "statefulset-blocks",
            promote(
                before(deployments=[], stateful_sets=[stateful_set("primary")], pods=[pending]),
                service=stateful_sonarr(),
                text=STATEFUL,
            ),
        )[0].cure
    )


def test_an_app_that_is_well_is_told_of_as_what_would_be_left() -> None:
    (hazard,) = of("old-pod-running", promote(before()))
    assert (hazard.severity, hazard.about) == (Severity.WARN, "Pod media/sonarr-old-x")
    assert "its pod sonarr-old-x is ready on k3s-w1" in hazard.detail
    assert hazard.cure.startswith("If this is planned, stop the app and let the data arrive before you move it.")


@pytest.mark.parametrize("kind", [ReplicationKind.VOLSYNC, ReplicationKind.MANUAL])
def test_of_an_app_that_is_well_the_command_that_loses_nothing_is_named(kind: ReplicationKind) -> None:
    pair = Pair("there", "here") if kind is ReplicationKind.VOLSYNC else None
    service = replace(sonarr(), replication=DataReplication(kind, to_backup=pair))
    (hazard,) = of("old-pod-running", promote(before(), service=service))
    assert hazard.cure == "If this is planned, `failover relocate sonarr --to backup` loses nothing."


def test_an_app_without_data_to_bring_leaves_nothing() -> None:
    service = replace(sonarr(), replication=DataReplication(ReplicationKind.NONE))
    assert of("old-pod-running", promote(before(), service=service)) == []


@pytest.mark.parametrize(
    "gone",
    [
        on_dead_node(),
        {"pods": []},
        {"pods": [leaving(OLD)]},
        {"pods": [replace(OLD, ready=Condition("Ready", "False"))]},
    ],
    ids=["dead node", "no pod", "on its way out", "not ready"],
)
def test_an_app_that_is_not_well_is_none_that_is_left(gone: dict[str, object]) -> None:
    assert of("old-pod-running", promote(before(**gone))) == []


def test_a_pod_where_the_move_leads_to_is_none_that_is_left() -> None:
    """A promote to a node that is not ready, taken back: the pod on primary has never ended."""
    still_there = before("backup", pods=[pod("primary"), replace(pod("backup"), node="", phase="Pending", ready=None)])
    assert of("old-pod-running", demote(still_there)) == []
    both = before("backup", pods=[pod("primary"), pod("backup")])
    (hazard,) = of("old-pod-running", demote(both))
    assert "is ready on k3s-w2" in hazard.detail


def test_a_move_that_keeps_its_claims_leaves_nothing_behind() -> None:
    only_node = replace(sonarr(), switches=sonarr().switches[:1])
    assert of("old-pod-running", promote(before(claims=[claim("pvc-sonarr")]), service=only_node)) == []


def test_a_workload_that_somebody_scaled_to_none_starts_nothing() -> None:
    scaled = deployment("primary", replicas=0)
    scaler = Autoscaler(
        "media",
        "sonarr",
        Owner("Deployment", "sonarr"),
        scaling_active=Condition("ScalingActive", "False", "ScalingDisabled"),
    )
    (hazard,) = of("starts-nothing", promote(before(deployments=[scaled], pods=[], autoscalers=[scaler])))
    assert hazard.severity is Severity.WARN
    assert "was scaled to 0, and the manifest does not say how many there should be" in hazard.detail
    assert hazard.detail.endswith("So its autoscaler sonarr is off.")
    said = manifest(more="replicas: 1")
    assert of("starts-nothing", promote(before(deployments=[scaled], pods=[]), text=said)) == []


def test_a_deployment_that_is_paused_in_the_cluster_starts_nothing() -> None:
    paused = before(deployments=[deployment("primary", is_paused=True)])
    (hazard,) = of("starts-nothing", promote(paused))
    assert "is paused in the cluster" in hazard.detail
    assert of("starts-nothing", promote(paused, text=manifest(more="paused: false"))) == []


def test_nothing_is_said_of_pods_that_may_not_be_read() -> None:
    from tests.support.cluster_views import unseen

    told = slugs(promote(before(pods=unseen(), nodes=[node(W1, ready="Unknown"), node("k3s-w2")]), text=RECREATE))
    assert not {"recreate-blocks", "old-pod-running"} & set(told)
