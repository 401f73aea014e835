"""What controllers ask of a pod, and how they make one."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at, copied
from failover_api.sandbox.cluster.objects.kinds import POD
from failover_api.sandbox.cluster.objects.meta import (
    condition,
    condition_status,
    is_terminating,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from failover_api.sandbox.cluster.objects.times import epoch

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.plane import Plane

_SAFE = "bcdfghjklmnpqrstvwxz2456789"
HASH_LABEL = "pod-template-hash"


def has_ended(pod: Object) -> bool:
    return at(pod, "status", "phase") in ("Failed", "Succeeded")


def is_active(pod: Object) -> bool:
    return not has_ended(pod) and not is_terminating(pod)


def is_ready(pod: Object) -> bool:
    return condition_status(pod, "Ready") == "True"


def is_running_and_ready(pod: Object) -> bool:
    return at(pod, "status", "phase") == "Running" and is_ready(pod)


def is_available(pod: Object, min_ready_s: int, now: float) -> bool:
    ready = condition(pod, "Ready")
    if ready is None or ready["status"] != "True":
        return False
    return min_ready_s == 0 or epoch(ready["lastTransitionTime"]) + min_ready_s <= now


def hash_of(value: object) -> str:
    """Ten letters and digits that stand for a template, as Kubernetes writes such hashes."""
    digest = int.from_bytes(hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()[:8], "big")
    letters = []
    for _ in range(10):
        digest, index = divmod(digest, len(_SAFE))
        letters.append(_SAFE[index])
    return "".join(letters)


def pod_from(template: Object, owner: Object) -> Object:
    """A pod of a template, without a name yet."""
    meta = copied(at(template, "metadata", default={}))
    meta["namespace"] = namespace_of(owner)
    meta["ownerReferences"] = [owner_reference(owner)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": copied(template.get("spec", {}))}


def delete_pod(plane: Plane, pod: Object, *, force: bool = False) -> None:
    """Tells a pod to end; by force its object is gone at once, whatever its container does."""
    grace_s = 0 if force else None
    plane.registry.delete(POD, namespace_of(pod), name_of(pod), grace_s=grace_s, uid=uid_of(pod))
