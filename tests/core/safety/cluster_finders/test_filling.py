"""unsynced-overwritten of a move to a side that a relocation is filling."""

from typing import Any

import pytest

from failover_api.core.catalog.replication import DataReplication, Pair, Quiesce, ReplicationKind
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.observed import Replication
from failover_api.core.safety.relocation.steps import Step
from failover_api.core.safety.relocation.tags import Tag
from tests.core.safety.cluster_finders.scenes import before, demote, in_all, manifest, promote
from tests.support.cluster_views import deployment, sonarr

PAIRS = DataReplication(
    ReplicationKind.VOLSYNC, to_backup=Pair("to-b", "b", "media"), to_primary=Pair("to-a", "a", "media")
)
SERVICE = sonarr(replication=PAIRS, quiesce=Quiesce(("spec", "replicas")))
TAG = str(Tag("01JDAAAAAAAAAAAAAAAAAAAAAA", Step.REVERSE, 1))


def source(name: str = "to-a", namespace: str = "media", **changes: Any) -> Replication:
    return Replication(namespace, name, "ReplicationSource", "pvc-sonarr-backup", **{"manual": TAG, **changes})


def told(*sources: Replication) -> list[Hazard]:
    found = demote(before("backup", replication_sources=list(sources)), service=SERVICE)
    return [hazard for hazard in found if hazard.slug == "unsynced-overwritten"]


def test_a_demote_to_what_a_relocation_is_filling_stops() -> None:
    (hazard,) = told(source())
    assert (hazard.severity, hazard.about) == (Severity.STOP, "ReplicationSource media/to-a")
    assert TAG in hazard.detail
    assert "`failover relocate sonarr --abort`" in hazard.cure


@pytest.mark.parametrize(
    "one",
    [
        source(is_paused=True),
        source(manual=""),
        source(manual="before-the-upgrade"),  # a person's own
        source("to-b"),  # the other way
        source(namespace="office"),
    ],
)
def test_none_where_nothing_is_filled(one: Replication) -> None:
    assert told(one) == []


def test_a_promote_to_what_is_filled_stops_too() -> None:
    filled = Replication("media", "b", "ReplicationDestination", "pvc-sonarr-backup", manual=TAG)
    found = promote(before("primary", replication_destinations=[filled]), service=SERVICE)
    assert [one.severity for one in found if one.slug == "unsynced-overwritten"] == [Severity.STOP]


def test_nobody_is_told_to_write_replicas_while_a_relocation_has_stopped_it() -> None:
    """Whoever did would end it."""
    stopped = manifest(more="replicas: 0")
    found = before(deployments=[deployment("primary", replicas=0)], pods=[], replication_sources=[source("to-b")])
    (hazard,) = [one for one in in_all(found, service=SERVICE, text=stopped) if one.slug == "starts-nothing"]
    assert hazard.detail == (
        "Relocation 01JDAAAAAAAAAAAAAAAAAAAAAA has stopped Deployment media/sonarr: this move by itself starts nothing."
    )
    assert hazard.cure.startswith("Leave its replicas alone")


@pytest.mark.parametrize("paused", ["replicas: 0", "paused: true"])
def test_what_no_relocation_has_stopped_is_told_as_ever(paused: str) -> None:
    """A Deployment that is paused starts nothing whatever relocates it."""
    sources = [source("to-b", manual="" if paused == "replicas: 0" else TAG)]
    found = in_all(before(replication_sources=sources), service=SERVICE, text=manifest(more=paused))
    (hazard,) = [one for one in found if one.slug == "starts-nothing"]
    assert hazard.cure.startswith("Write `")
