"""The routes of automatic failover: what it sees and would do; pauses, acknowledgements, attestations."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from failover_api.core.access.model import Verb
from failover_api.edges import examples
from failover_api.edges.api import openapi
from failover_api.edges.api.nodes import NodeName
from failover_api.edges.api.routes import Wired, refuse_foreign_page
from failover_api.edges.automatic_requests import (
    ACK_KEYS,
    ATTESTATION_KEYS,
    PAUSE_KEYS,
    ack_request,
    pause_request,
    reason_of,
)
from failover_api.edges.bodies.automatic import ack_body, attestation_body, pause_body
from failover_api.edges.http.access import Session, Who
from failover_api.edges.http.json_response import json_response
from failover_api.edges.models.automatic import AckBody, AttestationBody, AutomaticBody, PauseBody
from failover_api.edges.move_request import read_object
from failover_api.edges.targets import check_services, end_pause, look_at_automatic
from failover_api.wiring import Components

CREATED, NO_CONTENT = 201, 204
_SAYING = (400, 404, 409, 413, 415)
_GONE: openapi.Responses = {NO_CONTENT: {"description": "It is no longer in force"}}
_REASON = {"type": "string", "maxLength": 200, "description": "Why.", "examples": ["a new kernel on all nodes"]}
_UNTIL = {
    "type": "string",
    "description": "When it ends: a time with its zone, or a duration from now; within 30 days, and without it, then.",
    "examples": ["2026-12-01T20:00:00Z", "2h"],
}
_SERVICES = {
    "type": "array",
    "items": {"type": "string"},
    "minItems": 1,
    "description": "Which; without it, all.",
    "examples": [["sonarr"]],
}
_SERVICE = {"type": "string", "description": "The service that somebody has seen to.", "examples": ["sonarr"]}
_NODE = {"type": "string", "description": "The node that somebody has seen to.", "examples": ["k3s-w1"]}
PauseId = Annotated[str, Path(description="The pause.", examples=[examples.ULID])]
AttestationId = Annotated[str, Path(description="The attestation.", examples=[examples.ULID])]

router = APIRouter(prefix="/api", responses=openapi.problems(), tags=["automatic"])


def _body(properties: openapi.Description, *, required: tuple[str, ...] = ()) -> openapi.Description:
    schema: openapi.Description = {"type": "object", "additionalProperties": False, "properties": properties}
    if required:
        schema["required"] = list(required)
    return {"requestBody": {"required": bool(required), "content": {"application/json": {"schema": schema}}}}


@router.get(
    "/automatic",
    response_model=AutomaticBody,
    responses=openapi.problems(409),
    operation_id="automatic",
    summary="Would it act now, and if not, why",
    response_description="As the replica sees it that leads; services that you may not see are left out",
)
async def automatic(components: Wired, who: Who) -> Response:
    who.needs_any(Verb.VIEW, "automatic")
    return json_response(await look_at_automatic(who, components))


@router.post(
    "/automatic/pauses",
    status_code=CREATED,
    response_model=PauseBody,
    responses=openapi.problems(*_SAYING),
    operation_id="pause_automatic",
    summary="Let nothing move by itself for a time, or some services not",
    response_description="It is in force",
    openapi_extra=_body({"reason": _REASON, "until": _UNTIL, "services": _SERVICES}, required=("reason",)),
)
async def pause(request: Request, components: Wired, who: Who) -> Response:
    refuse_foreign_page(request)
    asked = pause_request(await read_object(request, PAUSE_KEYS))
    check_services(who, components, asked.services)
    made = await components.automatic.control().pause(
        by=who.name, reason=asked.reason, until=asked.until, lasts_s=asked.lasts_s, services=asked.services
    )
    return json_response(pause_body(made), CREATED)


@router.delete(
    "/automatic/pauses/{id}",
    status_code=NO_CONTENT,
    response_class=Response,
    responses={**_GONE, **openapi.problems(404, 409)},
    operation_id="resume_automatic",
    summary="End a pause",
)
async def resume(request: Request, id: PauseId, components: Wired, who: Who) -> Response:  # noqa: A002 - as the URL says
    refuse_foreign_page(request)
    await end_pause(who, components, id)
    return Response(status_code=NO_CONTENT)


@router.post(
    "/automatic/acks",
    status_code=CREATED,
    response_model=AckBody,
    responses=openapi.problems(*_SAYING),
    operation_id="acknowledge_automatic",
    summary="Say that somebody has seen to a service, or to a node: it may move by itself again",
    response_description="It is known",
    openapi_extra=_body({"service": _SERVICE, "node": _NODE}),
)
async def acknowledge(request: Request, components: Wired, who: Who) -> Response:
    refuse_foreign_page(request)
    service, node = ack_request(await read_object(request, ACK_KEYS))
    check_services(who, components, (service,) if service else ())
    made = await components.automatic.control().acknowledge(by=who.name, service=service, node=node)
    return json_response(ack_body(made), CREATED)


@router.post(
    "/nodes/{node}/attestations",
    status_code=CREATED,
    response_model=AttestationBody,
    responses=openapi.problems(*_SAYING),
    operation_id="attest_node",
    summary="Say that a node is off",
    response_description="It counts until the node is heard of again",
    openapi_extra=_body({"reason": {**_REASON, "examples": ["I pulled the plug"]}}, required=("reason",)),
)
async def attest(request: Request, node: NodeName, components: Wired, who: Who) -> Response:
    refuse_foreign_page(request)
    reason = reason_of(await read_object(request, ATTESTATION_KEYS), is_needed=True)
    who.needs_everything(Verb.EXECUTE, f"node {node}")
    made = await components.automatic.control().attest(node, by=who.name, reason=reason)
    return json_response(attestation_body(made), CREATED)


@router.delete(
    "/nodes/{node}/attestations",
    status_code=NO_CONTENT,
    response_class=Response,
    responses={**_GONE, **openapi.problems(404, 409)},
    operation_id="withdraw_attestations",
    summary="Take back what was said of a node",
)
async def withdraw(request: Request, node: NodeName, components: Wired, who: Who) -> Response:
    return await _withdrawn(request, node, None, components, who)


@router.delete(
    "/nodes/{node}/attestations/{id}",
    status_code=NO_CONTENT,
    response_class=Response,
    responses={**_GONE, **openapi.problems(404, 409)},
    operation_id="withdraw_attestation",
    summary="Take back one attestation",
)
async def withdraw_one(
    request: Request,
    node: NodeName,
    id: AttestationId,  # noqa: A002 - as the URL says
    components: Wired,
    who: Who,
) -> Response:
    return await _withdrawn(request, node, id, components, who)


async def _withdrawn(request: Request, node: str, id_: str | None, components: Components, who: Session) -> Response:
    refuse_foreign_page(request)
    who.needs_everything(Verb.EXECUTE, f"node {node}")
    await components.automatic.control().withdraw(node, id_)
    return Response(status_code=NO_CONTENT)
