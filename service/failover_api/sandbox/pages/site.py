"""The table of pages, and how a request becomes one.

Laws: an API client notices nothing of them (no limit is counted, no fault taken, no request logged), what they show is
escaped, they need no script, and no page of another site can press a button here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from failover_api.sandbox.hosting.merging import settle
from failover_api.sandbox.hosting.people import MARIA_LOGIN
from failover_api.sandbox.http.exchange import Reply
from failover_api.sandbox.pages import code, pulls
from failover_api.sandbox.pages.rendering import page
from failover_api.sandbox.pages.visit import NotThere, Visit

if TYPE_CHECKING:
    from collections.abc import Callable

    from failover_api.sandbox.hosting.world import World
    from failover_api.sandbox.http.exchange import Message

_REPOSITORY = re.compile(r"/([^/]+)/([^/]+)(?:/(.*))?", re.DOTALL)

# method, path below the repository, page. What the groups match is handed to it.
TABLE: list[tuple[str, str, Callable[..., Reply]]] = [
    ("GET", "", code.show_repository),
    ("GET", "tree/(.+)", code.show_tree),
    ("GET", "blob/(.+)", code.show_file),
    ("GET", "raw/(.+)", code.send_file),
    ("GET", "commits", code.show_history),
    ("GET", "commits/(.+)", code.show_history),
    ("GET", r"commit/(\w+)", code.show_commit),
    ("GET", r"compare/(.+?)\.\.\.(.+)", code.show_comparison),
    ("GET", "pulls", pulls.show_all),
    ("GET", r"pull/(\d+)(?:/files|/commits)?", pulls.show),
    ("POST", r"pull/(\d+)/merge", pulls.merge),
    ("POST", r"pull/(\d+)/close", pulls.close),
]


class Site:
    """Nobody signs in: who reaches the sandbox may read everything, and merge."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._table = [(method, re.compile(path, re.DOTALL), show) for method, path, show in TABLE]

    def answer(self, message: Message) -> Reply | None:
        """The page; None for a path that is none of ours, which is then the API's."""
        found = _REPOSITORY.fullmatch(message.path)
        repo = self._world.repositories.get(f"{found[1]}/{found[2]}".lower()) if found else None
        if found is None or repo is None:
            return None
        if repo.pulls:
            settle(repo, MARIA_LOGIN)  # a `git push` into the directory passes nobody by
        visit = Visit(repo, message)
        try:
            return self._show(visit, (found[3] or "").removesuffix("/"))
        except NotThere as exc:
            return page(visit, "nothing.html", 404, title="Not found", detail=str(exc))

    def _show(self, visit: Visit, path: str) -> Reply:
        method = visit.message.method.replace("HEAD", "GET")
        matching = [(verb, show, match) for verb, pattern, show in self._table if (match := pattern.fullmatch(path))]
        if not matching:
            raise NotThere("There is no such page.")
        for verb, show, match in matching:
            if verb == method:
                if verb == "POST" and not _is_from_here(visit.message):
                    return page(visit, "nothing.html", 403, title="Refused", detail="Another site sent this form.")
                return show(visit, *match.groups())
        return page(visit, "nothing.html", 405, title="Refused", detail=f"{method} is not for this page.")


def _is_from_here(message: Message) -> bool:
    """https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header"""
    site = message.headers.get("sec-fetch-site")
    return site == "same-origin" if site else message.headers.get("origin") == message.web
