"""Is a commit ours? Row by row, as the table of core/proof.py has it."""

from collections.abc import Mapping

import pytest

from failover_api.core.catalog import Action, Branch, Policy, PullRequestOptions, Service, Switch
from failover_api.core.message import Asked, commit_message, record_of
from failover_api.core.plan import plan
from failover_api.core.proof import Verdict, is_only_as_listed, judge
from failover_api.core.proposal import pull_request_text
from failover_api.core.splice import Manifest, Selector, Value, parse
from failover_api.core.splice.paths import parse_path
from failover_api.core.trailers import Record, read_records

Files = Mapping[str, bytes]
PROVED, NOT_PROVABLE, EDIT = Verdict.PROVED, Verdict.NOT_PROVABLE, Verdict.EDIT
BEFORE = {"a.yaml": b"image: app:1\nrole: primary\nclaim: data\npaused: false\n"}
AFTER = {"a.yaml": b"image: app:1\nrole: backup\nclaim: data-b\npaused: false\n"}


def switch(path: str, primary: Value, backup: Value, *, kind: str | None = None, file: str = "a.yaml") -> Switch:
    return Switch(file, Selector(kind), parse_path(path), primary, backup)


def service(*switches: Switch, name: str = "sonarr") -> Service:
    return Service(name, Branch("acme/homelab", "main"), "", Policy.DIRECT, None, PullRequestOptions(), switches)


ROLE, CLAIM, PAUSED = (
    switch("role", "primary", "backup"),
    switch("claim", "data", "data-b"),
    switch("paused", False, True),
)
PAIR = service(ROLE, CLAIM)


def parsed(files: Files) -> dict[str, Manifest]:
    return {file: parse(data, file=file) for file, data in files.items()}


def record(action: str = "promote", before: str = "primary", after: str = "backup") -> Record:
    return Record("sonarr", action, before, after, "01JD")


def told(files: Files, mover: Service = PAIR, action: Action = Action.PROMOTE) -> str:
    """The message of the commit that moved it."""
    asked = Asked("01JD", "maria", "2026-11-23T04:00:00Z")
    return commit_message([(plan(mover, parsed(files), action, force=True), asked)])


def verdict(
    says: Record, text: str = "", before: Files = BEFORE, after: Files = AFTER, today: Service = PAIR
) -> Verdict:
    return judge(today, says, text, parsed(before), parsed(after)).verdict


def edited(files: Files, *changes: tuple[str, str]) -> Files:
    text = files["a.yaml"].decode()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return {"a.yaml": text.encode()}


# Proved


@pytest.mark.parametrize("text", ["", told(BEFORE)], ids=["no listing", "listed"])
def test_a_move_that_does_what_it_says_is_proved(text: str) -> None:
    assert verdict(record(), text) is PROVED


def test_the_way_back_a_rollback_and_a_forced_move_are_proved() -> None:
    assert verdict(record("demote", "backup", "primary"), before=AFTER, after=BEFORE) is PROVED
    assert verdict(record("rollback", "backup", "primary"), before=AFTER, after=BEFORE) is PROVED
    stray = edited(BEFORE, ("role: primary", "role: w3"))
    assert verdict(record(before="unknown"), before=stray) is PROVED
    assert verdict(record("rollback", "backup", "unknown"), before=AFTER, after=stray) is PROVED
    mixed = edited(BEFORE, ("data", "data-b"))
    assert verdict(record(before="mixed"), before=mixed) is PROVED


def test_what_else_a_squash_merge_brought_does_not_matter() -> None:
    assert verdict(record(), after=edited(AFTER, ("app:1", "app:2"))) is PROVED


def test_a_switch_that_came_later_is_none_of_it() -> None:
    assert verdict(record(), today=service(ROLE, CLAIM, switch("nosuch.key", 1, 2))) is PROVED


def test_a_catalog_that_names_less_by_now_proves_what_it_names() -> None:
    assert verdict(record(), today=service(ROLE)) is PROVED


# Edits


@pytest.mark.parametrize("text", ["", told(BEFORE), f'Revert "Fail over sonarr"\n\n{told(BEFORE)}'])
def test_a_revert_that_quotes_ours_is_an_edit(text: str) -> None:
    assert verdict(record(), text, before=AFTER, after=BEFORE) is EDIT


@pytest.mark.parametrize("text", ["", told(BEFORE), "  a.yaml\n    image: app:1 -> app:3\n"])
@pytest.mark.parametrize("after", [BEFORE, edited(BEFORE, ("app:1", "app:2"))])
def test_a_commit_that_moved_nothing_is_an_edit(text: str, after: Files) -> None:
    assert verdict(record(), text, after=after) is EDIT


