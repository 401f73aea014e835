"""data-left-behind, where the catalog says how the data comes home: then nobody leaves it behind by mistake.

What Git alone warns of stops the move here, also where the app does not run on backup now: a pod that was ready once
leaves no trace when another has taken its place. Only where the app is seen never to have come up on backup since it
left primary nothing is left behind:

    a pod on primary's claims is still there, and with Recreate or a StatefulSet no other is made before that is gone
    such a pod is there, what is rolled out now came next after its revision, and no pod of it has ever been ready
"""

from collections.abc import Iterator, Sequence

from failover_api.core.safety.claim_moves import ClaimMove
from failover_api.core.safety.finders.data_left_behind import SLUG, brings_nothing, cure
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.observed import Deployment, Pod, StatefulSet, condition
from failover_api.core.safety.scene import Scene
from failover_api.core.safety.workloads import RECREATE
from failover_api.core.wording import cut

_STARTED_S = 2.0  # between a pod's first word that it is not ready, and the time that it was made or got its node
_NEVER_COMPLETE = frozenset(
    {"ReplicaSetUpdated", "NewReplicaSetCreated", "FoundNewReplicaSet", "ProgressDeadlineExceeded"}
)


def data_left_behind(scene: Scene) -> Iterator[Hazard]:
    """One for the service, with all its claims."""
    service = scene.move.service
    left = [claim for claim in scene.claims if claim.old and claim.new and claim.leaves_backup]
    if service.replication is None or brings_nothing(service) or not left or scene.move.is_to_come:
        return
    if _has_never_run(scene, left):
        return
    pairs = ", ".join(dict.fromkeys(f"{cut(claim.old)} -> {cut(claim.new)}" for claim in left))
    yield Hazard(
        SLUG,
        Severity.STOP,
        left[0].left_by.reading.document,
        left[0].left_by.where,
        f"What {service.name} wrote on backup stays behind ({pairs}): primary goes on with the data it had before.",
        cure(scene.move, left),
    )


def _has_never_run(scene: Scene, left: Sequence[ClaimMove]) -> bool:
    """Whether no pod has ever been ready on the claims that are left, since one on primary's; False in doubt."""
    workload = scene.live.workload
    ours, others = {claim.old for claim in left}, {claim.new for claim in left}
    former = [pod for pod in scene.old_pods if others & set(pod.claims) and not ours & set(pod.claims)]
    if workload is None or not former or scene.view.pods.why_unseen(workload.namespace):
        return False
    if any(ours & set(pod.claims) and _may_have_been_ready(pod) for pod in scene.live.pods):
        return False
    if isinstance(workload, StatefulSet):
        return workload.replicas == 1
    return workload.strategy == RECREATE or _is_first_since(scene, workload, former)


def _is_first_since(scene: Scene, workload: Deployment, former: Sequence[Pod]) -> bool:
    """Whether the revision that is rolled out follows that of a pod on primary's claims, and was never complete."""
    sets = {one.name: one.revision for one in scene.index.sets.get((workload.namespace, workload.name), ())}
    revisions = [sets.get(pod.owner.name, "") for pod in former if pod.owner is not None]
    progressing = condition(workload.conditions, "Progressing")
    is_next = any(one.isdigit() and workload.revision == str(int(one) + 1) for one in revisions)
    return (
        is_next
        and not workload.is_behind
        and not workload.ready_replicas
        and progressing is not None
        and progressing.reason in _NEVER_COMPLETE
    )


def _may_have_been_ready(pod: Pod) -> bool:
    """A pod is not ready from its start; a later change of that means that it was ready in between."""
    if pod.ready is None:
        return False
    if pod.ready.is_true or pod.ready.since is None:
        return True
    scheduled = pod.scheduled.since if pod.scheduled is not None else None
    began = [at for at in (pod.created_at, scheduled) if at is not None]
    return not began or pod.ready.since > max(began) + _STARTED_S
