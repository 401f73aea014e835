"""Every event of a node's life, with the times of a real control plane, and what is said of it when."""

from dataclasses import replace

import pytest

from failover_api.core.safety.judgement import flaps_as_json, with_flaps
from tests.core.safety.judgement.ground import DEAD, FLAPPING, PLANNED, READY, RULES, SUSPECT, UNWELL, WATCHING, settled
from tests.core.safety.plane import Watcher

# Death


@pytest.mark.parametrize("renewed_before_s", [0.5, 3.0, 7.5, 9.5])
@pytest.mark.parametrize("controller_s", [0.0, 1.5, 3.5])
def test_a_death_is_due_within_105_to_120_seconds(renewed_before_s: float, controller_s: float) -> None:
    watcher = settled()
    plane = watcher.plane
    plane.looks_at += controller_s
    while plane.nodes["w1"].renews_at != plane.elapsed + 10.0 - renewed_before_s:
        plane.run(0.5)
    plane.nodes["w1"].is_up = False
    seen = watcher.watch(200)
    states = [each.nodes["w1"].state for each in seen]
    due = next(index + 1 for index, each in enumerate(seen) if each.nodes["w1"].is_due)
    assert 105 <= due <= 122
    assert 15 <= states.index(SUSPECT) + 1 <= 27
    assert states.index(DEAD) + 1 <= due - 5
    assert {each.view.state for each in seen} == {WATCHING}


@pytest.mark.parametrize("dead_for_s", [60.0, 90.0, 300.0])
def test_dead_for_is_added_to_what_kubernetes_needs(dead_for_s: float) -> None:
    watcher = settled(rules=replace(RULES, dead_for_s=dead_for_s))
    watcher.plane.nodes["w1"].is_up = False
    due = watcher.until(lambda seen: seen.nodes["w1"].is_due)
    assert dead_for_s + 45 <= due <= dead_for_s + 62


def test_when_it_acts_is_told_from_the_moment_kubernetes_has_lost_it() -> None:
    watcher = settled()
    watcher.plane.nodes["w1"].is_up = False
    watcher.until(lambda seen: seen.nodes["w1"].died_at is not None)
    told = watcher.verdicts.nodes["w1"].acts_at
    watcher.until(lambda seen: seen.nodes["w1"].is_due)
    assert told is not None
    assert abs(told - watcher.verdicts.now) <= 1.0


def test_an_outage_of_thirty_seconds_leaves_a_suspicion_and_nothing_more() -> None:
    watcher = settled()
    watcher.plane.nodes["w1"].is_up = False
    states = watcher.states("w1", 30)
    watcher.plane.nodes["w1"].is_up = True
    states += watcher.states("w1", 60)
    assert set(states) == {READY, SUSPECT}
    assert states[-1] is READY


@pytest.mark.parametrize("away_s", [50, 80, 100, 104])
def test_a_node_that_comes_back_is_never_due(away_s: int) -> None:
    watcher = settled()
    watcher.plane.nodes["w1"].is_up = False
    seen = watcher.watch(away_s)
    watcher.plane.nodes["w1"].is_up = True
    seen += watcher.watch(200)
    assert not any(each.nodes["w1"].is_due for each in seen)
    assert watcher.state("w1") is READY


def test_what_was_due_is_not_any_more_once_the_lease_is_renewed() -> None:
    watcher = settled()
    watcher.plane.nodes["w1"].is_up = False
    watcher.until(lambda seen: seen.nodes["w1"].is_due)
    watcher.plane.nodes["w1"].is_up, watcher.plane.nodes["w1"].renews_at = True, watcher.plane.elapsed
    [seen] = watcher.watch(1)
    assert seen.nodes["w1"].state is SUSPECT  # Kubernetes has not said so yet
    assert not seen.nodes["w1"].is_due


@pytest.mark.parametrize("what", ["power", "kubelet", "link"])
def test_power_kubelet_and_link_look_alike(what: str) -> None:
    """Nothing in the API tells them apart: a fence has to."""
    watcher = settled()
    watcher.plane.nodes["w1"].is_up = False
    assert 105 <= watcher.until(lambda seen: seen.nodes["w1"].is_due) <= 122, what


# What is no death


