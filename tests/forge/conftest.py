"""The adapter, between a mocked GitHub and a list of what it waited for."""

import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
import respx
from cryptography.hazmat.primitives.asymmetric import rsa

from failover_api.forge.github.adapter import GitHub
from failover_api.forge.github.app_auth import AppCredentials
from failover_api.forge.github.client import GitHubClient
from tests.support.app_keys import ask_nobody, pem
from tests.support.fake_github import Purse, Waits, client_with


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture(scope="session")
def tls() -> ssl.SSLContext:
    """Each client would make one of its own, in 30 ms."""
    return ssl.create_default_context()


@pytest.fixture
async def http(tls: ssl.SSLContext) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(verify=tls) as http:
        yield http


@pytest.fixture
def api() -> Iterator[respx.Router]:
    """What is not mocked fails the test; not every route must be called."""
    with respx.mock(using="httpcore2", assert_all_called=False) as router:
        yield router


@pytest.fixture
def client(http: httpx2.AsyncClient, api: respx.Router, waits: Waits) -> GitHubClient:
    return client_with(http, Purse(), waits)


@pytest.fixture
def github(client: GitHubClient) -> GitHub:
    return GitHub(client)


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def other_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def key_file(tmp_path: Path, rsa_key: rsa.RSAPrivateKey) -> Path:
    file = tmp_path / "key.pem"
    file.write_text(pem(rsa_key), encoding="ascii")
    return file


@pytest.fixture
def app_client(http: httpx2.AsyncClient, api: respx.Router, waits: Waits, key_file: Path) -> GitHubClient:
    client = client_with(http, None, waits)
    client.credentials = AppCredentials(app_id="1001", key_file=key_file, ask=client.as_app, installation_id=2001)
    return client


@pytest.fixture
def keyed(key_file: Path) -> AppCredentials:
    """The App without anybody to ask."""
    return AppCredentials(app_id="1001", key_file=key_file, ask=ask_nobody, installation_id=2001)


@pytest.fixture
def app(app_client: GitHubClient) -> AppCredentials:
    assert isinstance(app_client.credentials, AppCredentials)
    return app_client.credentials
