"""The issuer that tests stand on signs what a library accepts, and serves where GitHub does."""

import json
import urllib.error
import urllib.request
from typing import Any

import jwt
import pytest

from tests.support.issuer import Issuer

AUDIENCE = "failover-api"


def get(url: str, token: str = "") -> Any:
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {token}"})  # noqa: S310 - our own issuer
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - as above
        return json.load(response)


def verified(issuer: Issuer, token: str) -> Any:
    """The claims, by PyJWT and the served keys alone."""
    keys = get(get(f"{issuer.url}/.well-known/openid-configuration")["jwks_uri"])
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["RS256", "ES256"], audience=AUDIENCE, issuer=issuer.url)


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_a_library_verifies_a_token_by_the_served_keys(issuer: Issuer, alg: str) -> None:
    token = issuer.sign({"aud": AUDIENCE, "sub": "somebody"}, alg=alg)
    assert verified(issuer, token)["sub"] == "somebody"


@pytest.mark.parametrize("alg", ["none", "HS256"])
def test_a_library_refuses_what_no_issuer_signs(issuer: Issuer, alg: str) -> None:
    with pytest.raises(jwt.InvalidTokenError):
        verified(issuer, issuer.sign({"aud": AUDIENCE}, alg=alg))


def test_an_expired_token_is_expired(issuer: Issuer) -> None:
    with pytest.raises(jwt.ExpiredSignatureError):
        verified(issuer, issuer.sign({"aud": AUDIENCE}, expires_in_s=-10))


def test_old_tokens_end_with_their_keys(issuer: Issuer) -> None:
    token = issuer.sign({"aud": AUDIENCE})
    issuer.rotate(keep=True)
    assert verified(issuer, token)["aud"] == AUDIENCE
    issuer.rotate()
    with pytest.raises(KeyError):
        verified(issuer, token)


def test_a_job_gets_a_token_for_its_audience(issuer: Issuer) -> None:
    job = issuer.job_environment()
    url = f"{job['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={AUDIENCE}"
    claims = verified(issuer, get(url, job["ACTIONS_ID_TOKEN_REQUEST_TOKEN"])["value"])
    assert claims["repository_id"] == "123456"
    with pytest.raises(urllib.error.HTTPError, match="401"):
        get(url, "another")


def test_an_issuer_that_is_down_says_503(issuer: Issuer) -> None:
    issuer.down = True
    with pytest.raises(urllib.error.HTTPError, match="503"):
        get(f"{issuer.url}/.well-known/jwks")
