"""Undoing: the exact former tokens, of the service's own switches, and nothing over what a person did since."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.core.catalog.model import Action, Service, Switch
from failover_api.core.planning.plan import Change, plan
from failover_api.core.planning.rollback import plan_rollback, reconstruct_plan
from failover_api.core.planning.state import State
from failover_api.errors import CannotPlan, ChangedSince, NothingToRollBack, SharedAnchor, SwitchNotFound
from tests.support.builders import OPERATION, FalseEditor, Files, manifests, service, switch


def moved(mover: Service, files: Files, action: Action = Action.PROMOTE, *, force: bool = True) -> Files:
    return {**files, **plan(mover, manifests(files), action, force=force).new}


def rolled_back(mover: Service, now: Files, before: Files, after: Files) -> Files:
    return {**now, **plan_rollback(mover, manifests(now), manifests(before), manifests(after), reverts=OPERATION).new}


ROLE = switch("role", "primary", "backup")
CLAIM = switch("claim", "data", "data-b")
SHARED = switch("role", "primary", "backup", allow="shared_anchor")


# Former tokens.


@pytest.mark.parametrize(
    ("text", "switches"),
    [
        ("role: primary\n", [ROLE]),
        ('role: "primary"  # why\r\nclaim: \'data\'\r\n', [ROLE, CLAIM]),
        ("\ufeffrole: primary", [ROLE]),
        ('role: "\\u0070rimary"\n', [ROLE]),
        ("{role: primary, claim: data}\n", [ROLE, CLAIM]),
        ("role: &r primary\nclaim: !!str data\n", [ROLE, CLAIM]),
        ("app: &app primary\nrole: *app\n", [ROLE]),
        ("role: &r primary\nclaim: *r\n", [SHARED, switch("claim", "primary", "data-b")]),
        ("role: &r primary\nclaim: *r\n", [switch("claim", "primary", "data-b"), SHARED]),
        ("paused: False\n", [switch("paused", False, True)]),
        ("paused: true\nn: 0x10\nm: 1.50\n", [switch("paused", True, False), switch("n", 16, 2), switch("m", 1.5, 2)]),
        ("n: 1\n", [switch("n", 1, 0.5)]),
        ("n:\nm: ~\nk: {l: , o: 1}\n", [switch("n", None, "x"), switch("m", None, "y"), switch("k.l", None, "z")]),
        ("role: ${R}\n", [switch("role", "${R}", "plain")]),
        ("role: '{{ .Values.role }}'\n", [switch("role", "{{ .Values.role }}", "plain")]),
        # Values of neither side, moved by force.
        ("role: w3  # by hand\n", [ROLE]),
        ("role: yes\n", [switch("role", "primary", "backup", allow="type")]),
        ("role: 'yes'\nclaim: data-b\n", [ROLE, CLAIM]),
        ("role:\n", [switch("role", "primary", "backup", allow="type")]),
    ],
)  # fmt: skip
def test_every_byte_comes_back(text: str, switches: list[Switch]) -> None:
    mover, before = service(*switches), {"a.yaml": text.encode()}
    after = moved(mover, before)
    assert after != before
    assert rolled_back(mover, after, before, after) == before


def test_a_plan_says_what_it_does() -> None:
    mover = service(ROLE, CLAIM)
    before = {"a.yaml": b"# a comment\nrole: w3\nclaim: data-b\n"}
    after = moved(mover, before)
    planned = plan_rollback(mover, manifests(after), manifests(before), manifests(after), reverts=OPERATION)
    assert (planned.action, planned.before.state, planned.after) == (Action.ROLLBACK, State.BACKUP, State.UNKNOWN)
    assert planned.changes == (Change("a.yaml", "document 1", "role", 2, "backup", "w3"),)
    assert (planned.old, planned.new, planned.reverts) == (after, before, OPERATION)


def test_several_files_come_back_and_only_those_that_changed() -> None:
    mover = service(ROLE, switch("paused", False, True, file="b.yaml"), switch("x", 1, 2, file="c.yaml"))
    before = {"a.yaml": b"role: 'primary'\n", "b.yaml": b"paused: FALSE\n...\n", "c.yaml": b"x: 2\n"}
    after = moved(mover, before)
    planned = plan_rollback(mover, manifests(after), manifests(before), manifests(after), reverts=OPERATION)
    assert planned.new == {"a.yaml": before["a.yaml"], "b.yaml": before["b.yaml"]}


def test_two_in_a_row_undo_the_rollback() -> None:
    mover, start = service(ROLE, CLAIM), {"a.yaml": b"role: \"w3\"\nclaim: 'data'\n"}
    there = moved(mover, start)
    back = rolled_back(mover, there, start, there)
    again = rolled_back(mover, back, there, back)
    assert (back, again) == (start, there)
    assert rolled_back(mover, again, back, again) == start


TOKENS = st.sampled_from(
    ["primary", "'primary'", '"primary"', '"pr\\x69mary"', "backup", "'backup'", "w3", '"w 3"', "'it''s'", "${X}", "*x"]
)


@given(st.lists(TOKENS, min_size=1, max_size=4), st.sampled_from(["\n", "\r\n", "   # why\n"]))
def test_a_rollback_is_the_inverse_of_a_move(tokens: list[str], end: str) -> None:
    lines = "".join(f"k{n}: {token}{end}" for n, token in enumerate(tokens))
    before = {"a.yaml": f"x: &x elsewhere{end}{lines}".encode()}
    mover = service(*(switch(f"k{n}", "primary", "backup", allow="substitution") for n in range(len(tokens))))
    after = moved(mover, before)
    if after == before:
        with pytest.raises(NothingToRollBack):
            rolled_back(mover, after, before, after)
        return
    back = rolled_back(mover, after, before, after)
    assert back == before
    assert rolled_back(mover, back, after, back) == after


# One service of several.

BOTH = b"""\
kind: One
role: 'primary'
---
kind: Two
role: "primary"
"""


def test_of_several_services_in_one_file_only_one_is_undone() -> None:
    one = service(switch("role", "primary", "backup", kind="One"), name="one")
    two = service(switch("role", "primary", "backup", kind="Two"), name="two")
    before = {"a.yaml": BOTH}
    after = moved(two, moved(one, before))
    assert after["a.yaml"] == BOTH.replace(b"primary", b"backup")
    back = rolled_back(one, after, before, after)
    assert back["a.yaml"] == BOTH.replace(b'"primary"', b'"backup"')
    assert rolled_back(two, back, before, after) == before


def test_a_commit_that_moved_others_only_has_nothing_to_roll_back() -> None:
    one = service(switch("role", "primary", "backup", kind="One"), name="one")
    two = service(switch("role", "primary", "backup", kind="Two"), name="two")
    after = moved(two, {"a.yaml": BOTH})
    with pytest.raises(NothingToRollBack) as caught:
        rolled_back(one, after, {"a.yaml": BOTH}, after)
    assert caught.value.detail == f"operation {OPERATION} changed no value that the catalog names for one"


# What a person did since.

PAIR = service(ROLE, CLAIM)
BEFORE = {"a.yaml": b"image: app:1\nrole: primary\nclaim: data\n"}
AFTER = {"a.yaml": b"image: app:1\nrole: backup\nclaim: data-b\n"}


def edited(old: bytes, new: bytes) -> Files:
    assert old in AFTER["a.yaml"]
    return {"a.yaml": AFTER["a.yaml"].replace(old, new)}


def test_a_persons_change_of_the_same_value_is_not_overwritten() -> None:
    with pytest.raises(ChangedSince) as caught:
        rolled_back(PAIR, edited(b"role: backup", b"role: 'w3'"), BEFORE, AFTER)
    assert caught.value.detail == (
        f"a.yaml:2: role is 'w3', expected 'backup', as operation {OPERATION} left it; somebody changed it since"
    )


def test_every_value_that_a_person_changed_is_named() -> None:
    with pytest.raises(ChangedSince) as caught:
        rolled_back(PAIR, {"a.yaml": b"claim: 3\nrole: w3\n"}, BEFORE, AFTER)
    assert caught.value.detail == (
        "a.yaml:2: role is 'w3', expected 'backup'; a.yaml:1: claim is 3, expected 'data-b', "
        f"as operation {OPERATION} left it; somebody changed it since"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"app:1", b"app:2"),
        (b"role: backup", b"note: x\nrole: backup"),
        (b"role: backup", b'role:   "backup"   # moved'),
        (b"image: app:1\n", b""),
    ],
)
def test_a_persons_other_change_is_kept(old: bytes, new: bytes) -> None:
    now = edited(old, new)
    back = rolled_back(PAIR, now, BEFORE, AFTER)["a.yaml"]
    assert back == now["a.yaml"].replace(b'"backup"', b"backup").replace(b"backup", b"primary").replace(
        b"data-b", b"data"
    )


def test_a_value_that_is_back_already_stays_as_it_was_written() -> None:
    now = edited(b"role: backup", b"role: 'primary'")
    assert rolled_back(PAIR, now, BEFORE, AFTER)["a.yaml"] == b"image: app:1\nrole: 'primary'\nclaim: data\n"


@pytest.mark.parametrize("now", [BEFORE, {"a.yaml": b"claim: \"data\"\nrole: 'primary'\n"}])
def test_all_back_already_is_a_plan_without_changes(now: Files) -> None:
    planned = plan_rollback(PAIR, manifests(now), manifests(BEFORE), manifests(AFTER), reverts=OPERATION)
    assert (planned.changes, planned.old, planned.new) == ((), {}, {})
    assert (planned.before.state, planned.after, planned.reverts) == (State.PRIMARY, State.PRIMARY, OPERATION)


def test_a_mixed_service_gets_back_only_what_the_move_changed() -> None:
    before = {"a.yaml": b"role: backup\nclaim: data\n"}
    after = moved(PAIR, before)
    planned = plan_rollback(PAIR, manifests(after), manifests(before), manifests(after), reverts=OPERATION)
    assert planned.after is State.MIXED
    assert planned.new == before


@pytest.mark.parametrize("value", [b"true", b"1.0", b"'1'", b"null"])
def test_another_type_is_another_value(value: bytes) -> None:
    mover = service(switch("n", 0, 1))
    before, after = {"a.yaml": b"n: 0\n"}, {"a.yaml": b"n: 1\n"}
    now = {"a.yaml": b"n: " + value + b"\n"}
    if value == b"1.0":
        assert rolled_back(mover, now, before, after) == before
        return
    with pytest.raises(ChangedSince, match=r"a\.yaml:1: n is "):
        rolled_back(mover, now, before, after)


def test_a_key_that_a_person_removed_is_named_where_it_should_be() -> None:
    with pytest.raises(SwitchNotFound, match=r"a\.yaml:1: has no key 'claim'"):
        rolled_back(PAIR, edited(b"claim: data-b\n", b""), BEFORE, AFTER)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (b"app: &app other\nrole: backup\n", "it is 'other' now, expected 'primary'"),
        (b"app: primary\nrole: backup\n", "no scalar above has the anchor &app"),
    ],
)
def test_an_alias_comes_back_only_if_it_stands_for_what_it_stood_for(now: bytes, why: str) -> None:
    before = {"a.yaml": b"app: &app primary\nrole: *app\n"}
    after = moved(service(ROLE), before)
    with pytest.raises(ChangedSince) as caught:
        rolled_back(service(ROLE), {"a.yaml": now}, before, after)
    assert caught.value.detail == (
        f"a.yaml:2: role cannot take *app back: {why}; somebody changed the file since operation {OPERATION}"
    )


def test_a_former_token_that_does_not_fit_any_more_is_refused() -> None:
    mover = service(switch("spec.role", "a, b", "backup"))
    before, after = {"a.yaml": b"spec:\n  role: a, b\n"}, {"a.yaml": b"spec:\n  role: backup\n"}
    with pytest.raises(ChangedSince, match=r"a\.yaml:1: spec\.role would not read as planned"):
        rolled_back(mover, {"a.yaml": b"spec: {role: backup}\n"}, before, after)


def test_what_was_shared_since_is_not_changed() -> None:
    with pytest.raises(SharedAnchor):
        rolled_back(service(ROLE), {"a.yaml": b"role: &r backup\nother: *r\n"}, BEFORE, AFTER)


EXACT = [
    "a: primary",
    "a: 'primary'",
    'a: "prim\\x61ry"',
    "a:   primary   # why  ",
    "a: &x primary\nb: &y other\nc: *y",
    "x: &app primary\na: *app",
    "x: &app primary\na: *app  # alias",
    "x: &app |-\n  primary\na: *app",
    "x: &one primary\ny: &one primary\na: *one",
    "a: !!str primary",
    "a: &x !!str primary",
    "a: two\n  lines",
    "a: 'two\n\n  lines'",
    'a: "two \\\n  lines"',
    "a:",
    "a: # empty",
    "? a\n: primary",
    "{a: primary, b: 1}",
    "{a: , b: 1}",
    '{"a": "prim\\u0061ry"}',
    '{"a":"primary"}',
    "a: ~",
    "a: 0x1F",
    "a: 1_0.5e+1",
    "a: True",
    "a: NULL",
    "a: .INF",
    "a: yes",
    "a: ${X}",
    "- &z primary\n- a: *z".replace("- a", "  # c\n- a"),
]


@pytest.mark.parametrize("end", ["\n", "", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("text", EXACT)
def test_a_rollback_brings_the_very_bytes_back(text: str, bom: str, end: str) -> None:
    """Whatever stood there; each is moved by force, since most are on neither side."""
    path = "[1].a" if text.startswith("-") else "a"
    mover = service(switch(path, "p", "on", allow="type substitution"))
    data = (bom + (text + end).replace("\n", end if end == "\r\n" else "\n")).encode()
    before = {"a.yaml": data}
    after = dict(plan(mover, manifests(before), Action.PROMOTE, force=True).new)
    assert after != before
    assert rolled_back(mover, after, before, after) == before


@pytest.mark.parametrize(
    ("now", "error"),
    [
        ('x: &app other\na: "on"\n', ChangedSince),
        ('x: &app primary\ny: &app third\na: "on"\n', ChangedSince),
        ('x: &other primary\na: "on"\n', ChangedSince),
        ('a: "on"\nx: &app primary\n', ChangedSince),
        ('x: &app {b: primary}\na: "on"\n', ChangedSince),
        ("x: &app 'primary'  # quoted since\na: \"on\"\n", None),
    ],
)
def test_an_alias_whose_anchor_changed_is_not_put_back(now: str, error: type[Exception] | None) -> None:
    mover = service(switch("a", "primary", "on"))
    before = {"a.yaml": b"x: &app primary\na: *app\n"}
    after = dict(plan(mover, manifests(before), Action.PROMOTE).new)
    if error is None:
        assert rolled_back(mover, {"a.yaml": now.encode()}, before, after)["a.yaml"].endswith(b"a: *app\n")
        return
    with pytest.raises(error):
        rolled_back(mover, {"a.yaml": now.encode()}, before, after)


# What the catalog says since.


def test_a_switch_that_came_later_is_none_of_the_commit_s() -> None:
    grown = service(ROLE, CLAIM, switch("paused", False, True))
    now = {"a.yaml": AFTER["a.yaml"] + b"paused: true\n"}
    assert rolled_back(grown, now, BEFORE, AFTER)["a.yaml"] == BEFORE["a.yaml"] + b"paused: true\n"


def test_a_commit_that_brought_a_switch_with_it_cannot_be_undone() -> None:
    grown = service(ROLE, switch("paused", False, True))
    after = {"a.yaml": AFTER["a.yaml"] + b"paused: true\n"}
    with pytest.raises(NothingToRollBack) as caught:
        rolled_back(grown, after, BEFORE, after)
    assert caught.value.detail == (
        f"operation {OPERATION} cannot be undone: with it or before it, "
        "a.yaml:1: has no key 'paused' at the top (line 1); it has 'image', 'role', 'claim'"
    )


def test_sides_that_the_catalog_has_renamed_since_do_not_matter() -> None:
    renamed = service(switch("role", "w1", "w2"), CLAIM)
    planned = plan_rollback(renamed, manifests(AFTER), manifests(BEFORE), manifests(AFTER), reverts=OPERATION)
    assert planned.new == BEFORE
    assert (planned.before.state, planned.after) == (State.UNKNOWN, State.UNKNOWN)


# The proof.


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"role: backup\n", "'backup' (written backup)"),
        (b"role: 'primary'\n", "'primary' (written 'primary')"),
        (b"role: 1\n", "1 (written 1)"),
    ],
)
def test_an_edit_that_does_not_bring_the_token_back_is_no_plan(answer: bytes, found: str) -> None:
    before, after = manifests({"a.yaml": b"role: primary\n"}), manifests({"a.yaml": b"role: backup\n"})
    fake = FalseEditor(after["a.yaml"], answer)
    with pytest.raises(CannotPlan) as caught:
        plan_rollback(service(ROLE), {"a.yaml": fake}, before, after, reverts=OPERATION)  # type: ignore[dict-item]  # a fake
    assert caught.value.detail == f"a.yaml:1: role would be {found}, expected 'primary' (written primary)"


# What a commit did.


def test_a_commit_is_retraced() -> None:
    before = {"a.yaml": b"role: w3\nclaim: data\n"}
    planned = plan(PAIR, manifests(before), Action.PROMOTE, force=True)
    retraced = reconstruct_plan(PAIR, manifests(before), manifests(planned.new), Action.PROMOTE)
    assert retraced == planned


def test_a_commit_is_retraced_without_what_else_it_changed() -> None:
    after = edited(b"app:1", b"app:2")
    retraced = reconstruct_plan(PAIR, manifests(BEFORE), manifests(after), Action.PROMOTE)
    assert retraced.new == AFTER
    assert [change.path for change in retraced.changes] == ["role", "claim"]
