"""What people and alerts have said, and how long it counts."""

from dataclasses import replace

import pytest

from failover_api.core.safety.governance import MAX_EACH, Ack, Attestation, Book, Pause, Witness, why_alive
from failover_api.core.safety.judgement import NodeState, NodeVerdict
from tests.core.safety.situations import LEASE, NOW, dead, ready, verdicts

SAID = Attestation("1", "alice", NOW - 60.0, "off", "w1", "uid-w1", LEASE)


def test_a_pause_holds_until_its_end_and_its_services_or_all() -> None:
    one = Pause("1", "alice", NOW, NOW + 60.0, "work", ("sonarr",))
    assert one.holds("sonarr", NOW + 59.9)
    assert not one.holds("sonarr", NOW + 60.0)
    assert not one.holds("radarr", NOW)
    assert replace(one, services=()).holds("radarr", NOW)


def test_no_pause_is_forgotten() -> None:
    book = Book()
    for index in range(MAX_EACH + 5):
        book = book.paused(Pause(str(index), "alice", NOW, NOW + 60.0, ""))
    assert len(book.pauses) == MAX_EACH + 5
    assert "0" not in {pause.id for pause in book.resumed("0").pauses}


def test_of_the_rest_the_oldest_goes() -> None:
    book = Book()
    for index in range(MAX_EACH + 5):
        book = book.witnessed(Witness(str(index), "w1", "NodeOff", NOW))
    assert [len(book.witnesses), book.witnesses[0].fingerprint] == [MAX_EACH, "5"]


def test_what_is_said_again_is_said_once() -> None:
    first, again = Witness("f1", "w1", "NodeOff", NOW - 60.0), Witness("f1", "w1", "NodeOff", NOW)
    assert Book().witnessed(first).witnessed(again).witnesses == (again,)
    assert Book().witnessed(first).resolved("f1").witnesses == ()
    acks = Book().acked(Ack("alice", NOW - 60.0, "sonarr")).acked(Ack("bob", NOW, "sonarr")).acks
    assert acks == (Ack("bob", NOW, "sonarr"),)


@pytest.mark.parametrize(
    ("node", "stays"),
    [
        (dead("w1"), True),
        (dead("w1", renewed_at=LEASE + 0.4), True),  # kept without its fraction
        (dead("w1", renewed_at=LEASE + 10.0), False),
        (dead("w1", renewed_at=LEASE - 7200.0), False),
        (dead("w1", renewed_at=None), False),
        (dead("w1", uid="uid-new"), False),
        (ready("w1", renewed_at=LEASE), False),
        (ready("w2"), True),
    ],
)
def test_an_attestation_is_withdrawn_by_the_node_itself(node: NodeVerdict, stays: bool) -> None:
    book = Book().attested(SAID).current(verdicts(node))
    assert (book.attestations == (SAID,)) is stays
    assert Book().attested(SAID).withdrawn("1").attestations == ()


def test_what_is_over_is_forgotten_a_day_later() -> None:
    pause = Pause("1", "alice", NOW - 90.0, NOW - 60.0, "")
    book = Book().paused(pause)
    assert book.current(verdicts()).pauses == (pause,)
    assert book.current(verdicts(now=NOW + 86_400.0)).pauses == ()


@pytest.mark.parametrize(
    ("node", "why"),
    [
        (dead("w1"), ""),
        (dead("w1", state=NodeState.SUSPECT), ""),
        (ready("w1"), "w1 is Ready"),
        (ready("w1", is_ready=False, state=NodeState.UNWELL), "the Lease of w1 is fresh"),
        (dead("w1", state=NodeState.UNKNOWN), "w1 says nothing of itself"),
    ],
)
def test_nobody_attests_that_a_node_is_off_which_lives(node: NodeVerdict, why: str) -> None:
    assert why_alive(node).startswith(why)
    assert bool(why_alive(node)) is bool(why)
