"""Events: what is one, what its key is, how much it moves, and what `observe` makes of it."""

from dataclasses import replace

import pytest

from failover_api.core.catalog.automatic import Mode
from failover_api.core.catalog.model import Side
from failover_api.core.planning.request import idempotency_digest
from failover_api.core.safety.governance import Ack, Book, Gate, LastMove, decide, event_key
from failover_api.core.safety.judgement import NodeState, ViewState
from tests.core.safety.situations import (
    CLOCK,
    DIED,
    NOW,
    RULES,
    dead,
    gates,
    ready,
    service,
    situation,
    verdicts,
)


def test_one_event_is_one_act_of_all_its_services() -> None:
    [act] = decide(situation(*(service(f"app{index}") for index in range(3)))).acts
    assert act.services == ("app0", "app1", "app2")


def test_one_that_is_held_keeps_none_of_the_others() -> None:
    decisions = decide(situation(service("app0", relocating="01JD"), service("app1"), service("app2", active="w2")))
    assert [act.services for act in decisions.acts] == [("app1",)]
    assert {one.service for one in decisions.pending} == {"app0", "app1"}


def test_two_dead_nodes_are_two_events() -> None:
    nodes = (dead("w1"), dead("w2"), ready("w3"), ready("w4"), ready("w5"))
    services = (service("a", targets=("w3",)), service("b", active="w2", targets=("w3",)))
    acts = decide(situation(*services, verdicts=verdicts(*nodes))).acts
    assert [(act.node, act.services) for act in acts] == [("w1", ("a",)), ("w2", ("b",))]
    assert acts[0].key != acts[1].key


@pytest.mark.parametrize("changes", [{"is_due": False}, {"state": NodeState.SUSPECT, "is_due": False}])
def test_nothing_is_done_before_it_is_due(changes: dict[str, object]) -> None:
    decisions = decide(situation(verdicts=verdicts(dead("w1", **changes), ready("w2"))))
    assert decisions.acts == ()
    assert decisions.pending[0].acts_at == NOW


@pytest.mark.parametrize("state", [NodeState.READY, NodeState.UNWELL, NodeState.PLANNED, NodeState.UNKNOWN])
def test_a_node_that_kubernetes_hears_of_puts_nothing_in_question(state: NodeState) -> None:
    given = situation(verdicts=verdicts(ready("w1", state=state), ready("w2")))
    assert decide(given).pending == ()


def test_what_is_on_a_node_that_was_deleted_is_held_and_says_so() -> None:
    others = (service("radarr", active="w9", mode=Mode.NONE), service("plex", active="w9", side=Side.BACKUP))
    given = situation(service("sonarr", active="w9"), *others, verdicts=verdicts(ready("w1"), ready("w2")))
    decisions = decide(given)
    assert decisions.acts == ()
    assert [(one.service, one.node, one.holds[0].gate, one.holds[0].cure) for one in decisions.pending] == [
        ("sonarr", "w9", Gate.FENCE, "Look at the machine; then `failover promote sonarr`."),
        ("plex", "w9", Gate.FENCE, "Look at the machine; then `failover demote plex`."),
    ]
    unseen = replace(given, verdicts=replace(given.verdicts, nodes={}))
    assert decide(unseen).pending == (), "no node is seen"


def test_off_decides_nothing() -> None:
    assert decide(situation(verdicts=verdicts(view=ViewState.OFF))).pending == ()


# The key


def test_the_key_is_of_the_uid_and_the_time_of_death_alone() -> None:
    first = event_key(dead("w1"))
    assert first == event_key(dead("w1", since=NOW, acts_at=None, reason="x", died_at=DIED + 0.2))
    assert first != event_key(dead("w1", died_at=DIED + 1.0))
    assert first != event_key(dead("w1", uid="uid-new"))
    assert first.isascii()
    assert len(first) <= 255


def test_what_has_not_died_has_no_key() -> None:
    with pytest.raises(ValueError, match="w1 has not died"):
        event_key(ready("w1"))


