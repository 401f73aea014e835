"""A small repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from failover_api.sandbox import Sandbox
from tests.sandbox.cluster.flux.lab import FILES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    made = Sandbox.create(tmp_path / "homelab.git", files=FILES)
    yield made
    made.close()
