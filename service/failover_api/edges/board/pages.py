"""Rendering of pages: templates, and the headers of a page besides those of hardening.py."""

import functools
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response
from markupsafe import Markup, escape

import failover_api
from failover_api import logs
from failover_api.core.access.model import Caller
from failover_api.edges import problems
from failover_api.edges.automatic_headline import ended
from failover_api.edges.board.advice import advice_on
from failover_api.edges.board.assets import static_files
from failover_api.edges.board.links import web_only
from failover_api.edges.board.rows import text_of
from failover_api.edges.http.root_path import root_of
from failover_api.edges.http.session import bearer_of, cookie_of, forget, form_token, is_from_elsewhere
from failover_api.edges.printable import printable
from failover_api.errors import FailoverError, Unauthenticated

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
# Neither style nor script stands in a page itself, so nothing that gets into one can be either.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",  # with no-referrer a form would come from the origin "null"
    "Cache-Control": "no-store",
    "Vary": "Cookie",
}
HTML = "text/html; charset=utf-8"
_BETWEEN_PARTS = re.compile(r"(?<=[^/])(?=[.\[:|])|(?<=/)(?=.)")
_PASSING = re.compile("<time data-seen.*?</time>|(?<=>)[^<]*(?=</time>)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Pages:
    """The templates. A name that a template does not know is an error, and everything is escaped."""

    def __init__(self) -> None:
        self._folders: tuple[Path, ...] = (TEMPLATES,)
        self._links: tuple[tuple[str, str], ...] = ()  # words and path, at the foot of every page

    def extend(self, folder: Path, links: Mapping[str, str]) -> None:
        """Templates and addresses of what this app serves beside the board. To be called before the first page."""
        self._folders += (folder,)
        self._links += tuple(links.items())

    @property
    def _templates(self) -> "Environment":
        """Made for the first page: a service that only scripts talk to needs no Jinja in its memory."""
        return _environment(self._folders, self._links)

    def page(self, request: Request, name: str, caller: Caller | None, *, status: int = 200, **facts: Any) -> Response:
        """A whole page. `caller` is None where nobody asked who looks."""
        bearer = bearer_of(request)
        who = {"caller": caller, "signed_in": bearer is not None, "form_token": form_token(bearer)}
        html = self._templates.get_template(name).render(**who, root=root_of(request), **facts)
        return Response(html, status, headers=HEADERS, media_type=HTML)

    def part(self, name: str, **facts: Any) -> Markup:
        """A part of a page, which knows nothing of who looks."""
        return Markup(self._templates.get_template(name).render(**facts))  # noqa: S704 - it comes out of a template

    def error(self, request: Request, error: FailoverError) -> Response:
        """What went wrong and what to do about it; for whom nobody knows, the way to sign in."""
        if isinstance(error, Unauthenticated):
            return self.sign_in(request, _here(request) if request.method == "GET" else "/", error)
        facts = {"error": error, "advice": advice_on(error), "request_id": logs.request_id.get()}
        response = self.page(request, "error.html", None, status=problems.status_of(error), **facts)
        response.headers.update(problems.headers(error))
        return response

    def sign_in(self, request: Request, goal: str, error: FailoverError | None = None) -> Response:
        """Asks for a token, to go on to `goal` with; `error` is why one that was given will not do."""
        had_one = request.method == "POST" or cookie_of(request) in request.cookies
        facts = {
            "next": goal,
            "error": error if had_one else None,
            "from_elsewhere": is_from_elsewhere(request) and error is not None,
        }
        status = problems.status_of(error) if error else 200
        response = self.page(request, "signin.html", None, status=status, **facts)
        response.headers.update(problems.headers(error) if error else {})
        if isinstance(error, Unauthenticated) and cookie_of(request) in request.cookies:
            forget(request, response)
        return response


@functools.cache
def _environment(folders: tuple[Path, ...], links: tuple[tuple[str, str], ...]) -> "Environment":
    """The compiled templates, once for all apps of a process that show the same."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
        auto_reload=False,
    )
    made.filters |= {
        "when": when,
        "ago": ago,
        "text": text_of,
        "web": web_only,
        "plain": printable,
        "code": with_code,
        "path": with_breaks,
        "sentence": ended,
        "by_reason": by_reason,
    }
    made.globals |= {"asset": static_files().url, "version": failover_api.__version__, "more": dict(links)}
    return made


def wants_page(request: Request) -> bool:
    """Whether an error should be a page: a browser shows it, and it is no address of the API."""
    path = request.url.path
    is_api = path.startswith(("/api/", "/hooks/", "/static/")) or path in {"/metrics", "/openapi.json"}
    return not is_api and "text/html" in request.headers.get("accept", "")


def tag_of(html: str) -> str:
    """A weak ETag: it names what is shown, but for how long ago that was."""
    lasting = _PASSING.sub("", html)
    return f'W/"{hashlib.sha256(lasting.encode()).hexdigest()[:32]}"'


def by_reason(refused: Mapping[str, FailoverError]) -> list[tuple[list[str], FailoverError]]:
    """Names and what refuses them, each reason once: that a node is dead is one thing, however many services it has."""
    found: dict[tuple[str, str], tuple[list[str], FailoverError]] = {}
    for name, error in refused.items():
        found.setdefault((error.title, error.detail), ([], error))[0].append(name)
    return list(found.values())


def with_breaks(path: str) -> Markup:
    """A path, that is broken between its parts where it is broken."""
    escaped = str(escape(printable(path)))
    return Markup(_BETWEEN_PARTS.sub("<wbr>", escaped))  # noqa: S704 - escaped right above


def with_code(text: str) -> Markup:
    """A sentence, with what stands between backticks as code. What is Markup already stays so."""
    escaped = str(text if isinstance(text, Markup) else escape(printable(text)))
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", escaped))  # noqa: S704 - escaped before


def when(time: str) -> str:
    """A time of Git, RFC 3339 in UTC, as people read it: "24 Nov 2026, 13:40 UTC"."""
    day, _, clock = time.partition("T")
    year, month, date = (*day.split("-"), "", "")[:3]
    if not (_is_short(month) and 1 <= int(month) <= len(_MONTHS) and _is_short(date)):
        return time
    return f"{int(date)} {_MONTHS[int(month) - 1]} {year}, {clock[:5]} UTC"


def _is_short(number: str) -> bool:
    return number.isdecimal() and len(number) <= 2


def ago(time: str, now: datetime) -> str:
    """How long ago a time of Git was, as board.js says it too: "3 h ago"."""
    try:
        minutes = int((now - datetime.fromisoformat(time)).total_seconds()) // 60
    except (ValueError, TypeError):
        return time
    if minutes < 1:
        return "just now"
    hours = minutes // 60
    return f"{minutes} min ago" if not hours else f"{hours} h ago" if hours < 2 * 24 else f"{hours // 24} days ago"


def _here(request: Request) -> str:
    """The page that is asked for, to come back to."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _shown(value: object) -> object:
    """Text from outside cannot hide in a page, or turn its lines round."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
