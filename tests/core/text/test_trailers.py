"""Trailers: what is written is read back, by us and by Git, whatever a host or a person has done to the message."""

import textwrap
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failover_api.core.hazard_slugs import SLUGS
from failover_api.core.planning.request import TIDY, Provenance, idempotency_digest
from failover_api.core.planning.waves import Wave
from failover_api.core.text.trailers import Record, read_all_records, read_records, write_trailers
from failover_api.core.wording import one_line
from tests.support.builders import record
from tests.support.git import needs_git, trailers_of

SONARR = record(by="ops-laptop", at="2026-11-23T04:00:00Z")


def asked(record: Record, **how: Any) -> Record:
    """The same, asked for otherwise."""
    return replace(record, provenance=replace(record.provenance, **how))


FULL = replace(
    asked(SONARR, group="k3s-w1", force=True, reason="k3s-w1 is down", key="ab" * 32),
    reverts="01JDBBBBBBBBBBBBBBBBBBBBBB",
)
PLEX = replace(asked(SONARR, operation="01JDCCCCCCCCCCCCCCCCCCCCCC"), service="plex", before="mixed")


def message_of(*records: Record, reason: str = "", headline: str = "Fail over sonarr to backup") -> str:
    paragraphs = [headline, f"Reason: {reason}" if reason else "", write_trailers(records)]
    return "\n\n".join(filter(None, paragraphs)) + "\n"


# Written.


def test_a_record_is_a_run_of_trailers() -> None:
    assert write_trailers([FULL, asked(replace(FULL, service="plex"), reason="")]) == (
        """\
Failover-Service: sonarr
Failover-Action: promote
Failover-From: primary
Failover-To: backup
Failover-Operation: 01JDAAAAAAAAAAAAAAAAAAAAAA
Failover-Requested-By: ops-laptop
Failover-Requested-At: 2026-11-23T04:00:00Z
Failover-Group: k3s-w1
Failover-Force: true
Failover-Reason: k3s-w1 is down
Failover-Reverts: 01JDBBBBBBBBBBBBBBBBBBBBBB
Failover-Idempotency: abababababababababababababababababababababababababababababababab
Failover-Service: plex
Failover-Action: promote
Failover-From: primary
Failover-To: backup
Failover-Operation: 01JDAAAAAAAAAAAAAAAAAAAAAA
Failover-Requested-By: ops-laptop
Failover-Requested-At: 2026-11-23T04:00:00Z
Failover-Group: k3s-w1
Failover-Force: true
Failover-Reverts: 01JDBBBBBBBBBBBBBBBBBBBBBB
Failover-Idempotency: abababababababababababababababababababababababababababababababab"""
    )


def test_what_was_accepted_is_one_line_and_each_service_has_its_own() -> None:
    both = [replace(SONARR, accepted=("strategy-alone", "data-left-behind")), PLEX]
    text = write_trailers(both)
    assert text.count("Failover-Accepted:") == 1
    assert "\nFailover-Accepted: strategy-alone, data-left-behind\nFailover-Service: plex\n" in text
    assert [record.accepted for record in read_records(text)] == [("strategy-alone", "data-left-behind"), ()]


def test_the_digest_of_a_key_is_the_contract_s() -> None:
    digest = idempotency_digest("ops-laptop", "alert-1")
    assert digest == "e2566812c578c54ade13966aa027bf40cbda826b62329fbcaaf783993ef50817"
    assert digest != idempotency_digest("ops-laptopalert", "-1")


def test_a_long_paragraph_says_once_what_an_operation_s_services_share() -> None:
    records = [replace(FULL, service=f"s{n}") for n in range(200)] + [PLEX]
    text = write_trailers(records)
    assert text.count("Failover-Requested-By: ") == 2
    assert text.count("Failover-Idempotency: ") == 1
    assert text.count("Failover-Reverts: ") == 200
    assert len(text) < len(write_trailers(records[:1])) * 100
    assert read_records(text) == tuple(records)


# Read back.

TEXT = st.text(max_size=40) | st.sampled_from(
    [
        "\nFailover-To: forged",
        "\n\nFailover-Service: x",
        "\r\n",
        "--- ",
        "Failover-To: x",
        "a: b",
        "\u2028x",
        "x" * 200,
        " y ",
    ]
)
WORD = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
ASKED = st.fixed_dictionaries(
    {
        "by": TEXT.map(lambda text: f"x{text}"),
        "at": st.sampled_from(["2026-11-23T04:00:00Z", "2027-01-01T00:00:00Z"]),
        "reason": TEXT,
        "group": st.none() | WORD,
        "force": st.booleans(),
        "key": st.none() | st.just("0f" * 32),
    }
)


