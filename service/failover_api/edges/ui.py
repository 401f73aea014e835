"""The routes of the board: a page for each thing that people look at or do. What they are made of: edges/board/."""

from collections.abc import Iterable, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from failover_api.core.access import Caller, Verb
from failover_api.core.catalog import Action
from failover_api.edges.answers import history_body, status_body
from failover_api.edges.api import house
from failover_api.edges.board import cards, links, visitor
from failover_api.edges.board.assets import Assets
from failover_api.edges.board.forms import Form, local_path, read_form
from failover_api.edges.board.lookout import Lookout, View
from failover_api.edges.board.moves import Move, Moves
from failover_api.edges.board.pages import HEADERS, Pages, tag_of
from failover_api.edges.etags import matches_none
from failover_api.edges.models import ListedBody
from failover_api.edges.wishes import DEFAULT_LIMIT
from failover_api.errors import BadRequest, Forbidden, Unauthenticated, UnknownGroup, UnknownService, UnknownUrl

SEEN = "Failover-Seen"  # when Git was last looked at, beside an answer that may be a 304
MAX_FILTER = 200  # characters

router = APIRouter(include_in_schema=False)


class Board:
    """What the pages have in common, for as long as the app lives."""

    def __init__(self) -> None:
        self.assets = Assets()
        self.pages = Pages(self.assets)
        self.moves = Moves(self.pages)
        self.lookout = Lookout()


def board(request: Request) -> Board:
    """What create_app() made."""
    made: Board = request.app.state.board
    return made


# Looking


@router.api_route("/", methods=["GET", "HEAD"])
async def show_board(request: Request) -> Response:
    caller = await visitor.visitor(request)
    view = await _see(request)
    return board(request).pages.page(request, "board.html", caller, **_facts(request, caller, view))


@router.api_route("/cards", methods=["GET", "HEAD"])
async def show_cards(request: Request) -> Response:
    """The board without the page around it, for the script to put in place of what it has."""
    caller = await visitor.visitor(request)
    view = await _see(request)
    response = board(request).pages.page(request, "_board.html", caller, **_facts(request, caller, view))
    etag = tag_of(response)
    headers = {**HEADERS, "ETag": etag, SEEN: view.at.isoformat(timespec="seconds")}
    if matches_none(request.headers.get("if-none-match"), etag.removeprefix("W/")):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response


@router.api_route("/services/{service}", methods=["GET", "HEAD"])
async def show_service(request: Request, service: str, cursor: str | None = None) -> Response:
    here, caller = house(request), await visitor.visitor(request)
    _check_visible(caller, service)
    status = await here.failover.status(service)
    page = await here.failover.history(service, limit=DEFAULT_LIMIT, cursor=cursor)
    it = ListedBody(**status_body(status).model_dump())
    base = links.web_base(here.settings.github_url)
    branch = status.service.branch
    facts: dict[str, Any] = {
        "it": it,
        "card": cards.card_of(it, caller),
        "switches": [(switch, links.line_url(base, branch, switch.file, switch.line)) for switch in it.switches],
        "tree_url": links.tree_url(base, branch),
        "history": history_body(page),
        "first_page": cursor is not None,
    }
    return board(request).pages.page(request, "service.html", caller, **facts)


async def _see(request: Request) -> View:
    return await board(request).lookout.see(house(request).failover.list_all)


def _facts(request: Request, caller: Caller, view: View) -> dict[str, Any]:
    """What the board's templates need."""
    catalog = house(request).catalog
    query = request.query_params
    wanted = cards.Wanted(query.get("q", "")[:MAX_FILTER], query.get("group", "")[:MAX_FILTER])
    made = cards.board(view, catalog.current().groups, caller, wanted)
    error = catalog.error
    return {"view": view, "board": made, "wanted": wanted, "config_error": error.detail if error else None}


# Moving


