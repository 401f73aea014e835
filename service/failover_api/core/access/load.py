"""Reads access.yaml: text -> Access.

Raises ConfigInvalid with `FILE:LINE: KEY: message`, as for services.yaml. A rule that would let anybody in is an error.
"""

from functools import partial

from pydantic import ValidationError

from failover_api.core.access.model import Access, Issuer, Rule, StaticToken, Verb
from failover_api.core.access.schema import AccessSchema, schema_at
from failover_api.core.config.schema import describe, explained
from failover_api.core.config.yaml import Location, invalid_config, read_config

GITHUB_ACTIONS = "https://token.actions.githubusercontent.com"
# Claims that say whose workflow it is: a rule without one of them would let in any workflow on GitHub.
# https://docs.github.com/en/actions/reference/security/oidc
_OWNERSHIP_CLAIMS = frozenset({
    "repository", "repository_id", "repository_owner", "repository_owner_id", "sub", "workflow_ref",
    "job_workflow_ref", "enterprise", "enterprise_id", "environment_node_id",
})  # fmt: skip


def parse_access(text: str, *, file: str) -> Access:
    """Reads access.yaml. `file` is only the name that errors carry."""
    config = read_config(text, file=file)
    try:
        entry = AccessSchema.model_validate(config.data)
    except ValidationError as exc:
        raise invalid_config(file, config, explained(exc, schema_at)) from exc
    errors = _security_errors(entry)
    if errors:
        raise invalid_config(file, config, [(location, partial(str, message)) for location, message in errors])
    return _access(entry)


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
