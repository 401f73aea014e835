"""An API server of the test's own, and the real client on it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from failover_api.cluster.access import Access, Endpoint, Login
from failover_api.cluster.client import Client
from tests.support.fake_kubernetes import FakeKubernetes


@pytest.fixture
def server() -> Iterator[FakeKubernetes]:
    fake = FakeKubernetes()
    with fake.serve():
        yield fake


def access(server: FakeKubernetes) -> Access:
    return Access("the test's cluster", Endpoint(server.url), Login())


@pytest.fixture
async def client(server: FakeKubernetes) -> AsyncIterator[Client]:
    client = Client(access(server))
    yield client
    await client.aclose()
