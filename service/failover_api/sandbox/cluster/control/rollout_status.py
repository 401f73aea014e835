"""What a Deployment says of itself, the lie included.

Once a rollout was complete, `Progressing=True, NewReplicaSetAvailable` is looked at again only when the number of pods
of the new ReplicaSet differs from that of all: a Recreate that waits for a dead node has none of either, so it goes on
saying that all is well, and the progress deadline never comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.control.replica_sets import TERMINATING_SINCE
from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.kinds import DEPLOYMENT
from failover_api.sandbox.cluster.objects.meta import (
    condition,
    name_of,
    namespace_of,
    remove_condition,
    set_condition,
)
from failover_api.sandbox.cluster.objects.quantities import share_of
from failover_api.sandbox.cluster.objects.times import epoch

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.plane import Plane

_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")


def max_surge(one: Object) -> int:
    update = at(one, "spec", "strategy", "rollingUpdate", default={})
    return share_of(update.get("maxSurge", 0), int(at(one, "spec", "replicas", default=0)), up=True)


def max_unavailable(one: Object) -> int:
    """At least 1 when neither may be anything: a rollout could not go on otherwise."""
    replicas = int(at(one, "spec", "replicas", default=0))
    update = at(one, "spec", "strategy", "rollingUpdate")
    if update is None or not replicas:
        return 0
    unavailable = share_of(update.get("maxUnavailable", 0), replicas, up=False)
    if not unavailable and not max_surge(one):
        return 1
    return min(unavailable, replicas)


def report(plane: Plane, one: Object, sets: list[Object], newest: Object | None) -> None:
    """Writes status and conditions. `newest` is the ReplicaSet of the present template."""
    before = at(one, "status", default={})
    counts = _counts(one, sets, newest)

    def change(new: Object) -> None:
        kept = at(new, "status", "conditions", default=[])
        new["status"] = {key: counts[key] for key in _COUNTS if counts[key]}
        new["status"]["conditions"] = kept
        if plane.minor >= TERMINATING_SINCE:
            new["status"]["terminatingReplicas"] = counts["terminatingReplicas"]
        new["status"]["observedGeneration"] = new["metadata"]["generation"]
        _say_available(plane, new, counts["availableReplicas"])
        _say_progress(plane, new, newest, before, counts)
        _say_failure(plane, new, sets, newest)

    plane.registry.modify(DEPLOYMENT, namespace_of(one), name_of(one), change)


def next_look_s(plane: Plane, one: Object) -> float | None:
    """When the progress deadline is to be looked at; None when it does not run."""
    said = condition(one, "Progressing")
    deadline_s = at(one, "spec", "progressDeadlineSeconds")
    if said is None or deadline_s is None or said["reason"] not in _RUNNING:
        return None
    left_s = epoch(said["lastUpdateTime"]) + int(deadline_s) - plane.clock.now
    return max(left_s, 0.0) + 1.0


_RUNNING = ("ReplicaSetUpdated", "NewReplicaSetCreated", "FoundNewReplicaSet", "DeploymentResumed")


def _counts(one: Object, sets: list[Object], newest: Object | None) -> dict[str, int]:
    def of_all(key: str, below: str = "status") -> int:
        return sum(int(at(each, below, key, default=0)) for each in sets)

    available = of_all("availableReplicas")
    return {
        "replicas": of_all("replicas"),
        "updatedReplicas": int(at(newest, "status", "replicas", default=0)),
        "readyReplicas": of_all("readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(of_all("replicas", "spec") - available, 0),
        "terminatingReplicas": of_all("terminatingReplicas"),
    }


def _say_available(plane: Plane, new: Object, available: int) -> None:
    if available >= int(at(new, "spec", "replicas", default=0)) - max_unavailable(new):
        said = "True", "MinimumReplicasAvailable", "Deployment has minimum availability."
    else:
        said = "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
    _say(plane, new, "Available", *said)


def _say_progress(plane: Plane, new: Object, newest: Object | None, before: Object, counts: dict[str, int]) -> None:
    if at(new, "spec", "paused"):
        _say(plane, new, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
        return
    current = condition(new, "Progressing")
    if current is not None and current["reason"] == "DeploymentPaused":
        _say(plane, new, "Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed")
        current = condition(new, "Progressing")
    was_complete = current is not None and current["reason"] == "NewReplicaSetAvailable"
    if at(new, "spec", "progressDeadlineSeconds") is None:
        remove_condition(new, "Progressing")
    elif was_complete and counts["replicas"] == counts["updatedReplicas"]:
        return
    else:
        named = f'ReplicaSet "{name_of(newest)}"' if newest is not None else f'Deployment "{name_of(new)}"'
        _say_state(plane, new, named, before, counts)


def _say_state(plane: Plane, new: Object, named: str, before: Object, counts: dict[str, int]) -> None:
    wanted = int(at(new, "spec", "replicas", default=0))
    current = condition(new, "Progressing")
    if counts["updatedReplicas"] == counts["replicas"] == counts["availableReplicas"] == wanted:
        said = "True", "NewReplicaSetAvailable", f"{named} has successfully progressed."
        _say(plane, new, "Progressing", *said)
    elif _moved(before, counts):
        _say(plane, new, "Progressing", "True", "ReplicaSetUpdated", f"{named} is progressing.", touch=True)
    elif current is not None and _is_late(plane, new, current):
        said = "False", "ProgressDeadlineExceeded", f"{named} has timed out progressing."
        _say(plane, new, "Progressing", *said)


def _moved(before: Object, counts: dict[str, int]) -> bool:
    def grew(key: str) -> bool:
        return counts[key] > int(before.get(key, 0))

    old_before = int(before.get("replicas", 0)) - int(before.get("updatedReplicas", 0))
    old_now = counts["replicas"] - counts["updatedReplicas"]
    return grew("updatedReplicas") or grew("readyReplicas") or grew("availableReplicas") or old_now < old_before


def _is_late(plane: Plane, new: Object, current: Object) -> bool:
    if current["reason"] in ("NewReplicaSetAvailable", "ProgressDeadlineExceeded"):
        return False
    deadline_s = int(at(new, "spec", "progressDeadlineSeconds", default=600))
    return plane.clock.now > epoch(current["lastUpdateTime"]) + deadline_s


def _say_failure(plane: Plane, new: Object, sets: list[Object], newest: Object | None) -> None:
    ordered = [newest, *sets] if newest is not None else sets
    failed = next((found for each in ordered if each and (found := condition(each, "ReplicaFailure"))), None)
    if failed is None:
        remove_condition(new, "ReplicaFailure")
    else:
        _say(plane, new, "ReplicaFailure", failed["status"], failed["reason"], failed["message"])


def _say(plane: Plane, new: Object, type_: str, status: str, reason: str, message: str, *, touch: bool = False) -> None:
    """`touch`: the time of the last update moves even if the words stay."""
    current = condition(new, type_)
    same = current is not None and (current["status"], current["reason"]) == (status, reason)
    if same and not touch and current is not None:
        return
    said = {"reason": reason, "message": message, "lastUpdateTime": plane.now}
    set_condition(new, plane.now, type_, status, **said)
