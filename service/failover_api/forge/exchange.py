"""One request, one reply: what is sent, what came back, and what it means that nothing did."""

from dataclasses import dataclass, field

import httpx2

from failover_api.core.json_text import parse_json
from failover_api.errors import GitHubError
from failover_api.forge.connections import Connections
from failover_api.forge.reached import is_page
from failover_api.forge.replies import Reply, lost

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
class Ask:
    """One request. `url` is below the REST root or absolute; `repository` picks the token, or `bearer` is one.

    `writing`: a lost reply leaves it unknown what happened. `creates`: GitHub counts it as creating content. `pulls`:
    it is about pull requests, and needs the token that may. Shown without what nobody should see: credentials and the
    contents of files.
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


class Exchange:
    """Sends over `connections`, which are closed by whoever made them."""

    def __init__(self, connections: Connections, *, base_url: str, timeout_s: float) -> None:
        self._connections, self._base_url = connections, base_url.rstrip("/")
        self._timeout = httpx2.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s))

    @property
    def graphql_url(self) -> str:
        """Beside the REST root: /graphql, or /api/graphql on GitHub Enterprise Server."""
        root = self._base_url.removesuffix("/v3") if self._base_url.endswith("/api/v3") else self._base_url
        return f"{root}/graphql"

    async def send(self, ask: Ask, token: str) -> Reply:
        """Raises what a missing, cut or garbled reply means."""
        url = ask.url if "://" in ask.url else self._base_url + ask.url
        headers = {**_HEADERS, "authorization": f"Bearer {token}"}
        if ask.etag:
            headers["if-none-match"] = ask.etag
        http = self._connections.current
        try:
            response = await http.request(
                ask.method, url, headers=headers, json=ask.json, timeout=self._timeout, follow_redirects=False
            )
        except httpx2.InvalidURL as exc:
            raise GitHubError(f"{ask.what}: not a URL that can be asked for") from exc
        except httpx2.HTTPError as exc:
            await self._connections.failed(http)
            sent = not isinstance(exc, _NEVER_SENT)
            raise lost(exc, what=ask.what, sent=sent, writing=ask.writing, url=url) from exc
        return _reply(ask, response, self._base_url)


def _reply(ask: Ask, response: httpx2.Response, root: str) -> Reply:
    body = response.content
    headers = {key.lower(): value for key, value in response.headers.items()}
    try:
        data = parse_json(body) if body else None
    except ValueError as exc:
        reply = Reply(ask.method, ask.url, response.status_code, headers, body, None, root)
        if response.status_code < 300:  # a success we cannot read: cut, or not from GitHub
            why = (is_page(headers, body) and reply.stranger) or "the answer is cut or garbled"
            raise lost(exc, what=ask.what, sent=True, writing=ask.writing, why=why) from exc
        return reply
    return Reply(ask.method, ask.url, response.status_code, headers, body, data, root)
