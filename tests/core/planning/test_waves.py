"""In which order services move: `after` as waves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.core.catalog.model import Action
from failover_api.core.planning.waves import Wave, order_from, order_of, waves_of

PROMOTE, DEMOTE = Action.PROMOTE, Action.DEMOTE
NAMES = "abcdefg"
AFTER = {"web": ["app"], "app": ["db", "cache"], "db": ["disk"], "cache": [], "disk": [], "mail": []}


def promoted(*names: str) -> dict[str, Action]:
    return dict.fromkeys(names, PROMOTE)


def test_a_service_is_promoted_after_those_it_names() -> None:
    order = order_of(promoted("web", "mail", "app", "db", "cache"), AFTER)
    assert order.waves == (("mail", "db", "cache"), ("app",), ("web",))
    assert order.waits_for["web"] == {"app", "db", "cache"}, "and what they wait for"
    assert order.waits_for["mail"] == frozenset()
    assert order.waited_for == {"app", "db", "cache"}
    assert order.is_needed


def test_a_demote_goes_the_other_way_round() -> None:
    order = order_of(dict.fromkeys(["db", "app", "web", "cache"], DEMOTE), AFTER)
    assert order.waves == (("web",), ("app",), ("db", "cache"))
    assert order.waits_for["db"] == {"web", "app"}


def test_without_an_order_there_is_one_wave() -> None:
    order = order_of(promoted("mail", "cache", "disk"), AFTER)
    assert order.waves == (("mail", "cache", "disk"),)
    assert not order.is_needed
    assert order.warnings == ()


def test_nobody_moves_in_no_wave() -> None:
    assert order_of({}, AFTER).waves == ()


def test_what_does_not_move_is_ignored_and_told() -> None:
    order = order_of(promoted("app", "cache"), AFTER)
    assert order.waves == (("cache",), ("app",))
    assert order.warnings == ("app is after db: what does not move with it is not waited for",)


def test_what_does_not_move_is_looked_through() -> None:
    assert order_of(promoted("web", "db"), AFTER).waves == (("db",), ("web",))


def test_what_is_not_seen_is_not_waited_for_and_told() -> None:
    order = order_of(promoted("web", "app", "cache"), AFTER, unseen=["app"])
    assert order.waves == (("cache",), ("web", "app"))
    assert order.warnings[1:] == ("whether app serves is not seen from here, so what is after it does not wait for it",)
    assert order_of(promoted("mail", "cache"), AFTER, unseen=["mail", "cache"]).warnings == (), "nobody waits for them"


def test_each_goes_by_its_own_action() -> None:
    """Of those that are evacuated some go each way: the one that names another says which of them is first."""
    assert order_of({"db": DEMOTE, "app": PROMOTE}, AFTER).waves == (("db",), ("app",))
    assert order_of({"db": PROMOTE, "app": DEMOTE}, AFTER).waves == (("app",), ("db",))


def test_many_warnings_are_one() -> None:
    names = [f"s{number}" for number in range(9)]
    (warning,) = order_of(promoted(*names), {name: ["outside"] for name in names}).warnings
    assert warning.startswith("s0 is after outside; ")
    assert "; and 4 more: " in warning


def test_waves_that_were_decided_stay_whatever_the_catalog_says_now() -> None:
    actions = promoted("db", "app", "web")
    order = order_from([["db", "web"], ["app"]], actions, AFTER)
    assert order.waves == (("db", "web"), ("app",))
    assert order.waits_for == {"db": frozenset(), "web": frozenset(), "app": {"db"}}


@pytest.mark.parametrize(
    ("names", "sizes", "waves"),
    [
        (["a", "b", "c"], [1, 2], (("a",), ("b", "c"))),
        (["a", "b", "c"], [3], (("a", "b", "c"),)),
        (["a", "b", "c"], [1, 1], None),
        (["a", "b", "c"], [1, 0, 2], None),
        (["a", "a"], [1, 1], None),
        ([], [], None),
    ],
)
def test_names_are_put_into_waves(names: list[str], sizes: list[int], waves: object) -> None:
    assert waves_of(names, sizes) == waves


def test_a_wave_knows_all_its_members() -> None:
    wave = Wave(1, (("a",), ("b", "c")))
    assert (wave.count, wave.members) == (2, ("a", "b", "c"))


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES))),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from([PROMOTE, DEMOTE])),
    st.sets(st.sampled_from(NAMES)),
)
def test_any_order_without_a_cycle_can_be_kept(
    pairs: list[tuple[str, str]], members: dict[str, Action], unseen: set[str]
) -> None:
    after: dict[str, list[str]] = {name: [] for name in NAMES}
    for one, other in pairs:
        if one > other:  # so there is no cycle
            after[one].append(other)
    order = order_of(members, after, unseen=unseen)
    number = {name: at for at, wave in enumerate(order.waves) for name in wave}
    assert number.keys() == members.keys()
    for name, others in order.waits_for.items():
        assert not others & unseen
        assert all(number[other] < number[name] for other in others)
        assert number[name] == 0 or any(number[other] == number[name] - 1 for other in others), "no later than it must"
    for name, action in members.items():
        for other in set(after[name]) & members.keys():
            first, second = (other, name) if action is PROMOTE else (name, other)
            assert first in unseen or first in order.waits_for[second]
