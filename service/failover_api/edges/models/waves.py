"""A move in waves."""

from typing import Annotated

from pydantic import Field

from failover_api.core.planning.wave_progress import OperationState
from failover_api.edges import examples, fields
from failover_api.edges.models.body import Body, is_none
from failover_api.edges.models.commits import NamedCommitBody


class WaveBody(Body):
    """One wave of a move: services that go together, once those that they wait for serve."""

    services: Annotated[list[str], Field(description="Who is in it.", examples=[["paperless-db"]])]
    state: Annotated[
        OperationState,
        Field(
            description="waiting: not written yet; running: written, and being waited for; done: all of it serves; "
            "stopped: some of it did not come up, or is held.",
            examples=["running"],
        ),
    ]
    commit: Annotated[
        NamedCommitBody | None,
        Field(description="Its commit; null: there is none, or there are several.", examples=[examples.COMMIT]),
    ]
    reason: Annotated[
        str,
        Field(
            description='Whom it waits for, or what went wrong; "": nothing is to be said.',
            examples=["paperless-db: rolling-out"],
        ),
    ]
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
    state: Annotated[
        OperationState,
        Field(
            description="running: something is still to come; done: all of it serves; stopped: some did not come up, "
            "and what waits for it is held.",
            examples=["running"],
        ),
    ]
    waves: Annotated[list[WaveBody], Field(description="First to last.", examples=[[examples.WAVE]])]