@st.composite
def records_of_a_commit(draw: st.DrawFn, size: int = 4) -> list[Record]:
    """Several services, none twice, of a few operations."""
    operations = draw(st.lists(ASKED, min_size=1, max_size=3))
    names = draw(st.lists(WORD, min_size=1, max_size=size, unique=True))
    states = st.sampled_from(["primary", "backup", "mixed", "unknown"])
    records = []
    for name in names:
        at = draw(st.integers(0, len(operations) - 1))
        records.append(
            Record(
                service=name,
                action=draw(st.sampled_from(["promote", "demote", "rollback"])),
                before=draw(states),
                after=draw(states),
                provenance=Provenance(f"01JD{at}", **operations[at]),
                reverts=draw(st.none() | st.just("01JDX")),
                accepted=tuple(draw(st.lists(st.sampled_from(list(SLUGS)), unique=True, max_size=3))),
            )
        )
    return records


def as_read(record: Record) -> Record:
    """What of a record survives: text that is one line, without blanks around it."""
    return asked(record, by=one_line(record.provenance.by).strip(), reason=one_line(record.provenance.reason).strip())


def whole_message(records: list[Record]) -> str:
    reasons = dict.fromkeys(one_line(record.provenance.reason).strip() for record in records)
    lines = "\n".join(f"Reason: {reason}" for reason in reasons if reason)
    return "\n\n".join(filter(None, ["Fail over", lines, write_trailers(records)])) + "\n"


@given(records_of_a_commit())
def test_what_is_written_is_read_back(records: list[Record]) -> None:
    assert read_records(whole_message(records)) == tuple(map(as_read, records))


@given(records_of_a_commit())
def test_windows_line_ends_change_nothing(records: list[Record]) -> None:
    assert read_records(whole_message(records).replace("\n", "\r\n")) == tuple(map(as_read, records))


@given(records_of_a_commit(), st.text())
def test_text_behind_changes_nothing(records: list[Record], text: str) -> None:
    behind = "\n".join(f"> {line}" for line in text.split("\n"))
    assert read_records(f"{whole_message(records)}\n{behind}") == tuple(map(as_read, records))


@needs_git
@settings(max_examples=40)
@given(records_of_a_commit())
def test_git_reads_what_we_write(records: list[Record]) -> None:
    assert trailers_of(whole_message(records)) == write_trailers(records).split("\n")


def test_a_reason_of_one_is_not_the_reason_of_all() -> None:
    records = (asked(SONARR, reason="k3s-w1 is down"), PLEX)
    assert read_records(message_of(*records, reason="k3s-w1 is down")) == records


def test_a_reason_that_all_share_stands_in_the_body_only() -> None:
    records = (asked(SONARR, reason="down"), asked(PLEX, reason="down"))
    message = message_of(*records, reason="down")
    assert "Failover-Reason" not in message
    assert read_records(message) == records


@pytest.mark.parametrize(
    "message",
    [
        "",
        "\n",
        "x" * 100,
        "Update sonarr",
        "Update sonarr\n\nFailover-To: backup\nFailover-Operation: 01JD\n",
        'Revert "Fail over sonarr to backup"\n\nThis reverts commit 0123456789.\n',
        "Note\n\n" + textwrap.indent(write_trailers([SONARR]), "    "),
        "Note\n\n" + textwrap.indent(write_trailers([SONARR]), "> "),
        "Note\n\n" + write_trailers([SONARR]).replace("Failover-", "failover-"),
    ],
)
def test_a_message_that_says_nothing_of_ours_has_no_records(message: str) -> None:
    assert read_records(message) == ()


@pytest.mark.parametrize("key", ["Service", "Action", "From", "To", "Operation"])
@pytest.mark.parametrize("way", ["missing", "empty", "twice"])
def test_a_run_that_is_not_whole_is_left_out_and_the_others_stay(key: str, way: str) -> None:
    lines = write_trailers([SONARR]).split("\n")
    at = next(n for n, line in enumerate(lines) if line.startswith(f"Failover-{key}:"))
    lines[at : at + 1] = {"missing": [], "empty": [f"Failover-{key}:"], "twice": [lines[at], lines[at]]}[way]
    message = "Fail over\n\n" + "\n".join(lines) + "\n" + write_trailers([PLEX]) + "\n"
    expected = (SONARR, PLEX) if (key, way) == ("Service", "twice") else (PLEX,)
    assert read_records(message) == expected


def test_any_key_twice_spoils_a_run_and_any_other_key_does_not() -> None:
    text = write_trailers([SONARR])
    assert read_records(f"{text}\nFailover-Requested-By: someone else") == ()
    assert read_records(f"{text}\nFailover-Colour: red\nSigned-off-by: A <a@b>\n(cherry picked from commit 01)") == (
        SONARR,
    )


