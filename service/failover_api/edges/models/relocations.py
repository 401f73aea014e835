"""A relocation, step by step."""

from typing import Annotated, Literal

from pydantic import Field

from failover_api.edges import examples, fields
from failover_api.edges.models.body import Body
from failover_api.edges.models.commits import ChangeBody, NamedCommitBody


class RelocationStepBody(Body):
    """One of the five steps. `changes` and `diff` are those of a dry run."""

    name: fields.RelocationStepName
    state: Annotated[
        Literal["to-come", "running", "done", "stopped"],
        Field(
            description="done: it has ended, or had nothing to do; stopped: the relocation has, in it or before it.",
            examples=["running"],
        ),
    ]
    at: Annotated[
        str | None,
        Field(description="When its newest commit was made; null: none is.", examples=["2026-11-29T21:45:00Z"]),
    ]
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
    to: Annotated[
        Literal["primary", "backup"], Field(description="The side that it brings the service to.", examples=["primary"])
    ]
    step: fields.RelocationStepName
    steps: Annotated[list[RelocationStepBody], Field(description="All five.", examples=[[examples.RELOCATION_STEP]])]
    state: Annotated[
        Literal["running", "waiting", "stopped", "done"],
        Field(
            description="running: it goes on; waiting: something is in the way, or it takes longer than it may, and it "
            "goes on by itself when it can; stopped: nothing more is done; done: it serves on its target, and that is "
            "copied again.",
            examples=["running"],
        ),
    ]
    reason: Annotated[
        str,
        Field(
            description='What it waits for, or what stopped it; "": nothing is to be said.',
            examples=["ReplicationSource media/sonarr-to-w1 syncs since 2026-11-29 21:45 UTC."],
        ),
    ]
    cure: Annotated[str, Field(description="What to do about that.", examples=[""])]
    waited_s: Annotated[float, Field(description="For how many seconds the step has been under way.", examples=[12.0])]
    limit_s: Annotated[
        float | None,
        Field(description="For how many seconds it may be; null: for as long as it takes.", examples=[1800.0]),
    ]
    awaits_word: Annotated[
        bool,
        Field(description="Whether somebody has to say that the data is there: `synced`.", examples=[False]),
    ]
    copied_back: Annotated[
        bool,
        Field(description="Whether its last step begins a replication away from the target.", examples=[True]),
    ]
    downtime_s: Annotated[
        float | None,
        Field(
            description="For how many seconds the app served nowhere, from quiesce seen to serving; null: not known "
            "yet.",
            examples=[41.0],
        ),
    ]
    dry_run: fields.IsDryRun
