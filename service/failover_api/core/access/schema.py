"""The keys of access.yaml and what each may hold. Anything else is an error in plain words."""

import ipaddress
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from failover_api.core.access.model import ClaimPattern, Grant, Verb
from failover_api.core.config.schema import NonEmpty, Schema, describe, one_of
from failover_api.core.config.yaml import AmbiguousScalar, Location

RESERVED = frozenset({"automatic", "alert"})  # what commits of moves without a caller have in a caller's place
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_GLOB = re.compile(r"[-a-z0-9*?]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(f"expected a name like 'ops-laptop' ({_NAME.pattern}), not {describe(value)}")
    if value.lower() in RESERVED:
        raise ValueError(f"{describe(value)} is who asks for a move that nobody asked for: expected another name")
    return value


def _digest(value: object) -> str:
    """A digest in lower case. The error does not show the value: it might be the token itself."""
    text = value.text if isinstance(value, AmbiguousScalar) else value
    if not isinstance(text, str) or not _DIGEST.fullmatch(text.strip().lower()):
        raise ValueError(
            "expected the SHA-256 of the token in hex, 64 digits (in quotes), as `failover token new` prints"
        )
    return text.strip().lower()


def _glob(value: str) -> str:
    if not _GLOB.fullmatch(value):
        raise ValueError(f"expected a name of a service, with * or ?, as in 'media-*', not {describe(value)}")
    return value


def _expiry(value: object) -> datetime:
    text = value.text if isinstance(value, AmbiguousScalar) else value
    try:
        moment = datetime.fromisoformat(str(text))
        if moment.tzinfo is None and _DAY.fullmatch(str(text)):
            moment = moment.replace(tzinfo=UTC)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise ValueError(f"expected a day like 2027-01-01, or a time with its zone, not {describe(value)}")
    return moment.astimezone(UTC)


def _issuer(value: str) -> str:
    """An issuer's URL, which is compared letter by letter; http only on a loopback address.

    https://openid.net/specs/openid-connect-discovery-1_0.html#IssuerDiscovery
    """
    parts = urlsplit(value)
    is_plain = parts.username is None and not parts.query and not parts.fragment and value.isprintable()
    if not is_plain or not parts.hostname or not is_safe_url(value):
        raise ValueError(f"expected an https URL (http only for this machine), not {describe(value)}")
    return value


def is_safe_url(url: str) -> bool:
    """https, or http to a loopback address."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _claim_pattern(value: object) -> ClaimPattern:
    """A text (a number or a bool stands for its text), a list of them, or a mapping of claims."""
    match value:
        case dict() if value:
            return {str(name): _claim_pattern(inner) for name, inner in value.items()}
        case list() if value:
            return frozenset(map(_claim_text, value))
        case _:
            return frozenset({_claim_text(value)})


def _claim_text(value: object) -> str:
    match value:
        case str() if value.strip():
            return value
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case AmbiguousScalar(text):
            raise ValueError(f"expected text; readers of YAML differ on the type of {text}, so put it in quotes")
        case _:
            raise ValueError(f"expected the text that the claim must be, not {describe(value)}")


def _match(value: object) -> Mapping[str, ClaimPattern]:
    if not isinstance(value, dict) or not value:
        raise ValueError("expected at least one claim: a rule without any would let in everybody the issuer knows")
    return {str(name): _claim_pattern(inner) for name, inner in value.items()}


_ANONYMOUS = ("none", "view", "plan")
_VERBS = ("view", "plan", "execute")
_Verb = Annotated[Any, BeforeValidator(one_of(*_VERBS)), WithJsonSchema({"enum": list(_VERBS)})]
_Globs = list[Annotated[NonEmpty, AfterValidator(_glob)]]


class GrantSchema(Schema):
    """The keys that a token and a rule have in common."""

    allow: list[_Verb] = Field(description="What it may do; `plan` includes `view`; `execute` includes neither.")
    services: _Globs = Field(default=["*"], description="For which services, with * and ?.")

    @property
    def grant(self) -> Grant:
        return Grant.of(map(Verb, self.allow), self.services)


class TokenSchema(GrantSchema):
    """A static token, of which only the digest is kept."""

    name: Annotated[NonEmpty, AfterValidator(_name)] = Field(description="Who has it, as logs and commits say.")
    sha256: Annotated[Any, BeforeValidator(_digest), WithJsonSchema({"type": "string"})] = Field(
        description="The token's SHA-256 in hex, as `failover token new` prints."
    )
    expires: Annotated[Any, BeforeValidator(_expiry), WithJsonSchema({"type": "string"})] = Field(
        default=None, description="The day, or the time with its zone, from which it is refused."
    )


class RuleSchema(GrantSchema):
    """Whom of an issuer's tokens it lets in."""

    match: Annotated[Any, BeforeValidator(_match), WithJsonSchema({"type": "object", "minProperties": 1})] = Field(
        description="Claims that the token must have: a text, a list of texts, or a mapping of claims within."
    )


class IssuerSchema(Schema):
    """An OpenID Connect issuer whose tokens are taken."""

    issuer: Annotated[NonEmpty, AfterValidator(_issuer)] = Field(description="Its URL, letter by letter.")
    audience: NonEmpty = Field(description="The `aud` that a token must have.")
    rules: list[RuleSchema] = Field(description="The first that matches says what its bearer may do.")
    ca_file: NonEmpty | None = Field(default=None, description="A file with the certificates that it is trusted by.")


class AccessSchema(Schema):
    """Who may do what."""

    anonymous: Annotated[Any, BeforeValidator(one_of(*_ANONYMOUS)), WithJsonSchema({"enum": list(_ANONYMOUS)})] = Field(
        default="none", description="What somebody without a token may do."
    )
    tokens: list[TokenSchema] = Field(default=[], description="Static tokens.")
    issuers: list[IssuerSchema] = Field(default=[], description="OpenID Connect issuers, such as GitHub Actions.")


def schema_at(location: Location) -> type[Schema]:
    """What may stand at a location of access.yaml."""
    match location:
        case ("tokens", int()):
            return TokenSchema
        case ("issuers", int(), "rules", int()):
            return RuleSchema
        case ("issuers", int()):
            return IssuerSchema
        case _:
            return AccessSchema
