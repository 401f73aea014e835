"""Git's hazards and the cluster's together; and what is said where nothing is seen."""

from dataclasses import replace
from typing import Any

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.catalog.replication import DataReplication, Pair, ReplicationKind
from failover_api.core.planning.plan import plan
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.hazards import hazards, once_for_a_group
from failover_api.core.safety.observed import Seen, View
from failover_api.core.safety.surroundings import ClusterLook, Surroundings
from failover_api.core.safety.switch_moves import planned_move
from failover_api.core.splice import parse
from tests.core.safety.cluster_finders.scenes import before, destination, in_all, manifest, move, promote, slugs, source
from tests.core.safety.finders.ground import around
from tests.support.cluster_views import NOW, kustomization, seen, sonarr, unseen

SUSPENDED = kustomization(is_suspended=True)


def test_a_planned_move_of_an_app_that_is_well_says_just_that() -> None:
    assert slugs(promote(before())) == ["old-pod-running"]


def test_a_cluster_that_does_not_answer_is_all_that_is_said() -> None:
    (hazard,) = promote(View(nodes=unseen("no answer within 2 s")))
    assert (hazard.slug, hazard.severity, hazard.about) == ("cluster-unseen", Severity.INFO, "The cluster")
    assert "does not answer (no answer within 2 s)" in hazard.detail


def test_one_that_has_answered_before_may_be_the_one_that_died() -> None:
    told = promote(View(nodes=unseen("refused")), was_seen=True)
    assert [(hazard.slug, hazard.severity) for hazard in told] == [
        ("cluster-unseen", Severity.INFO),
        ("nobody-applies", Severity.WARN),
    ]


def test_what_was_seen_before_the_cluster_fell_silent_stops_nothing() -> None:
    """A watched view keeps its objects, and says of each kind why there is nothing newer."""
    silent = View(
        **{
            kind: replace(getattr(before(nodes=[]), kind), unseen={"": "refused"})
            for kind in ("nodes", "deployments", "pods", "kustomizations", "claims", "replica_sets")
        }
    )
    assert slugs(promote(silent)) == ["cluster-unseen"]


def test_a_service_of_which_nothing_is_there_is_not_judged() -> None:
    told = promote(before(deployments=[], pods=[], kustomizations=[], nodes=[], claims=[]))
    assert slugs(told) == ["cluster-unseen"]
    assert "Neither the workload of sonarr nor what applies it" in told[0].detail


def test_of_a_cluster_that_is_half_gone_is_said_what_is_not_seen() -> None:
    """What may not be read is told by `check`; what did not come this time could be anything."""
    late = {"pods": Seen(unseen={"media": "no answer within 2 s"}), "claims": Seen(unseen={"": "no answer within 2 s"})}
    (hazard,) = promote(before(**late))
    assert (hazard.slug, hazard.severity) == ("cluster-unseen", Severity.INFO)
    assert hazard.detail == (
        "Not seen just now: pods, claims (no answer within 2 s). What concerns them could not be looked at."
    )
    elsewhere = Seen(unseen={"office": "no answer within 2 s"})
    assert promote(before(pods=elsewhere)) == [], "another namespace's"
    assert promote(before(pods=Seen(unseen={"": "pods is forbidden"}, is_forbidden=True))) == []


@pytest.mark.parametrize(
    ("kind", "word"),
    [("stateful_sets", "workloads"), ("oci_repositories", "Flux's objects"), ("buckets", "Flux's objects")],
)
def test_a_kind_that_one_service_in_many_needs_is_said_not_to_be_seen(kind: str, word: str) -> None:
    *_, hazard = promote(before(**{kind: Seen(unseen={"": "no answer within 2 s"})}))
    assert hazard.detail.startswith(f"Not seen just now: {word} (no answer")


def test_a_service_of_another_cluster_is_told_nothing() -> None:
    assert promote(View(), service=sonarr(is_elsewhere=True)) == []


def test_one_thing_is_told_once_as_it_is_seen() -> None:
    recreate = manifest(more="strategy: {type: Recreate}")
    assert slugs(in_all(before(), text=recreate)).count("recreate-blocks") == 1


def test_without_a_cluster_nothing_of_one_is_said() -> None:
    planned = move(sonarr(), manifest(), Action.PROMOTE)
    assert slugs(list(hazards(planned, Surroundings()))) == []


