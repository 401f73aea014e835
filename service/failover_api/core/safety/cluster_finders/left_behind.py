"""data-left-behind, weighed by what is seen: nothing is left by an app that never ran where it is to leave.

That has to be shown by what is there: the commit that sent it there is not applied; or the pod from before is the last
that there was; or it was followed by one revision, which has never been available. In doubt the app has run: an older
revision may have written what a newer one, which does not start, would leave. A Deployment says of its newest
ReplicaSet that it has been available once, and goes on saying so.
https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.observed import Deployment, Pod, StatefulSet, condition
from failover_api.core.safety.rollout.live import Workload
from failover_api.core.safety.scene import Scene

_REVISION = re.compile("[0-9]{1,19}")  # an annotation: anybody may have written it
# Of a ReplicaSet that was never available; NewReplicaSetAvailable stays once it was.
_NOT_YET = frozenset({"NewReplicaSetCreated", "FoundNewReplicaSet", "ReplicaSetUpdated", "ProgressDeadlineExceeded"})


def weighed(hazard: Hazard, scene: Scene) -> Hazard | None:
    """What Git fears, as the cluster shows it; None where the app never ran on the side that it leaves.

    It stops where the catalog says how data is brought home, since then `relocate` does it.
    """
    service = scene.move.service
    if never_ran(scene):
        return None
    return hazard if service.replication is None else replace(hazard, severity=Severity.STOP)


def never_ran(scene: Scene) -> bool:
    """Whether no pod was ever ready with a claim that is left, since the service was sent there. In doubt one was."""
    workload, left = scene.live.workload, frozenset(claim.old for claim in scene.claims if claim.old)
    home = frozenset(claim.new for claim in scene.claims if claim.new)
    if workload is None or not scene.live.is_seen or not left or left & home:
        return False
    if workload.is_behind or scene.view.pods.why_unseen(workload.namespace):
        return False
    if any(_may_have_written(pod) for pod in _holding(scene, workload, left)):
        return False
    has = frozenset(workload.template.claims.values())
    if has.isdisjoint(left):
        return bool(home) and home <= has and _flux_would_have_changed_it(scene)
    return _none_came_after(scene, workload, [pod for pod in scene.live.pods if home & set(pod.claims)])


def _holding(scene: Scene, workload: Workload, claims: Iterable[str]) -> list[Pod]:
    return [pod for claim in claims for pod in scene.index.holders.get((workload.namespace, claim), ())]


def _may_have_written(pod: Pod) -> bool:
    """One that waits for a node, or for its volumes, has not begun."""
    return bool(pod.node) and (pod.phase != "Pending" or (pod.ready is not None and pod.ready.is_true))


def _flux_would_have_changed_it(scene: Scene) -> bool:
    """Whether it applies what Git has: so what is live is what it applied last."""
    flux = scene.appliers.kustomization
    if flux is None or flux.is_suspended or scene.appliers.applier.is_ignored:
        return False
    return flux.ready_now is not None and flux.ready_now.is_true


def _none_came_after(scene: Scene, workload: Workload, from_before: list[Pod]) -> bool:
    """Whether the pod from before was followed by none that has been ready."""
    if not from_before or workload.ready_replicas:
        return False
    if isinstance(workload, StatefulSet):  # its one pod has one name
        return workload.replicas == 1
    revisions = {each.name: each.revision for each in scene.index.sets.get((workload.namespace, workload.name), ())}
    theirs = {revisions.get(pod.owner.name, "") for pod in from_before if pod.owner is not None}
    if not theirs or not all(map(_REVISION.fullmatch, (workload.revision, *theirs))):
        return False
    followed_by = int(workload.revision) - max(map(int, theirs))
    return followed_by == 0 or (followed_by == 1 and _is_not_available_yet(workload))


def _is_not_available_yet(deployment: Deployment) -> bool:
    progressing = condition(deployment.conditions, "Progressing")
    return progressing is not None and progressing.reason in _NOT_YET
