"""What an alert means, and what comes of it."""

from dataclasses import replace
from typing import Any

import pytest

from failover_api.core.catalog.automatic import AlertRule, Fence, Meaning, Mode
from failover_api.core.catalog.model import Side
from failover_api.core.safety.governance import (
    Alert,
    AlertAnswer,
    AlertOrder,
    Attestation,
    Book,
    Gate,
    GitFacts,
    LastMove,
    PodFact,
    Witness,
    decide,
    decide_alert,
    node_named,
    order_of,
    rule_for,
)
from failover_api.core.safety.judgement import NodeState, ViewState
from tests.core.safety.situations import NOW, RULES, dead, ready, service, situation, verdicts

ALERT = Alert("f1", NOW - 60.0, labels={"alertname": "NodeGone", "node": "w1"})
EVACUATE = AlertOrder(ALERT, node="w1")
PROMOTE = AlertOrder(ALERT, services=("sonarr",))
SUSPECT = dead("w1", state=NodeState.SUSPECT, is_due=False)
ATTESTED = Attestation("1", "alice", NOW - 60.0, "I pulled the plug", "w1", "")


def rule(means: Meaning = Meaning.EVACUATE, **changes: Any) -> AlertRule:
    plain: dict[str, Any] = {"match": (("alertname", "NodeGone"),), "node": None, "service": None, "group": None}
    return AlertRule(**{**plain, "means": means, **changes})


def held(answer: AlertAnswer, name: str = "sonarr") -> list[Gate]:
    return [hold.gate for hold in answer.held.get(name, ())]


def test_the_first_rule_whose_labels_are_all_equal_counts() -> None:
    both = rule(match=(("alertname", "NodeGone"), ("node", "w1")))
    labels = {"alertname": "NodeGone", "node": "w1", "severity": "page"}
    assert rule_for([both, rule()], labels) is both
    assert rule_for([both, other := rule()], {**labels, "node": "w2"}) is other
    assert rule_for([both], {"alertname": "NodeGone"}) is None


@pytest.mark.parametrize(
    ("node", "labels", "named"),
    [
        ("w1", {}, "w1"),
        ("{node}", {"node": "w1"}, "w1"),
        ("{rack}-{node}", {"node": "1", "rack": "a"}, "a-1"),
        ("{node}", {"node": ""}, None),
        ("{node}", {}, None),
        ("{node}", {"node": "{node}"}, "{node}"),
        (None, {"node": "w1"}, None),
    ],
)
def test_a_node_is_named_by_labels(node: str | None, labels: dict[str, str], named: str | None) -> None:
    assert node_named(rule(node=node), labels) == named


def test_what_an_alert_orders() -> None:
    groups = {"media": ("sonarr", "radarr")}
    assert order_of(rule(node="{node}"), ALERT, groups) == EVACUATE
    assert order_of(rule(node="{other}"), ALERT, groups) is None
    assert order_of(rule(Meaning.NODE_OFF, node="{node}"), ALERT, groups) is None
    assert order_of(rule(Meaning.PROMOTE, service="sonarr"), ALERT, groups) == PROMOTE
    forced = order_of(rule(Meaning.PROMOTE, group="media", even_if_ready=True), ALERT, groups)
    assert forced == AlertOrder(ALERT, services=("sonarr", "radarr"), is_forced=True)


def test_the_key_is_of_the_fingerprint_and_the_start() -> None:
    assert ALERT.key == replace(ALERT, labels={}).key
    assert len({ALERT.key, replace(ALERT, starts_at=NOW).key, replace(ALERT, fingerprint="f2").key}) == 3


def test_a_node_needs_not_be_dead() -> None:
    act = decide_alert(EVACUATE, situation(verdicts=verdicts(SUSPECT, ready("w2")))).act
    assert act is not None
    assert (act.services, act.node, act.key, act.trigger) == (("sonarr",), "w1", ALERT.key, "alert")
    assert act.evidence[0] == "alert NodeGone fires since 2026-11-30 19:59:00 UTC"


