"""A pair of VolSync for one app, what it says of itself, and time that passes until it has synced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sandbox.cluster.apps import ROLLING, cluster_with_claims, condition, deployment, running

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.cluster import SimulatedCluster
    from failover_api.sandbox.cluster.volsync.movers import Movers

PAIR = "media/app"
DIRECT = {"copyMethod": "Direct", "keySecret": "key"}
HOURLY = {"schedule": "15 * * * *"}


def source(claim: str = "a", to: str = "app", *, name: str = "app", method: str = "Direct", **spec: Any) -> Any:
    mover = {**DIRECT, "copyMethod": method, "address": f"volsync-rsync-tls-dst-{to}.media.svc.cluster.local"}
    whole = {"sourcePVC": claim, "rsyncTLS": mover, **spec}
    api = "volsync.backube/v1alpha1"
    return {
        "apiVersion": api,
        "kind": "ReplicationSource",
        "metadata": {"name": name, "namespace": "media"},
        "spec": whole,
    }


def destination(claim: str = "b", *, name: str = "app", method: str = "Direct", **spec: Any) -> Any:
    whole = {"rsyncTLS": {**DIRECT, "copyMethod": method, "destinationPVC": claim}, **spec}
    api = "volsync.backube/v1alpha1"
    meta = {"name": name, "namespace": "media"}
    return {"apiVersion": api, "kind": "ReplicationDestination", "metadata": meta, "spec": whole}


def installed() -> tuple[SimulatedCluster, Movers]:
    """An app on k3s-w1, and VolSync."""
    cluster = cluster_with_claims()
    movers = cluster.install_volsync()
    running(cluster, deployment(strategy=ROLLING))
    return cluster, movers


def status(cluster: SimulatedCluster, kind: str = "ReplicationSource", place: str = PAIR) -> dict[str, Any]:
    found = cluster.get(kind, place)
    assert found is not None
    return dict(found.get("status", {}))


def state(cluster: SimulatedCluster, kind: str = "ReplicationSource", place: str = PAIR) -> str:
    return str(condition(cluster.get(kind, place), "Synchronizing").get("reason", ""))


def until_synced(cluster: SimulatedCluster, place: str = PAIR, at_most_s: float = 60.0) -> float:
    """Until another sync of a source has ended."""
    before = status(cluster, place=place).get("lastSyncTime")
    return cluster.wait_for(lambda: status(cluster, place=place).get("lastSyncTime") != before, at_most_s)


def change(cluster: SimulatedCluster, kind: str, **spec: Any) -> None:
    cluster.modify(kind, PAIR, lambda new: new["spec"].update(spec))
