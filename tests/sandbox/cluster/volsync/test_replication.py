"""VolSync: when a sync starts and ends, what it says of itself, and what it does to the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from failover_api.sandbox.cluster.objects.times import epoch, seconds_of
from tests.sandbox.cluster.apps import APP, ROLLING, W1, W2, apply, condition, deployment
from tests.sandbox.cluster.volsync.pair import (
    HOURLY,
    PAIR,
    change,
    destination,
    installed,
    source,
    state,
    status,
    until_synced,
)

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.cluster import SimulatedCluster


def test_a_new_pair_syncs_once_whatever_the_trigger_says() -> None:
    cluster, _ = installed()
    apply(cluster, source(trigger=HOURLY), destination())
    assert until_synced(cluster) < 15.0
    cluster.advance(2)
    told = status(cluster)
    assert state(cluster) == "WaitingForSchedule"
    assert told["nextSyncTime"] == "2026-11-30T00:15:00Z"
    assert told["latestMoverStatus"]["result"] == "Successful"
    assert "lastSyncStartTime" not in told
    assert 4.0 <= seconds_of(told["lastSyncDuration"]) <= 15.0
    copy = cluster.disk("media/b").journal
    assert copy == cluster.disk("media/a").journal[: len(copy)]
    assert len(copy) > 50


def test_a_destination_without_a_trigger_is_always_synchronizing() -> None:
    cluster, _ = installed()
    apply(cluster, source(trigger=HOURLY), destination())
    until_synced(cluster)
    cluster.advance(60)
    assert state(cluster, "ReplicationDestination") == "SyncInProgress"
    told = status(cluster, "ReplicationDestination")
    assert told["lastSyncTime"]
    assert told["lastSyncStartTime"]
    assert told["latestImage"] == {"apiGroup": "", "kind": "PersistentVolumeClaim", "name": "b"}
    assert told["rsyncTLS"]["address"] == "volsync-rsync-tls-dst-app.media.svc.cluster.local"
    service = cluster.get("Service", "media/volsync-rsync-tls-dst-app")
    assert service is not None
    assert service["spec"]["ports"][0]["port"] == 8000


def test_a_schedule_brings_the_next_one() -> None:
    cluster, _ = installed()
    apply(cluster, source(trigger=HOURLY), destination())
    until_synced(cluster)
    first = status(cluster)["lastSyncTime"]
    cluster.advance(1000)
    told = status(cluster)
    assert told["lastSyncTime"] > "2026-11-30T00:15:00Z" > first
    age_at = epoch(told["lastSyncTime"]) - seconds_of(told["lastSyncDuration"])
    last = cluster.disk("media/b").journal[-1].decode().partition(" ")[0]
    assert abs(epoch(last) - age_at) <= 6.0


def test_a_manual_tag_starts_one_and_the_same_again_does_not() -> None:
    cluster, _ = installed()
    apply(cluster, source(trigger={"manual": "one"}), destination())
    until_synced(cluster)
    cluster.advance(300)
    assert (state(cluster), status(cluster)["lastManualSync"]) == ("WaitingForManual", "one")
    ended = status(cluster)["lastSyncTime"]
    change(cluster, "ReplicationSource", trigger={"manual": "one"})
    cluster.advance(60)
    assert status(cluster)["lastSyncTime"] == ended
    change(cluster, "ReplicationSource", trigger={"manual": "two"})
    until_synced(cluster)
    assert status(cluster)["lastManualSync"] == "two"


def test_a_tag_set_while_a_sync_runs_is_answered_by_older_data() -> None:
    cluster, _ = installed()
    apply(cluster, source(trigger=HOURLY), destination())
    until_synced(cluster)
    cluster.wait_for(lambda: "lastSyncStartTime" in status(cluster), 1000)
    cluster.advance(4)
    change(cluster, "ReplicationSource", trigger={"manual": "late"})
    set_at = cluster.clock.now
    until_synced(cluster)
    told = status(cluster)
    assert told["lastManualSync"] == "late"
    assert epoch(told["lastSyncTime"]) - seconds_of(told["lastSyncDuration"]) < set_at
    assert epoch(cluster.disk("media/b").journal[-1].decode().partition(" ")[0]) < set_at


def test_a_manual_tag_switches_the_schedule_off() -> None:
    cluster, _ = installed()
    apply(cluster, source(trigger={**HOURLY, "manual": "x"}), destination())
    until_synced(cluster)
    ended = status(cluster)["lastSyncTime"]
    cluster.advance(3 * 3600)
    assert status(cluster)["lastSyncTime"] == ended
    assert "nextSyncTime" not in status(cluster)
    change(cluster, "ReplicationSource", trigger=HOURLY)
    until_synced(cluster)


def test_no_trigger_at_all_goes_on_for_ever() -> None:
    cluster, _ = installed()
    apply(cluster, source(), destination())
    until_synced(cluster)
    until_synced(cluster)
    until_synced(cluster)


def mover_pods(cluster: SimulatedCluster, side: str) -> list[Any]:
    name = f"{side}-app"
    return [
        pod for pod in cluster.list("Pod") if pod["metadata"].get("labels", {}).get("app.kubernetes.io/name") == name
    ]


def test_with_direct_the_mover_holds_the_apps_claim() -> None:
    cluster, _ = installed()
    apply(cluster, source(trigger=HOURLY), destination())
    cluster.wait_for(lambda: mover_pods(cluster, "src"), 10)
    (pod,) = mover_pods(cluster, "src")
    assert pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] == "a"
    until_synced(cluster)
    cluster.advance(3)
    assert mover_pods(cluster, "src") == []


def test_paused_keeps_the_mover_from_running_and_the_time_counts() -> None:
    cluster, _ = installed()
    apply(cluster, source(trigger=HOURLY, paused=True), destination())
    cluster.advance(600)
    assert mover_pods(cluster, "src") == []
    assert status(cluster)["lastSyncStartTime"]
    assert state(cluster) == "SyncInProgress"
    change(cluster, "ReplicationSource", paused=False)
    until_synced(cluster)
    assert seconds_of(status(cluster)["lastSyncDuration"]) > 600


def test_after_a_pause_the_first_sync_may_send_the_old_image() -> None:
    cluster, _ = installed()
    apply(cluster, source(method="Snapshot", trigger=HOURLY, paused=True), destination())
    cluster.advance(5)
    began = len(cluster.disk("media/a").journal)
    cluster.advance(600)
    change(cluster, "ReplicationSource", paused=False)
    until_synced(cluster)
    assert len(cluster.disk("media/b").journal) <= began
    change(cluster, "ReplicationSource", trigger={"manual": "again"})
    until_synced(cluster)
    assert len(cluster.disk("media/b").journal) > began + 500


def test_an_older_source_overwrites_a_newer_destination_and_an_empty_one_empties_it() -> None:
    cluster, movers = installed()
    apply(cluster, source(trigger={"manual": "1"}), destination())
    until_synced(cluster)
    cluster.disks.replace("pv-b", {"journal": b"newer\n", "only here": b"x"})
    change(cluster, "ReplicationSource", trigger={"manual": "2"})
    until_synced(cluster)
    assert set(cluster.disk("media/b").files) == {"journal"}
    cluster.kill(W1)
    cluster.revive(W1)
    cluster.scale("Deployment", APP, 0)
    cluster.advance(20)
    cluster.disks.replace("pv-a", {})
    change(cluster, "ReplicationSource", trigger={"manual": "3"})
    until_synced(cluster)
    assert cluster.disk("media/b").files == {}
    assert movers.transfer_s == 4.0


def test_a_death_in_the_middle_leaves_a_torn_copy_and_a_sync_in_flight() -> None:
    cluster, movers = installed()
    movers.transfer_s = 20.0
    apply(cluster, source(trigger={"manual": "1"}), destination())
    cluster.wait_for(lambda: cluster.disk("media/b").files, 60)
    cluster.kill(W1)
    cluster.advance(600)
    whole, torn = (b"\n".join(cluster.disk(f"media/{claim}").journal) for claim in "ab")
    assert whole.startswith(torn)
    assert len(torn) < len(whole)
    assert status(cluster)["lastSyncStartTime"]
    assert "lastSyncTime" not in status(cluster)


def promoted(cluster: SimulatedCluster) -> None:
    """The node died in the middle of a sync, and the app runs on k3s-w2 since; 100 lines are new there."""
    cluster.wait_for(lambda: cluster.disk("media/b").files, 60)
    cluster.kill(W1)
    cluster.advance(65)
    apply(cluster, deployment("backup", ROLLING))
    cluster.wait_for(lambda: cluster.ready_pod(APP, W2), 5)
    cluster.advance(100)


def test_an_interrupted_mover_goes_on_when_its_node_returns_and_overwrites_what_is_new() -> None:
    cluster, movers = installed()
    movers.transfer_s = 20.0
    apply(cluster, source(trigger=HOURLY), destination())
    promoted(cluster)
    new = cluster.disk("media/b").acknowledged[-50:]
    assert set(new) <= set(cluster.disk("media/b").journal)
    cluster.revive(W1)
    until_synced(cluster, at_most_s=300)
    assert not set(new) & set(cluster.disk("media/b").journal)


def test_both_ends_paused_in_the_promote_keep_what_is_new() -> None:
    cluster, movers = installed()
    movers.transfer_s = 20.0
    apply(cluster, source(trigger=HOURLY), destination())
    cluster.wait_for(lambda: cluster.disk("media/b").files, 60)
    cluster.kill(W1)
    cluster.advance(65)
    apply(cluster, source(trigger=HOURLY, paused=True), destination(paused=True), deployment("backup", ROLLING))
    cluster.wait_for(lambda: cluster.ready_pod(APP, W2), 5)
    cluster.advance(100)
    new = cluster.disk("media/b").acknowledged[-50:]
    cluster.revive(W1)
    cluster.advance(7200)
    assert set(new) <= set(cluster.disk("media/b").journal)


def test_a_destination_that_does_not_listen_fails_the_mover() -> None:
    cluster, _ = installed()
    apply(cluster, source(trigger={"manual": "1"}))
    cluster.wait_for(lambda: status(cluster).get("latestMoverStatus", {}).get("result") == "Failed", 400)
    assert status(cluster)["lastSyncStartTime"]
    apply(cluster, destination())
    until_synced(cluster, at_most_s=200)
    assert status(cluster)["latestMoverStatus"]["result"] == "Successful"


def test_a_claim_that_is_missing_is_an_error() -> None:
    cluster, _ = installed()
    apply(cluster, source("nope"))
    cluster.advance(5)
    told = condition(cluster.get("ReplicationSource", PAIR), "Synchronizing")
    assert (told["reason"], told["message"]) == ("Error", 'PersistentVolumeClaim "nope" not found')


def test_nothing_moves_while_volsync_itself_is_down() -> None:
    cluster, _ = installed()
    cluster.kill("k3s-cp")
    apply(cluster, source(), destination())
    cluster.advance(60)
    assert status(cluster) == {}
    cluster.revive("k3s-cp")
    until_synced(cluster)


def test_an_image_of_a_destination_keeps_its_bytes() -> None:
    cluster, movers = installed()
    apply(cluster, source(trigger={"manual": "1"}), destination(method="Snapshot"))
    until_synced(cluster)
    cluster.advance(3)
    image = status(cluster, "ReplicationDestination")["latestImage"]
    assert image["kind"] == "VolumeSnapshot"
    assert movers.snapshots["media", image["name"]] == cluster.disk("media/b").files


def restic(kind: str, name: str, spec: Any, manual: str) -> Any:
    mover = {"repository": "backups", "copyMethod": "Direct", **spec.pop("restic", {})}
    whole = {**spec, "restic": mover, "trigger": {"manual": manual}}
    api = "volsync.backube/v1alpha1"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "media"}, "spec": whole}


def test_restic_backs_up_and_restores_by_tags() -> None:
    cluster, movers = installed()
    apply(cluster, restic("ReplicationSource", "app", {"sourcePVC": "a"}, "1"))
    until_synced(cluster)
    (backup,) = movers.repositories["media", "backups"]
    apply(cluster, restic("ReplicationDestination", "app", {"restic": {"destinationPVC": "b"}}, "1"))
    cluster.wait_for(lambda: "lastSyncTime" in status(cluster, "ReplicationDestination"), 30)
    assert cluster.disk("media/b").files == backup.files
    assert status(cluster, "ReplicationDestination")["lastManualSync"] == "1"


def test_restic_without_a_backup_restores_nothing_and_ends_well() -> None:
    cluster, _ = installed()
    cluster.disks.replace("pv-b", {"mine": b"x"})
    apply(cluster, restic("ReplicationDestination", "app", {"restic": {"destinationPVC": "b"}}, "1"))
    cluster.wait_for(lambda: "lastSyncTime" in status(cluster, "ReplicationDestination"), 30)
    assert cluster.disk("media/b").files == {"mine": b"x"}


@pytest.mark.parametrize("node", [W1, W2])
def test_no_sync_while_a_node_is_cut_off(node: str) -> None:
    cluster, _ = installed()
    apply(cluster, source(trigger={"manual": "1"}), destination())
    until_synced(cluster)
    cluster.cut(node)
    change(cluster, "ReplicationSource", trigger={"manual": "2"})
    cluster.advance(50)
    assert status(cluster)["lastManualSync"] == "1"
    cluster.revive(node)
    until_synced(cluster, at_most_s=400)
