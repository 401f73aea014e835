"""Who may go home, and when."""

from dataclasses import replace
from typing import Any

import pytest

from failover_api.core.catalog.automatic import Failback, Mode
from failover_api.core.catalog.model import Side
from failover_api.core.safety.governance import Gate, Hold, LastMove, Return, ServiceFacts, Situation, returns
from failover_api.core.safety.judgement import NodeState, NodeVerdict, ViewState
from tests.core.safety.situations import NOW, RULES, ready, service, situation, verdicts

PROPOSE, ACT = replace(RULES, failback=Failback.PROPOSE), replace(RULES, failback=Failback.ACT)
HOME = ready("w1", ready_since=NOW - 1800.0)


def away(**changes: Any) -> ServiceFacts:
    """Moved from w1 to w2 by itself, two hours ago."""
    last = LastMove(NOW - 7200.0, "automatic", is_automatic=True)
    plain: dict[str, Any] = {"side": Side.BACKUP, "active": "w2", "targets": ("w1",), "last_move": last}
    return service(**{**plain, "can_relocate": True, **changes})


def given(*services: ServiceFacts, home: NodeVerdict = HOME, rules: Any = ACT, **changes: Any) -> Situation:
    found = {"verdicts": verdicts(home, ready("w2")), "rules": rules, **changes}
    return situation(*(services or (away(),)), **found)


@pytest.mark.parametrize(
    ("situated", "is_act", "relocates"),
    [
        (given(), True, True),
        (given(rules=PROPOSE), False, True),
        (given(away(can_relocate=False)), False, False),
        (given(away(needs_word=True)), False, True),
        (given(rules=replace(ACT, mode=Mode.OBSERVE)), False, True),
    ],
)
def test_it_goes_home_when_its_node_has_been_well_for_long_enough(
    situated: Situation, is_act: bool, relocates: bool
) -> None:
    assert returns(situated) == (Return("sonarr", "w1", is_act, (), relocates, NOW - 7200.0),)


@pytest.mark.parametrize(
    "home",
    [
        ready("w1", ready_since=NOW - 1799.0),
        ready("w1", ready_for_s=1799.0),
        ready("w1", state=NodeState.FLAPPING),
        ready("w1", state=NodeState.PLANNED),
        ready("w1", ready_since=None),
        ready("w9"),
    ],
)
def test_a_node_that_is_not_well_is_no_home(home: NodeVerdict) -> None:
    assert returns(given(home=home)) == ()


@pytest.mark.parametrize(
    "facts",
    [
        {"side": Side.PRIMARY},
        {"mode": Mode.NONE},
        {"last_move": None},
        {"last_move": LastMove(NOW - 7200.0, "alice", is_automatic=False)},
    ],
)
def test_what_a_person_has_moved_stays(facts: dict[str, Any]) -> None:
    assert returns(given(away(**facts))) == ()


def test_none_is_none() -> None:
    assert returns(given(rules=RULES)) == ()


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ({"verdicts": verdicts(HOME, ready("w2"), view=ViewState.STORM)}, Gate.STORM),
        ({"services": (away(relocating="01JD"),)}, Gate.RELOCATING),
        ({"services": (away(to_relocate="01JD"),)}, Gate.RELOCATING),
        ({"services": (away(refusal=Hold(Gate.HAZARD, "It cannot be read.", "Mend it.")),)}, Gate.HAZARD),
        ({"services": (away(last_move=LastMove(NOW - 3599.0, "automatic", is_automatic=True)),)}, Gate.BLOCKED),
    ],
)
def test_what_holds_a_move_holds_the_way_home(changes: dict[str, Any], gate: Gate) -> None:
    [found] = returns(replace(given(), **changes))
    assert [hold.gate for hold in found.holds] == [gate]
