"""Reads access.yaml: text -> Access.

Raises ConfigInvalid with `FILE:LINE: KEY: message`, as for services.yaml. A rule that would let anybody in is an error.
"""

import ipaddress
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from failover_api.core.access.model import Access, ClaimPattern, Grant, Issuer, Rule, StaticToken, Verb
from failover_api.core.config.schema import NonEmpty, Schema, describe, explained, one_of
from failover_api.core.config.yaml import AmbiguousScalar, Location, invalid_config, read_config

GITHUB_ACTIONS = "https://token.actions.githubusercontent.com"
# Claims that say whose workflow it is: a rule without one of them would let in any workflow on GitHub.
# https://docs.github.com/en/actions/reference/security/oidc
_OWNERSHIP_CLAIMS = frozenset({
    "repository", "repository_id", "repository_owner", "repository_owner_id", "sub", "workflow_ref",
    "job_workflow_ref", "enterprise", "enterprise_id", "environment_node_id",
})  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_GLOB = re.compile(r"[-a-z0-9*?]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def parse_access(text: str, *, file: str) -> Access:
    """Reads access.yaml. `file` is only the name that errors carry."""
    config = read_config(text, file=file)
    try:
        entry = AccessSchema.model_validate(config.data)
    except ValidationError as exc:
        raise invalid_config(file, config, explained(exc, _schema_at)) from exc
    errors = _security_errors(entry)
    if errors:
        raise invalid_config(file, config, [(location, partial(str, message)) for location, message in errors])
    return _access(entry)


# What each key may hold


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(f"expected a name like 'ops-laptop' ({_NAME.pattern}), not {describe(value)}")
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


_Verb = Annotated[Any, BeforeValidator(one_of("view", "plan", "execute"))]
_Globs = list[Annotated[NonEmpty, AfterValidator(_glob)]]


class GrantSchema(Schema):
    """The keys that a token and a rule have in common."""

    allow: list[_Verb]
    services: _Globs = Field(default=["*"])

    @property
    def grant(self) -> Grant:
        return Grant.of(map(Verb, self.allow), self.services)


class TokenSchema(GrantSchema):
    name: Annotated[NonEmpty, AfterValidator(_name)]
    sha256: Annotated[Any, BeforeValidator(_digest)]
    expires: Annotated[Any, BeforeValidator(_expiry)] = None


class RuleSchema(GrantSchema):
    match: Annotated[Any, BeforeValidator(_match)]


class IssuerSchema(Schema):
    issuer: Annotated[NonEmpty, AfterValidator(_issuer)]
    audience: NonEmpty
    rules: list[RuleSchema]
    ca_file: NonEmpty | None = None


class AccessSchema(Schema):
    anonymous: Annotated[Any, BeforeValidator(one_of("none", "view", "plan"))] = "none"
    tokens: list[TokenSchema] = Field(default=[])
    issuers: list[IssuerSchema] = Field(default=[])


def _schema_at(location: Location) -> type[Schema]:
    match location:
        case ("tokens", int()):
            return TokenSchema
        case ("issuers", int(), "rules", int()):
            return RuleSchema
        case ("issuers", int()):
            return IssuerSchema
        case _:
            return AccessSchema


# What the keys mean together


def _security_errors(entry: AccessSchema) -> list[tuple[Location, str]]:
    """What would leave it unclear who a caller is, or would let in everybody."""
    errors: list[tuple[Location, str]] = []
    for index, token in enumerate(entry.tokens):
        before = entry.tokens[:index]
        if any(token.name == other.name for other in before):
            errors.append((("tokens", index, "name"), f"{describe(token.name)} is there twice"))
        if any(token.sha256 == other.sha256 for other in before):
            errors.append((("tokens", index, "sha256"), "the same token is there twice, expected one for each name"))
    for index, issuer in enumerate(entry.issuers):
        if any((issuer.issuer, issuer.audience) == (other.issuer, other.audience) for other in entry.issuers[:index]):
            errors.append((("issuers", index, "issuer"), "is there twice with this audience; put the rules together"))
        for at, rule in enumerate(issuer.rules):
            if issuer.issuer.rstrip("/") == GITHUB_ACTIONS and not _OWNERSHIP_CLAIMS & rule.match.keys():
                named = "names no repository or owner: any workflow on GitHub would do; add repository_id"
                errors.append((("issuers", index, "rules", at, "match"), named))
    return errors


def _access(entry: AccessSchema) -> Access:
    verbs = {"none": (), "view": (Verb.VIEW,), "plan": (Verb.VIEW, Verb.PLAN)}[entry.anonymous]
    return Access(
        anonymous=frozenset(verbs),
        tokens=tuple(StaticToken(token.name, token.sha256, token.grant, token.expires) for token in entry.tokens),
        issuers=tuple(
            Issuer(
                url=issuer.issuer,
                audience=issuer.audience,
                rules=tuple(Rule(rule.match, rule.grant) for rule in issuer.rules),
                ca_file=issuer.ca_file,
            )
            for issuer in entry.issuers
        ),
    )
