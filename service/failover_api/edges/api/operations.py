"""The route of operations: how far a move is that goes step by step."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from failover_api.core.access.model import Verb
from failover_api.edges import examples
from failover_api.edges.api import openapi
from failover_api.edges.api.routes import IfNoneMatch, Wired, tagged
from failover_api.edges.http.access import Who
from failover_api.edges.models import OperationBody
from failover_api.edges.targets import look_at_operation

OperationName = Annotated[str, Path(description="What the move was answered with: a ULID.", examples=[examples.ULID])]

router = APIRouter(prefix="/api", responses=openapi.problems())


@router.get(
    "/operations/{operation}",
    response_model=OperationBody,
    responses={**openapi.TAGGED, **openapi.problems(*openapi.LOOKING)},
    operation_id="operation",
    tags=["operations"],
    summary="How far a move in waves is",
    response_description="Each wave; services that you may not see are left out",
)
async def operation(
    operation: OperationName, components: Wired, who: Who, if_none_match: IfNoneMatch = None
) -> Response:
    who.needs_any(Verb.VIEW, "operations")
    return tagged(await look_at_operation(who, components, operation), None, if_none_match)
