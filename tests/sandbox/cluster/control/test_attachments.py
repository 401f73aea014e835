"""Disks of a storage system: one claim for both sides, re-pinned to another node."""

from __future__ import annotations

from typing import Any

from failover_api.sandbox.cluster.cluster import SimulatedCluster
from tests.sandbox.cluster.apps import APP, ROLLING, W1, W2, apply, deployment, running, said, seconds_until_ready


def disk() -> list[dict[str, Any]]:
    meta = {"name": "a", "namespace": "media"}
    shared = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    csi = {"driver": "rbd.csi.example.org", "volumeHandle": "1"}
    volume = {**shared, "capacity": {"storage": "1Gi"}, "csi": csi, "claimRef": meta}
    claim = {**shared, "volumeName": "disk", "resources": {"requests": {"storage": "1Gi"}}}
    return [
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "disk"}, "spec": volume},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": claim},
    ]


def repinned() -> dict[str, Any]:
    """The other node, and the same claim."""
    moved = deployment("backup", ROLLING)
    moved["spec"]["template"]["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] = "a"
    return moved


def attached(cluster: SimulatedCluster) -> list[str]:
    return [
        one["spec"]["nodeName"] for one in cluster.list("VolumeAttachment") if one.get("status", {}).get("attached")
    ]


def dead() -> SimulatedCluster:
    """Its node is dead, and the app was sent to the other one, with the same claim."""
    cluster = SimulatedCluster()
    apply(cluster, *disk())
    running(cluster, deployment(strategy=ROLLING))
    assert attached(cluster) == [W1]
    cluster.kill(W1)
    cluster.advance(65)
    apply(cluster, repinned())
    cluster.advance(10)
    return cluster


def old_pod(cluster: SimulatedCluster) -> str:
    return next(str(pod["metadata"]["name"]) for pod in cluster.pods(APP) if pod["spec"]["nodeName"] == W1)


def test_a_disk_on_a_dead_node_cannot_be_attached_elsewhere() -> None:
    cluster = dead()
    text = f'Multi-Attach error for volume "disk" Volume is already used by pod(s) {old_pod(cluster)}'
    assert text in said(cluster, "FailedAttachVolume")
    cluster.advance(420)
    assert attached(cluster) == [W1]
    waiting = next(pod for pod in cluster.pods(APP) if pod["spec"]["nodeName"] == W2)
    assert waiting["status"]["phase"] == "Pending"


def test_the_out_of_service_taint_detaches_within_a_round() -> None:
    cluster = dead()
    cluster.taint_out_of_service(W1)
    assert seconds_until_ready(cluster) < 23.0
    assert attached(cluster) == [W2]


def test_a_forced_delete_alone_takes_six_minutes() -> None:
    cluster = dead()
    cluster.delete("Pod", f"media/{old_pod(cluster)}", force=True)
    assert 359.0 <= seconds_until_ready(cluster, at_most_s=400) <= 366.0


def test_a_planned_move_hands_the_disk_over() -> None:
    cluster = SimulatedCluster()
    apply(cluster, *disk())
    first_down = {**ROLLING, "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    running(cluster, deployment(strategy=first_down))
    moved = repinned()
    moved["spec"]["strategy"] = first_down
    apply(cluster, moved)
    assert seconds_until_ready(cluster, at_most_s=30) < 10.0
    assert attached(cluster) == [W2]
