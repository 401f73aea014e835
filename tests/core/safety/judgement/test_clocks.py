"""Clocks that are wrong, restores of the cluster, and nodes that are made anew under their name."""

import pytest

from failover_api.core.safety.judgement import Memory, Sample, step
from tests.core.safety.judgement.ground import DEAD, READY, RULES, STARTING, SUSPECT, UNKNOWN, settled
from tests.core.safety.plane import Plane, Watcher, plane_of


@pytest.mark.parametrize("skew_s", [-7200.0, -40.0, 40.0, 7200.0])
def test_a_nodes_clock_may_be_wrong(skew_s: float) -> None:
    watcher = Watcher(plane_of("w1", "w2", "cp"), RULES)
    for node in watcher.plane.nodes.values():
        node.skew_s = skew_s
    assert set(watcher.states("w1", 300)[20:]) == {READY}
    watcher.plane.nodes["w1"].is_up = False
    assert 105 <= watcher.until(lambda seen: seen.nodes["w1"].is_due) <= 122


@pytest.mark.parametrize("jump_s", [-7200.0, 7200.0])
def test_a_jump_of_a_nodes_clock_is_a_renewal(jump_s: float) -> None:
    watcher = settled()
    watcher.plane.nodes["w1"].skew_s = jump_s
    assert set(watcher.states("w1", 120)) == {READY}


@pytest.mark.parametrize("jump_s", [-86_400.0, -31.0, 31.0, 86_400.0])
def test_a_jump_of_the_api_servers_clock_begins_anew(jump_s: float) -> None:
    watcher = settled()
    watcher.plane.nodes["w1"].is_up = False
    watcher.until(lambda seen: seen.nodes["w1"].state is DEAD)
    watcher.plane.skew_s += jump_s
    [seen] = watcher.watch(1)
    assert seen.view.state is STARTING
    assert not any(node.is_due for each in watcher.watch(59) for node in each.nodes.values())


def test_a_small_correction_of_the_api_servers_clock_changes_nothing() -> None:
    watcher = settled()
    watcher.plane.nodes["w1"].is_up = False
    watcher.watch(80)
    watcher.plane.skew_s += 5.0
    assert 24 <= watcher.until(lambda seen: seen.nodes["w1"].is_due) <= 42


def test_our_own_clock_that_goes_back_is_another_leader() -> None:
    watcher = settled()
    watcher.ahead_s -= 1000.0
    watcher.plane.skew_s -= 1000.0
    [seen] = watcher.watch(1)
    assert seen.view.state is STARTING


def test_a_restore_of_etcd_is_no_death() -> None:
    """Leases and conditions are of yesterday for a moment; then all kubelets renew."""
    watcher = settled()
    for node in watcher.plane.nodes.values():
        node.renewed_at = (node.renewed_at or 0.0) - 86_400.0
    seen = watcher.watch(300)
    assert not any(node.is_due for each in seen for node in each.nodes.values())
    assert set(watcher.states("w1", 10)) == {READY}


def test_a_restore_to_when_a_node_was_dead_is_another_death() -> None:
    watcher = settled()
    node = watcher.plane.nodes["w1"]
    node.ready, node.ready_since, node.is_evicted = "Unknown", watcher.plane.now - 7200.0, True
    assert {READY, SUSPECT} == set(watcher.states("w1", 120))


def test_a_node_made_anew_under_its_name_has_a_life_of_its_own() -> None:
    watcher = settled()
    watcher.plane.nodes["w1"].is_up = False
    watcher.until(lambda seen: seen.nodes["w1"].state is DEAD)
    before = watcher.verdicts.nodes["w1"]
    del watcher.plane.nodes["w1"]
    [seen] = watcher.watch(1)
    assert "w1" not in seen.nodes
    watcher.plane.add("w1", uid="uid-new", renews_at=1.0)
    [seen] = watcher.watch(1)
    assert before.uid != seen.nodes["w1"].uid
    assert seen.nodes["w1"].state is READY


def test_a_condition_that_came_and_went_between_two_samples_counts_anew() -> None:
    watcher = settled()
    watcher.plane.nodes["w1"].is_up = False
    watcher.until(lambda seen: seen.nodes["w1"].state is DEAD)
    watcher.plane.nodes["w1"].ready_since += 55.0
    assert watcher.states("w1", 1) == [SUSPECT]
    assert 62 <= watcher.until(lambda seen: seen.nodes["w1"].is_due) <= 66


def test_what_says_nothing_of_itself_is_unknown() -> None:
    watcher = settled()
    watcher.plane.nodes["w1"].says = ""
    assert set(watcher.states("w1", 5)) == {UNKNOWN}


def test_a_memory_is_a_value() -> None:
    watcher = settled()
    sample, memory = watcher.sample(), watcher.memory
    assert step(memory, sample, RULES) == step(memory, sample, RULES)
    assert isinstance(memory, Memory)
    assert isinstance(sample, Sample)


def test_a_plane_is_what_kubernetes_does() -> None:
    """The facts that the tests stand on: Unknown comes 40 to 55 s after a death, and no sooner than 50 s of silence."""
    plane = Plane()
    plane.add("w1", renews_at=1.0)
    plane.add("w2", renews_at=1.0)
    plane.run(60.0)
    plane.nodes["w1"].is_up = False
    died = plane.elapsed
    while plane.nodes["w1"].ready == "True":
        plane.run(0.5)
    assert 40.0 <= plane.elapsed - died <= 55.0