def test_an_order_is_about_what_is_on_the_node_or_on_primary() -> None:
    given = situation(service(active="w2"), service("radarr", side=Side.BACKUP))
    assert decide_alert(EVACUATE, given).act is not None  # radarr, whose backup is w1
    assert decide_alert(AlertOrder(ALERT, services=("radarr",)), given) == AlertAnswer()
    assert decide_alert(AlertOrder(ALERT, node="w9"), given) == AlertAnswer()


def test_what_is_ready_is_left_alone_unless_the_alert_says_that_it_is_broken() -> None:
    well = verdicts(ready("w1"), ready("w2"))
    serving = service(pods=(PodFact("p", "w1", True),))
    assert held(decide_alert(PROMOTE, situation(serving, verdicts=well))) == [Gate.STILL_SERVING]
    assert decide_alert(replace(PROMOTE, is_forced=True), situation(serving, verdicts=well)).act is not None


@pytest.mark.parametrize("ago_s", [3601.0, 90_000.0])
def test_an_old_alert_moves_nothing(ago_s: float) -> None:
    order = replace(EVACUATE, alert=replace(ALERT, starts_at=NOW - ago_s))
    answer = decide_alert(order, situation())
    assert held(answer) == [Gate.STALE_ALERT]


def test_an_alert_from_before_the_last_move_moves_nothing() -> None:
    """Whoever moved it: the alert is about what was before."""
    for last in (LastMove(NOW - 50.0, "alice", is_automatic=False), LastMove(NOW - 50.0, "alert", is_automatic=True)):
        answer = decide_alert(PROMOTE, situation(service(last_move=last), verdicts=verdicts(ready("w1"), ready("w2"))))
        assert Gate.STALE_ALERT in held(answer)


@pytest.mark.parametrize(("fence", "acts"), [(Fence.REQUIRED, False), (Fence.WITNESS, True), (Fence.NONE, True)])
def test_an_evacuation_is_a_witness_too(fence: Fence, acts: bool) -> None:
    book = Book(witnesses=(Witness("f1", "w1", "NodeGone", NOW - 60.0),))
    given = situation(rules=replace(RULES, fence=fence), book=book, verdicts=verdicts(SUSPECT, ready("w2")))
    assert (decide_alert(EVACUATE, given).act is not None) is acts


def test_an_alert_that_is_a_witness_too_is_said_once() -> None:
    book = Book(witnesses=(Witness("f1", "w1", ALERT.name, ALERT.starts_at),))
    given = situation(rules=replace(RULES, fence=Fence.WITNESS), book=book, verdicts=verdicts(SUSPECT, ready("w2")))
    act = decide_alert(EVACUATE, given).act
    assert act is not None
    assert [line.startswith(f"alert {ALERT.name} fires since ") for line in act.evidence].count(True) == 1


def test_a_node_that_lives_needs_no_fence() -> None:
    given = situation(rules=replace(RULES, fence=Fence.REQUIRED), verdicts=verdicts(ready("w1"), ready("w2")))
    assert decide_alert(PROMOTE, given).act is not None
    gone = situation(rules=replace(RULES, fence=Fence.REQUIRED), verdicts=verdicts(ready("w2")))
    assert held(decide_alert(PROMOTE, gone)) == [Gate.FENCE]


@pytest.mark.parametrize("order", [EVACUATE, PROMOTE])
@pytest.mark.parametrize(
    ("fence", "book", "acts"),
    [
        (Fence.REQUIRED, Book(), False),
        (Fence.REQUIRED, Book(attestations=(ATTESTED,)), True),
        (Fence.REQUIRED, Book(attestations=(replace(ATTESTED, node="w2"),)), False),
        (Fence.REQUIRED, Book(witnesses=(Witness("f1", "w1", "NodeGone", NOW - 60.0),)), False),
        (Fence.WITNESS, Book(witnesses=(Witness("f1", "w1", "NodeGone", NOW - 60.0),)), True),
        (Fence.WITNESS, Book(witnesses=(Witness("f1", "w2", "NodeGone", NOW - 60.0),)), False),
    ],
)
def test_off_a_node_that_is_gone_it_moves_what_git_has_there_once_that_is_known_to_be_off(
    order: AlertOrder, fence: Fence, book: Book, acts: bool
) -> None:
    given = situation(rules=replace(RULES, fence=fence), book=book, verdicts=verdicts(ready("w2")))
    answer = decide_alert(order, given)
    assert ((answer.act is not None), held(answer)) == (acts, [] if acts else [Gate.FENCE])
    if acts:
        assert answer.act is not None
        said = [line for line in answer.act.evidence if line.startswith("alice says that it is off")]
        assert bool(said) is (fence is Fence.REQUIRED)
    else:
        (hold,) = answer.held["sonarr"]
        assert "`failover attest w1 --reason" in hold.cure


