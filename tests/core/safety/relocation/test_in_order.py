"""Several relocations, one after the other: whose turn it is, and what stops all of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.core.catalog.model import Catalog, Side
from failover_api.core.planning.waves import Wave
from failover_api.core.safety.relocation.in_order import (
    Member,
    Turn,
    in_order,
    targets_of,
    turn,
    wave_of,
    why_not_named,
)
from failover_api.core.safety.relocation.ladder import State
from tests.support import builders

HOME = {"db": Side.PRIMARY, "app": Side.PRIMARY, "web": Side.PRIMARY}
AWAY = dict.fromkeys(HOME, Side.BACKUP)


def catalog(**more: tuple[str, ...]) -> Catalog:
    """`web` is after `app`, and `app` after `db`."""
    after = {"db": (), "app": ("db",), "web": ("app",)}
    services = {
        name: replace(builders.service(), name=name, after=names, primary_nodes=("w1",), backup_nodes=("w2",))
        for name, names in after.items()
    }
    return Catalog(services, {"all": ("db", "app", "web"), **more})


def members(**states: State | str | None) -> list[Member]:
    """`there`: Git has it on its target; a state: of its relocation, which is on its target once that is done."""
    return [
        Member(name, state, state is State.DONE, f"what {name} waits for")
        if isinstance(state, State)
        else Member(name, None, state == "there")
        for name, state in states.items()
    ]


def test_home_goes_as_a_demote_and_away_as_a_promote() -> None:
    assert in_order(AWAY, catalog()).waves == (("db",), ("app",), ("web",))
    assert in_order(HOME, catalog()).waves == (("web",), ("app",), ("db",))


def test_what_is_after_nobody_keeps_its_place_and_goes_alone() -> None:
    services = {name: replace(service, after=()) for name, service in catalog().services.items()}
    order = in_order(HOME, replace(catalog(), services=services))
    assert order.waves == (("db",), ("app",), ("web",))
    assert order.warnings == ()


def test_what_does_not_come_along_is_told() -> None:
    order = in_order({"web": Side.BACKUP}, catalog())
    assert order.warnings == ("web is after app: what does not move with it is not waited for",)


@pytest.mark.parametrize(
    ("states", "wanted"),
    [
        ({"db": None, "app": None}, Turn(State.RUNNING, "db", "db", "It is its turn.")),
        ({"db": "there", "app": None}, Turn(State.RUNNING, "app", "app", "It is its turn.")),
        ({"db": "there", "app": "there"}, Turn(State.DONE)),
        ({"db": State.RUNNING, "app": None}, Turn(State.RUNNING, at="db", reason="what db waits for")),
        ({"db": State.WAITING, "app": None}, Turn(State.WAITING, at="db", reason="what db waits for")),
        ({"db": State.STOPPED, "app": None}, Turn(State.STOPPED, at="db", reason="what db waits for")),
        ({"db": State.DONE, "app": None}, Turn(State.RUNNING, "app", "app", "It is its turn.")),
        ({"db": State.DONE, "app": "there", "web": None}, Turn(State.RUNNING, "web", "web", "It is its turn.")),
        ({"db": State.DONE, "app": State.DONE}, Turn(State.DONE)),
        ({"db": State.RUNNING, "app": State.STOPPED}, Turn(State.RUNNING, at="db", reason="what db waits for")),
        ({"db": State.DONE, "app": State.STOPPED}, Turn(State.STOPPED, at="app", reason="what app waits for")),
    ],
)
def test_whose_turn_it_is(states: dict[str, State | str | None], wanted: Turn) -> None:
    assert turn(members(**states)) == wanted


def test_nobody_begins_after_one_that_is_not_where_it_was_brought() -> None:
    found = turn([Member("db", State.DONE, is_there=False), Member("app")])
    assert found == Turn(State.STOPPED, at="db", reason="It has been moved again since.")


def test_who_may_not_begin_stops_it() -> None:
    found = turn([Member("db", State.DONE, is_there=True), Member("app", reason="app is not in group all any more.")])
    assert found == Turn(State.STOPPED, at="app", reason="app is not in group all any more.")


@given(st.lists(st.sampled_from([None, "there", *State]), min_size=1, max_size=6))
def test_nobody_begins_while_another_is_under_way_or_has_stopped(states: list[State | str | None]) -> None:
    found = turn(members(**{f"s{number}": state for number, state in enumerate(states)}))
    if found.due:
        assert not {State.RUNNING, State.WAITING, State.STOPPED} & set(states)
        begun = max((at for at, state in enumerate(states) if isinstance(state, State)), default=-1)
        assert states.index(None, begun + 1) == int(found.due[1:])
    else:
        assert found.state is not State.RUNNING or State.RUNNING in states


def test_the_trailers_name_each_side_only_where_there_are_two() -> None:
    order = in_order(HOME, catalog())
    wave = wave_of(order, HOME, accept=["db:unsynced-overwritten"], node="")
    assert (wave.count, wave.actions, wave.accept) == (3, (), ("db:unsynced-overwritten",))
    assert targets_of(wave, Side.PRIMARY) == {"web": Side.PRIMARY, "app": Side.PRIMARY, "db": Side.PRIMARY}
    mixed = {"db": Side.BACKUP, "web": Side.PRIMARY}
    both = wave_of(in_order(mixed, catalog()), mixed, accept=[], node="w1")
    assert both.node == "w1"
    for first in Side:
        assert targets_of(both, first) == mixed


@pytest.mark.parametrize(
    ("group", "node", "targets", "why"),
    [
        ("all", "", HOME, ""),
        ("some", "", HOME, "app is not in group some any more."),
        (None, "", HOME, "app is not in group None any more."),
        ("all", "", {"gone": Side.PRIMARY}, "gone is not in the catalog any more."),
        ("node w1", "w1", HOME, ""),
        ("node w3", "w3", HOME, "db has no side on node w3."),
    ],
)
def test_trailers_name_nobody_else(group: str | None, node: str, targets: dict[str, Side], why: str) -> None:
    wave = Wave(1, tuple((name,) for name in targets), node=node)
    assert why_not_named(wave, group, targets, catalog(some=("db", "web"))) == why
