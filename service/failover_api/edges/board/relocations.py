"""The pages of a relocation: all its steps before it begins, its beginning, its abort, and a person's word.

How far it has come is the page of its operation.
"""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from ulid import ULID

from failover_api.core.access.model import Verb
from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest, checked_key
from failover_api.edges import problems
from failover_api.edges.board.advice import advice_on
from failover_api.edges.board.form_moves import FormMove, form_move
from failover_api.edges.board.forms import Form, checked_form
from failover_api.edges.board.moves import OWN_FIELDS, shown_versions, stop_questions, ticked
from failover_api.edges.board.operations import relocation_page
from failover_api.edges.board.pages import HEADERS
from failover_api.edges.board.routes import board
from failover_api.edges.board.sides import side_by_side
from failover_api.edges.bodies.moves import outcome_body
from failover_api.edges.http import session
from failover_api.edges.http.access import Session
from failover_api.edges.http.etags import etag_of
from failover_api.edges.http.root_path import root_of
from failover_api.edges.move_request import read_pairs
from failover_api.edges.targets import SERVICE, Moved, components_of, rehearse_relocation, relocate
from failover_api.errors import BadRequest, FailoverError, NothingToRollBack, PreconditionFailed, UnsafeMove
from failover_api.operations.relocation_report import RelocationReport
from failover_api.wiring import Components

PATH = "/services/{service}/relocate"
KEYS = ("to", "reason", "accept")

router = APIRouter(include_in_schema=False)


@router.api_route(PATH, methods=["GET", "HEAD"])
async def look(request: Request, service: str) -> Response:
    """All steps with their diffs; of one that runs already, how far it is."""
    components, who = components_of(request), await session.visit(request)
    SERVICE.check(who, components, service, Verb.PLAN)
    asked = _asked(request.query_params.multi_items())
    return await _rehearsed(request, components, who, service, asked)


@router.post(PATH)
async def begin(request: Request, service: str) -> Response:
    """Begins what was shown; when it would be another by now, shows that one."""
    form = await checked_form(request)
    components, who = components_of(request), await session.visit(request)
    for verb in (Verb.PLAN, Verb.EXECUTE):
        SERVICE.check(who, components, service, verb)
    asked = _asked(form.without(OWN_FIELDS))
    try:
        report = await relocate(who, components, service, asked["to"], _request(who, asked, form), is_synced=False)
    except PreconditionFailed:
        return await _rehearsed(request, components, who, service, asked, stale=True)
    except UnsafeMove as exc:
        return _refused(request, who, service, asked, exc)
    if report.operation is None:
        return _shown(request, components, who, service, asked, report)
    return relocation_page(request, who, report, status=202 if report.is_under_way else 200)


@router.api_route(f"{PATH}/abort", methods=["GET", "HEAD"])
async def look_at_abort(request: Request, service: str) -> Response:
    components, who = components_of(request), await session.visit(request)
    SERVICE.check(who, components, service, Verb.PLAN)
    who.looks()
    return await board(request).moves.look(request, components, who.caller, _abort(who, components, service))


@router.post(f"{PATH}/abort")
async def abort(request: Request, service: str) -> Response:
    form = await checked_form(request)
    components, who = components_of(request), await session.visit(request)
    SERVICE.check(who, components, service, Verb.EXECUTE)
    move = _abort(who, components, service)
    return await board(request).moves.confirm(request, components, who.caller, move, form)


@router.post(f"{PATH}/synced")
async def vouch(request: Request, service: str) -> Response:
    """Whoever is signed in says that the data is on the target that the page named."""
    form = await checked_form(request)
    components, who = components_of(request), await session.visit(request)
    target = read_pairs([("to", form.one("to"))], KEYS)["to"]
    report = await relocate(who, components, service, target, MoveRequest(by=who.name), is_synced=True)
    location = f"{root_of(request)}/operations/{report.operation}"
    return RedirectResponse(location, 303, headers=HEADERS)


def _asked(items: list[tuple[str, str]]) -> dict[str, Any]:
    asked = read_pairs(ticked(items), KEYS)
    if "to" not in asked:
        raise BadRequest("to: is missing; expected primary or backup")
    return asked


def _request(who: Session, asked: dict[str, Any], form: Form | None) -> MoveRequest:
    """Of a form: bound to what was shown, and with a key of its own. Without one: a dry run."""
    words = {key: value for key, value in asked.items() if key != "to"}
    if form is None:
        return MoveRequest(by=who.name, dry_run=True, **words)
    return MoveRequest(by=who.name, versions=shown_versions(form), key=checked_key([form.one("key")]), **words)


async def _rehearsed(
    request: Request, components: Components, who: Session, service: str, asked: dict[str, Any], *, stale: bool = False
) -> Response:
    try:
        report = await rehearse_relocation(who, components, service, asked["to"], _request(who, asked, None))
    except UnsafeMove as exc:
        return _refused(request, who, service, asked, exc)
    if report.operation is not None:
        return relocation_page(request, who, report)
    return _shown(request, components, who, service, asked, report, stale=stale)


def _shown(
    request: Request,
    components: Components,
    who: Session,
    service: str,
    asked: dict[str, Any],
    report: RelocationReport,
    *,
    stale: bool = False,
) -> Response:
    accepted = stop_questions(asked.get("accept", frozenset()), None)
    facts = {
        "report": report,
        "steps": [(step.label, side_by_side(step.old, step.new)) for step in report.steps],
        "may_make": who.caller.may(Verb.EXECUTE, service),
        "shown": etag_of(report.version, b""),
        "key": f"board-{ULID()}",
        "questions": accepted,
        "deadline_s": components.settings.deadline_s,
        "stale": stale,
    }
    status = problems.STATUSES[PreconditionFailed.slug] if stale else 200
    return _page(request, who, service, asked, status, **facts)


def _refused(request: Request, who: Session, service: str, asked: dict[str, Any], error: FailoverError) -> Response:
    facts = {
        "refusal": error,
        "advice": advice_on(error),
        "hazards": [],
        "questions": stop_questions(asked.get("accept", frozenset()), error),
    }
    if isinstance(error, UnsafeMove):
        facts["hazards"] = list(error.hazards)
    return _page(request, who, service, asked, problems.status_of(error), **facts)


def _page(request: Request, who: Session, service: str, asked: dict[str, Any], status: int, **facts: Any) -> Response:
    empty: dict[str, Any] = {"report": None, "refusal": None, "stale": False, "hazards": [], "steps": []}
    about = {"service": service, "to": asked["to"], "reason": asked.get("reason", "")}
    return board(request).pages.page(request, "relocate.html", who.caller, status=status, **empty | facts | about)


def _abort(who: Session, components: Components, service: str) -> FormMove:
    """What puts back what was, as a move of its own. It undoes a relocation and nothing else."""

    async def carry_out(request: MoveRequest) -> Moved:
        outcome = await components.failover.relocations.roll_back(service, request)
        if outcome is None:
            raise NothingToRollBack(f"no relocation of {service} is under way that could be aborted")
        return Moved(outcome_body(outcome), outcome.plans, outcome.version, outcome.is_pending)

    return replace(
        form_move(who, components, SERVICE, service, Action.ROLLBACK),
        path=f"/services/{service}/relocate/abort",
        title=f"Abort the relocation of {service}",
        done=f"{service} is as it was before the relocation",
        in_part=f"{service} is as it was before the relocation",
        example_of_reason="not tonight",
        keys=("reason",),
        carry_out=carry_out,
    )