def test_a_node_that_says_itself_that_it_is_not_ready_lives() -> None:
    watcher = settled()
    watcher.plane.nodes["w1"].says = "False"
    states = watcher.states("w1", 900)
    assert set(states[1:]) == {UNWELL}
    assert watcher.verdicts.nodes["w1"].is_alive
    assert watcher.verdicts.nodes["w1"].acts_at is None


def test_a_shutdown_counts_from_when_kubernetes_has_lost_it() -> None:
    watcher = settled()
    watcher.plane.nodes["w1"].says = "False"
    watcher.watch(20)
    watcher.plane.nodes["w1"].is_up = False
    seen = watcher.watch(150)
    states = [each.nodes["w1"].state for each in seen]
    assert states[0] is UNWELL
    assert states.index(SUSPECT) <= 25
    due = next(index + 1 for index, each in enumerate(seen) if each.nodes["w1"].is_due)
    assert 105 <= due <= 122


def test_the_last_word_of_a_node_is_no_judgement_of_kubernetes() -> None:
    """The controller hangs: False stays, the Lease stands still, and nobody judges."""
    watcher = settled()
    watcher.plane.nodes["w1"].says = "False"
    watcher.watch(20)
    watcher.plane.judges = watcher.plane.nodes["w1"].is_up = False
    assert set(watcher.states("w1", 600)[30:]) == {SUSPECT}


def test_ready_with_a_lease_that_stands_still_is_suspect_for_ever() -> None:
    watcher = settled()
    watcher.plane.judges = watcher.plane.nodes["w1"].is_up = False
    seen = watcher.watch(600)
    assert {each.nodes["w1"].state for each in seen[30:]} == {SUSPECT}
    assert not any(each.nodes["w1"].is_due for each in seen)
    assert "Kubernetes calls it Ready" in watcher.verdicts.nodes["w1"].reason


def test_a_new_controller_begins_anew_and_so_do_we() -> None:
    watcher = settled()
    watcher.plane.judges = watcher.plane.nodes["w1"].is_up = False
    watcher.watch(300)
    watcher.plane.judges = True
    watcher.plane.restart_controller()
    assert 105 <= watcher.until(lambda seen: seen.nodes["w1"].is_due) <= 122


def test_unknown_alone_is_no_death() -> None:
    """Kubernetes says Unknown, and the Lease is renewed all the same."""
    watcher = settled()
    node = watcher.plane.nodes["w1"]
    watcher.plane.judges = False
    node.says, node.ready, node.ready_since, node.is_evicted = "Unknown", "Unknown", watcher.plane.now, True
    assert set(watcher.states("w1", 600)) == {SUSPECT}


def test_a_node_without_a_lease_is_never_dead() -> None:
    watcher = settled()
    watcher.plane.nodes["w1"].is_up = False
    watcher.watch(60)
    watcher.plane.nodes["w1"].renewed_at = None
    states = watcher.states("w1", 600)
    assert set(states) == {SUSPECT}
    assert "no Lease" in watcher.verdicts.nodes["w1"].reason


# People at work


def test_a_cordon_is_planned_whatever_becomes_of_the_node() -> None:
    watcher = settled()
    watcher.plane.nodes["w1"].is_cordoned = True
    states = watcher.states("w1", 10)
    watcher.plane.nodes["w1"].is_up = False
    seen = watcher.watch(600)
    assert set(states) == {PLANNED}
    assert {each.nodes["w1"].state for each in seen} == {PLANNED}
    assert not any(each.nodes["w1"].is_due for each in seen)
    assert watcher.view is WATCHING


def test_the_cordon_of_a_dead_node_holds_and_taking_it_off_begins_anew() -> None:
    watcher = settled()
    watcher.plane.nodes["w1"].is_up = False
    watcher.until(lambda seen: seen.nodes["w1"].is_due)
    watcher.plane.nodes["w1"].is_cordoned = True
    assert set(watcher.states("w1", 300)) == {PLANNED}
    watcher.plane.nodes["w1"].is_cordoned = False
    assert 64 <= watcher.until(lambda seen: seen.nodes["w1"].is_due) <= 66


def test_maintenance_behind_a_cordon_is_no_flapping() -> None:
    watcher = settled()
    node = watcher.plane.nodes["w1"]
    node.is_cordoned = True
    for _ in range(4):
        node.is_up = False
        watcher.watch(90)
        node.is_up = True
        watcher.watch(60)
    node.is_cordoned = False
    assert set(watcher.states("w1", 30)) == {READY}


