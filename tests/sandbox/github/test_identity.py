"""The App: its JWT, its installation, its tokens and what they may do."""

from __future__ import annotations

import functools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from failover_api.sandbox.github import identity
from tests.sandbox.clients import MINT, REPO, app_jwt, ask_mint, connect, mint

if TYPE_CHECKING:
    from failover_api.sandbox import Sandbox

EXPIRED = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion"
PUT = {"message": "m", "content": "eAo="}


@pytest.mark.parametrize(
    ("claims", "status", "text"),
    [
        ({}, 200, ""),
        ({"iss": "Iv23sandbox1001"}, 200, ""),
        ({"exp": -10}, 401, EXPIRED),
        ({"exp": 660}, 401, "'Expiration time' claim ('exp') is too far in the future"),
        ({"exp": None}, 401, "Missing 'expiration time' claim ('exp') in assertion"),
        ({"iat": 60}, 401, "'Issued at' claim ('iat') must be an Integer representing the time"),
        ({"iss": None}, 401, "Missing 'issuer' claim ('iss') in assertion"),
        ({"iss": "77"}, 404, "Integration not found"),
    ],
)
def test_jwt_is_checked(sandbox: Sandbox, url: str, claims: dict[str, Any], status: int, text: str) -> None:
    """Numbers are seconds from now."""
    now = int(time.time())
    claims = {name: now + value if isinstance(value, int) else value for name, value in claims.items()}
    with connect(url, app_jwt(sandbox, **claims)) as app:
        answer = app.get("/app")
    assert (answer.status_code, text in answer.json().get("message", "")) == (status, True), answer.text


def test_whoever_asks_for_the_key_while_it_is_made_gets_the_same(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    @functools.cache
    def slowly() -> tuple[str, None]:
        time.sleep(0.05)
        made.append(f"key {len(made)}")
        return made[-1], None

    monkeypatch.setattr(identity, "_new_key", slowly)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: sandbox.private_key_pem, range(4))) == {"key 0"}


def test_jwt_of_another_key_is_refused(sandbox: Sandbox, url: str) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    pem = other.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    for token in (app_jwt(sandbox, key=pem), "a.b.c", sandbox.token):
        with connect(url, token) as app:
            answer = app.get("/app")
        assert (answer.status_code, answer.json()["message"]) == (401, "A JSON web token could not be decoded")


def test_installation_of_a_repository(sandbox: Sandbox, url: str) -> None:
    with connect(url, app_jwt(sandbox)) as app:
        assert app.get(f"{REPO}/installation").json()["id"] == 2001
        assert app.get("/repos/acme/none/installation").status_code == 404
        assert app.get(REPO).status_code == 404, "a JWT sees no repository"
        sandbox.uninstall()
        assert app.get(f"{REPO}/installation").status_code == 404


def test_token_is_as_narrow_as_asked(sandbox: Sandbox, url: str) -> None:
    sandbox.add_repository("acme/other", {"a": b"x"})
    token = mint(sandbox, url, repositories=["homelab"], permissions={"contents": "read"})
    with connect(url, token) as narrow:
        assert narrow.get(f"{REPO}/contents/README.md").status_code == 200
        assert narrow.get("/repos/acme/other").status_code == 404
        assert narrow.get("/installation/repositories").json()["total_count"] == 1
        refused = narrow.put(f"{REPO}/contents/a", json=PUT)
        assert (refused.status_code, refused.json()["message"]) == (403, "Resource not accessible by integration")
        assert refused.headers["X-Accepted-GitHub-Permissions"] == "contents=write"
    with connect(url, mint(sandbox, url)) as wide:
        assert wide.get("/repos/acme/other").status_code == 200


def test_mint_refuses_what_was_not_granted(sandbox: Sandbox, url: str) -> None:
    refused = ask_mint(sandbox, url, permissions={"administration": "write"})
    text = "The permissions requested are not granted to this installation."
    assert (refused.status_code, refused.json()["message"]) == (422, text)
    refused = ask_mint(sandbox, url, repositories=["none"])
    assert refused.status_code == 422
    assert refused.json()["message"].startswith("There is at least one repository that does not exist")
    sandbox.permissions["contents"] = "read"
    assert ask_mint(sandbox, url, permissions={"contents": "write"}).status_code == 422


def test_a_permission_taken_away_holds_for_tokens_in_use(sandbox: Sandbox, url: str) -> None:
    with connect(url, mint(sandbox, url)) as app:
        del sandbox.permissions["contents"]
        assert app.get(f"{REPO}/contents/README.md").status_code == 403


def test_workflow_files_need_a_permission_of_their_own(sandbox: Sandbox, url: str) -> None:
    with connect(url, mint(sandbox, url)) as app:
        assert app.put(f"{REPO}/contents/.github/workflows/a.yml", json=PUT).status_code == 403
    sandbox.permissions["workflows"] = "write"
    with connect(url, mint(sandbox, url)) as app:
        assert app.put(f"{REPO}/contents/.github/workflows/a.yml", json=PUT).status_code == 201


def test_suspended_and_uninstalled(sandbox: Sandbox, url: str) -> None:
    with connect(url, mint(sandbox, url)) as app:
        sandbox.suspend()
        refused = ask_mint(sandbox, url)
        assert (refused.status_code, refused.json()["message"]) == (403, "This installation has been suspended")
        assert app.get(REPO).status_code == 403
        sandbox.unsuspend()
        assert app.get(REPO).status_code == 200
        sandbox.uninstall()
        assert ask_mint(sandbox, url).status_code == 404
        assert app.get(REPO).status_code == 401


def test_token_ends_after_an_hour(sandbox: Sandbox, url: str) -> None:
    with connect(url, mint(sandbox, url)) as app:
        assert app.get(REPO).status_code == 200
        sandbox.clock = lambda: time.time() + 3601
        assert app.get(REPO).json()["message"] == "Bad credentials"


def test_only_a_jwt_mints(sandbox: Sandbox, url: str) -> None:
    with connect(url, mint(sandbox, url)) as app:
        assert app.post(MINT).status_code == 401
