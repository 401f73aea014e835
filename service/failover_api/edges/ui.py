"""The routes of the board: a page for each thing that people look at or do. What they are made of: edges/board/."""

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from failover_api.core.access import Verb
from failover_api.core.catalog import Action
from failover_api.edges.access import Visit, identify
from failover_api.edges.answers import history_body, status_body
from failover_api.edges.api import (
    GROUP,
    SERVICE,
    Target,
    house,
    known_groups,
    look_at_history,
    look_at_status,
    visible_error,
)
from failover_api.edges.board import cards, links, visitor
from failover_api.edges.board.assets import Assets
from failover_api.edges.board.cards import Wanted
from failover_api.edges.board.forms import Form, local_path, read_form
from failover_api.edges.board.lookout import Lookout, View
from failover_api.edges.board.moves import Move, Moves
from failover_api.edges.board.pages import HEADERS, HTML, Pages, tag_of
from failover_api.edges.board.shelf import Shelf, Shown
from failover_api.edges.etags import matches_none
from failover_api.edges.models import ListedBody
from failover_api.edges.wishes import DEFAULT_LIMIT
from failover_api.errors import BadRequest, Unauthenticated, UnknownUrl
from failover_api.wiring import House

SEEN = "Failover-Seen"  # when Git was last looked at, beside an answer that may be a 304
MAX_FILTER = 200  # characters
OF_GROUPS = (Action.PROMOTE, Action.DEMOTE)

router = APIRouter(include_in_schema=False)


class Board:
    """What the pages have in common, for as long as the app lives."""

    def __init__(self) -> None:
        self.assets = Assets()
        self.pages = Pages(self.assets)
        self.moves = Moves(self.pages)
        self.lookout = Lookout()
        self.shelf = Shelf()


def board(request: Request) -> Board:
    """What create_app() made."""
    made: Board = request.app.state.board
    return made


# Looking


@router.api_route("/", methods=["GET", "HEAD"])
async def show_board(request: Request) -> Response:
    who = await visitor.visit(request)
    view, wanted, shown = await _see(request, who)
    facts: dict[str, Any] = {"view": view, "wanted": wanted, "groups": shown.board.groups, "cards": shown.html}
    return board(request).pages.page(request, "board.html", who.caller, **facts)


@router.api_route("/cards", methods=["GET", "HEAD"])
async def show_cards(request: Request) -> Response:
    """The board without the page around it, for the script to put in place of what it has."""
    view, _, shown = await _see(request, await visitor.visit(request, is_repeated=True))
    headers = {**HEADERS, "ETag": shown.etag, SEEN: view.at.isoformat(timespec="seconds")}
    if matches_none(request.headers.get("if-none-match"), shown.etag.removeprefix("W/")):
        return Response(status_code=304, headers=headers)
    return Response(shown.html, headers=headers, media_type=HTML)


async def _see(request: Request, who: Visit) -> tuple[View, Wanted, Shown]:
    """What there is to see now, what is asked for of it, and what this caller sees."""
    here, one, query = house(request), board(request), request.query_params
    who.looks()
    view = await one.lookout.see(here.failover.list_all)
    wanted = Wanted(query.get("q", "")[:MAX_FILTER], query.get("group", "")[:MAX_FILTER])
    catalog, error = here.catalog.current(), visible_error(here, who)

    def make() -> Shown:
        names = known_groups(here, who)
        known = {name: members for name, members in catalog.groups.items() if name in names}
        made = cards.board(view, known, who.caller, wanted)
        html = one.pages.part("_board.html", view=view, board=made, config_error=error)
        return Shown(made, html, tag_of(html))

    return view, wanted, one.shelf.get(view, catalog, (who.caller, wanted, error), make)


@router.api_route("/services/{service}", methods=["GET", "HEAD"])
async def show_service(request: Request, service: str, cursor: str | None = None) -> Response:
    here, who = house(request), await visitor.visit(request)
    who.needs(Verb.VIEW, service)
    status = await look_at_status(who, here, service)
    page = await look_at_history(who, here, service, DEFAULT_LIMIT, cursor)
    it = ListedBody(**status_body(status, groups=known_groups(here, who)).model_dump())
    base = links.web_base(here.settings.github_url)
    branch = status.service.branch
    facts: dict[str, Any] = {
        "it": it,
        "card": cards.card_of(it, who.caller),
        "switches": [(switch, links.line_url(base, branch, switch.file, switch.line)) for switch in it.switches],
        "tree_url": links.tree_url(base, branch),
        "history": history_body(page),
        "first_page": cursor is not None,
    }
    return board(request).pages.page(request, "service.html", who.caller, **facts)


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


async def _look(request: Request, target: Target, name: str, action: Action) -> Response:
    here, who = house(request), await visitor.visit(request)
    target.check(who, here, name, Verb.PLAN)
    who.looks()
    move = Move(target, name, action, may_make=_may_make(here, who, target, name))
    return await board(request).moves.look(request, here, who.caller, move)


async def _confirm(request: Request, target: Target, name: str, action: Action) -> Response:
    form = await _checked_form(request)
    here, who = house(request), await visitor.visit(request)
    for verb in (Verb.PLAN, Verb.EXECUTE):  # when it would be another move by now, that one is shown
        target.check(who, here, name, verb)
    move = Move(target, name, action, may_make=True)
    return await board(request).moves.confirm(request, here, who.caller, move, form)


async def _checked_form(request: Request) -> Form:
    form = await read_form(request)
    visitor.refuse_foreign_token(request, form.one("token"))
    return form


def _may_make(here: House, who: Visit, target: Target, name: str) -> bool:
    services = here.catalog.current().group(name) if target is GROUP else [name]
    return cards.may_all(who.caller, Verb.EXECUTE, services)


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
        bearer = visitor.checked_bearer(form.one("bearer"))
        await identify(request, lambda _: bearer)
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
