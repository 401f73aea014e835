"""Authentication and authorisation, by config/access.yaml. Every decision is one line of the audit log.

    bearer     a static token (its digest is known), or a token of an OpenID Connect issuer
    nothing    whatever `anonymous` allows

A service that the caller may do nothing with is, to him, not there.
"""

import ipaddress
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from cachetools import TTLCache
from fastapi import Depends, Request

from failover_api.core.access.load import GITHUB_ACTIONS
from failover_api.core.access.model import ANONYMOUS, Access, Caller, Issuer, Verb
from failover_api.core.catalog.model import no_group, no_service
from failover_api.core.wording import one_line
from failover_api.edges.http.throttle import Throttle
from failover_api.errors import FailoverError, Forbidden, TooManyRequests, Unauthenticated
from failover_api.host_clock import HostClock

if TYPE_CHECKING:
    from failover_api.edges.http.oidc import Verifier

OPEN = Access(anonymous=frozenset(Verb), tokens=(), issuers=())  # what --insecure-no-auth means
FAILURES, WINDOW_S = 30, 60.0  # of an address, before it is told to wait
MAX_BEARER = 16 * 1024
MAX_NAME = 200
_BEARER = re.compile(r"(?i:bearer) +([!-~]+)")
_audit = logging.getLogger("failover_api.audit")


class Authenticator:
    """Knows callers. `access` gives the access file in force; tokens end by `clock`."""

    def __init__(self, access: Callable[[], Access], *, clock: HostClock | None = None) -> None:
        self._access, self._clock = access, clock or HostClock()
        self._verifier: Verifier | None = None  # made when it is needed: cryptography takes megabytes
        self._failures = Failures()

    async def aclose(self) -> None:
        if self._verifier is not None:
            await self._verifier.aclose()

    async def identify(self, bearer: str | None, address: str) -> Caller:
        """Raises Unauthenticated, TooManyRequests after too many of these, NotReady while the token's issuer is down.

        Whoever has a valid token is let in whatever others at his address do: they may share a proxy.
        """
        access = self._access()
        if Verb.EXECUTE in access.anonymous:
            return access.anonymous_caller
        if bearer is None:
            if not access.anonymous:
                raise Unauthenticated("expected a token: Authorization: Bearer ...")
            return access.anonymous_caller
        try:
            return await self._holder(access, bearer)
        except Unauthenticated:
            self._failures.note(address)
            raise

    async def _holder(self, access: Access, bearer: str) -> Caller:
        if len(bearer) > MAX_BEARER:
            raise Unauthenticated(f"the token is longer than {MAX_BEARER:,} characters")
        token = access.find_token(bearer)
        if token is None:
            return await self._vouched_for(access, bearer)
        if token.expires is not None and datetime.fromtimestamp(self._clock.now(), UTC) >= token.expires:
            raise Unauthenticated(f"the token {token.name!r} expired on {token.expires:%Y-%m-%d %H:%M} UTC")
        return token.caller

    async def _vouched_for(self, access: Access, bearer: str) -> Caller:
        if not access.issuers or bearer.count(".") != 2:
            raise Unauthenticated("the token is not known here")
        if self._verifier is None:
            from failover_api.edges.http.oidc import Verifier

            self._verifier = Verifier(wall=self._clock)
        verified = await self._verifier.verify(bearer, access.issuers)
        return Caller(name_of(verified.issuer, verified.claims), verified.issuer.grants(verified.claims))


class Failures:
    """Failed attempts by address, within a window that begins with the first."""

    def __init__(self) -> None:
        self._counts: TTLCache[str, list[int]] = TTLCache(4096, WINDOW_S)

    def note(self, address: str) -> None:
        """Raises TooManyRequests when there were too many."""
        count = self._counts.setdefault(neighbourhood(address), [0])
        count[0] += 1
        if count[0] > FAILURES:
            raise TooManyRequests("too many failed attempts from this address", retry_after_s=WINDOW_S)


