"""data-left-behind as the cluster shows it: a stop, unless the app is seen never to have come up on backup."""

from dataclasses import replace
from typing import Any

import pytest

from failover_api.core.catalog.model import Service
from failover_api.core.catalog.replication import DataReplication, Pair, Quiesce, ReplicationKind
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.observed import Condition, Owner, ReplicaSet, View
from tests.core.safety.cluster_finders.scenes import before, demote, manifest, promote
from tests.support.builders import switch
from tests.support.cluster_views import NOW, deployment, pending, pod, sonarr, stateful_set, stateful_sonarr

PAIRS = DataReplication(
    ReplicationKind.VOLSYNC, to_backup=Pair("to-b", "b", "media"), to_primary=Pair("to-a", "a", "media")
)
STRANDED = pod("primary", deletion_at=NOW - 60)
UNREADY = Condition("Ready", "False", "ContainersNotReady", since=NOW - 19)
PROGRESSING = Condition("Progressing", "True", "ReplicaSetUpdated")


def replicated(kind: ReplicationKind = ReplicationKind.VOLSYNC, **changes: Any) -> Service:
    pairs = PAIRS if kind is ReplicationKind.VOLSYNC else DataReplication(kind)
    return sonarr(replication=pairs, quiesce=Quiesce(("spec", "replicas")), **changes)


def told(found: View, service: Service | None = None) -> list[Hazard]:
    return [hazard for hazard in demote(found, service=service or replicated()) if hazard.slug == "data-left-behind"]


def rolling(**changes: Any) -> View:
    """A promote whose new pod is the first of its revision, beside the old one on a dead node."""
    sets = [
        ReplicaSet("media", f"sonarr-{name}", f"rs-{name}", Owner("Deployment", "sonarr", "d1"), revision)
        for name, revision in (("old", "1"), ("new", "2"))
    ]
    seen = {"conditions": (PROGRESSING,), "ready_replicas": 0, **changes}
    pods = seen.pop("pods", [STRANDED, pod("backup", ready=UNREADY)])
    return before("backup", deployments=[deployment("backup", **seen)], replica_sets=sets, pods=pods)


def test_a_demote_stops_and_relocate_is_the_cure() -> None:
    (hazard,) = told(before("backup"))
    assert hazard.severity is Severity.STOP
    assert "pvc-sonarr-backup -> pvc-sonarr" in hazard.detail
    assert "`failover relocate sonarr --to primary` brings it home" in hazard.cure


def test_without_pods_nobody_can_tell_and_it_stops() -> None:
    assert [hazard.severity for hazard in told(before("backup", pods=[]))] == [Severity.STOP]


@pytest.mark.parametrize("service", [sonarr(), replicated(ReplicationKind.NONE)])
def test_never_without_replication_or_where_there_is_nothing_to_bring(service: Service) -> None:
    assert told(before("backup"), service) == []


def test_never_where_both_sides_have_the_same_claim() -> None:
    one = replicated()
    shared = switch(
        "spec.template.spec.volumes[name=config].persistentVolumeClaim.claimName",
        "pvc-sonarr-backup", "pvc-sonarr-backup", kind="Deployment",
    )  # fmt: skip
    assert told(before("backup"), replace(one, switches=(one.switches[0], shared))) == []


def test_never_on_the_way_to_backup() -> None:
    assert not [one for one in promote(before("primary"), service=replicated()) if one.slug == "data-left-behind"]


def test_with_recreate_a_pod_that_is_left_on_primary_shows_that_none_came_after_it() -> None:
    stuck = before("backup", deployments=[deployment("backup", strategy="Recreate")], pods=[STRANDED])
    assert told(stuck) == []


def test_a_pod_that_was_ready_beside_it_stops() -> None:
    stuck = before("backup", deployments=[deployment("backup", strategy="Recreate")], pods=[STRANDED, pod("backup")])
    assert [hazard.severity for hazard in told(stuck)] == [Severity.STOP]


def test_a_stateful_set_waits_for_the_pod_on_primary() -> None:
    one = stateful_sonarr(replication=PAIRS, quiesce=Quiesce(("spec", "replicas")))
    for number, slugs in ((1, []), (2, ["data-left-behind"])):
        found = before(
            "backup",
            deployments=[],
            stateful_sets=[stateful_set("backup", replicas=number)],
            pods=[pod("primary", of="StatefulSet")],
        )
        hazards = demote(found, service=one, text=manifest("backup", kind="StatefulSet"))
        assert [hazard.slug for hazard in hazards if hazard.slug == "data-left-behind"] == slugs


def test_a_first_revision_that_never_got_ready_leaves_nothing() -> None:
    assert told(rolling()) == []
    assert told(rolling(pods=[STRANDED, pending()])) == []


@pytest.mark.parametrize(
    "seen",
    [
        {"revision": "3"},  # another one came between
        {"conditions": (Condition("Progressing", "True", "NewReplicaSetAvailable"),)},
        {"conditions": ()},
        {"ready_replicas": 1},
        {"observed_generation": 1},
        {"pods": [pod("backup", ready=UNREADY)]},  # what it came after is not seen
        {"pods": [STRANDED, pod("backup", ready=Condition("Ready", "False", since=NOW - 5))]},  # it was ready before
    ],
)
def test_in_doubt_it_stops(seen: dict[str, Any]) -> None:
    assert [hazard.severity for hazard in told(rolling(**seen))] == [Severity.STOP]
