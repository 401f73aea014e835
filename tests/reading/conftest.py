"""A service whose manifest has to be found."""

import pytest

from tests.support.stage import Stage, entry


@pytest.fixture
def web(stage: Stage) -> Stage:
    """A catalog of one service, `web` in namespace `shop`, whose manifest each test puts somewhere."""
    stage.declare(entry("web", "shop"))
    return stage
