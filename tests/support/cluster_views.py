"""A cluster as it was seen, with what a test is not about filled in: sonarr, its two nodes and its two claims."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from failover_api.core.catalog.model import Service
from failover_api.core.catalog.runtime import WorkloadName
from failover_api.core.planning.state import Detection, detect
from failover_api.core.safety.observed import (
    Applier,
    Claim,
    Condition,
    Deployment,
    Kustomization,
    Node,
    Owner,
    Pod,
    PodTemplate,
    ReplicaSet,
    Seen,
    Source,
    StatefulSet,
    View,
    Volume,
)
from tests.support.builders import manifests, service, switch

NOW = 1_796_068_800.0  # 2026-11-30T20:00:00Z, the API server's
SHA = "0d1f5a2b6c3e4f708192a3b4c5d6e7f801234567"
BY_FLUX = Applier(kustomization=("flux-system", "apps"))
W1, W2 = "k3s-w1", "k3s-w2"
ROLE = "spec.template.spec.nodeSelector.role"
CLAIM = "spec.template.spec.volumes[name=config].persistentVolumeClaim.claimName"
SIDES = {"primary": ("primary", "pvc-sonarr", W1), "backup": ("backup", "pvc-sonarr-backup", W2)}


def sonarr(**changes: Any) -> Service:
    workload = WorkloadName("Deployment", "sonarr", "media")
    given: dict[str, Any] = {"primary_workload": workload, "backup_workload": workload, **changes}
    return service(
        switch(ROLE, "primary", "backup", kind="Deployment"),
        switch(CLAIM, "pvc-sonarr", "pvc-sonarr-backup", kind="Deployment"),
        **given,
    )


def stateful_sonarr(**changes: Any) -> Service:
    workload = WorkloadName("StatefulSet", "sonarr", "media")
    given: dict[str, Any] = {"primary_workload": workload, "backup_workload": workload, **changes}
    return service(
        switch(ROLE, "primary", "backup", kind="StatefulSet"),
        switch(CLAIM, "pvc-sonarr", "pvc-sonarr-backup", kind="StatefulSet"),
        **given,
    )


def in_git(of: Service, side: str = "backup") -> Detection:
    """The service as its manifest says, with every switch on this side."""
    role, claim, _ = SIDES[side]
    kind = of.switches[0].selector.kind
    text = f"""\
apiVersion: apps/v1
kind: {kind}
metadata: {{name: sonarr, namespace: media}}
spec:
  template:
    spec:
      nodeSelector: {{role: {role}}}
      volumes:
        - name: config
          persistentVolumeClaim: {{claimName: {claim}}}
