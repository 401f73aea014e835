"""The routes of the board: its rows, a service, a move, signing in. What the pages are made of: edges/board/."""

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from failover_api.core.access.model import Verb
from failover_api.core.catalog.model import Action
from failover_api.core.planning.state import State
from failover_api.core.rfc3339 import rfc3339
from failover_api.edges.board import links, rows
from failover_api.edges.board.assets import static_files
from failover_api.edges.board.form_moves import form_evacuation, form_move
from failover_api.edges.board.forms import checked_form, local_path, read_form
from failover_api.edges.board.moves import Moves
from failover_api.edges.board.nodes import strip_of
from failover_api.edges.board.pages import HEADERS, HTML, Pages, tag_of
from failover_api.edges.board.returns import cards_of
from failover_api.edges.board.rollouts import goes_on
from failover_api.edges.board.rows import RowFilter
from failover_api.edges.board.shelf import Shelf, Shown
from failover_api.edges.board.underway import underway_of
from failover_api.edges.bodies.history import history_body
from failover_api.edges.bodies.rollouts import rollout_body
from failover_api.edges.http import session
from failover_api.edges.http.access import Session, identify
from failover_api.edges.http.etags import matches_none
from failover_api.edges.http.root_path import root_of
from failover_api.edges.move_request import DEFAULT_LIMIT, read_operation
from failover_api.edges.targets import (
    GROUP,
    SERVICE,
    Target,
    components_of,
    known_groups,
    look_at_history,
    look_at_rollout,
    look_at_status,
    visible_error,
)
from failover_api.errors import BadRequest, Unauthenticated, UnknownUrl
from failover_api.overview import View
from failover_api.reading.status import Status

SEEN = "Failover-Seen"  # when Git was last looked at, beside an answer that may be a 304
MAX_FILTER = 200  # characters
OF_GROUPS = (Action.PROMOTE, Action.DEMOTE)

router = APIRouter(include_in_schema=False)


class Board:
    """What the pages have in common, for as long as the app lives."""

    def __init__(self) -> None:
        self.assets = static_files()
        self.pages = Pages()
        self.moves = Moves(self.pages)
        self.shelf = Shelf()


def board(request: Request) -> Board:
    """What the pages of this app have in common."""
    shared: Board = request.app.state.board
    return shared


# Looking


@router.api_route("/", methods=["GET", "HEAD"])
async def show_board(request: Request) -> Response:
    who = await session.visit(request)
    view, shown = await _see(request, who)
    return board(request).pages.page(request, "board.html", who.caller, view=view, board=shown.board, html=shown.html)


@router.api_route("/cards", methods=["GET", "HEAD"])
async def show_cards(request: Request) -> Response:
    """The board without the page around it, for the script to put in place of what it has."""
    view, shown = await _see(request, await session.visit(request, is_repeated=True))
    headers = {**HEADERS, "ETag": shown.etag, SEEN: view.at.isoformat(timespec="seconds")}
    if matches_none(request.headers.get("if-none-match"), shown.etag.removeprefix("W/")):
        return Response(status_code=304, headers=headers)
    return Response(shown.html, headers=headers, media_type=HTML)


async def _see(request: Request, who: Session) -> tuple[View, Shown]:
    """What there is to see now, and what this caller sees of what is asked for."""
    components, query = components_of(request), request.query_params
    pages, shelf = board(request).pages, board(request).shelf
    who.looks()
    view = await components.overview.see()
    place = query.get("state", "")
    wanted = RowFilter(
        query.get("q", "")[:MAX_FILTER], query.get("group", "")[:MAX_FILTER], place if place in rows.WORDS else ""
    )
    catalog, error, root = components.catalog.current(), visible_error(components, who), root_of(request)
    readiness = request.app.state.watches.readiness
    relocatable = frozenset(name for name, one in catalog.services.items() if one.replication is not None)
    away = frozenset(
        status.service.name
        for status in view.statuses
        if isinstance(status, Status) and status.detection.state is State.BACKUP
    )
    nodes = strip_of(components.failover.nodes_as_seen(view.statuses), who.caller, relocatable, away)
    underway = underway_of(request.app.state.watches.relocations())
    returns = cards_of(request.app.state.watches.guarding.judged(), who.caller)

    def render() -> Shown:
        names = known_groups(components, who)
        known = {name: members for name, members in catalog.groups.items() if name in names}
        looked_at = "" if readiness.looked_at is None else rfc3339(readiness.looked_at)
        visible = rows.board(view, known, who.caller, wanted, readiness.ready, looked_at, underway)
        html = pages.part(
            "_board.html", view=view, board=visible, nodes=nodes, returns=returns, config_error=error, root=root
        )
        return Shown(visible, html, tag_of(html))

    key = (who.caller, wanted, error, root, readiness.looks, nodes, returns, *underway.values())
    return view, shelf.get(view, catalog, key, render)


