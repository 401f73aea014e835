"""HEAD and OPTIONS, at every URL there is. Plain ASGI, innermost: everything else sees the request as it came.

    HEAD       what GET says, without its body
    OPTIONS    204, and the methods in Allow; it asks nobody who they are

https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2
"""

from collections.abc import Iterable

from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Methods:
    """What the routes of the app do not answer themselves."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope.get("method")
        if scope["type"] != "http" or method not in {"HEAD", "OPTIONS"}:
            return await self._app(scope, receive, send)
        allowed = methods_at(scope)
        if method == "OPTIONS" and allowed:
            return await Response(status_code=204, headers={"Allow": ", ".join(allowed)})(scope, receive, send)
        if method == "HEAD" and "GET" in allowed:
            return await self._app({**scope, "method": "GET"}, receive, _without_body(send))
        return await self._app(scope, receive, send)


def methods_at(scope: Scope) -> list[str]:
    """Those that the URL of a request takes, in order; none where nothing is."""
    routes = [route for route in scope["app"].routes if isinstance(route, Route)]
    matching = [route for route in routes if route.matches(scope)[0] is not Match.NONE]
    own = [route for route in matching if route.path == matching[0].path]  # the first is that which answers
    return with_implied({method for route in own for method in route.methods or ()})


def with_implied(methods: Iterable[str]) -> list[str]:
    """What a URL takes whose routes take these."""
    declared = set(methods)
    implied = {"OPTIONS", "HEAD"} if "GET" in declared else {"OPTIONS"}
    return sorted(declared | implied) if declared else []


def _without_body(send: Send) -> Send:
    """The headers stay, Content-Length too: it is that of the body that GET would give."""

    async def send_head(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_head
