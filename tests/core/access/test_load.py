"""access.yaml as text, and what it means."""

from datetime import UTC, datetime
from typing import Any

import pytest

from failover_api.core.access.load import parse_access
from failover_api.core.access.model import Access, Caller, Grant, Verb, digest_of
from failover_api.errors import ConfigInvalid

DIGEST = digest_of("a token")
TOKEN = f"""\
tokens:
  - name: ops-laptop
    sha256: {DIGEST}
    allow: [view, plan, execute]
    services: ["*"]
    expires: 2027-01-01
"""
ISSUER = """\
issuers:
  - issuer: https://token.actions.githubusercontent.com
    audience: failover-api
    rules:
      - match: {repository_id: "123456", ref: refs/heads/main, event_name: workflow_dispatch}
        allow: [view, plan, execute]
        services: ["*"]
"""


ONE_LINE = """\
issuers: [{issuer: https://token.actions.githubusercontent.com, audience: failover-api, rules: [
  {match: {repository_id: "123456", ref: refs/heads/main, sub: repo:acme/homelab:ref:refs/heads/main}, allow: [view]}]}]
"""


def access(text: str) -> Access:
    return parse_access(text, file="access.yaml")


def errors(text: str) -> list[str]:
    with pytest.raises(ConfigInvalid) as caught:
        access(text)
    return list(caught.value.errors or (caught.value.detail,))


# Text


@pytest.mark.parametrize("name", ["automatic", "alert", "Automatic"])
def test_a_name_of_moves_that_nobody_asked_for_is_reserved(name: str) -> None:
    assert errors(TOKEN.replace("ops-laptop", name)) == [
        f"access.yaml:2: tokens[0].name: {name!r} is who asks for a move that nobody asked for: expected another name"
    ]


def test_the_contracts_example_is_read() -> None:
    read = access(f"anonymous: none\n{TOKEN}{ISSUER}")
    (token,), (issuer,) = read.tokens, read.issuers
    assert read.anonymous == frozenset()
    assert (token.name, token.sha256) == ("ops-laptop", DIGEST)
    assert token.expires == datetime(2027, 1, 1, tzinfo=UTC)
    assert (issuer.url, issuer.audience) == ("https://token.actions.githubusercontent.com", "failover-api")
    assert issuer.rules[0].match == {
        "repository_id": {"123456"},
        "ref": {"refs/heads/main"},
        "event_name": {"workflow_dispatch"},
    }


def test_an_issuer_in_one_line_is_read() -> None:
    (rule,) = access(ONE_LINE).issuers[0].rules
    assert rule.match["sub"] == {"repo:acme/homelab:ref:refs/heads/main"}


