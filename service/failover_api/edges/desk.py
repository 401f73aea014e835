"""What the command line talks to: the use cases themselves, or a running service over HTTP.

Both give the same bodies (contract shapes as plain dicts) and raise Refused with the same problem objects.
"""

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote

from failover_api.edges.problems import TYPE_PREFIX, problem
from failover_api.errors import FailoverError, NotReady, OutcomeUnknown

if TYPE_CHECKING:
    from failover_api.settings import Settings

Body = dict[str, Any]
T = TypeVar("T")


class Refused(Exception):
    """A problem, as it is shown with --json."""

    def __init__(self, problem: Body) -> None:
        super().__init__(problem.get("detail", ""))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class MoveOptions:
    """How a move is asked for. `if_match` is the ETag of what was shown."""

    dry_run: bool = False
    force: bool = False
    reason: str = ""
    if_match: str | None = None


class Desk(Protocol):
    """Where commands are carried out."""

    def list_all(self) -> Body: ...

    def status(self, service: str) -> Body: ...

    def move(self, service: str, action: str, options: MoveOptions) -> tuple[Body, str]:
        """The outcome and its ETag."""
        ...


class Direct:
    """Works on GitHub itself: no service need be running."""

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings

    def list_all(self) -> Body:
        from failover_api.edges.models import list_body

        async def run(house: Any) -> Body:
            house.catalog.current()
            error = house.catalog.error
            return _dump(list_body(await house.failover.list_all(), error.detail if error else None))

        return self._in_house(run)

    def status(self, service: str) -> Body:
        from failover_api.edges.models import status_body

        async def run(house: Any) -> Body:
            return _dump(status_body(await house.failover.status(service)))

        return self._in_house(run)

    def move(self, service: str, action: str, options: MoveOptions) -> tuple[Body, str]:
        from failover_api.core.catalog import Action
        from failover_api.core.message import checked_reason
        from failover_api.edges.etags import etag_of, versions_of
        from failover_api.edges.models import outcome_body

        async def run(house: Any) -> tuple[Body, str]:
            outcome = await house.failover.move(
                service,
                Action(action),
                by=_caller(),
                reason=checked_reason(options.reason),
                force=options.force,
                dry_run=options.dry_run,
                versions=versions_of(options.if_match),
            )
            return _dump(outcome_body(outcome)), etag_of(outcome.version, b"")

        return self._in_house(run)

    def check(self) -> Body:
        """The checks, as they are shown with --json."""
        from failover_api.checkup import check_all

        async def run(house: Any) -> Body:
            checks = await check_all(house.catalog, house.github, house.failover)
            shown = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks]
            return {"ok": all(check.ok for check in checks), "checks": shown}

        return self._in_house(run)

    def _in_house(self, use: Callable[[Any], Awaitable[T]]) -> T:
        from failover_api.wiring import open_failover

        async def run() -> T:
            async with open_failover(self._settings) as house:
                return await use(house)

        try:
            return asyncio.run(run())
        except FailoverError as exc:
            raise refused(exc) from exc


class Remote:
    """A running service, over HTTP."""

    def __init__(self, url: str, token: str | None, timeout_s: float) -> None:
        self._url, self._token, self._timeout_s = url, token, timeout_s

    def list_all(self) -> Body:
        return self._ask("GET", "/api/failover", expect="services")[0]

    def status(self, service: str) -> Body:
        return self._ask("GET", f"/api/failover/{quote(service, safe='')}", expect="switches")[0]

    def move(self, service: str, action: str, options: MoveOptions) -> tuple[Body, str]:
        path = f"/api/failover/{quote(service, safe='')}/{action}"
        wish = {"dry_run": options.dry_run, "force": options.force, "reason": options.reason}
        headers = {"If-Match": options.if_match} if options.if_match else {}
        writing = not options.dry_run
        return self._ask("POST", path, expect="changes", writing=writing, json=wish, headers=headers)

    def _ask(
        self, method: str, path: str, *, expect: str, writing: bool = False, headers: Any = None, json: Any = None
    ) -> tuple[Body, str]:
        """The body, which has the key `expect`, and its ETag."""
        import httpx2

        headers = {"accept": "application/json", **(headers or {})}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        try:
            response = httpx2.request(method, self._url + path, headers=headers, json=json, timeout=self._timeout_s)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol, httpx2.InvalidURL) as exc:
            raise refused(NotReady(f"{self._url} cannot be reached ({type(exc).__name__})")) from exc
        except httpx2.HTTPError as exc:
            raise refused(self._unanswered(f"did not answer ({type(exc).__name__})", writing=writing)) from exc
        try:
            body = response.json()
        except ValueError:
            body = None
        if response.is_success and isinstance(body, dict) and expect in body:
            return body, response.headers.get("etag", "")
        if isinstance(body, dict) and str(body.get("type", "")).startswith(TYPE_PREFIX):
            raise Refused(body)
        foreign = f"answered {response.status_code}, and not as a failover-api does"
        carried_out = response.is_success or response.status_code >= 500
        raise refused(self._unanswered(foreign, writing=writing and carried_out))

    def _unanswered(self, what: str, *, writing: bool) -> FailoverError:
        """What it means that the service's own answer did not come: a gateway in between may have dropped it."""
        if not writing:
            return NotReady(f"{self._url} {what}")
        return OutcomeUnknown(f"{self._url} {what}; ask again: a service that is already there is not moved twice")


def refused(error: FailoverError) -> Refused:
    """The same error, as it is shown."""
    return Refused(problem(error, instance=None))


def _dump(body: Any) -> Body:
    dumped: Body = body.model_dump(mode="json", by_alias=True)
    return dumped


def _caller() -> str:
    """Who sits here: the actor of a GitHub Actions run, else the user of this machine."""
    actor = os.environ.get("GITHUB_ACTOR")
    if actor:
        return actor
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "cli"
