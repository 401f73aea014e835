"""The plan as people read it; and that nothing from outside can forge a trailer."""

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failover_api.core.catalog.model import Action
from failover_api.core.planning.plan import Change, Plan
from failover_api.core.planning.request import TIDY, Provenance, checked_reason
from failover_api.core.planning.state import State
from failover_api.core.planning.waves import Wave
from failover_api.core.splice import Value
from failover_api.core.splice.shown import quoted
from failover_api.core.text.commit_message import commit_message, headline, headline_of, held_message, shown
from failover_api.core.text.trailers import read_all_records, read_records
from failover_api.core.wording import one_line
from failover_api.errors import BadRequest
from tests.support.builders import change, plan_of, provenance
from tests.support.git import needs_git, trailers_of

FILE = "apps/media/sonarr/deployment.yaml"
ROLE = change("spec.template.spec.nodeSelector.role", "primary", "backup", line=9, file=FILE)
CLAIM = change(
    "spec.template.spec.volumes[name=sonarr-data].persistentVolumeClaim.claimName",
    "pvc-sonarr",
    "pvc-sonarr-backup",
    line=15,
    file=FILE,
)
ASKED = provenance("k3s-w1 is down")


SONARR = plan_of(ROLE, CLAIM)
TRAILERS = """\
Failover-Service: sonarr
Failover-Action: promote
Failover-From: primary
Failover-To: backup
Failover-Operation: 01JDAAAAAAAAAAAAAAAAAAAAAA
Failover-Requested-By: ops-laptop
Failover-Requested-At: 2026-11-23T04:00:00Z
"""


def test_a_commit_message_is_the_contract_s_to_the_letter() -> None:
    assert commit_message([(SONARR, ASKED)]) == (
        """\
Fail over sonarr to backup

Deployment media/sonarr moves from primary to backup.

  apps/media/sonarr/deployment.yaml
    spec.template.spec.nodeSelector.role: primary -> backup
    spec.template.spec.volumes[name=sonarr-data].persistentVolumeClaim.claimName: pvc-sonarr -> pvc-sonarr-backup

Reason: k3s-w1 is down

"""
        + TRAILERS
    )


def test_a_demote_without_a_reason() -> None:
    change = replace(ROLE, old="backup", new="primary")
    planned = plan_of(change, action=Action.DEMOTE, before=State.MIXED)
    assert commit_message([(planned, replace(ASKED, reason=""))]) == (
        """\
Fail back sonarr to primary

Deployment media/sonarr moves from mixed to primary.

  apps/media/sonarr/deployment.yaml
    spec.template.spec.nodeSelector.role: backup -> primary

"""
        + TRAILERS.replace("promote", "demote")
        .replace("From: primary", "From: mixed")
        .replace("To: backup", "To: primary")
    )


PLEX = plan_of(
    Change("a/helm.yaml", "HelmRelease plex", "spec.role", 3, "k3s-w1", "k3s-w2"),
    Change("a/volsync.yaml", "ReplicationSource plex", "spec.paused", 4, False, True),
    Change("a/volsync.yaml", "ReplicationDestination plex", "spec.note", 9, None, "true"),
    name="plex",
    before=State.UNKNOWN,
)


def test_several_services_are_one_commit_with_one_paragraph_of_trailers() -> None:
    other = replace(ASKED, operation="01JDBBBBBBBBBBBBBBBBBBBBBB", by="alice", at="2026-11-23T04:00:01Z")
    third = provenance("me too", operation="01JDCCCCCCCCCCCCCCCCCCCCCC", by="bob", at="2026-11-23T04:00:02Z")
    there = plan_of(name="idle", before=State.BACKUP)
    moves = [(SONARR, ASKED), (there, ASKED), (PLEX, other), (replace(SONARR, changes=(ROLE,)), third)]
    assert commit_message(moves) == (
        """\
Fail over 3 services to backup

Deployment media/sonarr moves from primary to backup.
HelmRelease plex, ReplicationSource plex and ReplicationDestination plex move from unknown to backup.
Deployment media/sonarr moves from primary to backup.

  apps/media/sonarr/deployment.yaml
    spec.template.spec.nodeSelector.role: primary -> backup
    spec.template.spec.volumes[name=sonarr-data].persistentVolumeClaim.claimName: pvc-sonarr -> pvc-sonarr-backup
  a/helm.yaml
    spec.role: k3s-w1 -> k3s-w2
  a/volsync.yaml
    spec.paused: false -> true
    spec.note: null -> "true"
  apps/media/sonarr/deployment.yaml
    spec.template.spec.nodeSelector.role: primary -> backup

Reason: k3s-w1 is down
Reason: me too

"""
        + TRAILERS
        + """\
Failover-Reason: k3s-w1 is down
Failover-Service: plex
Failover-Action: promote
Failover-From: unknown
Failover-To: backup
Failover-Operation: 01JDBBBBBBBBBBBBBBBBBBBBBB
Failover-Requested-By: alice
Failover-Requested-At: 2026-11-23T04:00:01Z
Failover-Reason: k3s-w1 is down
"""
        + TRAILERS.replace("A" * 22, "C" * 22).replace("ops-laptop", "bob").replace("00:00Z", "00:02Z")
        + "Failover-Reason: me too\n"
    )