# Merged.


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_squash_merge_has_a_list_of_messages_and_co_authors_behind(end: str) -> None:
    """https://docs.github.com/pull-requests (Merge message for a squash merge)"""
    first, second = asked(SONARR, reason="down"), asked(PLEX, reason="down as well")
    message = (
        "Fail over two (#12)\n\n"
        f"* {message_of(first, reason='down')}\n"
        "* Fix a typo\n\n"
        f"* {message_of(second, reason='down as well', headline='Fail over plex to backup')}\n"
        "---------\n\nCo-authored-by: failover[bot] <1+failover[bot]@users.noreply.github.com>\n"
    )
    assert read_records(message.replace("\n", end)) == (first, second)


def test_of_several_messages_about_a_service_the_last_one_counts() -> None:
    back = replace(
        asked(SONARR, operation="01JDDDDDDDDDDDDDDDDDDDDDDD"), action="demote", before="backup", after="primary"
    )
    message = f"Both (#12)\n\n* {message_of(SONARR, PLEX, reason='down')}\n* {message_of(back)}"
    assert read_records(message) == (back, asked(PLEX, reason="down"))


def test_a_message_with_co_authors_right_behind_the_trailers() -> None:
    assert read_records(message_of(SONARR).rstrip() + "\nCo-authored-by: A <a@b>\n") == (SONARR,)


def wrapped(message: str, width: int = 72) -> str:
    """As GitHub fills the message of a squash merge."""
    return "\n".join(
        piece
        for line in message.split("\n")
        for piece in textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]
    )


def test_long_lines_that_were_broken_are_put_together() -> None:
    reason = "k3s-w1 is down since the storm, and nobody can reach the house before Monday; see the log of the switch"
    records = (
        asked(
            replace(FULL, service="s" * 63),
            reason=reason,
            by="a caller with a very long name that is told in many words, ops",
        ),
        asked(FULL, operation="01JDEEEEEEEEEEEEEEEEEEEEEE", reason=""),
    )
    message = message_of(*records)
    assert wrapped(message) != message
    assert read_records(wrapped(message)) == records
    shared = (asked(SONARR, reason=reason), asked(PLEX, reason=reason))
    assert read_records(wrapped(message_of(*shared, reason=reason))) == shared


@given(records_of_a_commit())
def test_broken_lines_lose_no_trailer(records: list[Record]) -> None:
    calm = [
        asked(record, by="x " * 60 + "y", reason="", group=record.provenance.group and "g" * 63) for record in records
    ]
    assert read_records(wrapped(whole_message(calm))) == tuple(calm)


TIDY_UP = asked(replace(SONARR, before="backup"), step=TIDY)


def test_what_puts_a_strategy_back_is_no_move() -> None:
    message = message_of(TIDY_UP)
    assert "Failover-Action: promote\nFailover-Step: 2/2 tidy\n" in message
    assert read_records(message) == ()
    assert read_all_records(message) == (TIDY_UP,)
    assert TIDY_UP.provenance.part != SONARR.provenance.part
    assert TIDY_UP.operation == SONARR.operation


def test_a_squash_of_a_move_and_what_tidies_up_after_it_is_the_move() -> None:
    message = f"{message_of(SONARR)}\n{message_of(TIDY_UP)}"
    assert read_records(message) == (SONARR,)
    assert read_all_records(message) == (TIDY_UP,)


def test_another_step_of_an_operation_is_read_as_it_is() -> None:
    step = asked(SONARR, step="3/5 final-sync")
    assert read_records(message_of(step)) == (step,)


def test_a_proof_is_read_back_whatever_it_names() -> None:
    proof = "quiet at 2026-11-29T21:45:00Z at generation 17 of 0f3c; @alice says #1 that it's there"
    step = replace(record("relocate", "backup", "backup"), proof=proof)
    step = replace(step, provenance=replace(step.provenance, step="3/5 final-sync"))
    text = write_trailers([step])
    assert "@alice" not in text
    assert read_all_records(text) == (step,)
    assert read_records(text) == ()


def test_of_a_relocation_the_cutover_moves() -> None:
    cutover = record("relocate", "backup", "primary")
    cutover = replace(cutover, provenance=replace(cutover.provenance, step="4/5 cutover"))
    assert read_records(write_trailers([cutover])) == (cutover,)


def test_a_wave_without_the_service_that_says_so_is_none() -> None:
    """Anybody who may push can write trailers: those of one service would begin others."""
    own, other = Wave(1, (("sonarr",), ("db",))), Wave(1, (("app",), ("db",)))
    for wave, read in ((own, own), (other, None)):
        (found,) = read_all_records(write_trailers([asked(SONARR, wave=wave)]))
        assert found.provenance.wave == read
