"""A command on a terminal."""

from collections.abc import Iterator

import pytest

from tests.support.stage import Stage
from tests.support.terminal import OnATerminal


@pytest.fixture
def run(stage: Stage) -> Iterator[object]:
    started: list[OnATerminal] = []

    def start(*words: str, **how: object) -> OnATerminal:
        started.append(OnATerminal(stage, *words, **how))
        return started[-1]

    yield start
    for one in started:
        one.close()
