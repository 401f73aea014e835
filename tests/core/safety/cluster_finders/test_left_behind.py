"""data-left-behind, weighed by what runs: told unless it is shown that the app never ran on the side that it leaves."""

from dataclasses import replace
from typing import Any

import pytest

from failover_api.core.catalog.model import Action, Service
from failover_api.core.catalog.replication import DataReplication, ReplicationKind
from failover_api.core.safety.hazard import Severity
from failover_api.core.safety.hazards import hazards
from failover_api.core.safety.observed import Condition, Owner, ReplicaSet, View
from failover_api.core.safety.surroundings import ClusterLook, Surroundings
from tests.core.safety.cluster_finders.scenes import before, manifest, move
from tests.support.cluster_views import (
    BY_FLUX,
    NOW,
    deployment,
    kustomization,
    leaving,
    pod,
    sonarr,
    stateful_set,
    stateful_sonarr,
    unseen,
)

OLD, NEW = pod("primary"), pod("backup")
WAITING = replace(NEW, node="", phase="Pending", ready=None)
PULLING = replace(NEW, phase="Pending", ready=Condition("Ready", "False"))


def told(seen: View | None, service: Service | None = None, *, kind: str = "Deployment") -> Severity | None:
    """With which severity a demote tells it; None: it does not."""
    look = ClusterLook(seen, NOW) if seen is not None else None
    planned = move(service or sonarr(), manifest("backup", kind=kind), Action.DEMOTE)
    found = hazards(planned, Surroundings(cluster=look))
    return next((hazard.severity for hazard in found if hazard.slug == "data-left-behind"), None)


def sets(primary: str = "1", backup: str | None = "2") -> list[ReplicaSet]:
    """Each with its revision; those of the two pods."""
    assert OLD.owner is not None
    assert NEW.owner is not None
    of = Owner("Deployment", "sonarr")
    found = [ReplicaSet("media", OLD.owner.name, owner=of, revision=primary)]
    return found if backup is None else [*found, ReplicaSet("media", NEW.owner.name, owner=of, revision=backup)]


def sent_there(reason: str = "ReplicaSetUpdated", **changes: Any) -> Any:
    """The Deployment has backup's values, and no pod of it was available yet."""
    progressing = Condition("Progressing", "True", reason)
    return deployment("backup", **{"revision": "2", "ready_replicas": None, "conditions": (progressing,), **changes})


def test_an_app_that_runs_there_leaves_what_it_wrote() -> None:
    assert told(before("backup")) is Severity.WARN
    assert told(None) is Severity.WARN
    assert told(before("backup", pods=[])) is Severity.WARN, "it may have run"
    assert told(before("backup", pods=unseen())) is Severity.WARN


def not_applied(**kinds: Any) -> View:
    live = deployment("primary", applier=BY_FLUX)
    return before("primary", **{"deployments": [live], "kustomizations": [kustomization()], **kinds})


def test_a_move_that_is_not_applied_yet_leaves_nothing() -> None:
    assert told(not_applied()) is None


@pytest.mark.parametrize(
    "flux",
    [
        [],
        [kustomization(is_suspended=True)],
        [kustomization(ready=Condition("Ready", "False", "BuildFailed"))],
    ],
)
def test_where_a_person_may_have_changed_what_runs_it_is_told(flux: list[Any]) -> None:
    assert told(not_applied(kustomizations=flux)) is Severity.WARN


def test_a_pod_that_still_has_the_claim_may_have_written() -> None:
    assert told(not_applied(pods=[OLD, leaving(NEW)])) is Severity.WARN


def test_a_pod_that_never_started_leaves_nothing_while_the_one_before_it_is_still_there() -> None:
    for waiting in (WAITING, PULLING):
        seen = before("backup", deployments=[sent_there()], pods=[leaving(OLD), waiting], replica_sets=sets())
        assert told(seen) is None


def test_one_that_recreate_never_made_leaves_nothing() -> None:
    live = sent_there("NewReplicaSetAvailable", revision="1", strategy="Recreate")
    seen = before("backup", deployments=[live], pods=[leaving(OLD)], replica_sets=sets(backup=None))
    assert told(seen) is None


@pytest.mark.parametrize(
    ("live", "pods", "replica_sets"),
    [
        (sent_there(), [WAITING], sets()),  # an image that does not start may have followed one that ran
        (sent_there(revision="3"), [leaving(OLD), WAITING], sets(backup="3")),
        (sent_there(revision="²"), [leaving(OLD), WAITING], sets()),
        (sent_there(revision="2" * 5000), [leaving(OLD), WAITING], sets()),
        (sent_there("NewReplicaSetAvailable"), [leaving(OLD), WAITING], sets()),  # it was ready, and its node was lost
        (sent_there(conditions=()), [leaving(OLD), WAITING], sets()),
        (sent_there(), [leaving(OLD), replace(NEW, ready=Condition("Ready", "False"))], sets()),  # it started
        (sent_there(), [leaving(OLD), WAITING], []),
        (sent_there(ready_replicas=1), [leaving(OLD), WAITING], sets()),
        (sent_there(generation=4, observed_generation=3), [leaving(OLD), WAITING], sets()),
    ],
)
def test_in_doubt_it_has_run(live: Any, pods: list[Any], replica_sets: list[ReplicaSet]) -> None:
    assert told(before("backup", deployments=[live], pods=pods, replica_sets=replica_sets)) is Severity.WARN


def test_a_stateful_sets_pod_of_before_is_the_only_one_there_was() -> None:
    old = leaving(pod("primary", of="StatefulSet"))
    seen = before("backup", deployments=[], stateful_sets=[stateful_set("backup", ready_replicas=None)], pods=[old])
    assert told(seen, stateful_sonarr(), kind="StatefulSet") is None
    running = before("backup", deployments=[], stateful_sets=[stateful_set("backup")], pods=[pod(of="StatefulSet")])
    assert told(running, stateful_sonarr(), kind="StatefulSet") is Severity.WARN


# What the catalog says of replication


def replicated(kind: ReplicationKind) -> Service:
    return sonarr(replication=DataReplication(kind))


@pytest.mark.parametrize("kind", [ReplicationKind.VOLSYNC, ReplicationKind.MANUAL])
def test_it_stops_where_the_data_can_be_brought_home(kind: ReplicationKind) -> None:
    assert told(before("backup"), replicated(kind)) is Severity.STOP
    assert told(None, replicated(kind)) is Severity.WARN, "from Git alone"
    nothing = before("backup", deployments=[], pods=[], kustomizations=[])
    assert told(nothing, replicated(kind)) is Severity.WARN, "nothing of it is seen"
    assert told(not_applied(), replicated(kind)) is None


def test_it_is_never_told_where_nothing_needs_to_be_brought_home() -> None:
    assert told(before("backup"), replicated(ReplicationKind.NONE)) is None
    assert told(None, replicated(ReplicationKind.NONE)) is None
