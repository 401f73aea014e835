"""Sessions of browsers: the bearer token in a cookie, the token in each form, refusal of other sites' forms.

The cookie is the bearer itself, kept by the browser until it is closed: nothing is stored here, so any replica knows
who comes. `__Host-` ties it to this host and to HTTPS, below a root path its Path does; Strict keeps other sites
from using it.
https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Set-Cookie
"""

import hashlib
import hmac
import re
from typing import Annotated

from fastapi import Depends, Request, Response

from failover_api.core.access.model import Verb
from failover_api.edges.http.access import Session, identify
from failover_api.edges.http.access import visit as visit_by_header
from failover_api.edges.http.root_path import root_of
from failover_api.errors import BadRequest, Forbidden

COOKIE = "__Host-failover"
COOKIE_BELOW = "__Secure-failover"  # below a root path: `__Host-` would send it to all that the host shows
MAX_BEARER = 3800  # a browser keeps 4,096 bytes of a cookie, its name and attributes included
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # https://www.rfc-editor.org/rfc/rfc6750#section-2.1


def cookie_of(request: Request) -> str:
    """The cookie's name where we are shown."""
    return COOKIE_BELOW if root_of(request) else COOKIE


def bearer_of(request: Request) -> str | None:
    """What the cookie holds, when it could be a token."""
    given = request.cookies.get(cookie_of(request), "")
    return given if _BEARER.fullmatch(given) else None


async def visit(request: Request, *, is_repeated: bool = False) -> Session:
    """Who looks. Raises Unauthenticated or Forbidden for whom nothing is to be seen, and what the gate raises.

    `is_repeated`: a page that is open asks for news. The audit log has its opening, and is spared the rest.
    """
    who = await identify(request, bearer_of)
    if not (is_repeated and who.caller.may_any(Verb.VIEW)):
        who.needs_any(Verb.VIEW, "board")
    return who


async def reader(request: Request) -> Session:
    """Who reads what scripts read too: by the Authorization header, or by the cookie where there is none."""
    if "authorization" in request.headers:
        return await visit_by_header(request)
    return await identify(request, bearer_of)


Reader = Annotated[Session, Depends(reader)]


def checked_bearer(text: str) -> str:
    """A token as it was pasted. Raises BadRequest for what a cookie cannot hold."""
    bearer = text.strip().removeprefix("Bearer ").strip()
    if not _BEARER.fullmatch(bearer):
        raise BadRequest("this is no token: expected letters, digits and . _ ~ + / - alone")
    if len(bearer) > MAX_BEARER:
        raise BadRequest(f"the token has {len(bearer):,} characters; a browser keeps {MAX_BEARER:,}")
    return bearer


def remember(request: Request, response: Response, bearer: str) -> None:
    """Until the browser is closed."""
    path = root_of(request) or "/"
    response.set_cookie(cookie_of(request), bearer, secure=True, httponly=True, samesite="strict", path=path)


def forget(request: Request, response: Response) -> None:
    path = root_of(request) or "/"
    response.delete_cookie(cookie_of(request), secure=True, httponly=True, samesite="strict", path=path)


def form_token(bearer: str | None) -> str:
    """What a form of this session carries. Whoever cannot read the cookie cannot make it; every replica can."""
    return hmac.new((bearer or "").encode(), b"failover-api: a form of the board", hashlib.sha256).hexdigest()


def refuse_foreign_form(request: Request) -> None:
    """A page of another site must not send our forms. Raises Forbidden, also when the browser does not say.

    https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
    """
    site = request.headers.get("sec-fetch-site")
    ours = site == "same-origin" if site else is_own_origin(request)
    if not ours:
        raise Forbidden("the form was not sent by a page of this service")


def is_own_origin(request: Request) -> bool:
    """Whether a page of this host sends it, by its Origin; not, where that is missing or `null`."""
    return request.headers.get("origin", "").partition("://")[2] == request.headers.get("host", "")


def refuse_foreign_token(request: Request, given: str) -> None:
    """Raises Forbidden for a form of another session."""
    if not hmac.compare_digest(given.encode(), form_token(bearer_of(request)).encode()):
        raise Forbidden("the form is of another session: you signed in or out since; go back and load the page again")


def is_from_elsewhere(request: Request) -> bool:
    """Whether a link on another site led here: then the browser held the cookie back."""
    return request.headers.get("sec-fetch-site") == "cross-site" and request.method == "GET"
