"""The page of an operation that goes step by step: a move in waves, or a relocation."""

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from failover_api.core.access.model import Verb
from failover_api.core.planning.wave_progress import OperationState
from failover_api.edges.board.form_moves import relocation_path
from failover_api.edges.board.routes import board
from failover_api.edges.board.rows import may_all
from failover_api.edges.bodies.group_relocations import group_relocation_body
from failover_api.edges.bodies.relocations import relocation_body
from failover_api.edges.http import session
from failover_api.edges.http.access import Session
from failover_api.edges.models.waves import OperationBody
from failover_api.edges.targets import components_of, look_at_operation

if TYPE_CHECKING:  # nothing of it is loaded until somebody asks
    from failover_api.operations.relocation_report import GroupRelocationReport, RelocationReport

router = APIRouter(include_in_schema=False)


@router.api_route("/operations/{operation}", methods=["GET", "HEAD"])
async def show_operation(request: Request, operation: str) -> Response:
    """How far it has come. Without script the page asks for itself again, as long as something may come."""
    components, who = components_of(request), await session.visit(request)
    who.needs_any(Verb.VIEW, "operations")
    found = await look_at_operation(who, components, operation)
    if isinstance(found, OperationBody):
        facts: dict[str, Any] = {"operation": found, "goes_on": found.state is OperationState.RUNNING}
        return board(request).pages.page(request, "operation.html", who.caller, **facts)
    from failover_api.operations.relocation_report import RelocationReport

    if isinstance(found, RelocationReport):
        return relocation_page(request, who, found)
    return group_relocation_page(request, who, found)


def group_relocation_page(
    request: Request, who: Session, report: "GroupRelocationReport", *, status: int = 200
) -> Response:
    """The relocations of a group or a node: who goes when, and how far each is."""
    body = group_relocation_body(report, visible=who.sees)
    facts: dict[str, Any] = {
        "operation": body,
        "goes_on": report.is_under_way,
        "may_abort": report.is_under_way and may_all(who.caller, Verb.EXECUTE, report.services),
        "path": relocation_path(group=None if report.node else report.name, node=report.node or None),
    }
    return board(request).pages.page(request, "relocations.html", who.caller, status=status, **facts)


def relocation_page(request: Request, who: Session, report: "RelocationReport", *, status: int = 200) -> Response:
    """The five steps of a relocation, and what it waits for."""
    facts: dict[str, Any] = {
        "relocation": relocation_body(report),
        "goes_on": report.is_under_way,
        "may_abort": report.may_be_aborted and who.caller.may(Verb.EXECUTE, report.service),
        "asks_for_word": report.awaits_word and who.caller.may(Verb.EXECUTE, report.service),
    }
    return board(request).pages.page(request, "relocation.html", who.caller, status=status, **facts)
