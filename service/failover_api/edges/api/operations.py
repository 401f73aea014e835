"""The route of operations: how far a move is that goes step by step."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from failover_api.core.access.model import Verb
from failover_api.edges import examples
from failover_api.edges.api import openapi
from failover_api.edges.api.routes import IfNoneMatch, Wired, tagged
from failover_api.edges.bodies.group_relocations import group_relocation_body
from failover_api.edges.bodies.relocations import relocation_body
from failover_api.edges.http.access import Who
from failover_api.edges.models.group_relocations import GroupRelocationBody
from failover_api.edges.models.relocations import RelocationBody
from failover_api.edges.models.waves import OperationBody
from failover_api.edges.targets import look_at_operation

OperationName = Annotated[str, Path(description="What the move was answered with: a ULID.", examples=[examples.ULID])]

router = APIRouter(prefix="/api", responses=openapi.problems())


@router.get(
    "/operations/{operation}",
    response_model=GroupRelocationBody | OperationBody | RelocationBody,
    responses={**openapi.TAGGED, **openapi.problems(*openapi.LOOKING)},
    operation_id="operation",
    tags=["operations"],
    summary="How far a move in waves is, or a relocation",
    response_description="Each wave or step; services that you may not see are left out",
)
async def operation(
    operation: OperationName, components: Wired, who: Who, if_none_match: IfNoneMatch = None
) -> Response:
    who.needs_any(Verb.VIEW, "operations")
    found = await look_at_operation(who, components, operation)
    if isinstance(found, OperationBody):
        return tagged(found, None, if_none_match)
    from failover_api.operations.relocation_report import RelocationReport

    if isinstance(found, RelocationReport):
        return tagged(relocation_body(found), None, if_none_match)
    body = group_relocation_body(found, visible=who.sees)
    return tagged(body, None, if_none_match)
