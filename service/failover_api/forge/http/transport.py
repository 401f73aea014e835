"""One request over HTTP and its reply; and the error for a reply that is missing, cut or garbled."""

from dataclasses import dataclass, field

import httpx2

from failover_api.connection_errors import explain_connection_error
from failover_api.core.untrusted_json import parse_json
from failover_api.errors import (
    FailoverError,
    ForgeError,
    ForgeUnavailable,
    WriteUnknown,
)
from failover_api.forge.http.connections import Connections
from failover_api.forge.http.reply import Reply
from failover_api.forge.http.wrong_host import is_page

ATTEMPTS = 3
CONNECT_TIMEOUT_S = 5.0
_HEADERS = {
    "accept": "application/vnd.github+json",
    "x-github-api-version": "2022-11-28",
    "user-agent": "failover-api",
}
_NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,  # the proxy refused to make a connection
    httpx2.UnsupportedProtocol,
)


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `url` is below the REST root, or absolute. `repository` picks the token, unless `bearer` is one.

    `what` says what it does, for people. `writing`: a lost reply leaves it unknown whether it was carried out.
    `creates`: GitHub counts it as creating content. `pulls`: it needs the token that may work on pull requests.
    `send_by` (time.monotonic()): it is not sent later. Its repr leaves out credentials and contents of files.
    """

    method: str
    url: str
    what: str
    repository: str
    json: object = field(default=None, repr=False)
    etag: str | None = None
    writing: bool = False
    creates: bool = False
    pulls: bool = False
    graphql: bool = False
    attempts: int = ATTEMPTS
    bearer: str | None = field(default=None, repr=False)
    send_by: float | None = None


class Transport:
    """Sends requests over `connections`, which the caller closes."""

    def __init__(self, connections: Connections, *, base_url: str, timeout_s: float) -> None:
        self._connections, self._base_url = connections, base_url.rstrip("/")
        self._timeout = httpx2.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s))

    @property
    def graphql_url(self) -> str:
        """Beside the REST root: /graphql, or /api/graphql on GitHub Enterprise Server."""
        root = self._base_url.removesuffix("/v3") if self._base_url.endswith("/api/v3") else self._base_url
        return f"{root}/graphql"

    async def send(self, request: Request, token: str) -> Reply:
        """Raises what a missing, cut or garbled reply means."""
        url = request.url if "://" in request.url else self._base_url + request.url
        headers = {**_HEADERS, "authorization": f"Bearer {token}"}
        if request.etag:
            headers["if-none-match"] = request.etag
        http = self._connections.current
        try:
            response = await http.request(
                request.method, url, headers=headers, json=request.json, timeout=self._timeout, follow_redirects=False
            )
        except httpx2.InvalidURL as exc:
            raise ForgeError(f"{request.what}: not a URL that can be asked for") from exc
        except httpx2.HTTPError as exc:
            await self._connections.failed(http)
            sent = not isinstance(exc, _NEVER_SENT)
            raise no_reply_error(exc, what=request.what, sent=sent, writing=request.writing, url=url) from exc
        return _reply(request, response, self._base_url)


def _reply(request: Request, response: httpx2.Response, root: str) -> Reply:
    body = response.content
    headers = {key.lower(): value for key, value in response.headers.items()}
    try:
        data = parse_json(body) if body else None
    except ValueError as exc:
        reply = Reply(request.method, request.url, response.status_code, headers, body, None, root)
        if response.status_code < 300:  # a success we cannot read: cut, or not from GitHub
            why = (is_page(headers, body) and reply.wrong_host) or "the answer is cut or garbled"
            raise no_reply_error(exc, what=request.what, sent=True, writing=request.writing, why=why) from exc
        return reply
    return Reply(request.method, request.url, response.status_code, headers, body, data, root)


UNAVAILABLE_WAIT_S = 5.0


def no_reply_error(
    error: Exception, *, what: str, sent: bool, writing: bool, url: str = "", why: str = ""
) -> FailoverError:
    """The error for no reply, half of one, or another server's; `why` in words. `sent` is False if it never left.

    Only a write that may have been sent is in doubt (WriteUnknown): anything else can safely be repeated.
    """
    text = f"{what}: no reply from GitHub ({why or explain_connection_error(error, url)})"
    if writing and sent:
        return WriteUnknown(text)
    return ForgeUnavailable(text, retry_after_s=UNAVAILABLE_WAIT_S)