def neighbourhood(address: str) -> str:
    """The address; of IPv6 the network, of which one host may have every address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]  # whatever a proxy was told
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


def name_of(issuer: Issuer, claims: Any) -> str:
    """What a caller is called in commits: `actor@owner/repository` for GitHub Actions, else `subject@issuer`.

    A static token's name has no @, so none can be taken for the other.
    """
    if _is_actions(issuer.url) and {"actor", "repository"} <= claims.keys():
        who, where = claims.get("actor"), claims.get("repository")
    else:
        who, where = claims.get("sub"), urlsplit(issuer.url).netloc
    return one_line(f"{who}@{where}")[:MAX_NAME]


def _is_actions(issuer: str) -> bool:
    """Whether the claims are GitHub's words: github.com, a GitHub Enterprise Server, or a stand-in on this machine.

    https://docs.github.com/en/enterprise-server/actions/reference/security/oidc
    """
    return issuer.rstrip("/") == GITHUB_ACTIONS or issuer.endswith("/_services/token") or issuer.startswith("http:")


# In a request


@dataclass(frozen=True, slots=True)
class Session:
    """A request of somebody known. Each question is answered by passing or by raising, and written down."""

    caller: Caller
    request: Request

    @property
    def name(self) -> str:
        return self.caller.name

    def needs(self, verb: Verb, service: str) -> None:
        """Raises UnknownService for what he may not know of, Forbidden for what he may not do."""
        self._decide(verb, self.caller.may(verb, service), self.caller.knows(service), no_service, "service", service)

    def needs_all(self, verb: Verb, group: str, members: Iterable[str]) -> None:
        """The same of a group: he has to know every member, and may do it with every member."""
        names = list(members)
        may = all(self.caller.may(verb, name) for name in names)
        self._decide(verb, may, all(map(self.caller.knows, names)), no_group, "group", group)

    def needs_any(self, verb: Verb, what: str) -> None:
        """Of what is about no one service."""
        self._decide(verb, self.caller.may_any(verb), True, no_service, "resource", what)

    def needs_every(self, verb: Verb, what: str, services: Iterable[str]) -> None:
        """Of what shows all services."""
        may = self.caller.may_any(verb) and all(self.caller.may(verb, name) for name in services)
        self._decide(verb, may, True, no_service, "resource", what)

    def needs_everything(self, verb: Verb, what: str) -> None:
        """Of what is about the nodes, or about all services whichever there are: a rule has to say `"*"`."""
        self._decide(verb, self.caller.may_everything(verb), True, no_service, "resource", what)

    def _decide(
        self,
        verb: Verb,
        is_allowed: bool,
        is_known: bool,
        unknown: Callable[[str], FailoverError],
        kind: str,
        name: str,
    ) -> None:
        audit(self.request, self.name, allowed=is_allowed, verb=verb.value, **{kind: name[:MAX_NAME]})
        if is_allowed:
            return
        if self.caller.may_nothing and self.name != ANONYMOUS:
            raise Forbidden(f"{self.name} is known, but no rule allows him anything")
        if not is_known:
            raise unknown(name)
        raise Forbidden(f"{self.name} may not {verb} {name[:80]!r}")

    def sees(self, service: str) -> bool:
        """Whether he may see a service, so that it may be named to him."""
        return self.caller.may(Verb.VIEW, service)

    def looks(self) -> None:
        """Counts a request for which GitHub or the cluster may be asked, once. Without a name the address counts.

        Raises TooManyRequests. What is refused before that costs GitHub nothing.
        """
        state = self.request.state
        if not getattr(state, "is_counted", False):
            state.is_counted = True
            throttle: Throttle = self.request.app.state.throttle
            throttle.take(neighbourhood(address_of(self.request)) if self.name == ANONYMOUS else f" {self.name}")


def audit(request: Request, caller: str | None, *, allowed: bool, **facts: object) -> None:
    """One line for each decision. Whatever proves who somebody is stays out of it."""
    event = "access allowed" if allowed else "access denied"
    asked = {"method": request.method, "path": request.url.path[:MAX_NAME], "address": address_of(request)}
    _audit.log(logging.INFO if allowed else logging.WARNING, event, extra={"caller": caller, **facts, **asked})


def address_of(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def bearer_of(request: Request) -> str | None:
    """What the Authorization header carries. Raises Unauthenticated for anything but one bearer token."""
    given = request.headers.getlist("authorization")
    if not given:
        return None
    match = _BEARER.fullmatch(given[0])
    if len(given) > 1 or match is None:
        raise Unauthenticated("expected one header of the form Authorization: Bearer TOKEN")
    return match[1]


async def visit(request: Request) -> Session:
    """The caller of a request, by its Authorization header. Raises as Authenticator.identify()."""
    return await identify(request, bearer_of)


async def identify(request: Request, bearer: Callable[[Request], str | None]) -> Session:
    """The caller, by the token that `bearer` finds; a refusal is written down. Raises as Authenticator.identify()."""
    authenticator: Authenticator = request.app.state.authenticator
    try:
        return Session(await authenticator.identify(bearer(request), address_of(request)), request)
    except FailoverError as exc:
        audit(request, None, allowed=False, why=exc.slug, detail=exc.detail)
        raise


Who = Annotated[Session, Depends(visit)]
