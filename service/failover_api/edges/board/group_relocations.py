"""The pages of relocations of a group or a node: all steps of all services before they begin, and their beginning.

How far they have come is the page of their operation.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from ulid import ULID

from failover_api.core.access.model import Verb
from failover_api.core.planning.request import MoveRequest, checked_key
from failover_api.edges import problems
from failover_api.edges.board.advice import advice_on
from failover_api.edges.board.form_moves import relocation_path
from failover_api.edges.board.forms import Form, checked_form
from failover_api.edges.board.moves import OWN_FIELDS, Question, shown_versions, stop_questions, ticked
from failover_api.edges.board.operations import group_relocation_page
from failover_api.edges.board.pages import HEADERS
from failover_api.edges.board.routes import board
from failover_api.edges.board.rows import may_all
from failover_api.edges.board.sides import side_by_side
from failover_api.edges.http import session
from failover_api.edges.http.access import Session
from failover_api.edges.http.etags import etag_of
from failover_api.edges.http.root_path import root_of
from failover_api.edges.move_request import RELOCATE_GROUP_KEYS, RELOCATE_NODE_KEYS, read_pairs
from failover_api.edges.targets import abort_relocations, components_of, relocate_group, relocate_node
from failover_api.errors import BadRequest, FailoverError, PreconditionFailed
from failover_api.operations.relocation_report import GroupRelocationReport
from failover_api.wiring import Components

router = APIRouter(include_in_schema=False)
_LEAVE_OUT = "The others are relocated; those that are refused stay where they are, and so does what comes after them."


@dataclass(frozen=True, slots=True)
class _Page:
    """What a page is about: what is asked for of a group or a node, and who asks. `asked` are the words of the form."""

    request: Request
    components: Components
    who: Session
    group: str
    node: str
    asked: dict[str, Any]

    @property
    def path(self) -> str:
        return relocation_path(group=self.group, node=self.node or None)

    async def begin(self, **how: Any) -> GroupRelocationReport:
        """Or what that would do."""
        words = {key: value for key, value in self.asked.items() if key not in ("to", "home")}
        move_request = MoveRequest(by=self.who.name, **words, **how)
        if self.node:
            is_home = self.asked.get("home", False)
            return await relocate_node(self.who, self.components, self.node, move_request, is_home=is_home)
        return await relocate_group(self.who, self.components, self.group, self.asked["to"], move_request)

    async def rehearsed(self, *, is_stale: bool = False) -> Response:
        try:
            report = await self.begin(dry_run=True)
        except FailoverError as exc:
            return self.refused(exc)
        if report.operation is not None:
            return group_relocation_page(self.request, self.who, report)
        return self.shown(report, is_stale=is_stale)

    def shown(self, report: GroupRelocationReport, *, is_stale: bool = False) -> Response:
        todo = [one for one in report.relocations if one.steps]
        files = {
            one.service: [(step.label, side_by_side(step.old, step.new)) for step in one.steps]
            for one in report.relocations
        }
        facts = {
            "report": report,
            "todo": todo,
            "files": files,
            "may_make": may_all(self.who.caller, Verb.EXECUTE, report.services),
            "shown": etag_of(report.version, b""),
            "key": f"board-{ULID()}",
            "questions": self.questions(None),
            "deadline_s": self.components.settings.deadline_s,
            "stale": is_stale,
        }
        return self.page(problems.STATUSES[PreconditionFailed.slug] if is_stale else 200, **facts)

    def refused(self, error: FailoverError) -> Response:
        if not error.refused:
            raise error
        facts = {"refusal": error, "advice": advice_on(error), "questions": self.questions(error)}
        return self.page(problems.status_of(error), **facts)

    def questions(self, error: FailoverError | None) -> list[Question]:
        found = stop_questions(self.asked.get("accept", frozenset()), error)
        said = self.asked.get("skip_refused", False)
        if error is not None or said:
            found.append(Question("skip_refused", "Leave out what is refused", _LEAVE_OUT, said=said))
        return found

    def page(self, status: int, **facts: Any) -> Response:
        empty: dict[str, Any] = {"report": None, "refusal": None, "stale": False, "todo": [], "files": {}}
        about = {
            "path": self.path,
            "what": f"node {self.node}" if self.node else f"group {self.group}",
            "node": self.node,
            "to": self.asked.get("to", ""),
            "home": self.asked.get("home", False),
            "reason": self.asked.get("reason", ""),
        }
        pages = board(self.request).pages
        return pages.page(self.request, "relocate_group.html", self.who.caller, status=status, **empty | facts | about)


async def _opened(request: Request, form: Form | None = None) -> _Page:
    components, who = components_of(request), await session.visit(request)
    group, node = request.path_params.get("group", ""), request.path_params.get("node", "")
    items = request.query_params.multi_items() if form is None else form.without(OWN_FIELDS)
    keys = RELOCATE_NODE_KEYS if node else RELOCATE_GROUP_KEYS
    asked = read_pairs(ticked(items), [key for key in keys if key != "dry_run"])
    if group and "to" not in asked:
        raise BadRequest("to: is missing; expected primary or backup")
    return _Page(request, components, who, group, node, asked)


async def look(request: Request) -> Response:
    """All steps with their diffs; of what is under way already, how far it is."""
    return await (await _opened(request)).rehearsed()


async def begin(request: Request) -> Response:
    """Begins what was shown; when it would be another by now, shows that one."""
    form = await checked_form(request)
    page = await _opened(request, form)
    try:
        report = await page.begin(versions=shown_versions(form), key=checked_key([form.one("key")]))
    except PreconditionFailed:
        return await page.rehearsed(is_stale=True)
    except FailoverError as exc:
        return page.refused(exc)
    if report.operation is None:
        return page.shown(report)
    return group_relocation_page(request, page.who, report, status=202 if report.is_under_way else 200)


async def abort(request: Request) -> Response:
    """Ends it, and shows how far it had come."""
    await checked_form(request)
    components, who = components_of(request), await session.visit(request)
    report = await abort_relocations(who, components, MoveRequest(by=who.name), **request.path_params)
    return RedirectResponse(f"{root_of(request)}/operations/{report.operation}", 303, headers=HEADERS)


def _add(path: str) -> None:
    to: list[tuple[str, list[str], Callable[[Request], Awaitable[Response]]]] = [
        (path, ["GET", "HEAD"], look),
        (path, ["POST"], begin),
        (f"{path}/abort", ["POST"], abort),
    ]
    for where, methods, page in to:
        router.add_api_route(where, page, methods=methods)


_add("/groups/{group}/relocate")
_add("/nodes/{node}/relocate")
