"""A cluster with two claims, and the same served over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from failover_api.sandbox.cluster.api.accounts import ADMIN_TOKEN
from tests.sandbox.clients import connect
from tests.sandbox.cluster.apps import cluster_with_claims

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from failover_api.sandbox.cluster.cluster import SimulatedCluster


@pytest.fixture
def cluster() -> SimulatedCluster:
    return cluster_with_claims()


@pytest.fixture
def url(cluster: SimulatedCluster) -> Iterator[str]:
    with cluster.serve() as served:
        yield served


@pytest.fixture
def client(url: str) -> Iterator[httpx2.Client]:
    """An administrator."""
    with connect(url, ADMIN_TOKEN) as made:
        yield made
