"""The routes of relocations of a group or a node: one service after the other."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from failover_api.core.planning.request import MoveRequest
from failover_api.edges.api import openapi
from failover_api.edges.api.routes import ACCEPTED, Wired, if_none_match_of, refuse_foreign_page, tagged
from failover_api.edges.bodies.group_relocations import group_relocation_body
from failover_api.edges.http.access import Session, Who
from failover_api.edges.http.json_response import json_response
from failover_api.edges.models.group_relocations import GroupRelocationBody
from failover_api.edges.move_request import (
    ABORT_KEYS,
    RELOCATE_GROUP_KEYS,
    RELOCATE_NODE_KEYS,
    read_group_relocation,
    read_move_request,
    read_node_relocation,
)
from failover_api.edges.targets import abort_relocations, relocate_group, relocate_node
from failover_api.wiring import Components

if TYPE_CHECKING:  # nothing of it is loaded until somebody asks
    from failover_api.operations.relocation_report import GroupRelocationReport

_NODE = {"type": "string", "examples": ["k3s-w1"]}
_UNDER_WAY = "It is under way: `GET /api/operations/{operation}` tells how far"
_MOVING = openapi.problems(*openapi.MOVING)
_ACCEPTED: dict[str, Any] = {"description": _UNDER_WAY, "model": GroupRelocationBody}
Begin = Callable[[Request, Session, Components], Awaitable[tuple[MoveRequest, "GroupRelocationReport"]]]

router = APIRouter(prefix="/api", responses=openapi.problems())


async def _begin_group(
    request: Request, who: Session, components: Components
) -> tuple[MoveRequest, "GroupRelocationReport"]:
    move_request, target = await read_group_relocation(request, by=who.name)
    return move_request, await relocate_group(who, components, request.path_params["group"], target, move_request)


async def _begin_node(
    request: Request, who: Session, components: Components
) -> tuple[MoveRequest, "GroupRelocationReport"]:
    move_request, is_home = await read_node_relocation(request, by=who.name)
    node = request.path_params["node"]
    return move_request, await relocate_node(who, components, node, move_request, is_home=is_home)


def _route(kind: str, named: openapi.Description, keys: tuple[str, ...], begin: Begin, summary: str) -> None:
    """POST begins; GET only says what a POST would do. And the abort of both."""

    async def relocate(request: Request, components: Wired, who: Who) -> Response:
        refuse_foreign_page(request)
        move_request, report = await begin(request, who, components)
        if not move_request.dry_run:
            body = group_relocation_body(report, visible=who.sees)
            return json_response(body, ACCEPTED if report.is_under_way else 200)
        body = group_relocation_body(report, dry_run=True, visible=who.sees)
        return tagged(body, report.version if report.operation is None else None, if_none_match_of(request))

    async def abort(request: Request, components: Wired, who: Who) -> Response:
        refuse_foreign_page(request)
        move_request = await read_move_request(request, ABORT_KEYS, by=who.name)
        report = await abort_relocations(who, components, move_request, **{kind: request.path_params[kind]})
        body = group_relocation_body(report, visible=who.sees)
        return json_response(body, ACCEPTED if report.is_under_way else 200)

    path, tag = f"/{kind}s/{{{kind}}}/relocate", f"{kind}s"
    parameters = [named, *openapi.query(keys), *openapi.headers("If-Match")]
    router.add_api_route(
        path,
        relocate,
        methods=["GET"],
        response_model=GroupRelocationBody,
        responses={**openapi.TAGGED, **openapi.problems(*openapi.MOVING, 405)},
        operation_id=f"relocate_{kind}_dry_run",
        tags=[tag],
        summary="What relocate would do (needs dry-run=true)",
        response_description="All steps of each service, with their diffs, in the order in which they go",
        openapi_extra={"parameters": [*parameters, *openapi.headers("If-None-Match")]},
    )
    router.add_api_route(
        path,
        relocate,
        methods=["POST"],
        response_model=GroupRelocationBody,
        responses={ACCEPTED: _ACCEPTED, **_MOVING},
        operation_id=f"relocate_{kind}",
        tags=[tag],
        summary=summary,
        response_description="All are there already, or would be relocated",
        openapi_extra={
            "parameters": [*parameters, *openapi.headers("Idempotency-Key")],
            "requestBody": openapi.body(keys),
        },
    )
    router.add_api_route(
        f"{path}/abort",
        abort,
        methods=["POST"],
        response_model=GroupRelocationBody,
        responses={
            ACCEPTED: {**_ACCEPTED, "description": "Nothing more begins; one has come over, and ends"},
            **_MOVING,
        },
        operation_id=f"abort_relocation_of_{kind}",
        tags=[tag],
        summary="Abort it: put back what was of the service that is relocated now, and begin no other",
        response_description="Nothing more is done",
        openapi_extra={"parameters": [named, *openapi.query(ABORT_KEYS)], "requestBody": openapi.body(ABORT_KEYS)},
    )


_route(
    "group",
    openapi.named("group"),
    RELOCATE_GROUP_KEYS,
    _begin_group,
    "Relocate a group: each service with its data, one after the other",
)
_route(
    "node",
    openapi.parameter("path", "node", _NODE, "The node's name in Kubernetes.", required=True),
    RELOCATE_NODE_KEYS,
    _begin_node,
    "Relocate what is on a node, or home to it: each service with its data, one after the other",
)
