"""Is a commit ours? Row by row, as the table of core/text/audit.py has it."""

import pytest

from failover_api.core.catalog.model import Action, Service, Switch, Workload
from failover_api.core.planning.plan import plan
from failover_api.core.splice import Selector
from failover_api.core.text.audit import Verdict, is_only_of_others, judge
from failover_api.core.text.commit_message import commit_message, record_of
from failover_api.core.text.pull_request import pull_request_text
from failover_api.core.text.trailers import Record, read_records
from tests.support.builders import Files, manifests, provenance, record, service, switch

PROVED, NOT_PROVABLE, EDIT = Verdict.PROVED, Verdict.NOT_PROVABLE, Verdict.EDIT
BEFORE = {"a.yaml": b"image: app:1\nrole: primary\nclaim: data\npaused: false\n"}
AFTER = {"a.yaml": b"image: app:1\nrole: backup\nclaim: data-b\npaused: false\n"}


ROLE, CLAIM, PAUSED = (
    switch("role", "primary", "backup"),
    switch("claim", "data", "data-b"),
    switch("paused", False, True),
)
PAIR = service(ROLE, CLAIM)


def told(files: Files, mover: Service = PAIR, action: Action = Action.PROMOTE) -> str:
    """The message of the commit that moved it."""
    return commit_message([(plan(mover, manifests(files), action, force=True), provenance())])


def verdict(
    says: Record, text: str = "", before: Files = BEFORE, after: Files = AFTER, today: Service = PAIR
) -> Verdict:
    return judge(today, says, text, manifests(before), manifests(after)).verdict


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
        service(PAUSED),
        service(switch("role", "w1", "w2"), CLAIM, PAUSED),
    ],
    ids=["other values", "one other value", "sides swapped", "other switches", "an other value and a switch more"],
)
@pytest.mark.parametrize("where", ["message", "pull request", "wrapped"])
def test_what_another_catalog_sees_differently_is_not_provable(today: Service, where: str) -> None:
    finding = judge(today, record(), texts()[where], manifests(BEFORE), manifests(AFTER))
    assert finding.verdict is NOT_PROVABLE
    assert finding.why


def texts() -> dict[str, str]:
    """Where a commit of ours lists what it did."""
    planned = plan(PAIR, manifests(BEFORE), Action.PROMOTE)
    _, body = pull_request_text([(planned, provenance())], at="0" * 40, root="https://github.com/acme/homelab")
    return {"message": told(BEFORE), "pull request": body, "wrapped": f"Squash (#1)\n\n* {told(BEFORE)}"}


# The catalog has grown since

GROWN = [
    service(ROLE, CLAIM, PAUSED),
    service(ROLE, CLAIM, switch("paused", True, False)),
    service(ROLE, CLAIM, switch("image", "app:8", "app:9"), PAUSED),
]


@pytest.mark.parametrize("today", GROWN, ids=["on primary", "on backup", "on neither side"])
@pytest.mark.parametrize("where", ["message", "pull request", "wrapped"])
def test_a_switch_that_was_there_already_is_none_of_it_where_all_is_listed(today: Service, where: str) -> None:
    assert judge(today, record(), texts()[where], manifests(BEFORE), manifests(AFTER)).verdict is PROVED


def test_without_the_listing_a_switch_more_proves_nothing() -> None:
    assert verdict(record(), today=GROWN[0]) is EDIT


def test_where_not_all_that_is_listed_was_done_a_switch_more_proves_nothing() -> None:
    half = edited(BEFORE, ("role: primary", "role: backup"))
    assert verdict(record(), told(BEFORE), after=half, today=GROWN[0]) is NOT_PROVABLE
    assert verdict(record(), f"{told(BEFORE)}\n  a.yaml\n    image: app:1 -> app:3\n", today=GROWN[0]) is NOT_PROVABLE


@pytest.mark.parametrize(
    "says", [record("demote", "backup", "primary"), record(before="mixed"), record("rollback", "mixed", "backup")]
)
def test_the_states_of_a_smaller_catalog_have_to_be_those_of_the_record(says: Record) -> None:
    assert verdict(says, told(BEFORE), today=GROWN[0]) is NOT_PROVABLE


def test_a_group_in_one_file_is_proved_by_a_catalog_that_has_grown() -> None:
    both = {"a.yaml": b"kind: One\nclaim: a\npaused: false\n---\nkind: Two\nclaim: b\npaused: false\n"}
    one, two = (switch("claim", name, f"{name}-b", kind=kind) for name, kind in (("a", "One"), ("b", "Two")))
    first = plan(service(one), manifests(both), Action.PROMOTE)
    second = plan(service(two, name="two"), manifests(first.new), Action.PROMOTE)
    text = commit_message([(first, provenance()), (second, provenance())])
    grown = service(one, switch("paused", False, True, kind="One"))
    assert verdict(record(), text, both, second.new, grown) is PROVED


