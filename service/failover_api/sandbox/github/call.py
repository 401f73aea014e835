"""One request as the endpoints see it, and what they give back."""

from __future__ import annotations

import base64
import binascii
import functools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from failover_api.sandbox.github.identity import Actor
    from failover_api.sandbox.hosting.repository import Repository
    from failover_api.sandbox.sandbox import Sandbox

DOCS = "https://docs.github.com/rest"


class Refused(Exception):
    """An answer other than success, with GitHub's status and text."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        url: str = DOCS,
        errors: list[Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.url = url
        self.errors = errors
        self.headers = dict(headers or {})

    def answer(self, request_id: str) -> Answer:
        body: dict[str, Any] = {"message": self.message.replace("{request_id}", request_id)}
        if self.errors is not None:
            body["errors"] = self.errors
        return Answer({**body, "documentation_url": self.url, "status": str(self.status)}, self.status, self.headers)


def invalid(resource: str, *, field: str | None = None, code: str = "custom", message: str | None = None) -> Refused:
    """422 Validation Failed, with one entry in `errors`."""
    entry = {"resource": resource, "code": code}
    if field:
        entry["field"] = field
    if message:
        entry["message"] = message
    return Refused(422, "Validation Failed", errors=[entry])


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is JSON, or bytes to be sent as they are. `etag` as sent; None: made from body and credentials."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str | None = None


class Body:
    """What a client sent, parsed once."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    @functools.cached_property
    def value(self) -> Any:
        """As JSON, an object when there is none. Raises ValueError."""
        return json.loads(self.raw) if self.raw else {}

    @property
    def query(self) -> str | None:
        """The text of a GraphQL request."""
        try:
            text = self.value["query"]
        except (ValueError, KeyError, TypeError):
            return None
        return text if isinstance(text, str) else None


@dataclass(frozen=True, slots=True)
class Call:
    """`base` is the URL of the API root, `web` that of the web pages. `faults`: those an endpoint acts out itself."""

    sandbox: Sandbox
    actor: Actor
    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Body
    base: str
    web: str
    repository: Repository | None = None
    faults: frozenset[str] = frozenset()
    lag_s: float = 0.0

    @property
    def repo(self) -> Repository:
        if self.repository is None:
            raise Refused(404, "Not Found")
        return self.repository

    @property
    def url(self) -> str:
        return f"{self.base}/repos/{self.repo.full_name}"

    @property
    def html_url(self) -> str:
        return f"{self.web}/{self.repo.full_name}"

    @property
    def accept(self) -> str:
        return self.headers.get("accept", "")

    def value(self) -> Any:
        """The body as JSON, an object when there is none."""
        try:
            return self.body.value
        except ValueError as exc:
            raise Refused(400, "Problems parsing JSON") from exc

    def json(self) -> dict[str, Any]:
        value = self.value()
        if not isinstance(value, dict):
            raise Refused(400, "Body should be a JSON object")
        return value

    def wanted(self, *names: str) -> list[Any]:
        """These fields of the body. Raises Refused 422 for one that is not there."""
        given = self.json()
        for name in names:
            if given.get(name) is None:
                raise not_supplied(name)
        return [given[name] for name in names]

    def number(self, name: str, default: int, most: int = 100) -> int:
        text = self.query.get(name, "")
        return min(max(int(text), 1), most) if text.isdecimal() else default

    def head(self, branch: str) -> str | None:
        """The branch's head, as this request is to see it: a stale one sees the commit before, a lagging one older."""
        if self.lag_s:
            return self.repo.bare.head_ago(branch, self.lag_s)
        head = self.repo.bare.head(branch)
        if head and "stale" in self.faults:
            parents = self.repo.bare.commit(head).parents
            return parents[0] if parents else head
        return head

    def resolve(self, ref: str | None) -> str | None:
        """The commit that a branch, tag, full ref name or sha means; None when there is none."""
        name = (ref or self.repo.default_branch).removeprefix("refs/")
        found = self.head(name.removeprefix("heads/")) or self.repo.bare.ref(f"refs/tags/{name.removeprefix('tags/')}")
        if found:
            return found
        known = self.repo.bare.kind(name) if len(name) == 40 else None
        return name if known == "commit" else self.repo.bare.ref(f"refs/{name}")


def not_supplied(name: str) -> Refused:
    return Refused(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')


def decoded(content: str) -> bytes:
    """Base64 as clients send it, line breaks allowed."""
    try:
        return base64.b64decode("".join(str(content).split()), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise Refused(422, "content is not valid Base64") from exc


def paged(call: Call, items: list[Any], *, more: bool = False) -> tuple[list[Any], dict[str, str]]:
    """One page of `items` and the Link header. `more`: items holds only what leads up to the next page."""
    size, page = call.number("per_page", 30), call.number("page", 1, 1_000_000)
    last = max(1, -(-len(items) // size))
    links: dict[str, int] = {}
    if page > 1:
        links |= {"prev": page - 1, "first": 1}
    if page < last:
        links["next"] = page + 1
        if not more:
            links["last"] = last
    text = ", ".join(f'<{_page_url(call, number)}>; rel="{rel}"' for rel, number in links.items())
    return items[(page - 1) * size : page * size], {"Link": text} if text else {}


def _page_url(call: Call, page: int) -> str:
    query = {**call.query, "page": str(page)}
    return f"{call.base}{call.path}?" + "&".join(f"{name}={value}" for name, value in query.items())
