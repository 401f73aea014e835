"""A sandbox, and the same served over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from failover_api.sandbox import Sandbox
from tests.sandbox.clients import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2

FILES = {
    "README.md": b"# homelab\n",
    "apps/sonarr/deployment.yaml": b"kind: Deployment\nname: sonarr\n",
    "apps/radarr/deployment.yaml": b"kind: Deployment\nname: radarr\n",
    "big.bin": b"x" * (1024 * 1024 + 1),
}


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
