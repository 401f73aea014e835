"""The history of a service.

What is read from Git (the action and the sides of an entry) is text: an older or a newer version may have written a
word that this one does not know.
"""

import operator
from typing import Annotated, Literal

from pydantic import Field

from failover_api.edges import examples, fields
from failover_api.edges.models.body import Body, is_none
from failover_api.edges.models.commits import NamedCommitBody, PullRequestBody


class EntryStepBody(Body):
    """A commit of a relocation."""

    step: Annotated[
        str,
        Field(description="Which step it is; of what ended the relocation early, where.", examples=["3/5 final-sync"]),
    ]
    at: fields.Time
    commit: Annotated[NamedCommitBody, Field(description="The commit itself.", examples=[examples.COMMIT])]
    proof: fields.Proof


class EntryBody(Body):
    """A commit of the history: a move, or a person's edit."""

    kind: Annotated[
        Literal["failover", "edit"], Field(description="A move, or a person's commit.", examples=["failover"])
    ]
    time: fields.Time
    action: Annotated[
        str | None,
        Field(
            description="promote, demote, rollback or relocate, as Git has it; null for an edit.", examples=["promote"]
        ),
    ]
    from_: Annotated[
        str | None,
        Field(alias="from", description="The side before, as Git has it; null for an edit.", examples=["primary"]),
    ]
    to: Annotated[
        str | None, Field(description="The side after, as Git has it; null for an edit.", examples=["backup"])
    ]
    by: fields.By
    reason: Annotated[str | None, Field(description="Why; null: none was given.", examples=["k3s-w1 is down"])]
    operation: Annotated[
        str | None, Field(description="The ULID of the move; null for an edit.", examples=[examples.ULID])
    ]
    commit: Annotated[NamedCommitBody, Field(description="The commit itself.", examples=[examples.COMMIT])]
    pull_request: Annotated[
        PullRequestBody | None,
        Field(description="The one that brought it; null: none.", examples=[examples.PULL_REQUEST]),
    ]
    message: Annotated[str, Field(description="The commit's first line.", examples=["Fail over sonarr to backup"])]
    verified: Annotated[
        bool | None,
        Field(
            description=(
                "Of a failover: true, its diff does what its trailers say; null, that cannot be proved. Of an edit: "
                "false, its trailers say that it was a failover, and its diff does something else; null, they do not."
            ),
            examples=[True],
        ),
    ]
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
    next: Annotated[
        str | None,
        Field(description="The `cursor` of the next page; null: this is the last.", examples=["djE6c29uYXJy"]),
    ]