@router.api_route("/services/{service}", methods=["GET", "HEAD"])
async def show_service(request: Request, service: str, cursor: str | None = None) -> Response:
    components, who = components_of(request), await session.visit(request)
    who.needs(Verb.VIEW, service)
    status = await look_at_status(who, components, service)
    page = await look_at_history(who, components, service, DEFAULT_LIMIT, cursor)
    base, branch = links.web_base(components.settings.github_url), status.service.branch
    readings = status.detection.readings
    underway = underway_of(request.app.state.watches.relocations()).get(service)
    facts: dict[str, Any] = {
        "row": rows.row_of(status, who.caller, groups=known_groups(components, who), underway=underway),
        "readings": [(reading, links.line_url(base, branch, reading.file, reading.line)) for reading in readings],
        "tree_url": links.tree_url(base, branch),
        "history": history_body(page),
        "first_page": cursor is not None,
    }
    return board(request).pages.page(request, "service.html", who.caller, **facts)


@router.api_route("/services/{service}/rollout", methods=["GET", "HEAD"])
async def show_rollout(request: Request, service: str) -> Response:
    """How far a move has come. Without script the page asks for itself again, as long as something may come."""
    components, who = components_of(request), await session.visit(request)
    who.needs(Verb.VIEW, service)
    operation = read_operation(request.query_params.multi_items())
    rollout = rollout_body(await look_at_rollout(who, components, service, operation))
    facts: dict[str, Any] = {"service": service, "rollout": rollout, "goes_on": goes_on(rollout)}
    return board(request).pages.page(request, "rollout.html", who.caller, **facts)


# Moving


@router.api_route("/services/{name}/{action}", methods=["GET", "HEAD"])
async def look_at_move(request: Request, name: str, action: str) -> Response:
    return await _look(request, SERVICE, name, _action(action, Action))


@router.post("/services/{name}/{action}")
async def move_service(request: Request, name: str, action: str) -> Response:
    return await _confirm(request, SERVICE, name, _action(action, Action))


@router.api_route("/groups/{name}/{action}", methods=["GET", "HEAD"])
async def look_at_group_move(request: Request, name: str, action: str) -> Response:
    return await _look(request, GROUP, name, _action(action, OF_GROUPS))


@router.post("/groups/{name}/{action}")
async def move_group(request: Request, name: str, action: str) -> Response:
    return await _confirm(request, GROUP, name, _action(action, OF_GROUPS))


@router.api_route("/nodes/{node}/evacuate", methods=["GET", "HEAD"])
async def look_at_evacuation(request: Request, node: str) -> Response:
    components, who = components_of(request), await session.visit(request)
    move = form_evacuation(who, components, node)
    return await board(request).moves.look(request, components, who.caller, move)


@router.post("/nodes/{node}/evacuate")
async def evacuate_node(request: Request, node: str) -> Response:
    form = await checked_form(request)
    components, who = components_of(request), await session.visit(request)
    who.needs_any(Verb.PLAN, f"node {node}")  # when it would be another move by now, that one is shown
    move = form_evacuation(who, components, node)
    return await board(request).moves.confirm(request, components, who.caller, move, form)


async def _look(request: Request, target: Target, name: str, action: Action) -> Response:
    components, who = components_of(request), await session.visit(request)
    target.check(who, components, name, Verb.PLAN)
    who.looks()
    move = form_move(who, components, target, name, action)
    return await board(request).moves.look(request, components, who.caller, move)


async def _confirm(request: Request, target: Target, name: str, action: Action) -> Response:
    form = await checked_form(request)
    components, who = components_of(request), await session.visit(request)
    for verb in (Verb.PLAN, Verb.EXECUTE):  # when it would be another move by now, that one is shown
        target.check(who, components, name, verb)
    move = form_move(who, components, target, name, action)
    return await board(request).moves.confirm(request, components, who.caller, move, form)


def _action(word: str, known: Iterable[Action]) -> Action:
    found = next((action for action in known if action.value == word), None)
    if found is None:
        raise UnknownUrl(f"nothing can be done by the name of {word[:80]!r}")
    return found


# Signing in


@router.api_route("/signin", methods=["GET", "HEAD"])
async def ask_for_token(request: Request) -> Response:
    return board(request).pages.sign_in(request, local_path(request.query_params.get("next", "/")))


@router.post("/signin")
async def sign_in(request: Request) -> Response:
    form = await read_form(request)
    goal = local_path(form.one("next"))
    try:
        bearer = session.checked_bearer(form.one("bearer"))
        await identify(request, lambda _: bearer)
    except (BadRequest, Unauthenticated) as exc:
        return board(request).pages.sign_in(request, goal, exc)
    response = RedirectResponse(root_of(request) + goal, 303, headers=HEADERS)
    session.remember(request, response, bearer)
    return response


@router.post("/signout")
async def sign_out(request: Request) -> Response:
    await checked_form(request)
    response = RedirectResponse(f"{root_of(request)}/signin", 303, headers=HEADERS)
    session.forget(request, response)
    return response


# What pages are made of


@router.api_route("/static/{name}", methods=["GET", "HEAD"])
async def static(request: Request, name: str) -> Response:
    return board(request).assets.answer(request, name)
