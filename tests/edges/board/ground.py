"""The board on a stage: a gate that knows made-up people, forms as a browser sends them, and a served app."""

import contextlib
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx2
from fastapi import FastAPI

from failover_api.core.access.model import Caller, Grant, Verb
from failover_api.edges.http.session import COOKIE, form_token
from failover_api.errors import Unauthenticated
from tests.support.stage import Stage

OWN = {"sec-fetch-site": "same-origin", "accept": "text/html"}  # what a browser says of a form of ours
ALL = ("view", "plan", "execute")


def person(name: str, verbs: Iterable[str] = ALL, services: Sequence[str] = ("*",)) -> Caller:
    """A caller, and what they may do with which services."""
    return Caller(name, (Grant.of(map(Verb, verbs), services),))


@dataclass(frozen=True, slots=True)
class People:
    """A gate: {bearer: who has it}. Without a token nobody is let in, unless None is among them."""

    known: Mapping[str | None, Caller]
    seen: list[tuple[str | None, str]] = field(default_factory=list)

    async def identify(self, bearer: str | None, address: str) -> Caller:
        self.seen.append((bearer, address))
        if bearer not in self.known:
            raise Unauthenticated("the token is not known here")
        return self.known[bearer]


class Browser:
    """A browser without script, for whom `bearer` is in the cookie."""

    def __init__(self, client: httpx2.AsyncClient, app: FastAPI, bearer: str | None) -> None:
        self.client, self.app, self.bearer = client, app, bearer

    @property
    def _headers(self) -> dict[str, str]:
        return OWN | ({"cookie": f"{COOKIE}={self.bearer}"} if self.bearer else {})

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return await self.client.get(path, headers={**self._headers, **headers})

    async def post(self, path: str, fields: Mapping[str, str], **headers: str) -> httpx2.Response:
        """Sends a form with the session's token."""
        data = {"token": form_token(self.bearer), **fields}
        return await self.client.post(path, data=data, headers={**self._headers, **headers})

    async def confirm(self, page: httpx2.Response, **fields: str) -> httpx2.Response:
        """Presses the button of a move's page."""
        return await self.post(page.request.url.path, {**hidden(page.text), **fields})


@contextlib.asynccontextmanager
async def browsing(
    stage: Stage, people: Any = None, bearer: str | None = None, **settings: Any
) -> AsyncIterator[Browser]:
    """The real app, with a gate of made-up people when they are given."""
    app = stage.app(stage.settings(**settings))
    async with stage.client(app=app) as client:
        if people is not None:
            app.state.authenticator = people
        yield Browser(client, app, bearer)


def hidden(html: str) -> dict[str, str]:
    """The hidden fields of the form that confirms."""
    form = html.partition('id="confirm"')[2].partition("</form>")[0]
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found}


def text(html: str) -> str:
    """What a person reads, blanks aside."""
    without_tags = re.sub(r"<[^>]*>", " ", html.replace("<wbr>", ""))
    return re.sub(r"\s+", " ", unescape(without_tags)).strip()


def part(html: str, name: str) -> list[str]:
    """The services in a part of the board: "look", "backup" or "primary"."""
    section = html.partition(f'"{name}-title">')[2].partition("</section>")[0]
    return re.findall(r'id="row-([^"]+)"', section)


def headline(html: str) -> str:
    """The board's headline as it is read."""
    return text(html.partition('<h1 id="headline"')[2].partition(">")[2].partition("</h1>")[0]).replace(" ,", ",")
