"""The JSON routes: parse, call one use case, shape the answer."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response

from failover_api.core.catalog import Action
from failover_api.edges.etags import etag_of, matches_none, versions_of
from failover_api.edges.models import (
    ListBody,
    OutcomeBody,
    ProblemBody,
    StatusBody,
    list_body,
    outcome_body,
    status_body,
)
from failover_api.edges.problems import MEDIA_TYPE
from failover_api.edges.wishes import read_asking
from failover_api.errors import Forbidden, MethodNotAllowed
from failover_api.wiring import House

ANONYMOUS = "anonymous"  # until there is access control, nobody has a name
_PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": ProblemBody.model_json_schema()}},
    }
}
_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "It is what If-None-Match names"}}
_FLAG = {"type": "string", "enum": ["true", "false", "1", "0"]}


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


_ASKING = [
    _parameter("dry-run", _FLAG, "Say what the move would do; write nothing."),
    _parameter("reason", {"type": "string", "maxLength": 200}, "Why; it goes into the commit."),
    _parameter("force", _FLAG, "Move even a value that is on neither side."),
]
_ASKING_BODY = {
    "required": False,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "dry_run": {"type": "boolean"},
                    "reason": {"type": "string", "maxLength": 200},
                    "force": {"type": "boolean"},
                },
            }
        }
    },
}


def house(request: Request) -> House:
    """What the lifespan put together."""
    made: House = request.app.state.house
    return made


InHouse = Annotated[House, Depends(house)]
IfMatch = Annotated[str | None, Header()]
IfNoneMatch = Annotated[str | None, Header()]

router = APIRouter(prefix="/api/failover", responses=_PROBLEM)


@router.get("", response_model=ListBody, summary="Where every service is")
async def list_services(here: InHouse) -> Response:
    statuses = await here.failover.list_all()
    error = here.catalog.error
    return _json(list_body(statuses, error.detail if error else None))


@router.get("/{service}", response_model=StatusBody, responses=_UNCHANGED, summary="Where a service is")
async def status(service: str, here: InHouse, if_none_match: IfNoneMatch = None) -> Response:
    found = await here.failover.status(service)
    return _tagged(status_body(found), found.version, if_none_match)


def _refuse_foreign_page(request: Request) -> None:
    """A page of another site must not move services through the browser of whoever looks at it.

    https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
    """
    if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        raise Forbidden("the request comes from a page of another site")


async def _move(
    request: Request, service: str, action: Action, if_match: str | None, if_none_match: str | None = None
) -> Response:
    _refuse_foreign_page(request)
    asking = await read_asking(request)
    if request.method == "GET" and not asking.dry_run:
        raise MethodNotAllowed(f"GET only shows what {action} would do: add dry-run=true, or use POST to move")
    outcome = await house(request).failover.move(
        service,
        action,
        by=ANONYMOUS,
        reason=asking.reason,
        force=asking.force,
        dry_run=asking.dry_run,
        versions=versions_of(if_match),
    )
    body = outcome_body(outcome)
    # After a move the manifests are others than those it was planned from: only a dry run has an ETag.
    return _tagged(body, outcome.version, if_none_match) if outcome.dry_run else _json(body)


def _route_moves(action: Action) -> None:
    """POST moves; GET only says what a POST would do."""
    path, verb = f"/{{service}}/{action}", str(action).capitalize()

    async def propose(
        request: Request, service: str, if_match: IfMatch = None, if_none_match: IfNoneMatch = None
    ) -> Response:
        return await _move(request, service, action, if_match, if_none_match)

    async def move(request: Request, service: str, if_match: IfMatch = None) -> Response:
        return await _move(request, service, action, if_match)

    router.add_api_route(
        path,
        propose,
        methods=["GET"],
        response_model=OutcomeBody,
        responses=_UNCHANGED,
        operation_id=f"{action}_dry_run",
        summary=f"What {action} would do (needs dry-run=true)",
        openapi_extra={"parameters": _ASKING},
    )
    router.add_api_route(
        path,
        move,
        methods=["POST"],
        response_model=OutcomeBody,
        operation_id=str(action),
        summary=f"{verb} a service: move it to {action.target}",
        openapi_extra={"parameters": _ASKING, "requestBody": _ASKING_BODY},
    )


for _action in (Action.PROMOTE, Action.DEMOTE):
    _route_moves(_action)


def _json(body: ListBody | StatusBody | OutcomeBody) -> Response:
    return Response(body.model_dump_json(by_alias=True), media_type="application/json")


def _tagged(body: StatusBody | OutcomeBody, version: str, if_none_match: str | None) -> Response:
    response = _json(body)
    etag = etag_of(version, bytes(response.body))
    if matches_none(if_none_match, etag):
        return Response(status_code=304, headers={"ETag": etag})
    response.headers["ETag"] = etag
    return response