def test_a_revert_that_says_the_same_states_is_an_edit() -> None:
    """A rollback may lead from a drifted state to a drifted one, and so does what reverts it."""
    odd = edited(BEFORE, ("claim: data", "claim: odd"))
    moved = edited(odd, ("role: primary", "role: backup"))
    listed = "  a.yaml\n    role: backup -> primary\n"
    says = record("rollback", "unknown", "unknown")
    assert verdict(says, listed, before=moved, after=odd) is PROVED
    assert verdict(says, listed, before=odd, after=moved) is EDIT


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
    after = plan(two, manifests({"a.yaml": both}), Action.PROMOTE).new
    assert verdict(record(), told({"a.yaml": both}, two), {"a.yaml": both}, after, one) is EDIT


# Those who move others in the same file


def test_a_move_of_others_is_only_what_it_lists() -> None:
    text = told(BEFORE)
    assert of_others(text, AFTER)
    assert of_others(text, BEFORE)
    for change in [("app:1", "app:2"), ("image", "# one more\nimage"), ("role: backup", "role: w3")]:
        assert not of_others(text, edited(AFTER, change))
    assert not of_others("Failover-Service: x", AFTER)
    assert not is_only_of_others(service(PAUSED), text, {}, manifests(AFTER))


def of_others(text: str, after: Files, mine: Switch = PAUSED) -> bool:
    return is_only_of_others(service(mine), text, manifests(BEFORE), manifests(after))


def test_what_moved_the_service_itself_is_no_move_of_others() -> None:
    """However well it lists what it did."""
    assert not of_others(told(BEFORE), AFTER, ROLE)
    assert not of_others(told(BEFORE), edited(BEFORE, ("role", "rule")), ROLE)


@pytest.mark.parametrize("listed", ["e -> e", "a -> a", '"" -> ""', "app -> app", "1 -> 2"])
def test_a_listing_of_parts_of_words_hides_nothing(listed: str) -> None:
    text = f"  a.yaml\n    image: {listed}\n"
    assert not of_others(text, edited(BEFORE, ("app:1", "app:2")))


def test_several_values_of_others_on_one_line_are_what_it_lists() -> None:
    before = {"a.yaml": b"paused: false\nall: {role: primary, claim: data, more: [x, 'data']}\n"}
    mover = service(switch("all.role", "primary", "backup"), switch("all.claim", "data", "data-b"))
    planned = plan(mover, manifests(before), Action.PROMOTE)
    assert is_only_of_others(service(PAUSED), told(before, mover), manifests(before), manifests(planned.new))


def test_a_record_of_ours_is_judged_by_what_its_message_says() -> None:
    planned = plan(PAIR, manifests(BEFORE), Action.PROMOTE)
    (read,) = read_records(told(BEFORE))
    assert read == record_of(planned, provenance())
    assert verdict(read, told(BEFORE)) is PROVED


def strategy(name: str, kind: str) -> str:
    rolling = "\n    rollingUpdate:\n      maxSurge: 0\n      maxUnavailable: 1" if kind == "RollingUpdate" else ""
    spec = f"spec:\n  replicas: 1\n  strategy:\n    type: {kind}{rolling}\n  node: primary\n"
    return f"kind: Deployment\nmetadata: {{name: {name}}}\n{spec}"


def rolling_service(name: str) -> Service:
    selector = Selector("Deployment", name)
    return service(
        switch("spec.node", "primary", "backup", selector=selector),
        name=name,
        unblocked=Workload("a.yaml", selector),
    )


TWO = {"a.yaml": f"{strategy('one', 'Recreate')}---\n{strategy('two', 'Recreate')}".encode()}
ONE, OTHER = rolling_service("one"), rolling_service("two")


def test_a_strategy_that_another_service_changes_is_its_own_affair() -> None:
    planned = plan(ONE, manifests(TWO), Action.PROMOTE)
    text = told(TWO, ONE)
    (says,) = read_records(text)
    assert verdict(says, text, TWO, planned.new, ONE) is PROVED
    assert is_only_of_others(OTHER, text, manifests(TWO), manifests(planned.new))
    home = plan(ONE, manifests(planned.new), Action.DEMOTE, former=manifests(TWO))
    text = commit_message([(home, provenance())])
    assert is_only_of_others(OTHER, text, manifests(planned.new), manifests(home.new))


@pytest.mark.parametrize("change", [("maxSurge: 0", "maxSurge: 1"), ("replicas: 1", "replicas: 1\n  paused: true")])
def test_what_comes_with_a_strategy_and_is_not_listed_is_an_edit(change: tuple[str, str]) -> None:
    planned = plan(ONE, manifests(TWO), Action.PROMOTE)
    after = edited(planned.new, change)
    assert not is_only_of_others(OTHER, told(TWO, ONE), manifests(TWO), manifests(after))


def test_a_strategy_that_is_not_listed_is_an_edit() -> None:
    planned = plan(ONE, manifests(TWO), Action.PROMOTE)
    text = told(TWO, ONE).replace("spec.strategy.rollingUpdate", "spec.strategy.other")
    assert not is_only_of_others(OTHER, text, manifests(TWO), manifests(planned.new))
