"""The path below which a proxy shows us. Inside, every path is as if we were at the root: what goes out adds it.

ForwardedHeaders    what a trusted proxy says: the caller's address, the scheme, X-Forwarded-Prefix
RootPath            takes the root path off a request's path, unless the proxy has done so
"""

from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from failover_api.settings import sub_path

_KEY = "failover_api.root_path"


def root_of(request: HTTPConnection) -> str:
    """What every link begins with: "" or a path like /failover."""
    root: str = request.scope.get(_KEY, "")
    return root


class ForwardedHeaders(ProxyHeadersMiddleware):
    """Believes X-Forwarded-Prefix of whom X-Forwarded-For is believed. What is no plain path is ignored."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        client = scope.get("client")
        if scope["type"] == "http" and client is not None and client[0] in self.trusted_hosts:
            given = [value for name, value in scope["headers"] if name == b"x-forwarded-prefix"]
            scope = {**scope, "root_path": _said(given) or scope.get("root_path", "")}
        await super().__call__(scope, receive, send)


class RootPath:
    """`usual` is the root path where neither a proxy nor the server names another."""

    def __init__(self, app: ASGIApp, *, usual: str) -> None:
        self._app, self._usual = app, usual

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            root = scope.get("root_path") or self._usual
            scope = {**scope, "path": _below(scope["path"], root), "root_path": "", _KEY: root}
        await self._app(scope, receive, send)


def _said(given: list[bytes]) -> str:
    """One header's path; nothing where there are several, or it is none."""
    try:
        return sub_path(given[0].decode("ascii")) if len(given) == 1 else ""
    except ValueError:
        return ""


def _below(path: str, root: str) -> str:
    if not root:
        return path
    return path.removeprefix(root) or "/" if f"{path}/".startswith(f"{root}/") else path
