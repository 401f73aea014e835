"""Generated schedules of two replicas, a person and a bad network: see tests/story/schedules.py and tests/README.md.

Some run with every test run. `make test ARGS="-m long -s"` runs 2,000 and says how many.
"""

import sys
from typing import Any

import pytest

from tests.story.planted import BUGS, SERVICE
from tests.story.schedules import STEPS, World, run


def test_some_schedules(served_sandbox: tuple[Any, str]) -> None:
    run(*served_sandbox, 10, seed=1)


@pytest.mark.long
def test_two_thousand_schedules(served_sandbox: tuple[Any, str]) -> None:
    before = World.runs
    run(*served_sandbox, 2000, seed=1)
    sys.stdout.write(f"{World.runs - before} schedules of at most {STEPS} steps, no violation\n")
    assert World.runs - before >= 2000


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_can_be_planted(bug: Any) -> None:
    text = (SERVICE / "failover_api" / bug.file).read_text(encoding="utf-8")
    assert text.count(bug.old) == 1