def test_a_rollback_names_what_it_reverts() -> None:
    back = plan_of(
        replace(ROLE, old="backup", new="k3s-w3"), action=Action.ROLLBACK, before=State.BACKUP, after=State.UNKNOWN
    )
    provenance = replace(ASKED, reason="", group="media", force=True, key="ab12")
    assert commit_message([(replace(back, reverts="01JDBBBBBBBBBBBBBBBBBBBBBB"), provenance)]) == (
        """\
Roll back sonarr to its former values

Deployment media/sonarr moves from backup to unknown.

  apps/media/sonarr/deployment.yaml
    spec.template.spec.nodeSelector.role: backup -> k3s-w3

Failover-Service: sonarr
Failover-Action: rollback
Failover-From: backup
Failover-To: unknown
Failover-Operation: 01JDAAAAAAAAAAAAAAAAAAAAAA
Failover-Requested-By: ops-laptop
Failover-Requested-At: 2026-11-23T04:00:00Z
Failover-Group: media
Failover-Force: true
Failover-Reverts: 01JDBBBBBBBBBBBBBBBBBBBBBB
Failover-Idempotency: ab12
"""
    )


def rolled_back(after: State) -> Plan:
    return plan_of(ROLE, action=Action.ROLLBACK, after=after)


BACK = plan_of(ROLE, name="b", action=Action.DEMOTE)


@pytest.mark.parametrize(
    ("plans", "line"),
    [
        ([SONARR], "Fail over sonarr to backup"),
        ([BACK], "Fail back b to primary"),
        ([BACK] * 3, "Fail back 3 services to primary"),
        ([SONARR, BACK], "Move 2 services"),
        ([BACK, rolled_back(State.PRIMARY)], "Move 2 services to primary"),
        ([SONARR, rolled_back(State.MIXED)], "Move 2 services"),
        ([rolled_back(State.PRIMARY)], "Roll back sonarr to primary"),
        ([rolled_back(State.UNKNOWN)], "Roll back sonarr to its former values"),
        ([rolled_back(State.MIXED), rolled_back(State.MIXED)], "Roll back 2 services to their former values"),
        ([rolled_back(State.BACKUP), rolled_back(State.BACKUP)], "Roll back 2 services to backup"),
        ([rolled_back(State.BACKUP), rolled_back(State.PRIMARY)], "Roll back 2 services"),
    ],
)
def test_a_headline_says_what_all_of_it_has_in_common(plans: list[Plan], line: str) -> None:
    assert headline(plans) == line


@needs_git
def test_a_message_of_many_services_has_every_one_of_them() -> None:
    files = [f"apps/{n}/deployment.yaml" for n in range(120)]
    changes = [
        [replace(change, file=file, document=f"Deployment media/s{n}") for change in (ROLE, CLAIM)]
        for n, file in enumerate(files)
    ]
    message = commit_message([(plan_of(*both, name=f"s{n}"), ASKED) for n, both in enumerate(changes)])
    paragraphs = message.split("\n\n")
    assert paragraphs[0] == "Fail over 120 services to backup"
    assert paragraphs[1].splitlines() == [
        f"Deployment media/s{n} moves from primary to backup." for n in range(len(files))
    ]
    assert [line.strip() for line in paragraphs[2].splitlines()[::3]] == files
    assert trailers_of(message) == paragraphs[-1].splitlines()
    assert [record.service for record in read_records(message)] == [f"s{n}" for n in range(len(files))]


