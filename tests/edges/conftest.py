"""The command line on a stage."""

import pytest

from tests.edges.shell import Cli
from tests.stage import Stage


@pytest.fixture
def cli(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Cli:
    for name, value in stage.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "200")
    return Cli(stage)
