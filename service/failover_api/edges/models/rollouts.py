"""How far a move has come."""

from typing import Annotated, Literal

from pydantic import Field

from failover_api.edges import examples, fields
from failover_api.edges.models.body import Body
from failover_api.edges.models.commits import NamedCommitBody
from failover_api.edges.models.problems import Hazards


class StepBody(Body):
    """A step on the way from a move to a running app."""

    name: Annotated[
        Literal["proposed", "merged", "committed", "fetched", "applied", "started", "ready", "verified"],
        Field(
            description="proposed and merged are of pull requests, verified of services with `verify`.",
            examples=["ready"],
        ),
    ]
    at: Annotated[
        str | None,
        Field(
            description="When it had come; null: it has not, or `detail` says why nobody can tell. Never before the "
            "last.",
            examples=[examples.SEEN],
        ),
    ]
    detail: Annotated[str, Field(description="More of it, or what is not known of it.", examples=[""])]


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
    done: Annotated[
        bool, Field(description="The newest move is seen serving, and nothing more is waited for.", examples=[True])
    ]
    steps: Annotated[
        list[StepBody], Field(description="The steps that apply, in their order.", examples=[[examples.STEP]])
    ]
    hazards: Hazards
    blocked: Annotated[
        BlockedBody | None, Field(description="Why it does not go on; null: it is not blocked.", examples=[None])
    ]
