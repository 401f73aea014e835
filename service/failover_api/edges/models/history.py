"""The history of a service."""

import operator
from typing import Annotated

from pydantic import Field

from failover_api.edges import examples, fields
from failover_api.edges.models.body import Body, is_none
from failover_api.edges.models.commits import NamedCommitBody, PullRequestBody


class EntryStepBody(Body):
    """A commit of a relocation."""

    step: fields.EntryStep
    at: fields.Time
    commit: Annotated[NamedCommitBody, Field(description="The commit itself.", examples=[examples.COMMIT])]
    proof: fields.Proof


class EntryBody(Body):
    """A commit of the history: a move, or a person's edit."""

    kind: fields.EntryKind
    time: fields.Time
    action: fields.EntryAction
    from_: fields.EntryBefore
    to: fields.EntryAfter
    by: fields.By
    reason: fields.Reason
    operation: fields.EntryOperation
    commit: Annotated[NamedCommitBody, Field(description="The commit itself.", examples=[examples.COMMIT])]
    pull_request: Annotated[
        PullRequestBody | None,
        Field(description="The one that brought it; null: none.", examples=[examples.PULL_REQUEST]),
    ]
    message: fields.Subject
    verified: fields.Audited
    accepted: Annotated[
        list[str],
        Field(
            default=[],
            exclude_if=operator.not_,
            description="The hazards that arose and were accepted; left out where there are none.",
            examples=[["data-left-behind"]],
        ),
    ]
    trigger: Annotated[
        str | None,
        Field(
            default=None,
            exclude_if=is_none,
            description="What asked for it where nobody did: automatic or alert; left out where somebody did.",
            examples=["automatic"],
        ),
    ]
    evidence: Annotated[
        list[str],
        Field(
            default=[],
            exclude_if=operator.not_,
            description="What a move that nobody asked for was based on; left out of any other.",
            examples=[["2 of 3 nodes are Ready at 2026-11-30 20:00:00 UTC"]],
        ),
    ]
    steps: Annotated[
        list[EntryStepBody],
        Field(
            default=[],
            exclude_if=operator.not_,
            description="Of a relocation its commits, oldest first; left out of anything else.",
            examples=[[examples.ENTRY_STEP]],
        ),
    ]


class HistoryBody(Body):
    """A page of the history."""

    entries: Annotated[list[EntryBody], Field(description="Newest first.", examples=[[examples.ENTRY]])]
    next: fields.NextCursor
