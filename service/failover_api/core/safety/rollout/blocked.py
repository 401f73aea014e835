"""Why no pod of the side is ready, in the order in which Kubernetes meets it."""

from collections.abc import Iterator
from dataclasses import dataclass

from failover_api.core.safety.observed import Condition, Deployment, Pod, StatefulSet, View, condition
from failover_api.core.safety.rollout.causes import Cause
from failover_api.core.safety.rollout.live import Index, Live, Workload
from failover_api.core.safety.rollout.place import Place
from failover_api.core.safety.rollout.scheduling import why_unscheduled
from failover_api.core.safety.rollout.texts import CREATION, explained_or_shown, waiting
from failover_api.core.wording import shell_word

_OFF = "if the machine is off for sure"
_DELETE = "`kubectl delete pod {pod} -n {namespace} --grace-period=0 --force`"
_TAINT = "`kubectl taint node {node} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute`"
_LET_ROLL = "Let it roll: `unblock: rolling` in the catalog does so with the next promote. "
_UNBLOCK_DEPLOYMENT = (
    f"{{roll}}Now, {_OFF}: {_DELETE}, or the out-of-service taint on {{node}}. It also starts by itself when {{node}} "
    "is back."
)
_UNBLOCK_STATEFUL_SET = (
    f"{_OFF.capitalize()}: {_TAINT} (and take it off again), or {_DELETE}. It also starts by itself when {{node}} is "
    "back."
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known. `now` is the API server's time (s); `can_roll`: `unblock` in the catalog would help a promote."""

    live: Live
    place: Place
    index: Index
    now: float
    can_roll: bool = True

    @property
    def view(self) -> View:
        return self.index.view


def why_not_ready(facts: Facts) -> Cause:
    """Always something: at the least that it is under way, which is not final."""
    return next(_causes(facts))


def _causes(facts: Facts) -> Iterator[Cause]:
    workload = facts.live.workload
    assert workload is not None, "there is something to look at"
    if isinstance(workload, Deployment):
        yield from _of_deployment(workload, facts)
    else:
        yield from _of_stateful_set(workload, facts)
    for pod in _coming(facts):
        yield from _of_pod(pod, facts)
    if isinstance(workload, Deployment):
        progressing = condition(workload.conditions, "Progressing")
        if progressing is not None and progressing.reason == "ProgressDeadlineExceeded":
            yield Cause("The new pod was made, and did not come up in time.", "Look at its log.", progressing.since)
    yield from _stopping(facts)
    yield Cause("Kubernetes makes the new pod.", is_final=False)


def _of_deployment(deployment: Deployment, facts: Facts) -> Iterator[Cause]:
    yield from _refused(condition(deployment.conditions, "ReplicaFailure"))
    if deployment.is_paused:
        yield Cause("Rollouts of the Deployment are paused.", "Put `paused: false` in the manifest.")
    if deployment.strategy == "Recreate" and not deployment.updated_replicas:
        yield from _waits_for_the_old(deployment, facts, "Recreate", _UNBLOCK_DEPLOYMENT)


def _refused(failure: Condition | None) -> Iterator[Cause]:
    if failure is not None and failure.is_true:
        yield explained_or_shown(CREATION, failure, "Kubernetes refuses to make the pod")


def _of_stateful_set(stateful_set: StatefulSet, facts: Facts) -> Iterator[Cause]:
    for pod in facts.live.pods:
        if _is_stuck(pod, stateful_set):
            yield Cause(
                f"The StatefulSet clings to the pod {pod.name}, which can never start, and ignores any change until it "
                "is gone.",
                f"`kubectl delete pod {shell_word(pod.name)} -n {shell_word(pod.namespace)}`: it never ran. "
                "`podManagementPolicy: Parallel` avoids this.",
                pod.created_at,
            )
    yield from _waits_for_the_old(stateful_set, facts, "the StatefulSet", _UNBLOCK_STATEFUL_SET)


def _is_stuck(pod: Pod, stateful_set: StatefulSet) -> bool:
    """A pod of an old template that no node takes: only its deletion, by hand, lets the new template be used."""
    if pod.node or pod.deletion_at is not None or stateful_set.pod_management == "Parallel":
        return False
    wants_other = bool(pod.revision) and pod.revision != stateful_set.update_revision
    has_others = not set(stateful_set.template.claims.values()) <= set(pod.claims)
    return wants_other or has_others


def _waits_for_the_old(workload: Workload, facts: Facts, who: str, cure: str) -> Iterator[Cause]:
    """The old pod is on a node that cannot say that it has ended; nothing is made before."""
    for pod in facts.live.pods:
        if facts.place.holds(pod) or pod.has_ended or not pod.node:
            continue
        is_overdue = pod.deletion_at is not None and facts.now > pod.deletion_at
        is_down = facts.place.is_down(pod.node)
        is_left = pod.deletion_at is not None or isinstance(workload, StatefulSet)
        if is_left and (is_down or is_overdue):
            state = "which is not ready" if is_down else "which does not say that it has ended"
            yield Cause(
                f"The old pod {pod.name} is on {pod.node}, {state}, and cannot confirm that it stopped; {who} waits "
                "for it, for ever.",
                cure.format(
                    pod=shell_word(pod.name),
                    namespace=shell_word(pod.namespace),
                    node=shell_word(pod.node),
                    roll=_LET_ROLL if facts.can_roll else "",
                ),
                _left_at(pod, facts),
            )


def _left_at(pod: Pod, facts: Facts) -> float | None:
    if pod.deletion_at is not None:
        return min(pod.deletion_at, facts.now)
    node = facts.place.known.get(pod.node)
    return node.ready.since if node is not None and node.ready is not None else None


def _coming(facts: Facts) -> list[Pod]:
    """The pods that may become ready, the newest first: of the present template, where that is known."""
    alive = [pod for pod in facts.live.pods if pod.deletion_at is None and not pod.has_ended]
    current = [pod for pod in alive if pod.name in facts.live.current]
    return sorted(current or alive, key=lambda pod: -(pod.created_at or 0.0))


def _of_pod(pod: Pod, facts: Facts) -> Iterator[Cause]:
    if not pod.node:
        yield why_unscheduled(pod, facts.place, facts.view, facts.now)
        return
    since = pod.ready.since if pod.ready else pod.created_at
    if not facts.place.holds(pod):
        if pod.name in facts.live.current and pod.is_ready:
            yield Cause(
                f"The pod {pod.name} is ready on {pod.node} with {_claims(pod)}, which is not what the catalog says of "
                "this side.",
                "Correct `nodes`, the claims or `workload` in the catalog.",
                since,
            )
        return
    if facts.place.is_down(pod.node):
        yield Cause(f"The pod {pod.name} is on {pod.node}, which is not ready.", "Bring it up, or move the app.", since)
    if (cause := waiting(pod.waiting, since)) is not None:
        yield cause
    if pod.phase == "Pending":
        yield from _attaching(pod, facts)
    if pod.phase == "Pending" or pod.waiting:
        said = f": {pod.waiting}" if pod.waiting else ""
        yield Cause(f"The pod {pod.name} is being started on {pod.node}{said}.", "", since, is_final=False)
    else:
        yield Cause(f"The pod {pod.name} runs on {pod.node}, and is not ready yet.", "", since, is_final=False)


def _claims(pod: Pod) -> str:
    return f"the claims {', '.join(pod.claims[:3])}" if pod.claims else "no claim"


def _attaching(pod: Pod, facts: Facts) -> Iterator[Cause]:
    """Another pod with a claim of this one, on a node that is down: a disk stays there until that node has let go."""
    for claim in sorted(set(pod.claims)):
        for other in facts.index.holders.get((pod.namespace, claim), ()):
            is_other = other.name != pod.name and other.node != pod.node
            if is_other and not other.has_ended and facts.place.is_down(other.node):
                yield Cause(
                    f"The claim {claim} is also that of {other.name} on {other.node}, which is not ready: its disk may "
                    "still hang there.",
                    f"{_OFF.capitalize()}, set the out-of-service taint on {other.node} (some 20 s); after a force "
                    "delete it takes 6 min.",
                    pod.created_at,
                )


def _stopping(facts: Facts) -> Iterator[Cause]:
    for pod in facts.live.pods:
        if pod.deletion_at is not None and not pod.has_ended:
            yield Cause(f"The old pod {pod.name} on {pod.node} is stopping.", "", pod.deletion_at, is_final=False)
