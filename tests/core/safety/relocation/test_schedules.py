"""Whatever befalls it: no byte is lost, no two pods write, nothing overwrites the side in use, nobody is in the dark.

pytest -m long tests/core/safety/relocation      20,000 schedules, a quarter of an hour to one
"""

import os
from collections import Counter

import pytest

from failover_api.core.safety.relocation.table import EDGES, Edge, Position
from tests.core.safety.relocation.schedules import FAULTS, run

QUICK, LONG = 60, 20_000
FIRST = int(os.environ.get("SCHEDULES_FROM", "0"))


def walk(number: int) -> tuple[Counter[Position], set[Edge]]:
    """Runs so many schedules; fails for the first that goes wrong, and says which."""
    ends: Counter[Position] = Counter()
    edges: set[Edge] = set()
    for seed in range(FIRST, FIRST + number):
        it = run(seed)
        assert not it.wrongs, f"seed {seed}, {sorted(it.faults)}, {it.steps}: {it.wrongs[:3]}"
        ends[it.last.position if it.last is not None else Position.READY] += 1
        edges |= it.edges
    return ends, edges


def test_no_schedule_goes_wrong() -> None:
    ends, edges = walk(QUICK)
    assert ends[Position.DONE] > QUICK / 3
    assert edges <= EDGES


def test_what_nothing_befalls_comes_home() -> None:
    for seed in range(500_000, 500_030):
        it = run(seed, faults=set())
        assert not it.wrongs, f"seed {seed}, {it.steps}: {it.wrongs[:3]}"


@pytest.mark.parametrize("fault", FAULTS)
def test_one_kind_of_fault_alone_does_no_harm(fault: str) -> None:
    for seed in range(600_000, 600_006):
        it = run(seed, faults={fault})
        assert not it.wrongs, f"seed {seed}, {it.steps}: {it.wrongs[:3]}"


@pytest.mark.long
def test_no_schedule_of_very_many_goes_wrong() -> None:
    ends, edges = walk(LONG)
    print(dict(ends))  # noqa: T201 - what a long run has seen
    assert edges <= EDGES
    by_word = {Edge(Position.READY, edge.cause, edge.end) for edge in EDGES if edge.start is Position.READY}
    unseen = {edge for edge in EDGES - edges - by_word if edge.end is not Position.DONE}
    assert {(edge.start, edge.end) for edge in unseen} <= {(Position.QUIESCE, Position.CUTOVER)}
