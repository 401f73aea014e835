"""Every event of a node's life, with the times of a real control plane, and what is said of it when."""

import pytest

from failover_api.core.catalog.automatic import Automatic, Mode
from failover_api.core.safety.judgement import START, Memory, NodeState, Sample, Verdicts, ViewState, step
from tests.core.safety.plane import Plane

RULES = Automatic(mode=Mode.ACT, dead_for_s=60.0)


class Watcher:
    """A leader that looks once a second at all that the API server has."""

    def __init__(self, plane: Plane, rules: Automatic = RULES) -> None:
        self.plane, self.rules = plane, rules
        self.memory: Memory = START
        self.heard_at = self.clock
        self.seen = plane.samples()

    @property
    def clock(self) -> float:
        return 5000.0 + self.plane.elapsed

    def look(self) -> Verdicts:
        if self.plane.is_up:
            self.heard_at, self.seen = self.clock, self.plane.samples()
        sample = Sample(self.plane.now, self.clock, self.seen, self.heard_at, self.heard_at)
        self.memory, verdicts = step(self.memory, sample, self.rules)
        return verdicts

    def watch(self, for_s: float) -> list[Verdicts]:
        seen = []
        for _ in range(round(for_s)):
            self.plane.run(1.0)
            seen.append(self.look())
        return seen


def plane_of(*names: str) -> Plane:
    plane = Plane()
    for index, name in enumerate(names):
        plane.add(name, renews_at=2.0 + 3 * index)
    return plane


@pytest.mark.parametrize("renewed_before_s", [0.5, 3.0, 7.5, 9.5])
def test_a_death_is_seen_and_acted_on_in_time(renewed_before_s: float) -> None:
    plane = plane_of("w1", "w2", "cp")
    watcher = Watcher(plane)
    watcher.watch(120 + 2 + renewed_before_s)
    plane.nodes["w1"].is_up = False
    died = plane.elapsed
    due = next(index + 1 for index, seen in enumerate(watcher.watch(200)) if seen.nodes["w1"].is_due)
    assert plane.elapsed == died + 200
    assert 105 <= due <= 122
    assert watcher.look().view.state is ViewState.WATCHING
    assert watcher.look().nodes["w1"].state is NodeState.DEAD
