"""One request as the endpoints see it."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from failover_api.sandbox.github.answer import Refused, not_supplied

if TYPE_CHECKING:
    from collections.abc import Mapping

    from failover_api.sandbox.github.identity import Actor, Identities
    from failover_api.sandbox.hosting.repository import Repository
    from failover_api.sandbox.hosting.world import World
    from failover_api.sandbox.http.exchange import Message


@dataclass(frozen=True, slots=True)
class Call:
    """`params` are those of the path."""

    world: World
    identities: Identities
    actor: Actor
    message: Message
    params: Mapping[str, str]
    repository: Repository | None = None

    @property
    def repo(self) -> Repository:
        if self.repository is None:
            raise Refused(404, "Not Found")
        return self.repository

    @property
    def query(self) -> Mapping[str, str]:
        return self.message.query

    @property
    def base(self) -> str:
        return self.message.base

    @property
    def web(self) -> str:
        return self.message.web

    @property
    def url(self) -> str:
        return f"{self.base}/repos/{self.repo.full_name}"

    @property
    def html_url(self) -> str:
        return f"{self.web}/{self.repo.full_name}"

    @property
    def accept(self) -> str:
        return self.message.headers.get("accept", "")

    def value(self) -> Any:
        """The body as JSON, an object when there is none."""
        try:
            return self.message.body.value
        except ValueError as exc:
            raise Refused(400, "Problems parsing JSON") from exc

    def json(self) -> dict[str, Any]:
        value = self.value()
        if not isinstance(value, dict):
            raise Refused(400, "Body should be a JSON object")
        return value

    def required(self, *names: str) -> list[Any]:
        """These fields of the body. Raises Refused 422 for one that is not there."""
        fields = self.json()
        for name in names:
            if fields.get(name) is None:
                raise not_supplied(name)
        return [fields[name] for name in names]

    def number(self, name: str, default: int, most: int = 100) -> int:
        text = self.query.get(name, "")
        return min(max(int(text), 1), most) if text.isdecimal() else default

    def head(self, branch: str) -> str | None:
        """The branch's head, as this request is to see it: a stale one sees the commit before, a lagging one older."""
        if self.message.lag_s:
            return self.repo.bare.head_ago(branch, self.message.lag_s)
        head = self.repo.bare.head(branch)
        if head and "stale" in self.message.faults:
            parents = self.repo.bare.commit(head).parents
            return parents[0] if parents else head
        return head

    def resolve(self, ref: str | None) -> str | None:
        """The commit that a branch, tag, full ref name or sha means; None when there is none."""
        name = (ref or self.repo.default_branch).removeprefix("refs/")
        sha = self.head(name.removeprefix("heads/")) or self.repo.bare.ref(f"refs/tags/{name.removeprefix('tags/')}")
        if sha:
            return sha
        kind = self.repo.bare.kind(name) if len(name) == 40 else None
        return name if kind == "commit" else self.repo.bare.ref(f"refs/{name}")


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
    return f"{call.base}{call.message.path}?" + "&".join(f"{name}={value}" for name, value in query.items())
