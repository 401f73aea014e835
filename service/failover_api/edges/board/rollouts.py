"""The timeline of a move: which steps there are, whether more may come, and whose are shown after a confirmation."""

from failover_api.core.safety.rollout.stages import Stage
from failover_api.edges.models.rollouts import RolloutBody
from failover_api.edges.targets import Moved
from failover_api.wiring import Components


def goes_on(rollout: RolloutBody) -> bool:
    """Whether a later look may show more: not once it serves, and not where nothing can be seen."""
    if rollout.done or rollout.operation is None:
        return False
    return rollout.commit is None or rollout.stage is not Stage.UNKNOWN or _is_reported(rollout)


def _is_reported(rollout: RolloutBody) -> bool:
    """Flux has told of a step, and the next is still to come."""
    fetched = next((step for step in rollout.steps if step.name == "fetched"), None)
    applied = next((step for step in rollout.steps if step.name == "applied"), None)
    return bool(fetched and applied and fetched.at and not applied.at)


def rollouts_of(components: Components, moved: Moved) -> list[str]:
    """The services whose way can be followed after a move; none where nothing of it would be seen."""
    can_see = components.cluster is not None or components.settings.flux_events_secret_file is not None
    if not can_see and not moved.is_pending:
        return []
    return [plan.service.name for plan in moved.plans if plan.changes]
