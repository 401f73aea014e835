"""Claims, volumes, storage classes, and VolSync's replications.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/
https://volsync.readthedocs.io/en/stable/
"""

from typing import Literal

from failover_api.cluster.fields import (
    applier,
    condition,
    duration,
    flag,
    node_terms,
    text,
    time,
    value_at,
)
from failover_api.core.catalog.replication import ALL_MOVERS
from failover_api.core.safety.observed import Claim, Key, Replication, StorageClass, Volume

CLAIMS = "/api/v1/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"
STORAGE_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
SOURCES = "/apis/volsync.backube/v1alpha1/replicationsources"
DESTINATIONS = "/apis/volsync.backube/v1alpha1/replicationdestinations"
_SELECTED_NODE = "volume.kubernetes.io/selected-node"
_TERMS = ("spec", "nodeAffinity", "required", "nodeSelectorTerms")


def parse_claim(data: object, key: Key) -> Claim:
    namespace, name = key
    return Claim(
        namespace=namespace,
        name=name,
        uid=text(data, "metadata", "uid"),
        phase=text(data, "status", "phase"),
        volume=text(data, "spec", "volumeName"),
        storage_class=text(data, "spec", "storageClassName"),
        selected_node=text(data, "metadata", "annotations", _SELECTED_NODE),
        deletion_at=time(data, "metadata", "deletionTimestamp"),
        applier=applier(data),
    )


def parse_volume(data: object, key: Key) -> Volume:
    claim = value_at(data, "spec", "claimRef")
    return Volume(
        name=key[1],
        phase=text(data, "status", "phase"),
        claim=(text(claim, "namespace"), text(claim, "name")) if text(claim, "name") else None,
        node_terms=node_terms(data, *_TERMS) if value_at(data, *_TERMS) is not None else None,
    )


def claimant(data: object) -> str:
    """The namespace of the claim that a volume is bound to, or kept for; "" when for none."""
    return text(data, "spec", "claimRef", "namespace")


def parse_storage_class(data: object, key: Key) -> StorageClass:
    return StorageClass(name=key[1], binding_mode=text(data, "volumeBindingMode"))


def parse_source(data: object, key: Key) -> Replication:
    return _replication(data, key, "ReplicationSource")


def parse_destination(data: object, key: Key) -> Replication:
    return _replication(data, key, "ReplicationDestination")


def _replication(data: object, key: Key, kind: Literal["ReplicationSource", "ReplicationDestination"]) -> Replication:
    """A destination names its claim, if at all, below its mover."""
    namespace, name = key
    mover = next((each for each in ALL_MOVERS if isinstance(value_at(data, "spec", each), dict)), "")
    claim = ("sourcePVC",) if kind == "ReplicationSource" else (mover, "destinationPVC")
    return Replication(
        namespace=namespace,
        name=name,
        kind=kind,
        claim=text(data, "spec", *claim),
        mover=mover,
        is_paused=flag(data, "spec", "paused"),
        schedule=text(data, "spec", "trigger", "schedule"),
        manual=text(data, "spec", "trigger", "manual"),
        last_manual=text(data, "status", "lastManualSync"),
        last_sync_at=time(data, "status", "lastSyncTime"),
        last_sync_duration_s=duration(data, "status", "lastSyncDuration"),
        sync_started_at=time(data, "status", "lastSyncStartTime"),
        result=text(data, "status", "latestMoverStatus", "result"),
        synchronizing=condition(data, "Synchronizing"),
        applier=applier(data),
    )
