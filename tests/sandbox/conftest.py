"""A served sandbox, and clients that speak to it in the plainest way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx2
import jwt
import pytest

from failover_api.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = {
    "README.md": b"# homelab\n",
    "apps/sonarr/deployment.yaml": b"kind: Deployment\nname: sonarr\n",
    "apps/radarr/deployment.yaml": b"kind: Deployment\nname: radarr\n",
    "big.bin": b"x" * (1024 * 1024 + 1),
    "logo.png": b"\x89PNG\x00\x00",
}
REPO = "/repos/acme/homelab"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    made = Sandbox.create(tmp_path / "homelab.git", files=FILES)
    yield made
    made.close()


@pytest.fixture
def url(sandbox: Sandbox) -> Iterator[str]:
    with sandbox.serve() as served:
        yield served


@pytest.fixture
def client(sandbox: Sandbox, url: str) -> Iterator[httpx2.Client]:
    """A person with a token."""
    with connect(url, sandbox.token) as made:
        yield made


def connect(url: str, token: str) -> httpx2.Client:
    return httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {token}"} if token else {}, timeout=10)


def app_jwt(sandbox: Sandbox, *, key: str | None = None, **claims: Any) -> str:
    now = int(time.time())
    whole = {"iat": now - 60, "exp": now + 540, "iss": sandbox.app_id, **claims}
    kept = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(kept, key or sandbox.private_key_pem, algorithm="RS256")


def mint(sandbox: Sandbox, url: str, **wish: Any) -> str:
    with connect(url, app_jwt(sandbox)) as app:
        answer = app.post("/app/installations/2001/access_tokens", json=wish)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])
