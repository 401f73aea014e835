"""How often it was right: what a round after another makes of an event."""

from dataclasses import replace

import pytest

from failover_api.core.catalog.automatic import Mode
from failover_api.core.safety.governance import Ended, Event, Situation, Tally, decide, tally_from
from failover_api.core.safety.judgement import NodeVerdict
from tests.core.safety.situations import DIED, NOW, RULES, dead, ready, service, situation, verdicts


def at(later_s: float, node: NodeVerdict, given: Situation | None = None) -> Situation:
    return replace(given or situation(), verdicts=verdicts(node, ready("w2"), now=NOW + later_s))


def tallied(*rounds: Situation) -> Tally:
    tally = Tally()
    for given in rounds:
        tally = tally.after(given.verdicts, decide(given))
    return tally


SUSPECT = dead("w1", is_due=False)


@pytest.mark.parametrize(
    ("rounds", "now", "ended"),
    [
        ([at(-60.0, SUSPECT), at(0.0, dead("w1"))], NOW + 599.0, Ended.OPEN),
        ([at(-60.0, SUSPECT), at(0.0, dead("w1"))], NOW + 600.0, Ended.RIGHT),
        ([at(0.0, dead("w1")), at(599.0, ready("w1"))], NOW + 9000.0, Ended.TOO_EARLY),
        ([at(0.0, dead("w1")), at(600.0, ready("w1"))], NOW + 9000.0, Ended.RIGHT),
        ([at(-60.0, SUSPECT), at(-10.0, ready("w1"))], NOW + 9000.0, Ended.CAME_BACK_FIRST),
        ([at(-60.0, SUSPECT)], NOW + 9000.0, Ended.OPEN),
    ],
)
def test_what_became_of_an_event(rounds: list[Situation], now: float, ended: Ended) -> None:
    assert {each: count for each, count in tallied(*rounds).counts(now).items() if count} == {ended: 1}


def test_an_event_says_what_was_moved_would_have_been_or_was_held() -> None:
    acting = situation(service("a"), service("b", mode=Mode.OBSERVE), service("c", relocating="01JD"))
    [event] = tallied(at(0.0, dead("w1"), acting), at(1.0, dead("w1"), acting)).events
    assert (event.node, event.died_at, event.decided_at) == ("w1", DIED, NOW)
    assert (event.moved, event.would, event.gates) == (("a",), ("b",), ("relocating",))


def test_each_death_is_an_event_and_the_last_fifty_are_kept() -> None:
    rounds = [at(index, replace(dead("w1"), died_at=DIED + index)) for index in range(60)]
    tally = tallied(*rounds)
    assert len(tally.events) == 50
    assert tally.events[0].died_at == DIED + 10


def test_a_node_without_services_is_no_event() -> None:
    assert tallied(at(0.0, dead("w1"), situation(service(active="w2", targets=("w1",))))).events == ()


def test_observing_is_tallied_in_the_same_way() -> None:
    observing = situation(rules=replace(RULES, mode=Mode.OBSERVE))
    tally = tallied(at(0.0, dead("w1"), observing), at(900.0, ready("w1"), observing))
    assert tally.counts(NOW + 9000.0)[Ended.RIGHT] == 1
    assert tally.events[0].moved == ()


def test_it_is_handed_on_as_json() -> None:
    tally = tallied(at(0.0, dead("w1")), at(700.0, ready("w1")))
    assert tally_from(tally.as_json()) == tally


NO_TIME = {"key": "k", "node": "w1", "died_at": 1e300}  # a number, which no calendar shows


@pytest.mark.parametrize("data", [None, "x", {}, [None], [{"key": 1}], [{"node": "w1"}], [NO_TIME]])
def test_what_cannot_be_read_is_left_out(data: object) -> None:
    assert tally_from(data) == Tally()


@pytest.mark.parametrize("time", [1e18, -1e12, float("nan"), float("inf")])
@pytest.mark.parametrize("key", ["died_at", "decided_at", "back_at"])
def test_an_event_with_a_time_that_no_calendar_shows_is_left_out(key: str, time: float) -> None:
    (row,) = tallied(at(0.0, dead("w1"))).as_json()
    assert tally_from([row, {**row, key: time}]) == tally_from([row])


def test_fifty_events_have_room_in_an_annotation() -> None:
    names = tuple(f"a-service-with-a-rather-long-name-{index}" for index in range(20))
    event = Event("node-" + "f" * 64, "k3s-worker-with-a-long-name", DIED, names, names, ("fence",), NOW, NOW)
    assert len(str(Tally((event,) * 50).as_json())) < 100_000
