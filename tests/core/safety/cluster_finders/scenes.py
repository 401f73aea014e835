"""sonarr in its cluster before a move, and what is said of it: all is well where a test does not say otherwise."""

from dataclasses import replace
from typing import Any

from failover_api.core.catalog.model import Action, Service
from failover_api.core.planning.plan import plan
from failover_api.core.safety.claim_moves import claim_moves
from failover_api.core.safety.cluster_hazards import cluster_hazards
from failover_api.core.safety.hazard import Hazard
from failover_api.core.safety.hazards import hazards
from failover_api.core.safety.observed import Condition, Pod, Replication, View
from failover_api.core.safety.surroundings import NOT_LOOKED_AT, ClusterLook, Surroundings
from failover_api.core.safety.switch_moves import ServiceMove, planned_move
from failover_api.core.splice import parse
from tests.support.cluster_views import NOW, SIDES, W1, W2, deployment, node, pod, sonarr, view

OLD = pod("primary")
CLAIM_TO = "pvc-sonarr-backup"


def manifest(side: str = "primary", *, kind: str = "Deployment", more: str = "") -> bytes:
    role, claim, _ = SIDES[side]
    return f"""\
apiVersion: apps/v1
kind: {kind}
metadata: {{name: sonarr, namespace: media}}
spec:
  {more or "revisionHistoryLimit: 3"}
  template:
    spec:
      nodeSelector: {{role: {role}}}
      volumes:
        - name: config
          persistentVolumeClaim: {{claimName: {claim}}}
""".encode()


def before(side: str = "primary", **kinds: Any) -> View:
    """What is seen of sonarr, well, on a side."""
    return view(
        **{
            "deployments": [deployment(side)],
            "pods": [pod(side)],
            "replication_sources": [],
            "replication_destinations": [],
            **kinds,
        }
    )


def move(service: Service, text: bytes, action: Action) -> ServiceMove:
    manifests = {"a.yaml": parse(text, file="a.yaml")}
    return planned_move(plan(service, manifests, action), manifests)


def promote(
    found: View, *, service: Service | None = None, text: bytes | None = None, was_seen: bool = False
) -> list[Hazard]:
    """What the cluster says of a promote from primary."""
    planned = move(service or sonarr(), text or manifest(), Action.PROMOTE)
    return list(cluster_hazards(planned, ClusterLook(found, NOW, was_seen), claim_moves(planned, NOT_LOOKED_AT)))


def demote(found: View, *, service: Service | None = None, text: bytes | None = None) -> list[Hazard]:
    planned = move(service or sonarr(), text or manifest("backup"), Action.DEMOTE)
    return list(cluster_hazards(planned, ClusterLook(found, NOW), claim_moves(planned, NOT_LOOKED_AT)))


def in_all(found: View, *, service: Service | None = None, text: bytes | None = None) -> list[Hazard]:
    """What is said of a promote by Git and cluster together."""
    planned = move(service or sonarr(), text or manifest(), Action.PROMOTE)
    return list(hazards(planned, Surroundings(cluster=ClusterLook(found, NOW))))


def source(**changes: Any) -> Replication:
    """It has synced an hour ago, within two minutes."""
    plain: dict[str, Any] = {
        "claim": "pvc-sonarr",
        "mover": "rsyncTLS",
        "last_sync_at": NOW - 3600,
        "last_sync_duration_s": 120.0,
        "result": "Successful",
    }
    return Replication("media", changes.pop("name", "sonarr-to-w2"), "ReplicationSource", **{**plain, **changes})


def destination(**changes: Any) -> Replication:
    plain: dict[str, Any] = {"claim": CLAIM_TO, "mover": "rsyncTLS"}
    return Replication("media", changes.pop("name", "sonarr-w2"), "ReplicationDestination", **{**plain, **changes})


def on_dead_node(of: Pod = OLD) -> dict[str, Any]:
    """Its node has not been heard of, and so it is not ready."""
    unready = replace(of, ready=Condition("Ready", "False", since=NOW - 250))
    return {"nodes": [node(W1, ready="Unknown"), node(W2)], "pods": [unready]}


def slugs(found: list[Hazard]) -> list[str]:
    return [hazard.slug for hazard in found]
