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
from failover_api.edges.targets import look_at_operation, look_at_relocation
from failover_api.errors import UnknownUrl

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
    try:
        return tagged(await look_at_operation(who, components, operation), None, if_none_match)
    except UnknownUrl:
        if not any(service.replication is not None for service in components.catalog.current().services.values()):
            raise
        from failover_api.relocation_report import RelocationReport

        report = await look_at_relocation(who, components, operation)
        if isinstance(report, RelocationReport):
            return tagged(relocation_body(report), None, if_none_match)
        body = group_relocation_body(report, visible=lambda name: who.caller.may(Verb.VIEW, name))
        return tagged(body, None, if_none_match)
