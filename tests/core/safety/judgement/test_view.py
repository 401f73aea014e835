"""What is said of all nodes at once: storms, what is not heard, and who has only begun to look."""

from dataclasses import replace

import pytest

from failover_api.core.catalog.automatic import Automatic
from failover_api.core.safety.judgement import ViewState, step
from tests.core.safety.judgement.ground import BLIND, DEAD, RULES, STARTING, STORM, WATCHING, settled
from tests.core.safety.plane import Watcher, plane_of

# Storms


@pytest.mark.parametrize(
    ("nodes", "bad", "is_storm"),
    [
        *((1, 1, False), (2, 1, False), (2, 2, True), (3, 1, False), (3, 2, True), (4, 1, False), (4, 2, True)),
        *((4, 3, True), (5, 2, False), (5, 3, True), (6, 2, False), (6, 3, True), (7, 3, False), (7, 4, True)),
    ],
)
def test_more_than_one_and_more_than_49_percent_are_a_storm(nodes: int, bad: int, is_storm: bool) -> None:
    watcher = settled(*(f"n{index}" for index in range(nodes)))
    for index in range(bad):
        watcher.plane.nodes[f"n{index}"].is_up = False
    seen = watcher.watch(42)
    assert (seen[-1].view.state is STORM) == is_storm


@pytest.mark.parametrize("dead", [3, 4])
def test_three_of_four_dead_or_all_is_no_death_of_any(dead: int) -> None:
    watcher = settled("w1", "w2", "w3", "cp")
    for name in ["w1", "w2", "w3", "cp"][:dead]:
        watcher.plane.nodes[name].is_up = False
    seen = watcher.watch(900)
    assert not any(node.is_due for each in seen for node in each.nodes.values())
    assert watcher.view is STORM


def test_what_a_storm_leaves_behind_counts_from_its_end() -> None:
    watcher = settled("w1", "w2", "w3", "cp")
    for name in ["w1", "w2", "w3"]:
        watcher.plane.nodes[name].is_up = False
    watcher.watch(600)
    for name in ["w2", "w3"]:
        watcher.plane.nodes[name].is_up = True
    watcher.until(lambda seen: seen.view.state is WATCHING)
    assert 63 <= watcher.until(lambda seen: seen.nodes["w1"].is_due) <= 66


def test_unwell_nodes_count_and_cordoned_ones_do_not() -> None:
    watcher = settled("w1", "w2", "cp")
    watcher.plane.nodes["w1"].says = watcher.plane.nodes["w2"].says = "False"
    watcher.watch(5)
    assert watcher.view is STORM
    watcher.plane.nodes["w1"].is_cordoned = True
    watcher.watch(5)
    assert watcher.view is WATCHING


def test_a_silent_node_without_the_noexecute_taint_is_kubernetes_own_storm() -> None:
    watcher = settled("w1", "w2", "w3", "w4", "w5")
    node = watcher.plane.nodes["w1"]
    node.is_up = False
    watcher.until(lambda seen: seen.nodes["w1"].died_at is not None)
    seen = []
    for _ in range(300):
        node.is_evicted, node.taints_at = False, None
        seen += watcher.watch(1)
    assert not any(each.nodes["w1"].is_due for each in seen)
    assert [each.view.state for each in seen].index(STORM) in {60, 61}
    node.is_evicted = True
    watcher.watch(1)
    assert watcher.view is WATCHING


def test_nodes_that_are_down_for_a_day_count_nowhere() -> None:
    watcher = settled("w1", "w2", "cp")
    watcher.plane.nodes["w1"].is_up = False
    watcher.watch(60)
    watcher.plane.nodes["w1"].ready_since -= 24 * 3600.0
    watcher.plane.nodes["w2"].is_up = False
    watcher.watch(45)
    assert watcher.view is WATCHING
    assert not watcher.verdicts.nodes["w1"].is_counted


# Nothing is heard


def test_ten_minutes_without_the_api_server_are_no_death() -> None:
    watcher = settled()
    watcher.plane.is_up = False
    seen = watcher.watch(600)
    watcher.plane.is_up = True
    watcher.plane.restart_controller()
    seen += watcher.watch(300)
    views = [each.view.state for each in seen]
    assert views[:29] == [WATCHING] * 29
    assert set(views[29:600]) == {BLIND}
    assert views[600] is STARTING
    assert views[-1] is WATCHING
    assert not any(node.is_due for each in seen for node in each.nodes.values())


def test_a_node_that_died_while_nothing_was_heard_counts_from_when_it_is_seen_again() -> None:
    watcher = settled()
    watcher.plane.is_up = watcher.plane.nodes["w1"].is_up = False
    watcher.watch(600)
    watcher.plane.is_up = True
    watcher.plane.restart_controller()
    assert 105 <= watcher.until(lambda seen: any(node.is_due for node in seen.nodes.values())) <= 122


def test_a_view_that_is_lost_while_a_node_is_dead_begins_anew() -> None:
    watcher = settled()
    watcher.plane.nodes["w1"].is_up = False
    watcher.until(lambda seen: seen.nodes["w1"].state is DEAD)
    watcher.is_cut = True
    assert not any(each.nodes for each in watcher.watch(60)[30:])
    watcher.is_cut = False
    assert 60 <= watcher.until(lambda seen: seen.nodes["w1"].is_due) <= 61


def test_it_needs_both_nodes_and_leases() -> None:
    watcher = settled()
    sample = watcher.sample()
    for lost in ({"nodes_heard_at": None}, {"leases_heard_at": sample.monotonic - 31.0}):
        _, verdicts = step(watcher.memory, replace(sample, **lost, why_unseen="it is \u202eforbidden"), RULES)
        assert verdicts.view.state is BLIND
        assert "\\u202eforbidden" in verdicts.view.reason


def test_a_leader_that_hung_has_not_seen_what_was_meanwhile() -> None:
    watcher = settled()
    watcher.plane.nodes["w1"].is_up = False
    watcher.watch(40)
    watcher.plane.run(300.0)
    assert 60 <= watcher.until(lambda seen: seen.nodes["w1"].is_due) <= 61


# Leaders


def test_a_new_leader_looks_for_a_minute_and_sees_a_death_for_itself() -> None:
    watcher = settled()
    watcher.plane.nodes["w1"].is_up = False
    watcher.until(lambda seen: seen.nodes["w1"].is_due)
    other = Watcher(watcher.plane, RULES, ahead_s=123.0)
    seen = other.watch(100)
    assert [each.view.state for each in seen].count(STARTING) == 60
    assert 60 <= next(index for index, each in enumerate(seen) if each.nodes["w1"].is_due) <= 61


def test_nothing_heard_yet_is_starting_and_then_blind() -> None:
    watcher = Watcher(plane_of("w1"), RULES)
    watcher.is_cut, watcher.heard_at = True, None
    views = [each.view.state for each in watcher.watch(60)]
    assert views == [STARTING] * 30 + [BLIND] * 30


def test_off_is_off() -> None:
    watcher = Watcher(plane_of("w1", "w2"), Automatic())
    watcher.plane.nodes["w1"].is_up = False
    assert {each.view.state for each in watcher.watch(200)} == {ViewState.OFF}