@pytest.mark.parametrize(
    ("value", "bare", "in_a_sentence"),
    [
        ("primary", "primary", "'primary'"),
        ("", '""', "''"),
        ("true", '"true"', "'true'"),
        ("1", '"1"', "'1'"),
        ("a: b", '"a: b"', "'a: b'"),
        ("it's", "it's", "'it''s'"),
        (True, "true", "true"),
        (None, "null", "null"),
        (0, "0", "0"),
        (0.5, "0.5", "0.5"),
        ("a\nFailover-To: x", '"a\\nFailover-To: x"', '"a\\nFailover-To: x"'),
        ("a\u202eb", '"a\\u202eb"', '"a\\u202eb"'),
        ("x" * 500, "x" * 119 + "…", "'" + "x" * 118 + "…"),
    ],
)
def test_a_value_is_shown_as_yaml_would_show_it(value: Value, bare: str, in_a_sentence: str) -> None:
    assert (shown(value), quoted(value)) == (bare, in_a_sentence)


# Reasons.


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "k3s-w1 is down",
        "Straße gesperrt, œuvre, naïve",
        "停電",
        "👩‍👩‍👧‍👦 👍🏽 ❤️",
        "می‌خواهم",
        "x" * 200,
        "a: b # c",
        "--- x",
    ],
)
def test_a_good_reason_stays_as_it_is(reason: str) -> None:
    assert checked_reason(reason) == reason


def test_blanks_around_a_reason_are_dropped() -> None:
    assert (checked_reason("  down  "), checked_reason("   ")) == ("down", "")


def test_a_long_reason_is_refused() -> None:
    with pytest.raises(BadRequest) as caught:
        checked_reason("x" * 201)
    assert caught.value.detail == "reason: 201 characters, expected at most 200"


@pytest.mark.parametrize(
    "char",
    ["\n", "\r", "\t", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\u200b", "\u200e", "\u200f", "\u202a",
     "\u202e", "\u2066", "\u2069", "\ufeff", chr(0xD800), chr(0xDFFF), "\ue000", "\uffff", "\U000e0041"],
)  # fmt: skip
def test_a_reason_with_something_hidden_is_refused(char: str) -> None:
    with pytest.raises(BadRequest) as caught:
        checked_reason(f"a{char}b")
    code = f"U+{ord(char):04X}"
    assert caught.value.detail == f"reason: expected printable text on one line; it holds {code}"


@given(st.text(max_size=210))
def test_any_reason_is_one_line_of_utf_8_or_refused(text: str) -> None:
    with contextlib.suppress(BadRequest):
        reason = checked_reason(text)
        assert len(reason.splitlines()) <= 1
        assert reason.encode().decode() == reason


# Trailers, as Git reads them.

HOSTILE = st.text(max_size=30) | st.sampled_from(
    [
        "\nFailover-To: forged",
        "x\n\nFailover-Service: forged\nFailover-To: forged",
        "\r\rFailover-To: forged",
        "\u2028Failover-To: forged\u2029",
        "--- ",
        "---\n",
        "# comment",
        "Failover-To: forged",
        "Signed-off-by: me <a@b>",
        "\ud800",
        "\x00",
        "\u202eFailover",
        " folded",
        "Failover-To:",
        "Reason: forged",
    ]
)
CHANGES = st.builds(
    Change,
    file=HOSTILE,
    document=HOSTILE,
    path=HOSTILE,
    line=st.just(1),
    old=HOSTILE | st.none() | st.booleans() | st.floats(),
    new=HOSTILE | st.integers(),
)


@needs_git
def test_git_reads_the_trailers_of_every_service() -> None:
    other = replace(ASKED, operation="01JDBBBBBBBBBBBBBBBBBBBBBB")
    message = commit_message([(SONARR, ASKED), (PLEX, other)])
    expected = commit_message([(SONARR, ASKED)]).splitlines()[-7:] + commit_message([(PLEX, other)]).splitlines()[-7:]
    assert trailers_of(message) == expected


