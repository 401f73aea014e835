"""What the leader writes into the Lease: what people and alerts said since its last round is not lost."""

from dataclasses import replace

from failover_api.automatic.sharing import annotations_of, report_of, with_fences
from failover_api.core.automatic.notes import Notes, read_notes
from failover_api.core.safety.governance import Attestation, Decisions, Pause, Tally, Witness
from failover_api.core.safety.judgement import START, NodeState, NodeVerdict, ViewState
from tests.core.safety.alerts.situations import NOW, W1, W2, node, situation, verdicts

DEAD = node(W1, NodeState.DEAD, died_at=NOW - 300, renewed_at=NOW - 340)
SAID = Notes(
    pauses=(Pause("01P", "ops", NOW, NOW + 60, "why"),),
    attestations=(Attestation("01A", "ops", NOW, "I see it", W1, DEAD.uid, DEAD.renewed_at),),
    witnesses=(Witness("f", W1, "NodeOff", NOW - 60, NOW),),
)


def kept(notes: Notes, w1: NodeVerdict) -> Notes:
    """What is left of the notes once the leader has written them."""
    now = situation(verdicts=verdicts(ViewState.WATCHING, w1, node(W2, NodeState.READY)))
    return read_notes(annotations_of({}, notes, now, START, Tally(), report_of(now, Decisions())))


def test_what_was_said_since_the_last_round_stays() -> None:
    left = kept(SAID, DEAD)
    assert (left.pauses, left.attestations, left.witnesses) == (SAID.pauses, SAID.attestations, SAID.witnesses)


def test_what_holds_no_longer_goes() -> None:
    back = node(W1, NodeState.READY, is_alive=True, renewed_at=NOW)
    heard_before = replace(SAID, witnesses=(Witness("f", W1, "NodeOff", NOW - 600, NOW - 61),))
    left = kept(heard_before, back)
    assert (left.attestations, left.witnesses) == ((), ())
    assert kept(SAID, back).witnesses == SAID.witnesses


def test_what_keeps_a_node_from_being_marked_is_told_with_it() -> None:
    report = report_of(situation(verdicts=verdicts(ViewState.WATCHING, DEAD)), Decisions())
    assert with_fences(report, {}) == report
    told = with_fences(report, {W1: "The move of sonarr is not applied yet."}).node(W1)
    assert told is not None
    assert told.reason == "Not marked out-of-service: The move of sonarr is not applied yet."
    marked = with_fences(report, {W1: ""}).node(W1)
    assert marked is not None
    assert marked.reason == "It is marked out-of-service."
