"""The routes of relocations: planned moves in five steps, which lose nothing."""

from fastapi import APIRouter, Request, Response

from failover_api.edges.api import openapi
from failover_api.edges.api.routes import ACCEPTED, Wired, if_none_match_of, refuse_foreign_page, tagged
from failover_api.edges.bodies.relocations import relocation_body
from failover_api.edges.http.access import Who
from failover_api.edges.http.json_response import json_response
from failover_api.edges.models.relocations import RelocationBody
from failover_api.edges.move_request import ABORT_KEYS, RELOCATE_KEYS, read_move_request, read_relocation
from failover_api.edges.targets import abort_relocation, rehearse_relocation, relocate

_PATH = "/failover/{service}/relocate"
_PARAMETERS = [*openapi.query(RELOCATE_KEYS), *openapi.headers("If-Match")]
_UNDER_WAY = "It is under way: `GET /api/operations/{operation}` tells how far"

router = APIRouter(prefix="/api", responses=openapi.problems())


@router.get(
    _PATH,
    response_model=RelocationBody,
    responses={**openapi.TAGGED, **openapi.problems(*openapi.MOVING, 405)},
    operation_id="relocate_dry_run",
    tags=["services"],
    summary="What relocate would do (needs dry-run=true)",
    response_description="All its steps, each with its diff",
    openapi_extra={"parameters": [*_PARAMETERS, *openapi.headers("If-None-Match")]},
)
@router.post(
    _PATH,
    response_model=RelocationBody,
    responses={
        ACCEPTED: {"description": _UNDER_WAY, "model": RelocationBody},
        **openapi.problems(*openapi.MOVING),
    },
    operation_id="relocate",
    tags=["services"],
    summary="Relocate a service: bring its data to the other side, then move it there",
    response_description="It is there already, or would be",
    openapi_extra={
        "parameters": [*_PARAMETERS, *openapi.headers("Idempotency-Key")],
        "requestBody": openapi.body(RELOCATE_KEYS),
    },
)
async def relocate_service(request: Request, service: openapi.ServiceName, components: Wired, who: Who) -> Response:
    refuse_foreign_page(request)
    move_request, target, is_synced = await read_relocation(request, by=who.name)
    if move_request.dry_run:
        report = await rehearse_relocation(who, components, service, target, move_request, is_synced=is_synced)
        return tagged(relocation_body(report, dry_run=True), report.version, if_none_match_of(request))
    report = await relocate(who, components, service, target, move_request, is_synced=is_synced)
    return json_response(relocation_body(report), ACCEPTED if report.is_under_way else 200)


@router.post(
    f"{_PATH}/abort",
    response_model=RelocationBody,
    responses=openapi.problems(*openapi.MOVING),
    operation_id="abort_relocation",
    tags=["services"],
    summary="Abort a relocation before its cutover: put back what was",
    response_description="All is as it was",
    openapi_extra={
        "parameters": [*openapi.query(ABORT_KEYS), *openapi.headers("If-Match")],
        "requestBody": openapi.body(ABORT_KEYS),
    },
)
async def abort(request: Request, service: openapi.ServiceName, components: Wired, who: Who) -> Response:
    refuse_foreign_page(request)
    move_request = await read_move_request(request, ABORT_KEYS, by=who.name)
    report = await abort_relocation(who, components, service, move_request)
    return json_response(relocation_body(report))