def test_the_catalog_accepts_the_one_stop_that_it_may_name() -> None:
    feeds = {"replication_destinations": [destination()]}
    never = before(replication_sources=[source(last_sync_at=None)], **feeds)
    strict = sonarr(max_data_age_s=3600.0)
    assert "data-age-unknown" in slugs(in_all(never, service=strict))
    assert "data-age-unknown" not in slugs(in_all(never, service=replace(strict, accept=("data-age-unknown",))))
    old = before(replication_sources=[source(last_sync_at=NOW - 90_000)], **feeds)
    assert "data-old" in slugs(in_all(old, service=replace(strict, accept=("data-old",)))), "it stops the move"


def test_a_group_is_told_once_that_the_cluster_is_unseen() -> None:
    unseen_one = Hazard("cluster-unseen", Severity.INFO, "The cluster", None, "It does not answer.", "Look.")
    other = replace(unseen_one, slug="old-pod-running", severity=Severity.WARN)
    assert once_for_a_group([unseen_one, other, unseen_one]) == [other, unseen_one]


def test_what_many_of_a_group_meet_alike_is_said_once() -> None:
    dead = Hazard("node-not-ready", Severity.STOP, "Node k3s-w2", None, "It is not ready.", "Bring it up.")
    other = replace(dead, about="Node k3s-w3")
    assert once_for_a_group([dead, other, dead]) == [dead, other]


def test_a_move_that_changes_nothing_has_no_hazards() -> None:
    manifests = {"a.yaml": parse(manifest("backup"), file="a.yaml")}
    planned = planned_move(plan(sonarr(), manifests, Action.PROMOTE), manifests)
    assert hazards(planned, Surroundings(cluster=ClusterLook(before(), NOW))) == ()


def test_a_view_with_nothing_in_it_is_a_cluster_without_the_service() -> None:
    assert slugs(promote(View(nodes=seen([])))) == ["cluster-unseen"]


def test_a_defect_of_ours_keeps_nobody_from_a_move() -> None:
    (hazard,) = promote(View(nodes=seen([]), deployments=seen([_Broken()])))
    assert (hazard.slug, hazard.severity) == ("cluster-unseen", Severity.INFO)
    assert "was not understood: a defect (AttributeError)" in hazard.detail


class _Broken:
    namespace, name = "media", "sonarr"


def test_all_is_complete_only_with_the_cluster_seen() -> None:
    known = around({})
    assert known.is_complete
    assert replace(known, cluster=ClusterLook(before(), NOW)).is_complete
    assert not replace(known, cluster=ClusterLook(View(), NOW)).is_complete


@pytest.mark.parametrize("kind", ["deployments", "stateful_sets"])
def test_a_workload_that_may_not_be_read_is_not_said_to_be_missing(kind: str) -> None:
    (hazard,) = promote(View(nodes=seen([]), **{kind: unseen("deployments is forbidden")}))
    assert hazard.slug == "cluster-unseen"
    assert hazard.detail.startswith("Whether sonarr is in the cluster is not seen (deployments is forbidden)")
    assert "Name its `workload`" not in hazard.cure


@pytest.mark.parametrize(
    ("kinds", "is_seen"),
    [
        ({}, True),
        ({"claims": unseen()}, False),
        ({"pods": unseen()}, False),
        ({"deployments": unseen()}, False),
        ({"nodes": unseen()}, False),
        ({"volumes": unseen()}, False),
        ({"storage_classes": unseen()}, False),
        ({"claims": seen(unseen={"media": "no answer"})}, False),
        ({"stateful_sets": unseen()}, True),
        ({"kustomizations": unseen()}, True),
        ({"replication_sources": unseen()}, True),
    ],
    ids=str,
)
def test_a_cluster_that_is_seen_in_part_may_hide_what_stops_a_move(kinds: dict[str, Any], is_seen: bool) -> None:
    """A person may know better; nobody is there who weighs it where a service moves by itself."""
    look = ClusterLook(before(**kinds), NOW)
    assert look.is_seen
    assert (look.why_unseen_for(sonarr()) == "") is is_seen
    assert look.why_unseen_for(sonarr(is_elsewhere=True)) == ""


def test_of_what_volsync_copies_its_objects_have_to_be_seen() -> None:
    copied = sonarr(replication=DataReplication(ReplicationKind.VOLSYNC, to_backup=Pair("sonarr-to-w2", "sonarr-w2")))
    for kind in ("replication_sources", "replication_destinations"):
        found = ClusterLook(before(**{kind: unseen()}), NOW).why_unseen_for(copied)
        assert found == f"{kind.replace('_', ' ')} are not seen (it is forbidden)"
    assert ClusterLook(before(), NOW).why_unseen_for(copied) == ""