@pytest.mark.parametrize(("alive", "acts"), [({"w1"}, False), ({"w3"}, True)])
def test_no_alert_says_of_a_node_that_is_gone_that_it_is_off_while_its_lease_is_renewed(
    alive: set[str], *, acts: bool
) -> None:
    """Somebody has deleted its Node object, and its kubelet runs on, with the app."""
    book = Book(witnesses=(Witness("f1", "w1", "NodeGone", NOW - 60.0),))
    seen = verdicts(ready("w2"), lone_leases={"w1": NOW}, lone_alive=frozenset(alive))
    given = situation(rules=replace(RULES, fence=Fence.WITNESS), book=book, verdicts=seen)
    answer = decide_alert(EVACUATE, given)
    assert (answer.act is not None) is acts
    said = [hold.detail for hold in answer.held.get("sonarr", ())]
    assert any("its Lease is renewed still" in detail for detail in said) is not acts


def test_what_was_said_of_a_node_that_is_not_seen_counts_for_nothing() -> None:
    book = Book(attestations=(ATTESTED,))
    unseen = replace(verdicts(), nodes={})
    given = situation(rules=replace(RULES, fence=Fence.REQUIRED), book=book, verdicts=unseen)
    assert Gate.FENCE in held(decide_alert(PROMOTE, given))


def test_by_itself_nothing_moves_off_a_node_that_is_gone_whoever_says_that_it_is_off() -> None:
    seen, said = verdicts(ready("w2")), Book(attestations=(ATTESTED,))
    for book, words in ((Book(), "which proves nothing"), (said, "alice says that it is off")):
        decisions = decide(situation(rules=replace(RULES, fence=Fence.REQUIRED), book=book, verdicts=seen))
        ((hold,),) = [one.holds for one in decisions.pending]
        assert (decisions.acts, hold.gate, words in hold.detail) == ((), Gate.FENCE, True)
        assert "`failover promote sonarr`" in hold.cure


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ({"verdicts": verdicts(view=ViewState.STARTING)}, Gate.STARTING),
        ({"verdicts": verdicts(view=ViewState.BLIND)}, Gate.BLIND),
        ({"git": GitFacts(None)}, Gate.GIT_UNREACHABLE),
        ({"verdicts": verdicts(view=ViewState.STORM)}, Gate.STORM),
        ({"verdicts": verdicts(dead("w1", state=NodeState.PLANNED), ready("w2"))}, Gate.PLANNED),
        ({"verdicts": verdicts(dead("w1", state=NodeState.FLAPPING), ready("w2"))}, Gate.FLAPPING),
    ],
)
def test_what_holds_a_death_holds_an_alert(changes: Any, gate: Gate) -> None:
    answer = decide_alert(EVACUATE, situation(**changes))
    assert (held(answer), answer.act) == ([gate], None)


def test_what_is_free_acts_though_others_are_held() -> None:
    given = situation(service("a"), service("b", relocating="01JD"))
    answer = decide_alert(EVACUATE, given)
    assert answer.act is not None
    assert answer.act.services == ("a",)
    assert held(answer, "b") == [Gate.RELOCATING]


def test_an_alert_moves_no_more_than_a_death() -> None:
    services = [service(f"app{index}") for index in range(3)]
    answer = decide_alert(EVACUATE, situation(*services, rules=replace(RULES, max_services=2)))
    assert answer.act is not None
    assert answer.act.services == ("app0", "app1")
    assert held(answer, "app2") == [Gate.MAX_SERVICES]


def test_observing_says_what_it_would_have_done() -> None:
    answer = decide_alert(EVACUATE, situation(rules=replace(RULES, mode=Mode.OBSERVE)))
    assert answer.act is None
    assert answer.would is not None
    off = situation(verdicts=verdicts(view=ViewState.OFF))
    assert decide_alert(EVACUATE, off) == AlertAnswer()