@router.api_route("/services/{service}/{action}", methods=["GET", "HEAD"])
async def look_at_move(request: Request, service: str, action: str) -> Response:
    here, caller = house(request), await visitor.visitor(request)
    move = _service_move(caller, service, action)
    return await board(request).moves.look(request, here, caller, move)


@router.post("/services/{service}/{action}")
async def move_service(request: Request, service: str, action: str) -> Response:
    form, caller = await _checked_form(request), await visitor.visitor(request)
    move = _to_be_made(_service_move(caller, service, action))
    return await board(request).moves.confirm(request, house(request), caller, move, form)


@router.api_route("/groups/{group}/{action}", methods=["GET", "HEAD"])
async def look_at_group_move(request: Request, group: str, action: str) -> Response:
    here, caller = house(request), await visitor.visitor(request)
    move = _group_move(request, caller, group, action)
    return await board(request).moves.look(request, here, caller, move)


@router.post("/groups/{group}/{action}")
async def move_group(request: Request, group: str, action: str) -> Response:
    form, caller = await _checked_form(request), await visitor.visitor(request)
    move = _to_be_made(_group_move(request, caller, group, action))
    return await board(request).moves.confirm(request, house(request), caller, move, form)


async def _checked_form(request: Request) -> Form:
    form = await read_form(request)
    visitor.refuse_foreign_token(request, form.one("token"))
    return form


def _service_move(caller: Caller, service: str, action: str) -> Move:
    _check_visible(caller, service)
    return _move(caller, service, _action(action, Action), [service], is_group=False)


def _group_move(request: Request, caller: Caller, group: str, action: str) -> Move:
    members = house(request).catalog.current().groups.get(group)
    if members is None or not cards.may_all(caller, Verb.VIEW, members):
        raise UnknownGroup(f"no group is named {group[:80]!r} in the catalog")
    return _move(caller, group, _action(action, (Action.PROMOTE, Action.DEMOTE)), members, is_group=True)


def _action(word: str, known: Iterable[Action]) -> Action:
    found = next((action for action in known if action.value == word), None)
    if found is None:
        raise UnknownUrl(f"nothing can be done by the name of {word[:80]!r}")
    return found


def _move(caller: Caller, name: str, action: Action, services: Sequence[str], *, is_group: bool) -> Move:
    if not cards.may_all(caller, Verb.PLAN, services):
        raise Forbidden(f"your token does not allow a dry run of {name}")
    return Move(name, action, is_group, may_make=cards.may_all(caller, Verb.EXECUTE, services))


def _to_be_made(move: Move) -> Move:
    if not move.may_make:
        raise Forbidden(f"your token does not allow to {move.action} {move.name}")
    return move


def _check_visible(caller: Caller, service: str) -> None:
    if not caller.may(Verb.VIEW, service):
        raise UnknownService(f"no service is named {service[:80]!r} in the catalog")


# Signing in


@router.api_route("/signin", methods=["GET", "HEAD"])
async def ask_for_token(request: Request) -> Response:
    return board(request).pages.sign_in(request, local_path(request.query_params.get("next", "/")))


@router.post("/signin")
async def sign_in(request: Request) -> Response:
    form = await read_form(request)
    goal = local_path(form.one("next"))
    try:
        bearer = visitor.checked_bearer(form.one("bearer"))
        await visitor.identify(request, bearer)
    except (BadRequest, Unauthenticated) as exc:
        return board(request).pages.sign_in(request, goal, exc)
    response = RedirectResponse(goal, 303, headers=HEADERS)
    visitor.remember(response, bearer)
    return response


@router.post("/signout")
async def sign_out(request: Request) -> Response:
    await _checked_form(request)
    response = RedirectResponse("/signin", 303, headers=HEADERS)
    visitor.forget(response)
    return response


# What pages are made of


@router.api_route("/static/{name}", methods=["GET", "HEAD"])
async def static(request: Request, name: str) -> Response:
    return board(request).assets.answer(request, name)