"""
    return detect(of, manifests({"a.yaml": text.encode()}))


def template(side: str = "backup") -> PodTemplate:
    role, claim, _ = SIDES[side]
    return PodTemplate(node_selector={"role": role}, claims={"config": claim})


def deployment(side: str = "backup", **changes: Any) -> Deployment:
    plain: dict[str, Any] = {
        "uid": "d1",
        "generation": 2,
        "observed_generation": 2,
        "replicas": 1,
        "strategy": "RollingUpdate",
        "revision": "2",
        "template": template(side),
        "applier": BY_FLUX,
        "updated_replicas": 1,
    }
    return Deployment("media", "sonarr", **{**plain, **changes})


def stateful_set(side: str = "backup", **changes: Any) -> StatefulSet:
    plain: dict[str, Any] = {
        "uid": "s1",
        "generation": 2,
        "observed_generation": 2,
        "replicas": 1,
        "strategy": "RollingUpdate",
        "pod_management": "OrderedReady",
        "template": template(side),
        "update_revision": "new",
        "applier": BY_FLUX,
    }
    return StatefulSet("media", "sonarr", **{**plain, **changes})


def pod(side: str = "backup", *, of: str = "ReplicaSet", **changes: Any) -> Pod:
    """Of the new template on backup, of the old one on primary; running and ready."""
    _, claim, node = SIDES[side]
    revision = "new" if side == "backup" else "old"
    owner = Owner("ReplicaSet", f"sonarr-{revision}", f"rs-{revision}")
    name = f"sonarr-{revision}-x"
    if of == "StatefulSet":
        owner, name = Owner("StatefulSet", "sonarr", "s1"), "sonarr-0"
    plain: dict[str, Any] = {
        "owner": owner,
        "revision": revision,
        "node": node,
        "phase": "Running",
        "ready": Condition("Ready", "True", since=NOW - 10),
        "scheduled": Condition("PodScheduled", "True", since=NOW - 20),
        "created_at": NOW - 20 if side == "backup" else NOW - 9000,
        "claims": (claim,),
    }
    return Pod("media", changes.pop("name", name), **{**plain, **changes})


def pending(message: str = "", *, reason: str = "Unschedulable", **changes: Any) -> Pod:
    """The new pod, which has no node."""
    scheduled = Condition("PodScheduled", "False", reason, message, NOW - 15)
    return pod(**{"node": "", "phase": "Pending", "ready": None, "scheduled": scheduled, **changes})


def node(name: str, *, ready: str = "True", **changes: Any) -> Node:
    role = "primary" if name == W1 else "backup"
    plain: dict[str, Any] = {
        "labels": {"role": role, "kubernetes.io/hostname": name},
        "ready": Condition("Ready", ready, since=NOW - 300),
    }
    return Node(name, **{**plain, **changes})


def claim(name: str, **changes: Any) -> Claim:
    return Claim("media", name, **{"phase": "Bound", "volume": f"pv-{name}", **changes})


def volume(of_claim: str, **changes: Any) -> Volume:
    return Volume(f"pv-{of_claim}", claim=("media", of_claim), **changes)


def kustomization(**changes: Any) -> Kustomization:
    plain: dict[str, Any] = {
        "source": ("GitRepository", "flux-system", "flux-system"),
        "applied_revision": f"main@sha1:{SHA}",
        "ready": Condition("Ready", "True", "ReconciliationSucceeded", since=NOW - 25),
        "inventory": frozenset({"media_sonarr_apps_Deployment"}),
    }
    return Kustomization("flux-system", "apps", **{**plain, **changes})


def source(**changes: Any) -> Source:
    plain: dict[str, Any] = {"kind": "GitRepository", "revision": f"main@sha1:{SHA}", "updated_at": NOW - 30}
    return Source("flux-system", "flux-system", **{**plain, **changes})


def seen(objects: Iterable[Any] = (), **changes: Any) -> Seen[Any]:
    keyed = {(getattr(each, "namespace", ""), each.name): each for each in objects}
    return Seen(keyed, **{"seen_at": NOW, "heard_at": 1.0, **changes})


def unseen(why: str = "it is forbidden") -> Seen[Any]:
    return Seen(unseen={"": why})


USUAL: Mapping[str, Iterable[Any]] = {
    "nodes": [node(W1), node(W2)],
    "deployments": [deployment()],
    "stateful_sets": [],
    "replica_sets": [
        ReplicaSet("media", "sonarr-old", "rs-old", Owner("Deployment", "sonarr", "d1"), "1", 0),
        ReplicaSet("media", "sonarr-new", "rs-new", Owner("Deployment", "sonarr", "d1"), "2", 1),
    ],
    "pods": [pod()],
    "autoscalers": [],
    "claims": [claim("pvc-sonarr"), claim("pvc-sonarr-backup")],
    "volumes": [volume("pvc-sonarr"), volume("pvc-sonarr-backup")],
    "storage_classes": [],
    "kustomizations": [kustomization()],
    "helm_releases": [],
    "git_repositories": [source()],
    "applications": [],
}


def view(**kinds: Any) -> View:
    """What was seen: lists of objects by kind, or a Seen as it is; sonarr serving on backup where nothing is said."""
    whole = {**USUAL, **kinds}
    return View(**{kind: each if isinstance(each, Seen) else seen(each) for kind, each in whole.items()})


def dead(name: str = W1) -> Node:
    return node(name, ready="Unknown")


def leaving(of: Pod, *, ends_in_s: float = -60) -> Pod:
    """The pod on its way out: its grace ends then."""
    return replace(of, deletion_at=NOW + ends_in_s)
