"""A service, a command or the board beside a simulated cluster."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from failover_api.sandbox.cluster.cluster import SimulatedCluster
from tests.support.simulated import kubeconfig_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def cluster() -> SimulatedCluster:
    """Its clock shows the time of this machine, and stands still."""
    made = SimulatedCluster(start=datetime.now(UTC).timestamp() - 200)
    made.advance(200)
    return made


@pytest.fixture
def kubeconfig(cluster: SimulatedCluster, tmp_path: Path) -> Iterator[str]:
    with kubeconfig_of(cluster, tmp_path) as file:
        yield str(file)
