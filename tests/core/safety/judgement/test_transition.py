"""Every event of a node's life, with the times of a real control plane, and what is said of it when."""

from dataclasses import replace

import pytest

from failover_api.core.catalog.automatic import Automatic, Mode
from failover_api.core.safety.judgement import Memory, NodeState, Sample, ViewState, flaps_as_json, step, with_flaps
from tests.core.safety.plane import Plane, Watcher, plane_of

RULES = Automatic(mode=Mode.ACT, dead_for_s=60.0)
READY, SUSPECT, DEAD, FLAPPING = NodeState.READY, NodeState.SUSPECT, NodeState.DEAD, NodeState.FLAPPING
PLANNED, UNWELL, UNKNOWN = NodeState.PLANNED, NodeState.UNWELL, NodeState.UNKNOWN
BLIND, STORM, STARTING, WATCHING = ViewState.BLIND, ViewState.STORM, ViewState.STARTING, ViewState.WATCHING


def settled(*names: str, rules: Automatic = RULES) -> Watcher:
    """A leader that has watched for two minutes."""
    watcher = Watcher(plane_of(*(names or ("w1", "w2", "cp"))), rules)
    watcher.watch(120)
    assert watcher.view is WATCHING
    return watcher


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
    for _ in range(4):
        watcher.plane.nodes["w1"].is_up = False
        watcher.watch(40)
        watcher.plane.nodes["w1"].is_up = True
        watcher.watch(60)
    assert set(watcher.states("w1", 3500)) == {FLAPPING}
    assert READY in watcher.states("w1", 100)


def test_flaps_that_are_far_apart_are_none() -> None:
    watcher = settled()
    for _ in range(4):
        watcher.plane.nodes["w1"].is_up = False
        watcher.watch(40)
        watcher.plane.nodes["w1"].is_up = True
        watcher.watch(900)
    assert watcher.state("w1") is READY


def test_another_leader_knows_of_the_flaps() -> None:
    watcher = settled()
    for _ in range(3):
        watcher.plane.nodes["w1"].is_up = False
        watcher.watch(40)
        watcher.plane.nodes["w1"].is_up = True
        watcher.watch(60)
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


# Clocks, restores, and nodes that are made anew


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
