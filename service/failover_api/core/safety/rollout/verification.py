"""The last word on `serving`, where the catalog has `verify`: the app has to answer too."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from failover_api.core.catalog.runtime import Verify
from failover_api.core.safety.rollout.stages import Stage
from failover_api.core.safety.rollout.steps import Arrival

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.safety.rollout.stage import ClusterState


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of asking the app of one pod. `answer` is "" when it was good, else what was wrong, in words.

    `answered_at` is when it was good for the first time, by the API server's clock (s). `uid` is the pod's: one that is
    made anew under its name is another. `operation` is the newest move of the service when it was asked.
    """

    pod: str
    answer: str
    answered_at: float | None = None
    uid: str = ""
    operation: str | None = None

    def is_of(self, state: "ClusterState", operation: str | None) -> bool:
        """Whether it was this pod, since this move. None: which move was the newest cannot be told now."""
        is_same_pod = (self.uid, self.pod) == (state.pod_uid, state.pod)
        return is_same_pod and operation in {None, self.operation}


def verified_state(
    state: "ClusterState", verify: Verify, found: Verification | None, operation: str | None = None
) -> "ClusterState":
    """The state of a service whose pod is ready: it serves only once the app has answered.

    `operation` is the newest move of the service. None: nobody asked yet. What is not asked for here, or by nobody,
    leaves the state as it is.
    """
    if state.stage is not Stage.SERVING:
        return state
    found = found if found is not None and found.is_of(state, operation) else None
    if found is not None and not found.answer:
        return state
    answer = f": {found.answer}" if found is not None else ""
    ready_at = state.ready_at if state.ready_at is not None else state.seen_at
    is_late = bool(answer) and state.seen_at - ready_at > verify.within_s
    if is_late:
        cure = "Look at the app's log, or correct `verify` in the catalog."
        reason = f"The pod is ready, and {verify.url} does not answer as it should{answer}."
        return replace(state, stage=Stage.BLOCKED, reason=reason, cure=cure)
    return replace(
        state, stage=Stage.ROLLING_OUT, reason=f"The pod is ready; the app is asked whether it answers{answer}."
    )


def verification_step(
    state: "ClusterState | None", found: Verification | None, operation: str | None = None
) -> Arrival:
    """Of the rollout of an operation."""
    if state is None or found is None or not found.is_of(state, operation):
        return Arrival(False, detail="the app was not asked yet")
    return Arrival(not found.answer, found.answered_at, found.answer)
