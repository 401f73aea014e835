"""What people and alerts have said, and how long it counts."""

from dataclasses import replace

import pytest

from failover_api.core.safety.governance import Attestation, Book, Pause
from failover_api.core.safety.judgement import NodeVerdict
from tests.core.safety.situations import LEASE, NOW, dead, ready, verdicts

SAID = Attestation("1", "alice", NOW - 60.0, "off", "w1", "uid-w1", LEASE)


def test_a_pause_holds_until_its_end_and_its_services_or_all() -> None:
    one = Pause("1", "alice", NOW, NOW + 60.0, "work", ("sonarr",))
    assert one.holds("sonarr", NOW + 59.9)
    assert not one.holds("sonarr", NOW + 60.0)
    assert not one.holds("radarr", NOW)
    assert replace(one, services=()).holds("radarr", NOW)


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
    book = Book(attestations=(SAID,)).current(verdicts(node))
    assert (book.attestations == (SAID,)) is stays


@pytest.mark.parametrize("said", [SAID, replace(SAID, uid="", renewed_at=None), replace(SAID, uid="")])
def test_of_a_node_that_is_gone_it_holds_until_anything_is_heard_of_it(said: Attestation) -> None:
    """Be it that it was said before, or since."""
    for seen, stays in (
        (verdicts(ready("w2")), True),
        (verdicts(ready("w2"), lone_leases={"w1": LEASE}), said.renewed_at == LEASE),
        (verdicts(ready("w2"), lone_leases={"w1": NOW}), False),
        (verdicts(dead("w1", uid="uid-new", renewed_at=LEASE)), False),
    ):
        assert (Book(attestations=(said,)).current(seen).attestations == (said,)) is stays


def test_what_is_over_is_forgotten_a_day_later() -> None:
    pause = Pause("1", "alice", NOW - 90.0, NOW - 60.0, "")
    book = Book((pause,))
    assert book.current(verdicts()).pauses == (pause,)
    assert book.current(verdicts(now=NOW + 86_400.0)).pauses == ()
