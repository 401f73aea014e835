"""How far a move has come."""

from typing import Annotated

from pydantic import Field

from failover_api.edges import examples, fields
from failover_api.edges.models.body import Body
from failover_api.edges.models.commits import NamedCommitBody
from failover_api.edges.models.problems import Hazards


class StepBody(Body):
    """A step on the way from a move to a running app."""

    name: fields.StepName
    at: fields.StepAt
    detail: fields.StepDetail


class BlockedBody(Body):
    """Why it does not go on, and what to do about it."""

    reason: fields.StageReason
    cure: fields.StageCure


class RolloutBody(Body):
    """How far a move has come."""

    operation: fields.Operation
    commit: Annotated[
        NamedCommitBody | None,
        Field(description="The commit that made the move; null: it is only proposed.", examples=[examples.COMMIT]),
    ]
    stage: fields.StageWord
    done: fields.Done
    steps: Annotated[
        list[StepBody], Field(description="The steps that apply, in their order.", examples=[[examples.STEP]])
    ]
    hazards: Hazards
    blocked: Annotated[
        BlockedBody | None, Field(description="Why it does not go on; null: it is not blocked.", examples=[None])
    ]
