"""What may go wrong with a move, and what did."""

from typing import Annotated, Literal

from pydantic import Field

from failover_api.core.safety.hazard import Severity
from failover_api.edges import examples, fields
from failover_api.edges.models.body import Body, is_none
from failover_api.edges.models.commits import ChangeBody


class HazardBody(Body):
    """What may go wrong between the commit and a running app, and what to do about it."""

    slug: Annotated[str, Field(description="The hazard's name; more may come.", examples=["claim-unknown"])]
    severity: Annotated[
        Severity, Field(description="info, warn, or stop: a move is refused until it is accepted.", examples=["warn"])
    ]
    about: Annotated[str, Field(description="The document that it is about.", examples=[examples.DOCUMENT])]
    where: fields.Where
    detail: Annotated[
        str,
        Field(
            description="What may go wrong, and why.",
            examples=["The claim pvc-sonarr-backup is nowhere in the repository."],
        ),
    ]
    cure: fields.Cure


class HazardsBody(Body):
    """The hazards of a service in short."""

    slugs: Annotated[list[str], Field(description="The names of the hazards.", examples=[["claim-unknown"]])]
    severity: Annotated[
        Severity | None, Field(description="The highest severity; null: there is no hazard.", examples=["warn"])
    ]


Hazards = Annotated[
    list[HazardBody],
    Field(description="What may go wrong between the commit and the running app.", examples=[[examples.HAZARD]]),
]


class RefusedBody(Body):
    """A service for whose sake its group was refused, and why."""

    service: fields.Service
    type: fields.ProblemType
    title: fields.Title
    detail: fields.Detail
    hazards: Annotated[list[HazardBody], Field(description="What would make it unsafe.", examples=[[]])]


class ProblemBody(Body):
    """RFC 9457, with the outcome. Type and status of a group's are those of the first service that is refused."""

    type: fields.ProblemType
    title: fields.Title
    status: Annotated[int, Field(description="The HTTP status.", examples=[409])]
    detail: fields.Detail
    instance: Annotated[
        str | None,
        Field(description="The request's id, which the log has too.", examples=["01JDQ3Z5Y8V6T4R2P0N9M7K5H4"]),
    ]
    outcome: Annotated[
        Literal["not-applied", "unknown"],
        Field(description="unknown: it may have been written; look before you ask again.", examples=["not-applied"]),
    ]
    refused: Annotated[
        list[RefusedBody] | None,
        Field(
            exclude_if=is_none,
            description="Of a group, and only there: all its services that are refused, in its order.",
            examples=[[examples.REFUSED]],
        ),
    ] = None
    hazards: Annotated[
        list[HazardBody] | None,
        Field(exclude_if=is_none, description="Of an unsafe move: all its hazards.", examples=[[examples.HAZARD]]),
    ] = None
    changes: Annotated[
        list[ChangeBody] | None,
        Field(exclude_if=is_none, description="Of an unsafe move: what would move.", examples=[[examples.CHANGE]]),
    ] = None
    diff: Annotated[
        str | None,
        Field(
            exclude_if=is_none,
            description="Of an unsafe move: the diff of its dry run; of a relocation each step's, below its name.",
            examples=[examples.DIFF],
        ),
    ] = None
    message: Annotated[
        str | None,
        Field(exclude_if=is_none, description="Of an unsafe move: what it would do.", examples=[examples.MESSAGE]),
    ] = None
