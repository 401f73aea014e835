"""What the replicas share in annotations: read and written, within bounds, and in doubt nothing moves."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failover_api.core.automatic.notes import (
    ACK_LASTS_S,
    MAX_BYTES,
    MAX_WITNESSES,
    Fenced,
    Notes,
    acknowledged,
    attested,
    current,
    made_readable,
    paused,
    read_notes,
    resumed,
    taken_back,
    with_fenced,
    withdrawn,
    without_fenced,
    witnessed,
    written,
)
from failover_api.core.safety.governance import Ack, Attestation, Pause, Tally, Witness
from failover_api.core.safety.governance.tally import Event
from failover_api.errors import BadRequest

NOW = 1_795_996_800.0
PAUSE = Pause("01A", "ops", NOW, NOW + 600, "a new kernel: ä", ("sonarr",))
ATTESTATION = Attestation("01B", "ops", NOW, "I pulled the plug", "k3s-w1", "uid-1", NOW - 60.123456)
WITNESS = Witness("c1f2a3b4d5e6f708", "k3s-w1", "NodeOff", NOW - 60, NOW)
FENCED = Fenced("k3s-w1", "uid-1", NOW)
EVENT = Event("node-1", "k3s-w1", NOW, would=("sonarr", "radarr"), decided_at=NOW + 300.5, back_at=NOW + 390.0)
ALL = Notes(
    pauses=(PAUSE, Pause("01C", "ops", NOW, NOW + 60, "")),
    attestations=(ATTESTATION,),
    acks=(Ack("ops", NOW, service="sonarr"), Ack("ops", NOW + 1, node="k3s-w2")),
    witnesses=(WITNESS, replace(WITNESS, fingerprint="b", name="")),
    fenced=(FENCED,),
    flaps={"k3s-w1": {"uid": "uid-1", "suspected": [1]}},
    tally=Tally((EVENT,)),
    status={"view": "watching"},
)


def test_what_is_written_is_read_back() -> None:
    annotations = written(ALL, {"example.org/note": "keep me"})
    assert annotations["example.org/note"] == "keep me"
    assert read_notes(annotations) == ALL
    assert json.loads(annotations["failover-api/pauses"])[0] == {
        "id": "01A",
        "reason": "a new kernel: ä",
        "by": "ops",
        "at": "2026-11-30T00:00:00Z",
        "until": "2026-11-30T00:10:00Z",
        "services": ["sonarr"],
    }


def test_nothing_leaves_no_annotation() -> None:
    assert written(Notes(), {"failover-api/pauses": "[]", "x": "y"}) == {"x": "y"}
    assert read_notes({}) == Notes()


def test_a_pause_holds_its_services_until_its_end() -> None:
    assert [PAUSE.holds("sonarr", NOW + at) for at in (0, 599.9, 600)] == [True, True, False]
    assert not PAUSE.holds("radarr", NOW)
    assert replace(PAUSE, services=()).holds("radarr", NOW)


def test_pauses_are_added_and_ended_by_their_id() -> None:
    notes = paused(Notes(), PAUSE)
    assert resumed(notes, "01A") == Notes()
    assert resumed(notes, "01X") is None
    assert current(notes, NOW + 600) == Notes()


def test_a_node_is_attested_once() -> None:
    notes = attested(attested(Notes(), ATTESTATION), replace(ATTESTATION, id="01D"))
    assert [each.id for each in notes.attestations] == ["01D"]
    assert withdrawn(notes, "k3s-w1", "01B") is None
    assert withdrawn(notes, "k3s-w1", "01D") == Notes()
    assert withdrawn(notes, "k3s-w1") == Notes()
    assert withdrawn(notes, "k3s-w2") is None


def test_the_newest_ack_counts_for_a_week() -> None:
    notes = acknowledged(acknowledged(Notes(), Ack("a", NOW, service="x")), Ack("b", NOW + 5, service="x"))
    assert notes.acks == (Ack("b", NOW + 5, service="x"),)
    assert current(notes, NOW + 5 + ACK_LASTS_S).acks == ()


GARBAGE = [
    "",
    "no JSON",
    "{}",
    "[1]",
    "[null]",
    "[" * 100_000,
    '[{"id": "a"}]',
    '[{"id": "a", "by": "b", "at": "2026-11-30T00:00:00Z", "until": "soon"}]',
    '[{"id": "a", "by": "b", "at": "2026-11-30T00:00:00Z", "until": "2026-11-30T00:00:00"}]',
    '[{"id": "a", "by": "b", "at": 1, "until": 2}]',
    '[{"id": "a", "by": "b", "at": "2026-11-30T00:00:00Z", "until": "9999-12-31T23:59:59-12:00"}]',  # in the year 10000
    '[{"id": "a", "by": "b", "at": "0001-01-01T00:00:00+12:00", "until": "2026-12-30T00:00:00Z"}]',
    '[{"id": "a", "by": "b", "at": "2026-11-30T00:00:00Z", "until": "2026-12-30T00:00:00Z", "services": "sonarr"}]',
    "[" + ",".join(["{}"] * 500) + "]",
]


@pytest.mark.parametrize("text", GARBAGE)
def test_a_pause_that_is_not_understood_is_told_and_stays(text: str) -> None:
    notes = read_notes({"failover-api/pauses": text})
    assert (notes.pauses, notes.unreadable) == ((), ("pauses",))
    assert written(notes, {"failover-api/pauses": text}) == {"failover-api/pauses": text}


def test_a_person_who_pauses_over_garbage_leaves_everything_paused() -> None:
    notes = read_notes({"failover-api/pauses": "garbage"})
    mended = paused(made_readable(notes, NOW, "01M"), PAUSE)
    again = read_notes(written(mended, {"failover-api/pauses": "garbage"}))
    assert again.unreadable == ()
    assert [(pause.id, pause.services) for pause in again.pauses] == [("01M", ()), ("01A", ("sonarr",))]
    assert again.pauses[0].holds("anything", NOW + 3600)
    assert made_readable(ALL, NOW, "01M") == ALL


@pytest.mark.parametrize("text", GARBAGE)
@pytest.mark.parametrize("name", ["attestations", "acks", "witnesses", "fenced", "tally", "flaps", "status"])
def test_whatever_stands_in_the_others_counts_for_nothing(name: str, text: str) -> None:
    notes = read_notes({f"failover-api/{name}": text})
    assert (notes.pauses, notes.attestations, notes.acks, notes.tally) == ((), (), (), Tally())
    assert (notes.witnesses, notes.fenced) == ((), ())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("attestations", lambda notes: attested(notes, ATTESTATION)),
        ("acks", lambda notes: acknowledged(notes, Ack("ops", NOW, service="sonarr"))),
        ("witnesses", lambda notes: witnessed(notes, WITNESS)),
        ("fenced", lambda notes: with_fenced(notes, FENCED)),
    ],
)
def test_what_is_said_over_garbage_is_not_lost(name: str, said: Callable[[Notes], Notes]) -> None:
    before = {f"failover-api/{name}": "garbage"}
    again = read_notes(written(said(read_notes(before)), before))
    assert again.unreadable == ()
    assert len(getattr(again, name)) == 1


def test_a_time_that_no_calendar_shows_keeps_nobody_from_pausing() -> None:
    """It is of the year 10000 by UTC, and could be read and not written."""
    before = {"failover-api/acks": '[{"by": "x", "at": "9999-12-31T23:59:59-12:00", "service": "a"}]'}
    notes = read_notes(before)
    assert (notes.acks, notes.unreadable) == ((), ("acks",))
    assert read_notes(written(paused(notes, PAUSE), before)).pauses == (PAUSE,)


def test_garbage_that_counts_for_nothing_gives_way() -> None:
    before = {"failover-api/witnesses": "x" * 100_000, "failover-api/pauses": "garbage", "other": "y"}
    after = written(replace(read_notes(before), status={"view": "watching"}), before)
    assert after.keys() == {"failover-api/pauses", "failover-api/status", "other"}


UNSHOWABLE = "9999-12-31T23:59:59-12:00"  # no calendar has it in UTC


def test_what_is_dated_by_a_time_that_cannot_be_shown_is_not_understood() -> None:
    said = {"id": "a", "node": "k3s-w1", "uid": "uid-1", "name": "x", "by": "b", "fingerprint": "f"}
    times = dict.fromkeys(("at", "renewed", "began", "heard"), UNSHOWABLE)
    names = ["acks", "attestations", "fenced", "witnesses"]
    kept = read_notes({f"failover-api/{name}": json.dumps([{**said, **times}]) for name in names})
    assert kept == Notes(unreadable=("attestations", "acks", "witnesses", "fenced"))


def test_a_hostile_text_stays_on_its_line() -> None:
    row = {"id": "a", "by": "x\n\u202eevil", "at": "2026-11-30T00:00:00Z", "until": "2026-12-30T00:00:00Z"}
    (pause,) = read_notes({"failover-api/pauses": json.dumps([row])}).pauses
    assert pause.by == "x\\u000a\\u202eevil"


def test_persons_are_told_when_there_is_no_room() -> None:
    notes = Notes()
    pause = Pause("x", "ops", NOW, NOW + 60, "ä" * 200, ("sonarr",))
    with contextlib.suppress(BadRequest):
        for number in range(300):
            notes = paused(notes, replace(pause, id=f"{number}"))
    with pytest.raises(BadRequest, match=f"no room for more: {len(notes.pauses)} pauses and 0 attestations are in for"):
        paused(notes, pause)
    assert 60 < len(notes.pauses) < 200
    assert len(read_notes(written(notes, {})).pauses) == len(notes.pauses)


def test_an_alert_testifies_once_however_often_it_comes_and_takes_that_back() -> None:
    again = replace(WITNESS, heard_at=NOW + 300)
    notes = witnessed(witnessed(Notes(), WITNESS), again)
    assert notes.witnesses == (again,)
    assert taken_back(notes, "another") is None
    assert taken_back(notes, WITNESS.fingerprint) == Notes()


def test_of_witnesses_the_newest_are_kept() -> None:
    notes = Notes()
    for number in range(MAX_WITNESSES + 5):
        notes = witnessed(notes, replace(WITNESS, fingerprint=f"{number}"))
    assert [each.fingerprint for each in notes.witnesses] == [f"{number}" for number in range(5, MAX_WITNESSES + 5)]


def test_a_node_that_we_have_tainted_is_known_until_it_is_clean() -> None:
    notes = with_fenced(with_fenced(Notes(), FENCED), replace(FENCED, uid="uid-2"))
    assert notes.fenced == (replace(FENCED, uid="uid-2"),)
    assert without_fenced(notes, "k3s-w2") is None
    assert without_fenced(notes, "k3s-w1") == Notes()


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=80)


@given(
    st.lists(names, max_size=40),
    st.lists(st.tuples(names, st.text(st.characters(codec="utf-8"), max_size=200)), max_size=250),
    st.integers(0, 40_000),
)
@settings(max_examples=60, deadline=None)
def test_all_together_have_room_and_persons_words_are_never_cut(
    services: list[str], people: list[tuple[str, str]], status: int
) -> None:
    notes = Notes(status={"x": "y" * status}, flaps={"z": "w" * status})
    for node, reason in people:
        try:
            notes = paused(notes, Pause(node, node, NOW, NOW + 1, reason, tuple(services)))
            notes = attested(notes, Attestation(node, node, NOW, reason, node, node))
            notes = acknowledged(notes, Ack(reason, NOW, service=node))
            notes = witnessed(notes, Witness(node, node, reason, NOW, NOW))
            notes = with_fenced(notes, Fenced(node, reason or "u", NOW))
            events = (*notes.tally.events, Event(node, node, NOW, moved=tuple(services), gates=(reason,)))
            notes = replace(notes, tally=Tally(events[-50:]))
        except BadRequest:
            break
    annotations: dict[str, Any] = written(notes, {})
    assert sum(len(text.encode()) for text in annotations.values()) <= MAX_BYTES
    again = read_notes(annotations)
    assert again.unreadable == ()
    assert len(again.pauses) == len(notes.pauses)
    assert len(again.attestations) == len(notes.attestations)
    assert len(again.witnesses) == len(notes.witnesses)
    assert len(again.fenced) == len(notes.fenced)
