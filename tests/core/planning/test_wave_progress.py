"""How far an operation in waves has come, look by look."""

import random
from collections.abc import Mapping

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.wave_progress import (
    ENDED,
    Clocking,
    OperationState,
    Place,
    Progress,
    Sighting,
    Standing,
    planned,
    progress,
)
from failover_api.core.planning.waves import order_of

AFTER = {"web": ["app"], "app": ["db"], "db": [], "mail": ["relay"], "relay": []}
ORDER = order_of(dict.fromkeys(["db", "relay", "app", "mail", "web"], Action.PROMOTE), AFTER)
BEGAN, TIMEOUT = 1000.0, 300.0
WRITTEN = Sighting(is_there=True, written_at=BEGAN, serves=False)
SERVING = Sighting(is_there=True, written_at=BEGAN, serves=True, served_at=BEGAN + 30)


def look(now: float, ended: Mapping[str, Place] | None = None, **seen: Sighting) -> Progress:
    return progress(ORDER, seen, Clocking(BEGAN + now, BEGAN, TIMEOUT), ended)


def standings(found: Progress) -> dict[str, str]:
    return {name: str(place.standing) for name, place in found.places.items()}


def test_the_first_wave_waits_for_nobody() -> None:
    found = look(0)
    assert ORDER.waves == (("db", "relay"), ("app", "mail"), ("web",))
    assert found.due == (1, ("db", "relay"))
    assert [wave.state for wave in found.waves] == [OperationState.WAITING] * 3
    assert found.waves[2].reason == "web: waits for app, db"


def test_a_wave_waits_until_what_it_waits_for_serves() -> None:
    found = look(30, db=SERVING, relay=WRITTEN)
    assert found.due is None, "a wave is one commit, and mail's turn is still to come"
    assert standings(found)["app"] == "ready"
    assert found.waves[0].state is OperationState.RUNNING
    assert found.waves[0].reason == "relay: not seen to serve yet"
    assert found.is_running
    assert look(40, db=SERVING, relay=SERVING).due == (2, ("app", "mail"))


def test_what_is_said_of_several_is_said_once() -> None:
    assert look(30, db=WRITTEN, relay=WRITTEN).waves[0].reason == "db, relay: not seen to serve yet"


def test_the_operation_is_done_when_all_serve() -> None:
    found = look(90, db=SERVING, relay=SERVING, app=SERVING, mail=SERVING, web=SERVING)
    assert found.state is OperationState.DONE
    assert {wave.state for wave in found.waves} == {OperationState.DONE}
    assert found.due is None


def test_what_waits_for_one_that_does_not_come_is_held_and_everything_else_goes_on() -> None:
    found = look(301, db=WRITTEN, relay=SERVING)
    assert found.due == (2, ("mail",))
    assert found.places["db"] == Place(Standing.LATE, "did not serve within 300 s: not seen to serve yet")
    assert found.places["app"] == Place(Standing.HELD, "waits for db")
    assert found.places["web"].standing is Standing.HELD
    last = look(400, db=WRITTEN, relay=SERVING, mail=SERVING)
    assert last.state is OperationState.STOPPED
    assert [wave.state for wave in last.waves] == [OperationState.STOPPED] * 3


@pytest.mark.parametrize(("now", "standing"), [(300.0, Standing.COMING), (300.1, Standing.LATE)])
def test_the_time_is_from_the_commit(now: float, standing: Standing) -> None:
    assert look(now, db=WRITTEN).places["db"].standing is standing


def test_one_that_served_too_late_is_late_whoever_looks() -> None:
    late = Sighting(is_there=True, written_at=BEGAN, serves=True, served_at=BEGAN + 301)
    assert look(500, db=late).places["db"].standing is Standing.LATE
    assert look(500, db=SERVING).places["db"].standing is Standing.DONE, "a replica that starts late sees the same"


def test_what_was_decided_is_not_decided_again() -> None:
    first = look(301, db=WRITTEN, relay=SERVING)
    ended = {name: place for name, place in first.places.items() if place.standing in ENDED}
    again = look(350, ended, db=SERVING, relay=SERVING)
    assert again.places["db"].standing is Standing.LATE
    assert again.due == (2, ("mail",))


