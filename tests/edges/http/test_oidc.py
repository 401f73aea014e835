"""Tokens of OpenID Connect, against an issuer on this machine."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from failover_api.core.access.model import Grant, Rule, Verb
from failover_api.core.access.model import Issuer as Configured
from failover_api.edges.http.oidc import KEYS_S, REFETCH_S, Verifier
from failover_api.errors import NotReady, Unauthenticated
from tests.support.clock import Clock
from tests.support.issuer import Issuer, github_claims

RULE = Rule({"repository_id": frozenset({"123456"})}, Grant.of(Verb, ["*"]))
CLAIMS = github_claims(aud="failover-api")


@contextlib.asynccontextmanager
async def verifying(clock: Clock | None = None) -> AsyncIterator[Verifier]:
    verifier = Verifier(clock=clock or Clock())
    async with contextlib.aclosing(verifier):
        yield verifier


def configured(issuer: Issuer, **changes: Any) -> list[Configured]:
    return [Configured(**{"url": issuer.url, "audience": "failover-api", "rules": (RULE,), **changes})]


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
async def test_an_honest_token_is_taken(issuer: Issuer, alg: str) -> None:
    async with verifying() as verifier:
        verified = await verifier.verify(issuer.sign(CLAIMS, alg=alg), configured(issuer))
    assert verified.claims["actor"] == "maria"
    assert verified.issuer.grants(verified.claims) == (RULE.grant,)


@pytest.mark.parametrize(
    ("claims", "how", "why"),
    [
        ({}, {"alg": "none"}, "not signed as expected"),
        ({}, {"alg": "HS256"}, "not signed as expected"),
        ({}, {"alg": "RS512"}, "not signed as expected"),
        ({}, {"header": {"crit": ["x"], "x": 1}}, "not known here|not signed as expected"),
        ({}, {"kid": "another"}, "a key that its issuer does not show"),
        ({}, {"header": {"kid": 7}}, "by something that is no text|not known here"),
        ({}, {"header": {"alg": "ES256"}}, "a key that its issuer does not show"),
        ({}, {"expires_in_s": -60}, "has expired"),
        ({"exp": None}, {}, "it lacks exp, iss or aud"),
        ({"exp": "soon"}, {}, "does not hold"),
        ({"nbf": 4_000_000_000}, {}, "not valid yet"),
        ({"aud": "another"}, {}, "meant for another audience, expected 'failover-api'"),
        ({"aud": None}, {}, "meant for another audience"),
        ({"aud": "failover-api-2"}, {}, "meant for another audience"),
        ({"aud": {"failover-api": 1}}, {}, "meant for another audience|does not hold"),
        ({"iss": "https://token.actions.githubusercontent.com"}, {}, "of an issuer that is not configured"),
        ({"iss": None}, {}, "of an issuer that is not configured"),
    ],
)
async def test_what_an_honest_issuer_would_not_sign_is_refused(
    issuer: Issuer, claims: dict[str, Any], how: dict[str, Any], why: str
) -> None:
    async with verifying() as verifier:
        with pytest.raises(Unauthenticated, match=why):
            await verifier.verify(issuer.sign({**CLAIMS, **claims}, **how), configured(issuer))


@pytest.mark.parametrize("token", ["a.b.c", "..", "eyJhbGciOiJSUzI1NiJ9..", "é.é.é", "eyJhbGciOiJSUzI1NiJ9.W10.x"])
async def test_what_is_no_token_is_refused(issuer: Issuer, token: str) -> None:
    async with verifying() as verifier:
        with pytest.raises(Unauthenticated):
            await verifier.verify(token, configured(issuer))
    assert not issuer.requests


async def test_a_changed_payload_breaks_the_signature(issuer: Issuer) -> None:
    head, _, signature = issuer.sign(CLAIMS).split(".")
    _, forged, _ = issuer.sign({**CLAIMS, "repository_id": "1"}).split(".")
    async with verifying() as verifier:
        with pytest.raises(Unauthenticated, match="its signature is not the issuer's"):
            await verifier.verify(f"{head}.{forged}.{signature}", configured(issuer))


async def test_a_token_does_not_say_where_its_key_is(issuer: Issuer) -> None:
    other = Issuer()
    with other.serve():
        jwk = next(key for key in other.jwks()["keys"] if key["alg"] == "RS256")
        header = {"jku": f"{other.url}/.well-known/jwks", "x5u": other.url, "jwk": jwk}
        token = other.sign({**CLAIMS, "iss": issuer.url}, header=header)
        async with verifying() as verifier:
            with pytest.raises(Unauthenticated, match="a key that its issuer does not show"):
                await verifier.verify(token, configured(issuer))
    assert not other.requests


async def test_keys_are_asked_for_once_and_again_when_a_new_one_is_named(issuer: Issuer) -> None:
    clock = Clock()
    async with verifying(clock) as verifier:
        for _ in range(3):
            await verifier.verify(issuer.sign(CLAIMS), configured(issuer))
        assert issuer.requests == ["/.well-known/openid-configuration", "/.well-known/jwks"]
        issuer.rotate()
        clock.now += REFETCH_S
        await verifier.verify(issuer.sign(CLAIMS), configured(issuer))
        assert len(issuer.requests) == 4


async def test_unknown_keys_cause_at_most_one_refetch_in_30_s(issuer: Issuer) -> None:
    clock = Clock()
    async with verifying(clock) as verifier:
        await verifier.verify(issuer.sign(CLAIMS), configured(issuer))
        clock.now += REFETCH_S
        for number in range(20):
            with pytest.raises(Unauthenticated):
                await verifier.verify(issuer.sign(CLAIMS, kid=f"made-up-{number}"), configured(issuer))
        assert len(issuer.requests) == 4


async def test_keys_that_are_known_outlive_their_issuer(issuer: Issuer) -> None:
    clock = Clock()
    async with verifying(clock) as verifier:
        await verifier.verify(issuer.sign(CLAIMS), configured(issuer))
        issuer.down = True
        clock.now += KEYS_S + 1
        await verifier.verify(issuer.sign(CLAIMS), configured(issuer))
        assert len(issuer.requests) == 3


async def test_an_issuer_that_is_down_is_not_the_tokens_fault(issuer: Issuer) -> None:
    clock = Clock()
    issuer.down = True
    async with verifying(clock) as verifier:
        with pytest.raises(NotReady, match="cannot be read") as caught:
            await verifier.verify(issuer.sign(CLAIMS), configured(issuer))
        assert caught.value.retry_after_s == REFETCH_S
        issuer.down = False
        clock.now += REFETCH_S
        await verifier.verify(issuer.sign(CLAIMS), configured(issuer))


@pytest.mark.parametrize(
    ("path", "document"),
    [
        (
            "/.well-known/openid-configuration",
            {"issuer": "https://another.example", "jwks_uri": "{url}/.well-known/jwks"},
        ),
        ("/.well-known/openid-configuration", {"issuer": "{url}", "jwks_uri": "http://192.0.2.1/jwks"}),
        ("/.well-known/openid-configuration", {"issuer": "{url}", "jwks_uri": "file:///etc/passwd"}),
        ("/.well-known/openid-configuration", {"issuer": "{url}"}),
        ("/.well-known/jwks", {"keys": "none"}),
        ("/.well-known/jwks", {"keys": []}),
        ("/.well-known/jwks", {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "x"}, {"kty": "RSA"}, 7, None]}),
    ],
)
async def test_a_document_that_is_off_gives_no_keys(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, path: str, document: dict[str, Any]
) -> None:
    honest = issuer.answer

    def answer(target: str, authorization: str) -> tuple[int, dict[str, Any]]:
        if target != path:
            return honest(target, authorization)
        return 200, {
            key: value.replace("{url}", issuer.url) if isinstance(value, str) else value
            for key, value in document.items()
        }

    monkeypatch.setattr(issuer, "answer", answer)
    async with verifying() as verifier:
        with pytest.raises(NotReady):
            await verifier.verify(issuer.sign(CLAIMS), configured(issuer))


async def test_two_audiences_of_one_issuer_have_rules_of_their_own(issuer: Issuer) -> None:
    both = [*configured(issuer, audience="another", rules=()), *configured(issuer)]
    async with verifying() as verifier:
        verified = await verifier.verify(issuer.sign(CLAIMS), both)
        other = await verifier.verify(issuer.sign({**CLAIMS, "aud": ["another"]}), both)
    assert verified.issuer.rules
    assert not other.issuer.rules


async def test_a_ca_file_that_is_not_there_is_told_like_an_issuer_that_is_down(issuer: Issuer) -> None:
    async with verifying() as verifier:
        with pytest.raises(NotReady):
            await verifier.verify(issuer.sign(CLAIMS), configured(issuer, ca_file="/nowhere/ca.crt"))


async def test_an_https_issuer_is_asked_over_tls(issuer: Issuer) -> None:
    """A server without TLS, asked over https: the handshake fails, and no key is taken."""
    url = issuer.url.replace("http:", "https:")
    async with verifying() as verifier:
        with pytest.raises(NotReady):
            await verifier.verify(issuer.sign({**CLAIMS, "iss": url}), configured(issuer, url=url))
    assert not issuer.requests
