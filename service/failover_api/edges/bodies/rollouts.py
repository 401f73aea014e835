"""How far a move has come."""

from failover_api.core.rfc3339 import rfc3339_or_none
from failover_api.core.safety.rollout.steps import Rollout
from failover_api.edges.bodies.problems import hazard_bodies
from failover_api.edges.models.commits import NamedCommitBody
from failover_api.edges.models.rollouts import BlockedBody, RolloutBody, StepBody


def rollout_body(rollout: Rollout) -> RolloutBody:
    git, blocked = rollout.git, rollout.blocked
    return RolloutBody(
        operation=git.operation,
        commit=NamedCommitBody(sha=git.sha, url=git.url) if git.sha else None,
        stage=rollout.stage,
        done=rollout.done,
        steps=[StepBody(name=step.name, at=rfc3339_or_none(step.at), detail=step.detail) for step in rollout.steps],
        hazards=hazard_bodies(rollout.hazards),
        blocked=BlockedBody(reason=blocked.reason, cure=blocked.cure) if blocked else None,
    )
