"""What refuses a relocation, or what somebody asks of one, as an error."""

from failover_api.core.catalog.model import Side
from failover_api.core.catalog.replication import ReplicationKind
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.relocation.ladder import Decision, Obstacle
from failover_api.core.safety.relocation.overwritten import Moved
from failover_api.core.safety.relocation.steps import Step
from failover_api.core.safety.relocation.table import BEFORE_CUTOVER, ENDS
from failover_api.errors import (
    BadRequest,
    CannotPlan,
    ClusterNeeded,
    FailoverError,
    ManifestDrifted,
    RelocationRunning,
    UnsafeMove,
)
from failover_api.reading.relocations import Relocation


def was_accepted(before: Relocation | None, moved: Moved | None) -> bool:
    """Whether a relocation since the newest move has been allowed to overwrite it."""
    if before is None or not before.steps or "unsynced-overwritten" not in before.steps[0].record.accepted:
        return False
    return moved is None or moved.at is None or before.steps[0].made.at >= moved.at


def other_way(name: str, target: Side, operation: str, step: Step) -> RelocationRunning:
    return RelocationRunning(f"{name} is on its way to {target} (operation {operation}, {step.label})")


def check_vouched(relocation: Relocation, decision: Decision, target: Side | None) -> None:
    """Raises BadRequest for a word that nobody waits for, or that comes too early: before the app has stopped.

    And RelocationRunning for a word about the side that the data comes from.
    """
    if decision.position not in ENDS and relocation.subject.target is not target:
        raise other_way(relocation.service.name, relocation.subject.target, relocation.operation, decision.step)
    if relocation.subject.kind is not ReplicationKind.MANUAL:
        raise BadRequest("synced: only with `replication: {kind: manual}` somebody has to say that the data is there")
    if decision.commit is None and decision.position in BEFORE_CUTOVER:
        raise BadRequest(f"synced: that is not waited for yet: {decision.reason}")


def refusal_of(decision: Decision) -> FailoverError:
    """What keeps a relocation from its first step; where that is seen in the cluster, a hazard nobody may accept."""
    match decision.obstacle:
        case Obstacle.ELSEWHERE:
            return ManifestDrifted(decision.reason)
        case Obstacle.UNREADABLE:
            return CannotPlan(decision.reason)
        case Obstacle.UNSEEN:
            return ClusterNeeded(decision.reason)
    unsafe = UnsafeMove(decision.reason)
    unsafe.may_be_accepted = False
    slug = "node-not-ready" if decision.obstacle is Obstacle.NODE_DOWN else "starts-nothing"
    unsafe.hazards = (
        Hazard(slug, Severity.STOP, "relocation", None, decision.reason, decision.cure or "Mend it first."),
    )
    return unsafe
