"""The JSON routes: parse, call one use case, shape the answer."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response

from failover_api.core.access.model import Verb
from failover_api.core.catalog.model import Action
from failover_api.edges.api import openapi
from failover_api.edges.bodies.history import history_body
from failover_api.edges.bodies.places import groups_body, list_body, status_body
from failover_api.edges.bodies.rollouts import rollout_body
from failover_api.edges.http.access import Session, Who
from failover_api.edges.http.etags import etag_of, etag_of_body, matches_none
from failover_api.edges.http.json_response import json_response
from failover_api.edges.http.session import is_own_origin
from failover_api.edges.models.body import Body
from failover_api.edges.models.history import HistoryBody
from failover_api.edges.models.places import GroupsBody, ListBody, StatusBody
from failover_api.edges.models.rollouts import RolloutBody
from failover_api.edges.move_request import (
    GROUP_KEYS,
    ROLLBACK_KEYS,
    SERVICE_KEYS,
    read_move_request,
    read_operation,
    read_paging,
)
from failover_api.edges.targets import (
    GROUP,
    SERVICE,
    Moved,
    Target,
    components_of,
    known_groups,
    look_at_history,
    look_at_rollout,
    look_at_status,
    looks,
    visible_error,
)
from failover_api.errors import Forbidden
from failover_api.wiring import Components

ACCEPTED, _NOT_MODIFIED = 202, 304
_WAITS = "A pull request is open and waits for a person, or waves are to follow"


Wired = Annotated[Components, Depends(components_of)]
IfNoneMatch = Annotated[
    str | None,
    Header(alias="If-None-Match", description=openapi.HEADERS["If-None-Match"], examples=[openapi.ETAG]),
]

router = APIRouter(prefix="/api", responses=openapi.problems())


# Looking


@router.get(
    "/failover",
    response_model=ListBody,
    operation_id="list_services",
    tags=["services"],
    summary="Where every service is",
    response_description="All that you may see",
)
async def list_services(request: Request, components: Wired, who: Who) -> Response:
    who.needs_any(Verb.VIEW, "list")
    who.looks()
    statuses = await looks(request).share((id(components.catalog.current()), "list"), components.failover.list_all)
    visible = [status for status in statuses if who.sees(status.service.name)]
    return json_response(list_body(visible, visible_error(components, who), groups=known_groups(components, who)))


@router.get(
    "/failover/{service}",
    response_model=StatusBody,
    responses={**openapi.TAGGED, **openapi.problems(*openapi.LOOKING)},
    operation_id="status",
    tags=["services"],
    summary="Where a service is",
    response_description="Where it is",
)
async def status(
    service: openapi.ServiceName, components: Wired, who: Who, if_none_match: IfNoneMatch = None
) -> Response:
    who.needs(Verb.VIEW, service)
    found = await look_at_status(who, components, service)
    body = status_body(found, groups=known_groups(components, who))
    return tagged(body, found.version, if_none_match, named=body.lasting)


@router.get(
    "/failover/{service}/history",
    response_model=HistoryBody,
    responses={**openapi.TAGGED, **openapi.problems(*openapi.LOOKING)},
    operation_id="history",
    tags=["services"],
    summary="What Git says of a service: moves and people's edits, newest first",
    response_description="A page of it",
    openapi_extra={"parameters": openapi.paging()},
)
async def history(
    request: Request, service: openapi.ServiceName, components: Wired, who: Who, if_none_match: IfNoneMatch = None
) -> Response:
    who.needs(Verb.VIEW, service)
    limit, cursor = read_paging(request.query_params.multi_items())
    page = await look_at_history(who, components, service, limit, cursor)
    return tagged(history_body(page), None, if_none_match)


@router.get(
    "/failover/{service}/rollout",
    response_model=RolloutBody,
    responses={**openapi.TAGGED, **openapi.problems(*openapi.LOOKING)},
    operation_id="rollout",
    tags=["services"],
    summary="How far a move has come: from the commit to a running app",
    openapi_extra={"parameters": [openapi.OPERATION]},
)
async def rollout(
    request: Request, service: openapi.ServiceName, components: Wired, who: Who, if_none_match: IfNoneMatch = None
) -> Response:
    who.needs(Verb.VIEW, service)
    operation = read_operation(request.query_params.multi_items())
    found = await look_at_rollout(who, components, service, operation)
    return tagged(rollout_body(found), None, if_none_match)


@router.get(
    "/groups",
    response_model=GroupsBody,
    operation_id="list_groups",
    tags=["groups"],
    summary="The groups, and the services of each",
    response_description="All that you may know of",
)
async def list_groups(components: Wired, who: Who) -> Response:
    who.needs_any(Verb.VIEW, "groups")
    known = known_groups(components, who)
    groups = components.failover.groups()
    return json_response(groups_body({name: members for name, members in groups.items() if name in known}))


# Moving


def refuse_foreign_page(request: Request) -> None:
    """A page of another site must not move services through the browser of whoever looks at it.

    A browser that sends no Sec-Fetch-Site still says the Origin. A page cannot send an Authorization header of ours, so
    whoever sends one is no such page.
    https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    is_foreign = site in {"cross-site", "same-site"}
    if site is None and origin is not None and "authorization" not in request.headers:
        is_foreign = not is_own_origin(request)
    if is_foreign:
        raise Forbidden("the request comes from a page of another site")