def test_half_a_move_is_an_edit() -> None:
    half = edited(BEFORE, ("role: primary", "role: backup"))
    assert verdict(record(), after=half) is EDIT
    assert verdict(record(), told(BEFORE), before=half, after=half) is EDIT


@pytest.mark.parametrize(
    "says",
    [
        record("promote", "primary", "primary"),
        record("promote", "backup", "backup"),
        record("demote", "primary", "backup"),
        record("relax", "primary", "backup"),
        record("promote", "here", "backup"),
        record("rollback", "primary", "there"),
    ],
)
def test_what_no_commit_of_ours_says_is_an_edit(says: Record) -> None:
    assert verdict(says) is EDIT


def test_other_states_than_it_says_are_an_edit() -> None:
    assert verdict(record("rollback", "backup", "primary")) is EDIT
    assert verdict(record(before="mixed")) is EDIT
    assert verdict(record(before="unknown")) is EDIT


def test_a_commit_that_brings_the_file_or_a_key_is_an_edit() -> None:
    assert verdict(record(), before={}) is EDIT
    assert verdict(record(), after={}) is EDIT
    assert verdict(record(), before={"a.yaml": b"image: app:1\n"}) is EDIT


def test_a_revert_that_quotes_ours_is_an_edit_though_the_sides_have_other_names() -> None:
    renamed = service(switch("role", "w1", "w2"), CLAIM)
    assert verdict(record(), told(BEFORE), before=AFTER, after=BEFORE, today=renamed) is EDIT


# Not provable: the catalog has changed since


@pytest.mark.parametrize(
    "today",
    [
        service(switch("role", "w1", "w2"), switch("claim", "c1", "c2")),
        service(switch("role", "w1", "w2"), CLAIM),
        service(switch("role", "backup", "primary"), switch("claim", "data-b", "data")),
        service(ROLE, CLAIM, PAUSED),
        service(PAUSED),
    ],
    ids=["other values", "one other value", "sides swapped", "a switch more", "other switches"],
)
@pytest.mark.parametrize("where", ["message", "pull request", "wrapped"])
def test_what_another_catalog_sees_differently_is_not_provable(today: Service, where: str) -> None:
    planned = plan(PAIR, parsed(BEFORE), Action.PROMOTE)
    asked = Asked("01JD", "maria", "2026-11-23T04:00:00Z")
    _, body = pull_request_text([(planned, asked)], at="0" * 40, root="https://github.com/acme/homelab")
    texts = {"message": told(BEFORE), "pull request": body, "wrapped": f"Squash (#1)\n\n* {told(BEFORE)}"}
    finding = judge(today, record(), texts[where], parsed(BEFORE), parsed(AFTER))
    assert finding.verdict is NOT_PROVABLE
    assert finding.why


def test_values_on_neither_side_are_not_provable_without_a_listing() -> None:
    assert verdict(record(), today=service(switch("role", "w1", "w2"), CLAIM)) is NOT_PROVABLE


def test_what_cannot_be_read_at_all_is_not_provable() -> None:
    elsewhere = service(switch("spec.role", "primary", "backup"))
    assert verdict(record(), today=elsewhere) is NOT_PROVABLE
    finding = judge(PAIR, record(), "", {}, {})
    assert (finding.verdict, finding.are_files_missing) == (NOT_PROVABLE, True)


def test_what_was_listed_of_another_document_says_nothing_of_this_one() -> None:
    both = b"kind: One\nrole: primary\n---\nkind: Two\nrole: primary\n"
    one, two = (service(switch("role", "primary", "backup", kind=kind), name=kind.lower()) for kind in ("One", "Two"))
    after = plan(two, parsed({"a.yaml": both}), Action.PROMOTE).new
    assert verdict(record(), told({"a.yaml": both}, two), {"a.yaml": both}, after, one) is EDIT


# Those who move others in the same file


def test_a_move_of_others_is_only_what_it_lists() -> None:
    text = told(BEFORE)
    assert is_only_as_listed(text, parsed(BEFORE), parsed(AFTER))
    assert is_only_as_listed(text, parsed(BEFORE), parsed(BEFORE))
    for change in [("app:1", "app:2"), ("image", "# one more\nimage"), ("role: backup", "role: w3")]:
        assert not is_only_as_listed(text, parsed(BEFORE), parsed(edited(AFTER, change)))
    assert not is_only_as_listed("Failover-Service: x", parsed(BEFORE), parsed(AFTER))
    assert not is_only_as_listed(text, {}, parsed(AFTER))


def test_a_record_of_ours_is_judged_by_what_its_message_says() -> None:
    asked = Asked("01JD", "maria", "2026-11-23T04:00:00Z")
    planned = plan(PAIR, parsed(BEFORE), Action.PROMOTE)
    (read,) = read_records(told(BEFORE))
    assert read == record_of(planned, asked)
    assert verdict(read, told(BEFORE)) is PROVED