def test_no_tokens_and_no_issuers_let_in_nobody() -> None:
    read = access("anonymous: none\n")
    assert not read.tokens
    assert not read.issuers
    assert read.anonymous_caller.may_nothing


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("anonymous: execute\n", "access.yaml:1: anonymous: expected 'none', 'view' or 'plan', not 'execute'"),
        ("anonymous: yes\n", "access.yaml:1: anonymous: expected 'none', 'view' or 'plan', not yes"),
        ("token: []\n", "access.yaml:1: token: unknown key; did you mean 'tokens'?"),
        (TOKEN.replace("allow:", "alow:"), "access.yaml:4: tokens[0].alow: unknown key; did you mean 'allow'?"),
        (TOKEN.replace("view,", "look,"), "tokens[0].allow[0]: expected 'view', 'plan' or 'execute', not 'look'"),
        (TOKEN.replace("2027-01-01", "next year"), "expected a day like 2027-01-01, or a time with its zone"),
        (TOKEN.replace("2027-01-01", "2027-01-01T00:00:00"), "expected a day like 2027-01-01, or a time with its zone"),
        (TOKEN.replace("2027-01-01", "2027-13-01"), "expected a day like 2027-01-01, or a time with its zone"),
        (TOKEN.replace("ops-laptop", '"ops laptop"'), "tokens[0].name: expected a name like 'ops-laptop'"),
        (TOKEN.replace("ops-laptop", "a@b"), "tokens[0].name: expected a name like 'ops-laptop'"),
        (TOKEN.replace('"*"', '"[ab]"'), "tokens[0].services[0]: expected a name of a service, with * or ?"),
        (TOKEN + TOKEN.removeprefix("tokens:\n"), "tokens[1].name: 'ops-laptop' is there twice"),
        (
            TOKEN + TOKEN.removeprefix("tokens:\n").replace("ops", "dev"),
            "tokens[1].sha256: the same token is there twice",
        ),
        (ISSUER.replace("https://token.actions.githubusercontent.com", "http://x.example"), "expected an https URL"),
        (ISSUER.replace("https://token", "https://me:pw@token"), "expected an https URL"),
        (ISSUER.replace("https://token.actions.githubusercontent.com", "token"), "expected an https URL"),
        (
            ISSUER.replace('repository_id: "123456", ', ""),
            "names no repository or owner: any workflow on GitHub would do",
        ),
        (ISSUER.replace("{repository_id", "[{repository_id").replace("dispatch}", "dispatch}]"), "at least one claim"),
        (ISSUER.replace('"123456"', "{}"), "expected the text that the claim must be, not a mapping"),
        (ISSUER.replace('"123456"', "[]"), "expected the text that the claim must be, not a list"),
        (ISSUER.replace('"123456"', "010"), "readers of YAML differ on the type of 010"),
        (ISSUER.replace("audience: failover-api", "audience:"), "issuers[0].audience: expected text, not null"),
        ("issuers:\n  - {issuer: 'https://a.example', audience: x}\n", "issuers[0].rules: is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_key(text: str, expected: str) -> None:
    assert any(expected in error for error in errors(text)), errors(text)


def test_a_token_in_the_place_of_its_digest_is_not_shown() -> None:
    said = errors(TOKEN.replace(DIGEST, "failover_" + "s3cret" * 6))
    assert "expected the SHA-256 of the token" in said[0]
    assert "s3cret" not in "".join(said)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://[::1]:8000", "http://localhost:8000"])
def test_http_is_fine_on_this_machine(url: str) -> None:
    (issuer,) = access(ISSUER.replace("https://token.actions.githubusercontent.com", url)).issuers
    assert issuer.url == url


def test_an_upper_case_digest_is_the_same() -> None:
    (token,) = access(TOKEN.replace(DIGEST, DIGEST.upper())).tokens
    assert token.sha256 == DIGEST


# Meaning


def test_the_holder_is_found_by_the_digest() -> None:
    read = access(TOKEN)
    found = read.find_token("a token")
    assert found is not None
    assert found.name == "ops-laptop"
    assert read.find_token("a tokem") is None
    assert read.find_token(DIGEST) is None


@pytest.mark.parametrize(
    ("verbs", "services", "verb", "service", "may"),
    [
        ("view", "*", "view", "sonarr", True),
        ("view", "*", "plan", "sonarr", False),
        ("plan", "*", "view", "sonarr", True),
        ("plan", "*", "execute", "sonarr", False),
        ("execute", "*", "execute", "sonarr", True),
        ("execute", "*", "view", "sonarr", False),
        ("view", "son*", "view", "sonarr", True),
        ("view", "son*", "view", "radarr", False),
        ("view", "sonar?", "view", "sonarr", True),
        ("view", "sonarr", "view", "sonarr2", False),
    ],
)
def test_a_grant_is_for_its_verbs_and_its_services(
    verbs: str, services: str, verb: str, service: str, *, may: bool
) -> None:
    caller = Caller("x", (Grant.of([Verb(verbs)], [services]),))
    assert caller.may(Verb(verb), service) is may


def test_grants_do_not_lend_each_other_their_services() -> None:
    caller = Caller("x", (Grant.of([Verb.VIEW], ["*"]), Grant.of([Verb.EXECUTE], ["sonarr"])))
    assert caller.may(Verb.EXECUTE, "sonarr")
    assert not caller.may(Verb.EXECUTE, "radarr")
    assert caller.may(Verb.VIEW, "radarr")


def test_anonymous_plan_brings_view_and_never_execute() -> None:
    stranger = access("anonymous: plan\n").anonymous_caller
    assert stranger.may(Verb.PLAN, "sonarr")
    assert stranger.may(Verb.VIEW, "sonarr")
    assert not stranger.may(Verb.EXECUTE, "sonarr")


@pytest.mark.parametrize(
    ("match", "claims", "applies"),
    [
        ("{repository_id: 1}", {"repository_id": "1"}, True),
        ("{repository_id: 1}", {"repository_id": 1}, True),
        ("{repository_id: 1}", {"repository_id": "12"}, False),
        ("{repository_id: 1}", {}, False),
        ("{sub: a, ref: b}", {"sub": "a"}, False),
        ("{sub: [a, b]}", {"sub": "b"}, True),
        ("{sub: a}", {"sub": ["c", "a"]}, True),
        ("{sub: a}", {"sub": [["a"]]}, False),
        ("{sub: a}", {"sub": {"a": "a"}}, False),
        ("{sub: a}", {"sub": None}, False),
        ("{sub: 'True'}", {"sub": True}, False),
        ("{sub: true}", {"sub": True}, True),
        ("{kubernetes.io: {namespace: ci}}", {"kubernetes.io": {"namespace": "ci", "pod": {}}}, True),
        ("{kubernetes.io: {namespace: ci}}", {"kubernetes.io": "ci"}, False),
        ("{sub: 'a*'}", {"sub": "abc"}, False),
    ],
)
def test_a_rule_applies_when_every_claim_is_as_it_should_be(
    match: str, claims: dict[str, Any], *, applies: bool
) -> None:
    text = f"issuers:\n  - {{issuer: 'https://a.example', audience: x, rules: [{{match: {match}, allow: [view]}}]}}\n"
    (issuer,) = access(text).issuers
    assert bool(issuer.grants(claims)) is applies
