"""The routes of nodes: which there are, what is on each, and moving all of it away."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from failover_api.core.access.model import Verb
from failover_api.edges.api import openapi
from failover_api.edges.api.routes import ACCEPTED, Wired, if_none_match_of, refuse_foreign_page, tagged
from failover_api.edges.bodies.nodes import nodes_body
from failover_api.edges.http.access import Who
from failover_api.edges.http.json_response import json_response
from failover_api.edges.models.moves import NodeOutcomeBody, PartedNodeOutcomeBody
from failover_api.edges.models.nodes import NodesListBody
from failover_api.edges.move_request import GROUP_KEYS, read_move_request
from failover_api.edges.targets import evacuate, look_at_nodes

NAME = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"  # a DNS subdomain, as Kubernetes has it
NodeName = Annotated[str, Path(description="The node's name in Kubernetes.", examples=["k3s-w1"])]
_PATH = "/nodes/{node}/evacuate"
_PARAMETERS = [*openapi.query(GROUP_KEYS), *openapi.headers("If-Match")]
_BODY: Any = PartedNodeOutcomeBody | NodeOutcomeBody
_WAITS = "Pull requests are open and wait for a person, or waves are to follow"

router = APIRouter(prefix="/api", responses=openapi.problems())


@router.get(
    "/nodes",
    response_model=NodesListBody,
    operation_id="list_nodes",
    tags=["nodes"],
    summary="The nodes, their state, and what is on each",
    response_description="All there are; services that you may not see are left out",
)
async def list_nodes(request: Request, components: Wired, who: Who) -> Response:
    who.needs_any(Verb.VIEW, "nodes")
    found = await look_at_nodes(who, components)
    judged = request.app.state.watches.guarding.judged()
    return json_response(nodes_body(found, visible=who.sees, judged=judged))


@router.get(
    _PATH,
    response_model=_BODY,
    responses={**openapi.TAGGED, **openapi.problems(*openapi.MOVING, 405)},
    operation_id="evacuate_dry_run",
    tags=["nodes"],
    summary="What evacuate would do (needs dry-run=true)",
    response_description="What it would do",
    openapi_extra={"parameters": [*_PARAMETERS, *openapi.headers("If-None-Match")]},
)
@router.post(
    _PATH,
    response_model=_BODY,
    responses={ACCEPTED: {"description": _WAITS, "model": _BODY}, **openapi.problems(*openapi.MOVING)},
    operation_id="evacuate",
    tags=["nodes"],
    summary="Evacuate a node: move everything that is active there to its other side",
    response_description="Done, or nothing to do",
    openapi_extra={
        "parameters": [*_PARAMETERS, *openapi.headers("Idempotency-Key")],
        "requestBody": openapi.body(GROUP_KEYS),
    },
)
async def evacuate_node(request: Request, node: NodeName, components: Wired, who: Who) -> Response:
    refuse_foreign_page(request)
    move_request = await read_move_request(request, GROUP_KEYS, by=who.name)
    moved = await evacuate(who, components, node, move_request)
    if not move_request.dry_run:
        return json_response(moved.body, ACCEPTED if moved.is_pending else 200)
    return tagged(moved.body, moved.version, if_none_match_of(request))
