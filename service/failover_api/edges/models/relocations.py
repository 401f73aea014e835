"""A relocation, step by step."""

from typing import Annotated

from pydantic import Field

from failover_api.edges import examples, fields
from failover_api.edges.models.body import Body
from failover_api.edges.models.commits import ChangeBody, NamedCommitBody


class RelocationStepBody(Body):
    """One of the five steps. `changes` and `diff` are those of a dry run."""

    name: fields.RelocationStepName
    state: fields.StepStateWord
    at: fields.RelocationStepAt
    commits: Annotated[
        list[NamedCommitBody], Field(description="Its commits, oldest first.", examples=[[examples.COMMIT]])
    ]
    proof: fields.Proof
    changes: Annotated[
        list[ChangeBody], Field(description="In a dry run, what it would change.", examples=[[examples.CHANGE]])
    ]
    diff: fields.Diff


class RelocationBody(Body):
    """How far a relocation is."""

    operation: fields.Operation
    service: fields.Service
    to: fields.RelocationTarget
    step: fields.RelocationStepName
    steps: Annotated[list[RelocationStepBody], Field(description="All five.", examples=[[examples.RELOCATION_STEP]])]
    state: fields.RelocationStateWord
    reason: fields.RelocationReason
    cure: fields.RelocationCure
    waited_s: fields.WaitedS
    limit_s: fields.LimitS
    downtime_s: fields.DowntimeS
    dry_run: fields.IsDryRun
