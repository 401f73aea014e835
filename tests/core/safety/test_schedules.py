"""Generated schedules against an oracle: see tests/core/safety/schedules.py and tests/README.md.

Some run with every test run. `make test ARGS="-m long -s"` runs 100,000 and says how many moves were made in them, and
lets them look for each planted bug.
"""

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.core.safety.planted import BUGS, Bug, find
from tests.core.safety.schedules import HAPPENINGS, World, run_many, run_one

LONG, PART = 100_000, 2_500
QUICK_BUGS = [
    "no re-check",
    "not ready alone is dead",
    "the bound of a storm is off by one",
    "the block is forgotten after a restart",
    "a fence is none",
]


def test_some_schedules() -> None:
    counts = run_many(1, 100)
    assert counts["moves"] > 20


def test_a_silence_of_thirty_seconds_and_a_rounding_error_is_none_too_long() -> None:
    """It is 30.000000000000114 s by the schedule's clock, and 30 s by the leader's."""
    assert run_one(59_035).moves


class Machine(RuleBasedStateMachine):
    """The same world, in the hands of Hypothesis: what happens, and how much time passes."""

    world: World

    @initialize(seed=st.integers(1, 10_000), is_settled=st.booleans())
    def begin(self, seed: int, is_settled: bool) -> None:
        self.world = World(seed)
        for _ in range(7 if is_settled else 0):
            self.world.run(10.0)

    @rule(rounds=st.integers(1, 12), length_s=st.sampled_from([2.0, 5.0, 10.0, 20.0]))
    def time_passes(self, rounds: int, length_s: float) -> None:
        for _ in range(rounds):
            self.world.run(length_s)

    @rule(what=st.sampled_from([act for act, _ in HAPPENINGS]))
    def something_happens(self, what: Any) -> None:
        what(self.world)

    @rule(what=st.sampled_from(["cut", "again", "back", "other", "undo", "acks"]))
    def the_story_goes_on(self, what: str) -> None:
        self.world.tell(what)


def test_some_schedules_of_hypothesis() -> None:
    quick = settings(
        max_examples=60,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Machine, settings=quick)


@pytest.mark.parametrize("name", QUICK_BUGS)
def test_a_planted_bug_is_found_at_once(name: str) -> None:
    [bug] = [bug for bug in BUGS if bug.name == name]
    assert find(bug, schedules=150) is not None


@pytest.mark.long
def test_a_hundred_thousand_schedules() -> None:
    firsts = range(1, LONG + 1, PART)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        counts = list(pool.map(run_many, firsts, [PART] * len(firsts)))
    total = {key: sum(count[key] for count in counts) for key in counts[0]}
    sys.stdout.write(f"{total}, no violation\n")
    assert total["schedules"] == LONG
    assert total["moves"] > LONG / 10


@pytest.mark.long
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Bug) -> None:
    found = find(bug)
    assert found is not None
    sys.stdout.write(f"{bug.name}: after {found[0]}: {found[1][:100]}\n")
