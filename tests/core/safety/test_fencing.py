"""When the taint out-of-service may be set on a node, and when it may be taken off."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.core.safety.fencing import Leaving, leaving, may_clear, why_not_set
from failover_api.core.safety.governance import PodFact
from failover_api.core.safety.judgement import NodeState, NodeVerdict
from tests.core.safety.alerts.situations import W1, W2, service

DIED_AT = 1_796_068_800.0
MOVED = Leaving("sonarr", is_away=True, is_applied=True, has_pod=True)


def node(state: NodeState = NodeState.DEAD, **changes: Any) -> NodeVerdict:
    plain = {"died_at": DIED_AT, "is_alive": False, "is_ready": False, "is_out_of_service": False}
    return NodeVerdict("k3s-w1", "uid", state, DIED_AT, "", **{**plain, **changes})


def back(**changes: Any) -> NodeVerdict:
    return node(NodeState.READY, **{"died_at": None, "is_alive": True, "is_ready": True, **changes})


def test_it_may_be_set_once_a_person_has_spoken_and_the_move_is_applied() -> None:
    assert why_not_set(node(), [MOVED], is_attested=True) == ""


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"is_away": False}, "sonarr is still active on k3s-w1: move it first."),
        ({"is_away": None}, "Whether sonarr was moved off k3s-w1, nobody can tell."),
        ({"is_applied": False}, "The move of sonarr is not applied yet."),
        ({"is_applied": None}, "Whether the move of sonarr is applied is not seen."),
        ({"has_pod": False}, "No pod of a service that was moved is on k3s-w1."),
    ],
)
def test_never_before_every_move_is_applied(changes: dict[str, Any], why: str) -> None:
    other = Leaving(**{"service": "sonarr", "is_away": True, "is_applied": True, "has_pod": True, **changes})
    assert why_not_set(node(), [other], is_attested=True) == why
    is_of_one = "has_pod" in changes
    assert why_not_set(node(), [MOVED, other], is_attested=True) == ("" if is_of_one else why)


def test_nothing_is_freed_where_no_service_was() -> None:
    assert why_not_set(node(), [], is_attested=True) == "No pod of a service that was moved is on k3s-w1."


def test_no_time_that_has_passed_speaks_for_a_person() -> None:
    long_dead = node(died_at=DIED_AT - 1e7, still_s=1e7)
    assert why_not_set(long_dead, [MOVED], is_attested=False) == "Nobody says that k3s-w1 is off."


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (None, "The node is not seen."),
        (back(), "k3s-w1 is being heard of."),
        (node(NodeState.UNWELL, died_at=None, is_alive=True), "k3s-w1 is being heard of."),
        (node(NodeState.SUSPECT, is_alive=True), "k3s-w1 is being heard of."),
        (node(is_out_of_service=True), "k3s-w1 has the taint already."),
    ],
)
def test_a_node_that_lives_is_not_said_to_be_off(seen: NodeVerdict | None, why: str) -> None:
    assert why_not_set(seen, [MOVED], is_attested=True) == why


@pytest.mark.parametrize(
    ("seen", "may"),
    [
        (None, False),
        (back(is_out_of_service=True), True),
        (back(), False),
        (node(is_out_of_service=True), False),
        (back(is_out_of_service=True, is_alive=False), False),
        (node(NodeState.UNWELL, died_at=None, is_alive=True, is_out_of_service=True), False),
    ],
)
def test_it_is_taken_off_when_the_node_is_ready_again(seen: NodeVerdict | None, may: bool) -> None:
    assert may_clear(seen) is may


HERE, THERE = PodFact("sonarr-1", W1, is_ready=False), PodFact("sonarr-2", W2, is_ready=True)


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({"active": W1, "targets": (W2,), "pods": (HERE,)}, Leaving("sonarr", False, True, True)),
        ({"active": W1, "targets": (W2,), "pods": ()}, Leaving("sonarr", False, True, False)),
        ({"active": W1, "targets": (W2,), "pods": None}, Leaving("sonarr", False, True, False)),
        ({"active": W2, "targets": (W1,), "pods": (HERE, THERE)}, Leaving("sonarr", True, True, True)),
        ({"active": W2, "targets": (W1,), "pods": (THERE,)}, None),
        ({"active": W2, "targets": (W1,), "pods": None}, Leaving("sonarr", True, None, False)),
        ({"active": None, "targets": (W1, W2), "pods": (HERE,)}, Leaving("sonarr", None, True, True)),
        ({"active": None, "targets": (), "pods": ()}, None),
        ({"active": None, "targets": (), "pods": None, "may_be_on": (W1,)}, Leaving("sonarr", None, None, False)),
        ({"active": None, "targets": (), "pods": None, "may_be_on": (W2,)}, None),
        ({"active": W2, "targets": (), "pods": None}, None),
    ],
)
def test_what_a_service_has_to_do_with_a_node(facts: dict[str, Any], found: Leaving | None) -> None:
    assert leaving(W1, service(**facts), is_applied=True) == found


def test_names_from_outside_hide_nothing() -> None:
    hostile = Leaving("so\u202enarr\n", is_away=False, is_applied=True, has_pod=True)
    assert "\\u202e" in why_not_set(node(), [hostile], is_attested=True)


_bools = st.booleans()
_maybe = st.none() | st.booleans()
_nodes = st.builds(
    node,
    died_at=st.none() | st.just(DIED_AT),
    is_alive=_bools,
    is_ready=_bools,
    is_out_of_service=_bools,
)
_leaving = st.builds(Leaving, st.just("sonarr"), _maybe, _maybe, _bools)


@given(_nodes, st.lists(_leaving, max_size=4), _bools)
def test_it_is_set_only_where_all_is_proved(seen: NodeVerdict, services: list[Leaving], is_attested: bool) -> None:
    if why_not_set(seen, services, is_attested=is_attested) == "":
        assert is_attested
        assert seen.died_at is not None
        assert not seen.is_alive
        assert services
        assert all(each.is_away and each.is_applied for each in services)
        assert not may_clear(seen)