def test_one_that_is_there_already_counts_when_it_serves() -> None:
    there = Sighting(is_there=True, serves=True, served_at=BEGAN - 9999)
    assert look(0, db=there, relay=there).due == (2, ("app", "mail"))
    starting = Sighting(is_there=True, serves=False, detail="rolling out")
    assert look(0, db=starting, relay=there).places["db"] == Place(Standing.COMING, "rolling out")
    assert look(301, db=starting, relay=there).places["db"].standing is Standing.LATE


def test_a_pull_request_is_waited_for_without_end() -> None:
    found = look(99_999, db=Sighting(is_proposed=True), relay=SERVING)
    assert found.places["db"].standing is Standing.PROPOSED
    assert found.places["mail"] == Place(Standing.WAITING, "waits for the merge of db"), "its wave is not at its end"
    assert found.due is None
    assert found.is_running


def test_what_nobody_waits_for_may_be_unseen() -> None:
    unseen = Sighting(is_there=True, written_at=BEGAN)
    assert look(1, db=SERVING, relay=SERVING, app=SERVING, mail=unseen, web=unseen).state is OperationState.DONE
    assert look(1, db=unseen).places["db"].standing is Standing.COMING, "somebody waits for it"
    assert look(301, db=unseen).places["db"].standing is Standing.LATE


def test_one_in_trouble_holds_what_waits_for_it() -> None:
    found = look(10, db=Sighting(trouble="somebody has moved it again since"), relay=SERVING)
    assert standings(found) == {"db": "failed", "relay": "done", "app": "held", "mail": "ready", "web": "held"}
    assert found.due == (2, ("mail",))


def test_one_that_served_and_was_moved_again_holds_what_waits_for_it_too() -> None:
    ended = {"db": Place(Standing.DONE)}
    moved = Sighting(trouble="somebody has moved it again since")
    assert look(10, ended, db=moved, relay=SERVING).places["app"].standing is Standing.HELD


def test_a_dry_run_has_everything_before_it() -> None:
    found = planned(ORDER)
    assert found.state is OperationState.WAITING
    assert [wave.services for wave in found.waves] == list(ORDER.waves)
    assert found.due is None


def test_no_schedule_moves_a_service_before_those_it_waits_for() -> None:
    """Random worlds: what is due is written, comes up or not, and the operation ends."""
    for seed in range(200):
        chance = random.Random(seed)  # noqa: S311 - a schedule, no secret
        names = [f"s{number}" for number in range(chance.randint(2, 8))]
        after = {name: [one for one in names[:at] if chance.random() < 0.4] for at, name in enumerate(names)}
        order = order_of(dict.fromkeys(names, Action.PROMOTE), after)
        takes = {name: chance.choice([5.0, 60.0, 1e9]) for name in names}
        written: dict[str, float] = {}
        commits: list[int] = []
        ended: dict[str, Place] = {}
        now = BEGAN
        for _ in range(10_000):
            seen = {
                name: Sighting(True, at, serves=now >= at + takes[name], served_at=at + takes[name])
                for name, at in written.items()
            }
            found = progress(order, seen, Clocking(now, BEGAN, TIMEOUT), ended)
            ended = {name: place for name, place in found.places.items() if place.standing in ENDED}
            if found.due is not None:
                number, ready = found.due
                commits.append(number)
                for name in ready:
                    assert all(now >= written[other] + takes[other] for other in order.waits_for[name])
                    written[name] = now
            if not found.is_running:
                break
            now += 2.0
        else:
            pytest.fail("it has no end")
        assert commits == sorted(set(commits)), "one commit a wave, in their order"
        hopeless = {name for name in names if takes[name] > TIMEOUT}
        held = {name for name in names if order.waits_for[name] & hopeless}
        assert written.keys() == set(names) - held
        assert (found.state is OperationState.DONE) == (not hopeless)
