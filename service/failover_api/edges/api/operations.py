"""The route of operations: how far a move is that goes step by step."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from failover_api.core.access.model import Verb
from failover_api.edges import examples
from failover_api.edges.api import openapi
from failover_api.edges.api.routes import IfNoneMatch, Wired, tagged
from failover_api.edges.bodies import operation_body
from failover_api.edges.http.access import Session, Who
from failover_api.edges.models import OperationBody
from failover_api.edges.targets import looks
from failover_api.moves.outcome import WaveReport
from failover_api.wave_operation import no_operation
from failover_api.wiring import Components

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
    request: Request, operation: OperationName, components: Wired, who: Who, if_none_match: IfNoneMatch = None
) -> Response:
    who.needs_any(Verb.VIEW, "operations")
    report = await _look(request, who, components, operation)
    body = operation_body(report, visible=lambda name: who.caller.may(Verb.VIEW, name))
    if not body.waves:  # as if there were none
        raise no_operation(operation)
    return tagged(body, None, if_none_match)


async def _look(request: Request, who: Session, components: Components, operation: str) -> WaveReport:
    """Shared with whoever asks for the same within a second."""
    who.looks()
    what = (id(components.catalog.current()), "operation", operation)
    return await looks(request).share(what, lambda: components.failover.operation(operation))
