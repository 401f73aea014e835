"""Who may do what: the values of config/access.yaml, and the questions they answer. Pure; text becomes them in
access_text.py.

    view       status, list, history, metrics, the API's own description
    plan       every dry run, and what view allows
    execute    promote, demote, rollback
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

# What a claim has to be: one of these texts; or, for a claim that is a mapping, what its own claims have to be.
ClaimPattern = frozenset[str] | Mapping[str, "ClaimPattern"]


class Verb(StrEnum):
    """What a caller may be allowed."""

    VIEW = "view"
    PLAN = "plan"
    EXECUTE = "execute"


@dataclass(frozen=True, slots=True)
class Grant:
    """Verbs, and the services they are for: globs of names."""

    verbs: frozenset[Verb]
    services: tuple[str, ...]

    @classmethod
    def of(cls, verbs: Iterable[Verb], services: Iterable[str]) -> "Grant":
        """Whoever may see a dry run has seen the service: plan brings view."""
        given = frozenset(verbs)
        return cls(given | {Verb.VIEW} if Verb.PLAN in given else given, tuple(services))

    def covers(self, service: str) -> bool:
        return any(fnmatchcase(service, glob) for glob in self.services)


EVERYTHING = Grant(frozenset(Verb), ("*",))


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a name, and what he may do. `name` goes into commits and logs."""

    name: str
    grants: tuple[Grant, ...]

    def may(self, verb: Verb, service: str) -> bool:
        return any(verb in grant.verbs and grant.covers(service) for grant in self.grants)

    def may_any(self, verb: Verb) -> bool:
        """Whether there can be a service of which he may do it."""
        return any(verb in grant.verbs for grant in self.grants)

    def knows(self, service: str) -> bool:
        """Whether he may know that the service is there: he may do something with it."""
        return any(grant.verbs and grant.covers(service) for grant in self.grants)

    @property
    def may_nothing(self) -> bool:
        return not any(grant.verbs for grant in self.grants)


@dataclass(frozen=True, slots=True)
class StaticToken:
    """A bearer token that is known by its digest only: SHA-256, in lower-case hex. Valid until `expires`."""

    name: str
    sha256: str
    grant: Grant
    expires: datetime | None = None

    @property
    def caller(self) -> Caller:
        return Caller(self.name, (self.grant,))


@dataclass(frozen=True, slots=True)
class Rule:
    """A grant for the tokens whose claims are all as they should be."""

    match: Mapping[str, ClaimPattern]
    grant: Grant

    def applies_to(self, claims: Mapping[str, Any]) -> bool:
        return bool(self.match) and _matches(claims, self.match)


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs tokens of OpenID Connect. `ca_file`: what its certificate is checked against, if not the usual."""

    url: str
    audience: str
    rules: tuple[Rule, ...]
    ca_file: str | None = None

    def grants(self, claims: Mapping[str, Any]) -> tuple[Grant, ...]:
        """What a token with these claims, already verified, may do."""
        return tuple(rule.grant for rule in self.rules if rule.applies_to(claims))


@dataclass(frozen=True, slots=True)
class Access:
    """All of the file. `anonymous` is what a caller without a token may do."""

    anonymous: frozenset[Verb]
    tokens: tuple[StaticToken, ...]
    issuers: tuple[Issuer, ...]

    @property
    def anonymous_caller(self) -> Caller:
        """A caller without a token."""
        return Caller(ANONYMOUS, (Grant.of(self.anonymous, ("*",)),))

    def find_token(self, bearer: str) -> StaticToken | None:
        """Whose token this is. Every digest is compared, each in constant time: how long it takes tells nothing."""
        digest = digest_of(bearer)
        found = [token for token in self.tokens if hmac.compare_digest(token.sha256, digest)]
        return found[0] if found else None


ANONYMOUS = "anonymous"


def digest_of(bearer: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(bearer.encode()).hexdigest()


def _matches(claims: object, wanted: ClaimPattern) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(claims, Mapping) and all(
            name in claims and _matches(claims[name], inner) for name, inner in wanted.items()
        )
    return any(text in wanted for text in _texts(claims))


def _texts(claim: object) -> Sequence[str]:
    """A claim as texts: a list has several."""
    match claim:
        case bool():
            return [str(claim).lower()]
        case str() | int():
            return [str(claim)]
        case list():
            return [text for one in claim if not isinstance(one, list) for text in _texts(one)]
        case _:
            return []
