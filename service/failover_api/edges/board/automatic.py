"""The page of automatic failover: would it act now, and if not, why; pausing it, and ending a pause."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from failover_api.core.access.model import Verb
from failover_api.edges.automatic_headline import headline, left_out, takes_part
from failover_api.edges.automatic_requests import pause_request
from failover_api.edges.board.forms import checked_form
from failover_api.edges.board.pages import HEADERS
from failover_api.edges.board.routes import board
from failover_api.edges.http import session
from failover_api.edges.http.root_path import root_of
from failover_api.edges.targets import check_services, components_of, end_pause, look_at_automatic

LENGTHS = (("1h", "an hour"), ("8h", "eight hours"), ("1d", "a day"), ("7d", "a week"), ("30d", "30 days"))
PATH = "/automatic"

router = APIRouter(include_in_schema=False)


@router.api_route(PATH, methods=["GET", "HEAD"])
async def show(request: Request) -> Response:
    components, who = components_of(request), await session.visit(request)
    who.needs_any(Verb.VIEW, "automatic")
    body = (await look_at_automatic(who, components)).model_dump(mode="json")
    return board(request).pages.page(
        request,
        "automatic.html",
        who.caller,
        body=body,
        headline=headline(body),
        concerned=list(filter(takes_part, body["pending"])),
        left_out=left_out(body["pending"]),
        lengths=LENGTHS,
        may_pause=who.caller.may_everything(Verb.EXECUTE),
        may_move=lambda name: who.caller.may(Verb.EXECUTE, name),
        at=datetime.now(UTC),
    )


@router.post(f"{PATH}/pause")
async def pause(request: Request) -> Response:
    form = await checked_form(request)
    components, who = components_of(request), await session.visit(request)
    check_services(who, components, ())
    asked = pause_request({"reason": form.one("reason"), "until": form.one("until")})
    await components.automatic.control().pause(
        by=who.name, reason=asked.reason, until=asked.until, lasts_s=asked.lasts_s, services=()
    )
    return _back(request)


@router.post(f"{PATH}/resume")
async def resume(request: Request) -> Response:
    form = await checked_form(request)
    components, who = components_of(request), await session.visit(request)
    await end_pause(who, components, form.one("id"))
    return _back(request)


@router.post(f"{PATH}/ack")
async def acknowledge(request: Request) -> Response:
    form = await checked_form(request)
    components, who = components_of(request), await session.visit(request)
    service = form.one("service")
    check_services(who, components, [service])
    await components.automatic.control().acknowledge(by=who.name, service=service)
    return _back(request)


def _back(request: Request) -> Response:
    return RedirectResponse(root_of(request) + PATH, 303, headers=HEADERS)
