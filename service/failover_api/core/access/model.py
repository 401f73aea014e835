"""Who may do what: the values of access.yaml, and the questions they answer. `load` makes them from text.

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
    """Whoever makes a request, and what they may do. `name` goes into commits and logs."""

    name: str
    grants: tuple[Grant, ...]

    def may(self, verb: Verb, service: str) -> bool:
        return any(verb in grant.verbs and grant.covers(service) for grant in self.grants)

    def may_any(self, verb: Verb) -> bool:
        """Whether the verb is granted for some service."""
        return any(verb in grant.verbs for grant in self.grants)

    def may_everything(self, verb: Verb) -> bool:
        """Whether the verb is granted for `"*"`: for every service there is, and for what is about no one service."""
        return any(verb in grant.verbs and "*" in grant.services for grant in self.grants)

    def knows(self, service: str) -> bool:
        """Whether the caller may learn that the service exists: some verb is granted for it."""
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
    """A grant for the tokens whose claims match all of `match`."""

    match: Mapping[str, ClaimPattern]
    grant: Grant

    def applies_to(self, claims: Mapping[str, Any]) -> bool:
        return bool(self.match) and _matches(claims, self.match)


@dataclass(frozen=True, slots=True)
class Issuer:
    """An OpenID Connect issuer. `ca_file` has the certificate authorities to check it against; None: the system's."""

    url: str
    audience: str
    rules: tuple[Rule, ...]
    ca_file: str | None = None

    def grants(self, claims: Mapping[str, Any]) -> tuple[Grant, ...]:
        """What a token with these claims, already verified, may do."""
        return tuple(rule.grant for rule in self.rules if rule.applies_to(claims))


@dataclass(frozen=True, slots=True)
class Access:
    """All of access.yaml. `anonymous` is what a caller without a token may do."""

    anonymous: frozenset[Verb]
    tokens: tuple[StaticToken, ...]
    issuers: tuple[Issuer, ...]

    @property
    def anonymous_caller(self) -> Caller:
        """A caller without a token."""
        return Caller(ANONYMOUS, (Grant.of(self.anonymous, ("*",)),))

    def find_token(self, bearer: str) -> StaticToken | None:
        """The token that a bearer text is; None when it is unknown."""
        digest = digest_of(bearer)
        # All digests are compared, each in constant time: the time it takes must not tell how near a guess was.
        matches = [token for token in self.tokens if hmac.compare_digest(token.sha256, digest)]
        return matches[0] if matches else None


ANONYMOUS = "anonymous"


def digest_of(bearer: str) -> str:
    """SHA-256 in hex: all that is kept of a token."""
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
            return [text for item in claim if not isinstance(item, list) for text in _texts(item)]
        case _:
            return []
