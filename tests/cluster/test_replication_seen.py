"""What is said of a copy, against the bytes that are in it: a simulated VolSync that does what the real one does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from failover_api.core.catalog.replication import DataReplication, Pair, ReplicationKind, Via
from failover_api.core.planning.state import State
from failover_api.core.safety.replication_health import replication_status
from failover_api.core.safety.replication_states import ReplicationState, ReplicationStatus
from failover_api.sandbox.cluster.objects.times import epoch
from tests.cluster.client import MEDIA, RIGHTS, opened
from tests.sandbox.cluster.apps import W1, apply
from tests.sandbox.cluster.volsync.pair import HOURLY, change, destination, installed, source, until_synced
from tests.support.cluster_views import sonarr

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.cluster import SimulatedCluster

PAIR = Pair("app", "app", "media")
DIRECT = DataReplication(ReplicationKind.VOLSYNC, Via.DIRECT, to_backup=PAIR)
NEAR_S = 6.0  # the app writes a line every five seconds


@pytest.fixture
def cluster() -> SimulatedCluster:
    made, _ = installed()
    made.grant("ours", "system:serviceaccount:operations:failover-api", *RIGHTS)
    apply(made, source(trigger=HOURLY), destination())
    until_synced(made)
    made.advance(2)
    return made


async def look(cluster: SimulatedCluster, **changes: Any) -> ReplicationStatus:
    service = sonarr(replication=DIRECT, **changes)
    service = replace(service, switches=service.switches[:1])  # its claims are none of the cluster's
    with cluster.serve() as url:
        async with opened(url) as ours:
            view = await ours.look(MEDIA)
            status = replication_status(service, State.PRIMARY, view, ours.clock.now())
    assert status is not None
    return status


def newest_line(cluster: SimulatedCluster) -> float:
    """When the last line that is in the copy was written."""
    return epoch(cluster.disk("media/b").journal[-1].decode().partition(" ")[0])


async def test_the_time_of_the_data_is_that_of_its_bytes(cluster: SimulatedCluster) -> None:
    first = await look(cluster)
    assert first.state is ReplicationState.PROTECTED
    assert first.data_as_of is not None
    assert abs(first.data_as_of - newest_line(cluster)) <= NEAR_S
    cluster.advance(1000)
    second = await look(cluster)
    assert second.data_as_of is not None
    assert second.data_as_of > first.data_as_of + 600
    assert abs(second.data_as_of - newest_line(cluster)) <= NEAR_S


async def test_a_sync_is_seen_while_it_runs(cluster: SimulatedCluster) -> None:
    cluster.wait_for(
        lambda: "lastSyncStartTime" in (cluster.get("ReplicationSource", "media/app") or {})["status"], 1000
    )
    running = await look(cluster)
    assert (running.state, running.in_flight) == (ReplicationState.PROTECTED, True)
    until_synced(cluster)
    assert not (await look(cluster)).in_flight


async def test_paused_at_both_ends_it_is_parked_and_at_one_it_copies_nothing(cluster: SimulatedCluster) -> None:
    change(cluster, "ReplicationSource", paused=True)
    assert (await look(cluster)).state is ReplicationState.FAILING
    change(cluster, "ReplicationDestination", paused=True)
    parked = await look(cluster)
    before = newest_line(cluster)
    cluster.advance(2 * 3600)
    assert parked.state is ReplicationState.PARKED
    assert newest_line(cluster) == before


async def test_a_tag_that_is_left_behind_is_seen_before_the_copy_is_old(cluster: SimulatedCluster) -> None:
    change(cluster, "ReplicationSource", trigger={**HOURLY, "manual": "once"})
    until_synced(cluster)
    cluster.advance(2)
    left = await look(cluster)
    before = newest_line(cluster)
    cluster.advance(2 * 3600)
    assert left.state is ReplicationState.FAILING
    assert newest_line(cluster) == before, "the schedule is off"
    change(cluster, "ReplicationSource", trigger=HOURLY)
    until_synced(cluster, at_most_s=4000)
    cluster.advance(2)
    assert (await look(cluster)).state is ReplicationState.PROTECTED


async def test_a_dead_node_makes_it_stale_and_never_younger(cluster: SimulatedCluster) -> None:
    cluster.kill(W1)
    cluster.advance(3 * 3600)
    status = await look(cluster, max_data_age_s=2 * 3600)
    assert status.state is ReplicationState.STALE
    assert status.data_as_of is not None
    assert abs(status.data_as_of - newest_line(cluster)) <= NEAR_S