def test_a_node_that_is_ignored_is_never_due_and_counts_nowhere() -> None:
    watcher = settled(rules=replace(RULES, ignore_nodes=("w1",)))
    watcher.plane.nodes["w1"].is_up = False
    seen = watcher.watch(400)
    assert not any(each.nodes["w1"].is_due for each in seen)
    assert watcher.verdicts.nodes["w1"].is_ignored
    watcher.plane.nodes["w2"].is_up = False
    watcher.watch(60)
    assert watcher.view is WATCHING  # one of two


# Flaps


def test_fifty_flaps_of_thirty_seconds_are_held() -> None:
    watcher = settled()
    seen = []
    for _ in range(50):
        watcher.plane.nodes["w1"].is_up = False
        seen += watcher.watch(30)
        watcher.plane.nodes["w1"].is_up = True
        seen += watcher.watch(30)
    assert not any(each.nodes["w1"].is_due for each in seen)
    assert watcher.state("w1") is FLAPPING


def flap(watcher: Watcher, times: int, *, well_s: int) -> None:
    """It is lost for 40 s, and well for so long, again and again."""
    for _ in range(times):
        watcher.plane.nodes["w1"].is_up = False
        watcher.watch(40)
        watcher.plane.nodes["w1"].is_up = True
        watcher.watch(well_s)


def test_the_third_suspicion_within_half_an_hour_holds_for_an_hour() -> None:
    watcher = settled()
    states = []
    for _ in range(2):
        watcher.plane.nodes["w1"].is_up = False
        states += watcher.states("w1", 40)
        watcher.plane.nodes["w1"].is_up = True
        states += watcher.states("w1", 60)
    assert FLAPPING not in states
    watcher.plane.nodes["w1"].is_up = False
    watcher.until(lambda seen: seen.nodes["w1"].state is FLAPPING)
    assert watcher.verdicts.nodes["w1"].since == watcher.plane.now
    assert set(watcher.states("w1", 3599)) == {FLAPPING}
    assert watcher.watch(1)[0].nodes["w1"].is_due
    assert watcher.state("w1") is DEAD


def test_each_further_suspicion_holds_for_an_hour_from_then() -> None:
    watcher = settled()
    flap(watcher, 4, well_s=60)
    assert set(watcher.states("w1", 3500)) == {FLAPPING}
    assert READY in watcher.states("w1", 100)


def test_flaps_that_are_far_apart_are_none() -> None:
    watcher = settled()
    flap(watcher, 4, well_s=900)
    assert watcher.state("w1") is READY


def test_another_leader_knows_of_the_flaps() -> None:
    watcher = settled()
    flap(watcher, 3, well_s=60)
    data = flaps_as_json(watcher.memory, now=watcher.plane.now, monotonic=watcher.clock)
    other = Watcher(watcher.plane, RULES, ahead_s=77.0)
    other.memory = with_flaps(data, now=watcher.plane.now, monotonic=other.clock)
    assert set(other.states("w1", 3000)) == {FLAPPING}
    assert set(other.states("w1", 700)[-10:]) == {READY}


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "x",
        {"w1": None},
        {"w1": {"uid": 3}},
        {"w1": {"uid": "u", "suspected": "x", "until": "y"}},
        {"w1": {"uid": "u", "suspected": [NAN, INF, True, -1], "until": INF}},
    ],
)
def test_flaps_that_cannot_be_read_are_left_out(data: object) -> None:
    memory = with_flaps(data, now=1000.0, monotonic=5.0)
    assert all(not node.suspected_at for node in memory.nodes.values())


def test_flaps_that_are_to_come_hold_a_node_no_longer_than_others() -> None:
    """Another leader has seen the API server's clock ten years ahead."""
    data = {"w1": {"uid": "uid-w1", "suspected": [2_111_111_111.0] * 2, "until": 2_111_111_111.0}}
    memory = with_flaps(data, now=1_796_068_800.0, monotonic=5.0)
    assert memory.nodes["w1"].flapping_until == 5.0 + 3600.0
    assert memory.nodes["w1"].suspected_at == (5.0, 5.0)