# How much


def test_more_than_max_services_is_held() -> None:
    rules = replace(RULES, max_services=2)
    services = [service(f"app{index}") for index in range(4)]
    given = situation(*services, rules=rules)
    assert [act.services for act in decide(given).acts] == [("app0", "app1")]
    assert gates(given, "app2") == gates(given, "app3") == [Gate.MAX_SERVICES]


def test_what_the_event_has_moved_already_counts() -> None:
    digest = idempotency_digest("automatic", event_key(dead("w1")))
    gone = service("app0", active="w2", last_move=LastMove(NOW - 30.0, "automatic", True, digest))
    rules = replace(RULES, max_services=2)
    given = situation(gone, service("app1"), service("app2"), rules=rules)
    assert [act.services for act in decide(given).acts] == [("app1",)]


def test_what_another_event_has_moved_does_not() -> None:
    gone = service("app0", active="w2", last_move=LastMove(NOW - 30.0, "automatic", True, "f" * 64))
    given = situation(gone, service("app1"), rules=replace(RULES, max_services=1))
    assert [act.services for act in decide(given).acts] == [("app1",)]


def test_an_acknowledged_event_has_no_cap() -> None:
    rules, services = replace(RULES, max_services=1), [service("app0"), service("app1")]
    after, before = (Book(acks=(Ack("alice", at, node="w1"),)) for at in (DIED + 1.0, DIED - 1.0))
    assert decide(situation(*services, rules=rules, book=after)).acts[0].services == ("app0", "app1")
    decisions = decide(situation(*services, rules=rules, book=before))
    assert decisions.acts[0].services == ("app0",)
    assert decisions.pending[1].holds[0].cure.startswith("`failover automatic ack --node w1`")


def test_those_that_are_held_take_no_room() -> None:
    services = [service("app0", relocating="01JD"), service("app1")]
    assert decide(situation(*services, rules=replace(RULES, max_services=1))).acts[0].services == ("app1",)


# Observing


@pytest.mark.parametrize(
    ("whole", "own", "acts", "would"),
    [
        (Mode.ACT, Mode.ACT, 1, 0),
        (Mode.ACT, Mode.OBSERVE, 0, 1),
        (Mode.OBSERVE, Mode.ACT, 0, 1),
        (Mode.OBSERVE, Mode.OBSERVE, 0, 1),
        (Mode.ACT, Mode.NONE, 0, 0),
        (Mode.OBSERVE, Mode.NONE, 0, 0),
    ],
)
def test_the_weaker_mode_counts(whole: Mode, own: Mode, acts: int, would: int) -> None:
    decisions = decide(situation(service(mode=own), rules=replace(RULES, mode=whole)))
    assert (len(decisions.acts), len(decisions.would)) == (acts, would)
    assert [one.is_act for one in decisions.pending] == [acts == 1]


# Evidence


def test_the_evidence_is_what_it_was_decided_on() -> None:
    [act] = decide(situation(verdicts=verdicts(dead("w1", still_s=170.0), ready("w2"), ready("cp")))).acts
    first, *others = act.evidence
    assert first.startswith("node w1 (uid-w1) is Unknown since 2026-11-30 19:58:00 UTC, its Lease not renewed since ")
    assert first.endswith("2026-11-30 19:57:10 UTC")
    assert others == [
        "2 of 3 nodes are Ready at 2026-11-30 20:00:00 UTC",
        "target w2 is ready since 2026-11-30 17:30:00 UTC",
        "the oldest data is of 2026-11-30 19:55:00 UTC",
    ]
    assert act.decided_at == CLOCK


def test_evidence_stays_on_its_lines() -> None:
    node = dead("w1", uid="x\nFailover-Service: y\u202e" + "z" * 300)
    [act] = decide(situation(verdicts=verdicts(node, ready("w2")))).acts
    assert all(line.isprintable() and len(line) < 400 for line in act.evidence)
