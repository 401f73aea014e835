"""The adapter, between a mocked GitHub and a list of what it waited for."""

import ssl
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
import respx

from failover_api.forge.github.adapter import GitHub
from failover_api.forge.github.client import GitHubClient
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