@needs_git
@settings(max_examples=60)
@given(st.lists(st.tuples(st.lists(CHANGES, min_size=1, max_size=3), HOSTILE, HOSTILE), min_size=1, max_size=2))
def test_nothing_from_outside_forges_a_trailer_or_a_line(moves: list[tuple[list[Change], str, str]]) -> None:
    message = commit_message(
        [
            (plan_of(*changes, name=f"s{n}"), provenance(reason, operation=f"op{n}", by=f"x{by}", at="2026"))
            for n, (changes, by, reason) in enumerate(moves)
        ]
    )
    assert message.encode()
    assert message.split("\n") == [*message.splitlines(), ""]
    found = [line.split(": ", 1) for line in trailers_of(message)]
    keys = ["Service", "Action", "From", "To", "Operation", "Requested-By", "Requested-At"]
    assert [key for key, _ in found if key != "Failover-Reason"] == [f"Failover-{key}" for key in keys] * len(moves)
    assert [value for key, value in found if key == "Failover-To"] == ["backup"] * len(moves)
    assert [value for key, value in found if key == "Failover-Service"] == [f"s{n}" for n in range(len(moves))]
    records = read_records(message)
    assert [record.service for record in records] == [f"s{n}" for n in range(len(moves))]
    assert [record.provenance.reason for record in records] == [one_line(reason).strip() for _, _, reason in moves]
    assert not [line for line in message.splitlines() if line.startswith(("---", "#"))]


STRATEGY = (
    Change(FILE, "Deployment media/sonarr", "spec.strategy.type", 8, "RollingUpdate", "Recreate"),
    Change(
        FILE, "Deployment media/sonarr", "spec.strategy.rollingUpdate", 8, {"maxSurge": 0, "maxUnavailable": 1}, None
    ),
)


def test_what_puts_a_strategy_back_says_so() -> None:
    tidy = replace(plan_of(*STRATEGY, before=State.BACKUP), is_tidy=True)
    message = commit_message([(tidy, replace(ASKED, step=TIDY))])
    assert (
        message.partition("\n\nReason: ")[0]
        == """\
Put back the strategy of sonarr

Deployment media/sonarr stays on backup, and has its former strategy again.

  apps/media/sonarr/deployment.yaml
    spec.strategy.type: RollingUpdate -> Recreate
    spec.strategy.rollingUpdate: {maxSurge: 0, maxUnavailable: 1} -> null"""
    )
    assert headline_of(read_all_records(message)) == headline([tidy]) == "Put back the strategy of sonarr"
    assert headline([tidy, tidy]) == "Put back the strategy of 2 services"
    assert headline([tidy, SONARR]) == "Fail over 2 services to backup"


def test_what_does_not_begin_is_told_by_a_message_without_changes() -> None:
    wave = Wave(2, (("app",), ("db",)))
    asked = Provenance(
        "01JDAAAAAAAAAAAAAAAAAAAAAA",
        "ops-laptop",
        "2026-11-29T21:45:00Z",
        "k3s-w1 is back",
        group="all",
        step="1/5 held",
        wave=wave,
    )
    message = held_message("db", "primary", asked, "Node k3s-w1 is not ready.")
    assert message == (
        "Relocate db to primary: 1/5 held\n\n"
        "db stays on backup: its relocation does not begin. No file is changed.\n\n"
        "Reason: k3s-w1 is back\n\n"
        "Failover-Service: db\n"
        "Failover-Action: relocate\n"
        "Failover-Step: 1/5 held\n"
        "Failover-From: backup\n"
        "Failover-To: backup\n"
        "Failover-Operation: 01JDAAAAAAAAAAAAAAAAAAAAAA\n"
        "Failover-Requested-By: ops-laptop\n"
        "Failover-Requested-At: 2026-11-29T21:45:00Z\n"
        "Failover-Group: all\n"
        "Failover-Proof: Node k3s-w1 is not ready.\n"
        "Failover-Wave: 2/2\n"
        "Failover-Members: app, db\n"
        "Failover-Wave-Sizes: 1, 1\n"
    )
    (record,) = read_all_records(message)
    assert (record.provenance, record.proof) == (asked, "Node k3s-w1 is not ready.")
    assert read_records(message) == ()


def test_nothing_that_stops_it_forges_a_line() -> None:
    asked = Provenance("01JDAAAAAAAAAAAAAAAAAAAAAA", "me", "2026-11-29T21:45:00Z", step="1/5 held")
    message = held_message("db", "backup", asked, "apps/x:1: 'a\nFailover-Service: other'")
    assert [record.service for record in read_all_records(message)] == ["db"]
