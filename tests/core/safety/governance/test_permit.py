"""The last look before a write."""

from dataclasses import replace
from typing import Any

import pytest

from failover_api.core.safety.governance import (
    Act,
    Alert,
    AlertOrder,
    Book,
    Gate,
    Pause,
    Permit,
    Refused,
    Situation,
    decide,
    decide_alert,
    recheck,
)
from failover_api.core.safety.judgement import NodeState, ViewState
from tests.core.safety.situations import CLOCK, NOW, dead, ready, service, situation, verdicts

LATER = CLOCK + 1.0


def decided() -> Act:
    [act] = decide(situation()).acts
    return act


def now(**changes: Any) -> Situation:
    """A second later, with nodes and Leases that were listed in between."""
    return situation(verdicts=verdicts(monotonic=LATER, heard_at=LATER - 0.2), **changes)


def why(answer: Permit | Refused) -> set[Gate]:
    assert isinstance(answer, Refused)
    return {hold.gate for holds in answer.holds.values() for hold in holds}


def test_what_is_so_still_may_be_written_for_two_seconds() -> None:
    permit = recheck(decided(), now())
    assert isinstance(permit, Permit)
    assert permit.holds_at(LATER)
    assert permit.holds_at(LATER + 2.0)
    assert not permit.holds_at(LATER + 2.001)


@pytest.mark.parametrize("heard_at", [None, CLOCK, CLOCK - 0.1])
def test_nodes_have_to_be_listed_since_it_was_decided(heard_at: float | None) -> None:
    assert why(recheck(decided(), situation(verdicts=verdicts(monotonic=LATER, heard_at=heard_at)))) == {Gate.BLIND}


def test_what_was_listed_before_it_was_planned_for_long_does_not_count() -> None:
    given = situation(verdicts=verdicts(monotonic=CLOCK + 20.0, heard_at=CLOCK + 0.1), git=now().git)
    assert why(recheck(decided(), given)) == {Gate.BLIND}


def test_a_node_that_heals_is_not_left() -> None:
    given = situation(verdicts=verdicts(ready("w1"), ready("w2"), monotonic=LATER, heard_at=LATER))
    assert isinstance(recheck(decided(), given), Refused)


@pytest.mark.parametrize(
    "node", [dead("w1", is_due=False), dead("w1", died_at=NOW - 3.0), dead("w1", uid="uid-new"), ready("w3")]
)
def test_another_death_is_another_event(node: Any) -> None:
    given = situation(verdicts=verdicts(node, ready("w2"), monotonic=LATER, heard_at=LATER))
    assert isinstance(recheck(decided(), given), Refused)


def test_every_gate_is_asked_again() -> None:
    book = Book(pauses=(Pause("1", "alice", NOW, NOW + 60.0, "stop"),))
    assert why(recheck(decided(), now(book=book))) == {Gate.PAUSED}
    target = verdicts(dead("w1"), ready("w2", state=NodeState.SUSPECT), monotonic=LATER, heard_at=LATER)
    assert why(recheck(decided(), situation(verdicts=target))) == {Gate.TARGET}
    storm = verdicts(view=ViewState.STORM, monotonic=LATER, heard_at=LATER)
    assert why(recheck(decided(), situation(verdicts=storm))) == {Gate.STORM}


def test_all_services_or_none() -> None:
    [act] = decide(situation(service("a"), service("b"))).acts
    given = situation(service("a"), service("b", relocating="01JD"), verdicts=now().verdicts)
    answer = recheck(act, given)
    assert isinstance(answer, Refused)
    assert answer.holds["b"][0].gate is Gate.RELOCATING


def test_a_service_that_went_meanwhile_stops_it() -> None:
    assert isinstance(recheck(decided(), situation(service(active="w2"), verdicts=now().verdicts)), Refused)


def test_an_alert_is_asked_again_as_an_alert() -> None:
    order = AlertOrder(Alert("f1", NOW - 60.0), node="w1")
    suspect = dead("w1", state=NodeState.SUSPECT, is_due=False)
    act = decide_alert(order, situation(verdicts=verdicts(suspect, ready("w2")))).act
    assert act is not None
    later = verdicts(suspect, ready("w2"), monotonic=LATER, heard_at=LATER)
    assert isinstance(recheck(act, situation(verdicts=later), order), Permit)
    assert isinstance(recheck(act, situation(verdicts=later)), Refused)
    old = replace(order, alert=replace(order.alert, starts_at=NOW - 3601.0))
    assert why(recheck(act, situation(verdicts=later), old)) == {Gate.STALE_ALERT}
