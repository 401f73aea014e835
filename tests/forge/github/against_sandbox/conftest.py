"""The adapter's clients on a served sandbox: with a person's token, and as a GitHub App."""

import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from failover_api.forge.github.adapter import GitHub
from failover_api.forge.github.app_auth import AppCredentials
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.http.connections import Connections
from failover_api.forge.http.credentials import StaticToken
from failover_api.sandbox import Sandbox
from tests.forge.github.against_sandbox.ground import FILES
from tests.support.builders import REPO


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    sandbox = Sandbox.create(tmp_path / "homelab.git", repository=REPO, files=FILES)
    yield sandbox
    sandbox.close()


@pytest.fixture
def url(sandbox: Sandbox) -> Iterator[str]:
    with sandbox.serve() as url:
        yield url


@pytest.fixture
async def client(sandbox: Sandbox, url: str, tls: ssl.SSLContext) -> AsyncIterator[GitHubClient]:
    """With a person's token."""
    async with httpx2.AsyncClient(verify=tls) as http:
        client = GitHubClient(Connections(lambda: http), base_url=url, timeout_s=5.0)
        client.credentials = StaticToken(value=sandbox.token)
        yield client


@pytest.fixture
async def as_app(sandbox: Sandbox, url: str, tls: ssl.SSLContext, tmp_path: Path) -> AsyncIterator[GitHubClient]:
    """With the GitHub App, as on GitHub Enterprise Server."""
    key_file = tmp_path / "key.pem"
    key_file.write_text(sandbox.private_key_pem, encoding="ascii")
    async with httpx2.AsyncClient(verify=tls) as http:
        client = GitHubClient(Connections(lambda: http), base_url=f"{url}/api/v3", timeout_s=5.0)
        client.credentials = AppCredentials(app_id=sandbox.app_id, key_file=key_file, ask=client.as_app)
        yield client
        await client.credentials.aclose()


@pytest.fixture
def github(client: GitHubClient) -> GitHub:
    return GitHub(client)
