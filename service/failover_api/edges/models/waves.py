"""A move in waves."""

from typing import Annotated

from pydantic import Field

from failover_api.edges import examples, fields
from failover_api.edges.models.body import Body, is_none
from failover_api.edges.models.commits import NamedCommitBody


class WaveBody(Body):
    """One wave of a move: services that go together, once those that they wait for serve."""

    services: Annotated[list[str], Field(description="Who is in it.", examples=[["paperless-db"]])]
    state: fields.WaveStateWord
    commit: Annotated[
        NamedCommitBody | None,
        Field(description="Its commit; null: there is none, or there are several.", examples=[examples.COMMIT]),
    ]
    reason: fields.WaveReason
    commits: Annotated[
        list[NamedCommitBody] | None,
        Field(
            default=None,
            exclude_if=is_none,
            description="All of them, only where there are several.",
            examples=[[examples.COMMIT]],
        ),
    ]


Waves = Annotated[
    list[WaveBody] | None,
    Field(
        default=None,
        exclude_if=is_none,
        description="Only where services wait for others (`after`): who goes when, and how far that is.",
        examples=[[examples.WAVE]],
    ),
]


class OperationBody(Body):
    """How far a move in waves is."""

    operation: fields.Operation
    state: fields.OperationStateWord
    waves: Annotated[list[WaveBody], Field(description="First to last.", examples=[[examples.WAVE]])]
