"""The hazards of a move that are seen in the cluster, in the order of the look.

Is it applied, does a pod come of it, is its volume there, what becomes of the data. A finder that lacks its part of the
cluster finds nothing; where nothing at all is seen, only that is said.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from failover_api.core.safety.claim_moves import ClaimMove
from failover_api.core.safety.cluster_finders.appliers import flux_stuck, nobody_applies, ssa_ignored, suspended
from failover_api.core.safety.cluster_finders.claims import (
    claim_elsewhere,
    claim_empty,
    claim_lost,
    claim_missing,
    claim_pending,
)
from failover_api.core.safety.cluster_finders.filling import unsynced_overwritten
from failover_api.core.safety.cluster_finders.left_behind import weighed
from failover_api.core.safety.cluster_finders.nodes import node_cordoned, node_missing, node_not_ready
from failover_api.core.safety.cluster_finders.pods import (
    old_pod_running,
    recreate_blocks,
    starts_nothing,
    statefulset_blocks,
    weighed_while_relocated,
)
from failover_api.core.safety.cluster_finders.replication import (
    data_age_unknown,
    data_old,
    source_may_return,
    sync_in_flight,
)
from failover_api.core.safety.finders.data_left_behind import SLUG as LEFT_BEHIND
from failover_api.core.safety.finders.starts_nothing import SLUG as STARTS_NOTHING
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.observed import EVERYWHERE, NOT_LOOKED_AT, View
from failover_api.core.safety.scene import Scene, scene_of
from failover_api.core.safety.surroundings import ClusterLook
from failover_api.core.safety.switch_moves import ServiceMove
from failover_api.core.wording import cut, listed

ClusterFinder = Callable[[Scene], Iterable[Hazard]]
CLUSTER_FINDERS: tuple[ClusterFinder, ...] = (
    nobody_applies,
    flux_stuck,
    suspended,
    ssa_ignored,
    starts_nothing,
    node_missing,
    node_not_ready,
    node_cordoned,
    claim_missing,
    claim_lost,
    claim_pending,
    claim_elsewhere,
    claim_empty,
    recreate_blocks,
    statefulset_blocks,
    old_pod_running,
    sync_in_flight,
    data_age_unknown,
    data_old,
    unsynced_overwritten,
    source_may_return,
)
# What one object is told of in Git and in the cluster; of all else the cluster knows better what Git only fears.
_OF_AN_OBJECT = frozenset({"suspended", "ssa-ignored"})
# What hazards are found in, by its name in a View.
_KINDS: Mapping[str, str] = {
    "nodes": "nodes",
    "deployments": "workloads",
    "stateful_sets": "workloads",
    "pods": "pods",
    "claims": "claims",
    "volumes": "volumes",
    "storage_classes": "storage classes",
    "replica_sets": "ReplicaSets",
    "replication_sources": "VolSync's objects",
    "replication_destinations": "VolSync's objects",
    "kustomizations": "Flux's objects",
    "helm_releases": "Flux's objects",
    "git_repositories": "Flux's objects",
    "oci_repositories": "Flux's objects",
    "buckets": "Flux's objects",
    "applications": "Argo CD's Applications",
}
# What Git fears, by slug, and who knows better.
_WEIGHED: Mapping[str, Callable[[Hazard, Scene], Hazard | None]] = {
    LEFT_BEHIND: weighed,
    STARTS_NOTHING: weighed_while_relocated,
}


def cluster_unseen(move: ServiceMove, look: ClusterLook) -> Iterator[Hazard]:
    """Nothing is seen that concerns the service. A cluster that has answered before may be the one that died."""
    hidden = _hidden(look.view) if look.is_seen else ""
    if hidden:
        yield _unseen(
            f"Whether {move.service.name} is in the cluster is not seen ({cut(hidden)}): nothing could be looked at "
            "there.",
            "`failover check` tells what may not be read; until then look at node, claims and Flux yourself.",
        )
        return
    if look.is_seen:
        yield _unseen(
            f"Neither the workload of {move.service.name} nor what applies it is seen in the cluster: nothing could be "
            "looked at there.",
            "Name its `workload` in the catalog; `cluster: none` if it runs in another one.",
        )
        return
    why = _why(look.view)
    yield _unseen(
        f"The cluster does not answer{f' ({cut(why)})' if why else ''}: nothing could be looked at there.",
        "Look at node, claims and Flux yourself; `failover check` tells what may not be read.",
    )
    if look.was_seen:
        yield Hazard(
            "nobody-applies",
            Severity.WARN,
            "The cluster",
            None,
            "The cluster has answered before, and does not now: if its API server, or Flux, is on the node that died, "
            "a commit changes nothing until that is back.",
            "`kubectl get nodes` from elsewhere. With a single control-plane node, bring that up first.",
        )


def cluster_hazards(move: ServiceMove, look: ClusterLook, claims: Sequence[ClaimMove]) -> tuple[Hazard, ...]:
    """Of one service, in the order of the finders; none of one that runs in another cluster. `claims` are those that
    it leaves and takes.
    """
    if move.service.is_elsewhere:
        return ()
    try:
        scene = scene_of(move, look, claims) if look.is_seen else None
        if scene is None:
            return tuple(cluster_unseen(move, look))
        found = tuple(hazard for finder in CLUSTER_FINDERS for hazard in finder(scene))
        return (*found, *_missing(look.view, scene.namespace or EVERYWHERE))
    except Exception as exc:  # noqa: BLE001 - whatever a cluster holds, it must not keep anybody from a move
        detail = f"What the cluster shows of {move.service.name} was not understood: a defect ({type(exc).__name__})."
        return (_unseen(detail, "Please report it; look at node, claims and Flux yourself."),)


def _missing(view: View, namespace: str) -> Iterator[Hazard]:
    """What did not answer this time. What may not be read is told by `failover check`, and not with each move."""
    late = dict(_late(view, namespace))
    if late:
        why = cut(next(iter(late.values())))
        yield _unseen(
            f"Not seen just now: {listed([*late], len(_KINDS))} ({why}). What concerns them could not be looked at.",
            "Look again in a moment; until then look at node, claims and Flux yourself.",
        )


def _late(view: View, namespace: str) -> Iterator[tuple[str, str]]:
    for kind, word in _KINDS.items():
        seen = getattr(view, kind)
        if seen.unseen and not seen.is_forbidden and (why := seen.why_unseen(namespace)):
            yield word, why


def weighed_by_cluster(
    move: ServiceMove, look: ClusterLook, claims: Sequence[ClaimMove], found: Sequence[Hazard]
) -> list[Hazard]:
    """What Git tells, without what is seen not to be so, and with the cause that is seen; as it is where none is."""
    if move.service.is_elsewhere or not look.is_seen or all(hazard.slug not in _WEIGHED for hazard in found):
        return list(found)
    try:
        scene = scene_of(move, look, claims)
        kept = [_WEIGHED[one.slug](one, scene) if scene and one.slug in _WEIGHED else one for one in found]
    except Exception:  # noqa: BLE001 - as in cluster_hazards(), which says so
        return list(found)
    return [hazard for hazard in kept if hazard is not None]


def joined(git: Iterable[Hazard], seen: Iterable[Hazard]) -> list[Hazard]:
    """What Git and the cluster tell, each once: of one thing what is seen of it."""
    found = list(seen)
    slugs = {hazard.slug for hazard in found} - _OF_AN_OBJECT
    objects = {(hazard.slug, hazard.about) for hazard in found}
    kept = [hazard for hazard in git if hazard.slug not in slugs and (hazard.slug, hazard.about) not in objects]
    return [*kept, *found]


def _unseen(detail: str, cure: str) -> Hazard:
    return Hazard("cluster-unseen", Severity.INFO, "The cluster", None, detail, cure)


def _hidden(view: View) -> str:
    """Why no workload may be seen though it is there; "" where all are seen."""
    kinds = (view.deployments, view.stateful_sets)
    return next((why for kind in kinds if (why := kind.why_unseen()) not in {"", NOT_LOOKED_AT}), "")


def _why(view: View) -> str:
    kinds = (view.nodes, view.pods, view.deployments)
    return next((why for kind in kinds if (why := kind.why_unseen())), "")