def if_none_match_of(request: Request) -> str | None:
    """The header of a GET: a POST of a dry run is answered whatever the caller has."""
    return request.headers.get("if-none-match") if request.method == "GET" else None


def _route(target: Target, action: Action, keys: Sequence[str], summary: str) -> None:
    """POST moves; GET only says what a POST would do."""

    async def move(request: Request, components: Wired, who: Who) -> Response:
        refuse_foreign_page(request)
        name = request.path_params[target.kind]
        move_request = await read_move_request(request, keys, by=who.name)
        target.check(who, components, name, Verb.PLAN if move_request.dry_run else Verb.EXECUTE)
        carry_out = partial(target.carry_out, components.failover, name, action, move_request)
        if not move_request.dry_run:
            moved = await carry_out()
            return json_response(
                moved.body, ACCEPTED if moved.is_pending else 200
            )  # no ETag: the manifests are others now
        moved = await _rehearsed(who, components, (target.kind, name, action, move_request), carry_out)
        return tagged(moved.body, moved.version, if_none_match_of(request))

    path, name = f"{target.path}/{action}", str(action) if target is SERVICE else f"{action}_group"
    parameters = [openapi.named(target.kind), *openapi.query(keys), *openapi.headers("If-Match")]
    router.add_api_route(
        path,
        move,
        methods=["GET"],
        response_model=target.body,
        responses={**openapi.TAGGED, **openapi.problems(*openapi.MOVING, 405)},
        operation_id=f"{name}_dry_run",
        tags=[f"{target.kind}s"],
        summary=f"What {action} would do (needs dry-run=true)",
        response_description="What it would do",
        openapi_extra={"parameters": [*parameters, *openapi.headers("If-None-Match")]},
    )
    router.add_api_route(
        path,
        move,
        methods=["POST"],
        response_model=target.body,
        responses={ACCEPTED: {"description": _WAITS, "model": target.body}, **openapi.problems(*openapi.MOVING)},
        operation_id=name,
        tags=[f"{target.kind}s"],
        summary=summary,
        response_description="Done, or nothing to do",
        openapi_extra={
            "parameters": [*parameters, *openapi.headers("Idempotency-Key")],
            "requestBody": openapi.body(keys),
        },
    )


for _action in (Action.PROMOTE, Action.DEMOTE):
    _verb, _side = str(_action).capitalize(), _action.target
    _route(SERVICE, _action, SERVICE_KEYS, f"{_verb} a service: move it to {_side}")
    _route(GROUP, _action, GROUP_KEYS, f"{_verb} a group: move all its services to {_side}")
_route(SERVICE, Action.ROLLBACK, ROLLBACK_KEYS, "Undo a service's newest move: put its exact former values back")


async def _rehearsed(
    who: Session, components: Components, what: Hashable, carry_out: Callable[[], Awaitable[Moved]]
) -> Moved:
    """A dry run, shared with whoever asks for the same within a second."""
    who.looks()
    return await looks(who.request).share((id(components.catalog.current()), "dry run", what), carry_out)


def tagged(body: Body, version: str | None, if_none_match: str | None, *, named: Body | None = None) -> Response:
    """With an ETag; `version` is of the manifests that the body was made from, if it was.

    `named` is what the ETag names of it; None: all.
    """
    response = json_response(body)
    data = bytes((response if named is None or named is body else json_response(named)).body)
    etag = etag_of_body(data) if version is None else etag_of(version, data)
    if matches_none(if_none_match, etag):
        return Response(status_code=_NOT_MODIFIED, headers={"ETag": etag})
    response.headers["ETag"] = etag
    return response
