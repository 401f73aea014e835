"""Generated schedules of two replicas, a person and a bad network: see tests/schedules.py and tests/README.md.

Some run with every test run. `make test ARGS="-m long -s"` runs 2,000 and says how many.
"""

import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.schedules import World, hurried

STEPS = 12


def run(served_sandbox: tuple[Any, str], schedules: int) -> None:
    World.sandbox, World.url = served_sandbox
    World.sandbox.limits.requests_per_hour = 1_000_000_000
    how = settings(
        max_examples=schedules,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    with hurried():
        run_state_machine_as_test(World, settings=how)
    World.sandbox.faults.clear()
    World.sandbox.requests.clear()


def test_some_schedules(served_sandbox: tuple[Any, str]) -> None:
    run(served_sandbox, 25)


@pytest.mark.long
def test_two_thousand_schedules(served_sandbox: tuple[Any, str]) -> None:
    before = World.runs
    run(served_sandbox, 2000)
    sys.stdout.write(f"{World.runs - before} schedules of at most {STEPS} steps, no violation\n")
    assert World.runs - before >= 2000
