"""What may go wrong with a move, and what did."""

from typing import Annotated

from pydantic import Field

from failover_api.edges import examples, fields
from failover_api.edges.models.body import Body, is_none
from failover_api.edges.models.commits import ChangeBody


class HazardBody(Body):
    """What may go wrong between the commit and a running app, and what to do about it."""

    slug: fields.HazardSlug
    severity: fields.SeverityWord
    about: fields.About
    where: fields.Where
    detail: fields.HazardDetail
    cure: fields.Cure


class HazardsBody(Body):
    """The hazards of a service in short."""

    slugs: fields.HazardSlugs
    severity: fields.Worst


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
    status: fields.Status
    detail: fields.Detail
    instance: fields.Instance
    outcome: fields.Applied
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
        Field(exclude_if=is_none, description="Of an unsafe move: the diff of its dry run.", examples=[examples.DIFF]),
    ] = None
    message: Annotated[
        str | None,
        Field(exclude_if=is_none, description="Of an unsafe move: what it would do.", examples=[examples.MESSAGE]),
    ] = None
