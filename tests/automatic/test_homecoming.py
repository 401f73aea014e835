"""Home by itself: relocate and nothing else, once for each time that a service was moved away."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from failover_api.automatic.homecoming import AGAIN_S, LOOK_EVERY_S, Homecoming, Start
from failover_api.core.catalog.automatic import Automatic, Failback, Mode
from failover_api.core.catalog.model import Catalog, Side
from failover_api.core.safety.governance import AUTOMATIC, Book, Gate, Hold, LastMove, Pause, Return, returns
from failover_api.core.safety.judgement import NodeState, ViewState
from failover_api.core.safety.relocation.ladder import State
from failover_api.core.safety.relocation.steps import Step
from failover_api.core.safety.relocation.table import Position
from failover_api.errors import ClusterNeeded, FailoverError
from failover_api.operations.relocation_report import RelocationReport
from tests.core.safety.alerts.situations import NOW, W1, W2, node, service, situation, verdicts
from tests.support import builders

if TYPE_CHECKING:
    from failover_api.core.planning.request import MoveRequest

HOLD = Hold(Gate.PAUSED, "Paused.", "Resume.")
MOVED_AT = NOW - 7200
MOVED = LastMove(MOVED_AT, "automatic", is_automatic=True)
CATALOG = Catalog({"db": builders.service(name="db"), "web": builders.service(name="web", after=("db",))}, {})
AWAY: dict[str, Any] = {"side": Side.BACKUP, "active": W2, "targets": (W1,), "last_move": MOVED, "can_relocate": True}


def back(**changes: Any) -> Return:
    return Return(**{"service": "sonarr", "node": W1, "is_act": True, "relocates": True, "moved_at": 1.0, **changes})


class Lab:
    """Whatever is begun is in `state`, or `error` is raised."""

    def __init__(self) -> None:
        self.clock, self.error = 0.0, None
        self.error: FailoverError | None = None
        self.begun: list[tuple[str, Side, MoveRequest]] = []
        self.asked: list[Return] = []
        self.relocated = ""
        self.state = State.RUNNING
        self.home = self.homecoming(self.start)

    def homecoming(self, start: Start) -> Homecoming:
        async def running() -> str:
            return self.relocated

        return Homecoming(start, self.permit, running=running, catalog=lambda: CATALOG, monotonic=lambda: self.clock)

    async def start(self, name: str, target: Side, request: MoveRequest) -> RelocationReport:
        assert request.permit is not None
        await request.permit()
        self.begun.append((name, target, request))
        if self.error is not None:
            raise self.error
        return RelocationReport("01J", name, target, Step.REVERSE, self.state, Position.REVERSE)

    def permit(self, one: Return) -> Any:
        async def check() -> None:
            self.asked.append(one)

        return check

    async def round(self, *found: Return) -> list[str]:
        before = len(self.begun)
        self.home.round(found)
        await self.home.aclose()
        return [name for name, _, _ in self.begun[before:]]


async def test_what_may_go_home_is_relocated_to_primary_with_a_permit_right_before() -> None:
    lab = Lab()
    assert await lab.round(back()) == ["sonarr"]
    ((name, target, request),) = lab.begun
    assert (name, target, request.by, request.trigger) == ("sonarr", Side.PRIMARY, AUTOMATIC, AUTOMATIC)
    assert request.reason == "k3s-w1 is well again"
    assert request.key == "failback sonarr 1"
    assert [one.service for one in lab.asked] == ["sonarr"]


@pytest.mark.parametrize("changes", [{"is_act": False}, {"holds": (HOLD,)}])
async def test_what_is_proposed_or_held_is_not_begun(changes: dict[str, Any]) -> None:
    assert await Lab().round(back(**changes)) == []


async def test_a_way_home_is_begun_once_until_it_may_be_tried_again() -> None:
    lab = Lab()
    assert await lab.round(back()) == ["sonarr"]
    assert await lab.round(back()) == []
    lab.clock += LOOK_EVERY_S
    assert await lab.round(back()) == []
    lab.clock += LOOK_EVERY_S
    assert await lab.round(back(moved_at=2.0)) == ["sonarr"]
    lab.clock += AGAIN_S
    assert await lab.round(back()) == ["sonarr"]


async def test_what_refused_it_is_told_until_it_is_not_any_more(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab()
    lab.error = ClusterNeeded("VolSync's kinds may not be read")
    await lab.round(back())
    assert dict(lab.home.why_not) == {back().key: "VolSync's kinds may not be read"}
    assert back(moved_at=2.0).key not in lab.home.why_not, "that is another way home"
    assert "not relocated home" in caplog.text
    lab.clock += AGAIN_S
    lab.error = None
    await lab.round(back())
    assert dict(lab.home.why_not) == {}


async def test_while_one_is_begun_no_other_is() -> None:
    lab, goes_on = Lab(), asyncio.Event()
    start = lab.start

    async def slow(*how: Any) -> RelocationReport:
        await goes_on.wait()
        return await start(*how)

    lab.home = lab.homecoming(slow)
    lab.home.round([back()])
    await asyncio.sleep(0)
    lab.clock += AGAIN_S
    lab.home.round([back(), back(service="radarr")])
    goes_on.set()
    await lab.home.aclose()
    assert [name for name, _, _ in lab.begun] == ["sonarr"]


async def test_nobody_waits_for_one_whose_way_home_was_aborted() -> None:
    """It stays away, as somebody wanted, and is asked about again and again."""
    lab = Lab()
    db, web = back(service="db"), back(service="web")
    assert await lab.round(db, web) == ["web"]
    lab.state = State.STOPPED
    lab.clock += AGAIN_S
    assert await lab.round(db, web) == ["web"]
    lab.state = State.RUNNING
    lab.clock += LOOK_EVERY_S
    assert await lab.round(db, web) == ["db"]


async def test_one_app_at_a_time_stands_still_and_what_comes_after_another_goes_home_before_it() -> None:
    lab = Lab()
    db, web, plex = (back(service=name) for name in ("db", "web", "plex"))
    assert await lab.round(db, web, plex) == ["web"]
    lab.relocated = "web"
    for _ in range(2):
        lab.clock += LOOK_EVERY_S
        assert await lab.round(db, web, plex) == []
    told = [[hold.detail for hold in one.holds] for one in lab.home.in_turn([db, web, plex])]
    first = "web is relocated first: one app at a time stands still."
    assert told == [["web goes home first (`after`).", first], [], [first]]
    lab.relocated = ""
    for left in ((db, plex), (plex,)):
        assert await lab.round(*left) == [], "it was looked at a moment ago"
        lab.clock += LOOK_EVERY_S
        assert await lab.round(*left) == [left[0].service]


async def test_whoever_is_relocated_by_a_person_is_waited_for_too() -> None:
    lab = Lab()
    lab.relocated = "radarr"
    assert await lab.round(back()) == []
    ((hold,),) = [one.holds for one in lab.home.in_turn([back()])]
    assert (hold.gate, hold.detail.startswith("radarr is relocated first")) == (Gate.RELOCATING, True)
    lab.relocated, lab.clock = "", LOOK_EVERY_S
    assert await lab.round(back()) == ["sonarr"]


async def test_one_that_is_refused_keeps_no_other_waiting() -> None:
    lab = Lab()
    lab.error = ClusterNeeded("It was never copied.")
    assert await lab.round(back(), back(service="radarr")) == ["sonarr"]
    assert await lab.round(back(), back(service="radarr")) == ["radarr"]


async def test_what_is_only_proposed_waits_for_nobody() -> None:
    lab = Lab()
    lab.relocated = "plex"
    db, web = back(service="db", is_act=False), back(service="web")
    await lab.round(db, web)
    assert [len(one.holds) for one in lab.home.in_turn([db, web])] == [0, 1]


# Who may go home


def may_return(*, well_s: float = 1800.0, rules: Any = None, view: Any = None, **changes: Any) -> list[Return]:
    w1 = node(W1, NodeState.READY, ready_since=NOW - well_s)
    plain = {"mode": Mode.ACT, "failback": Failback.ACT, "block_s": 3600.0, **(rules or {})}
    seen = verdicts(view or ViewState.WATCHING, w1, node(W2, NodeState.READY))
    now = situation(service(**{**AWAY, **changes}), rules=Automatic(**plain), verdicts=seen)
    return list(returns(now))


def test_after_failback_after_a_service_that_moved_by_itself_may_go_home() -> None:
    assert may_return() == [Return("sonarr", W1, True, (), True, MOVED_AT)]
    assert may_return(well_s=1799.0) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"last_move": LastMove(MOVED_AT, "ops", is_automatic=False)},
        {"last_move": None},
        {"side": Side.PRIMARY, "active": W1, "targets": (W2,)},
        {"mode": Mode.NONE},
        {"rules": {"failback": Failback.NONE}},
        {"rules": {"mode": Mode.NONE}},
    ],
)
def test_what_a_person_moved_or_takes_no_part_stays(changes: dict[str, Any]) -> None:
    assert may_return(**changes) == []


@pytest.mark.parametrize(
    "changes",
    [{"rules": {"failback": Failback.PROPOSE}}, {"rules": {"mode": Mode.OBSERVE}}, {"mode": Mode.OBSERVE}],
)
def test_it_is_only_proposed_unless_all_say_act(changes: dict[str, Any]) -> None:
    (one,) = may_return(**changes)
    assert not one.is_act
    assert one.command == "failover relocate sonarr --to primary"


def test_a_node_that_was_well_all_the_time_was_not_the_reason_so_it_is_only_proposed() -> None:
    """An alert has moved it since the app was broken: home it may be broken still."""
    (one,) = may_return(well_s=9000.0)
    assert not one.is_act
    assert one.command == "failover relocate sonarr --to primary"


def test_without_replication_it_is_only_proposed_and_by_another_command() -> None:
    (one,) = may_return(can_relocate=False)
    assert not one.is_act
    assert one.command == "failover demote sonarr"


def test_a_view_that_cannot_be_trusted_and_the_block_hold_it() -> None:
    (one,) = may_return(view=ViewState.STORM)
    assert [hold.gate for hold in one.holds] == [Gate.STORM]
    (one,) = may_return(last_move=LastMove(NOW - 1900, "automatic", is_automatic=True))
    assert [hold.gate for hold in one.holds] == [Gate.BLOCKED]


def test_a_pause_holds_it() -> None:
    w1 = node(W1, NodeState.READY, ready_since=NOW - 9000)
    rules = Automatic(mode=Mode.ACT, failback=Failback.ACT)
    seen = verdicts(ViewState.WATCHING, w1, node(W2, NodeState.READY))
    book = Book(pauses=(Pause("01P", "ops", NOW, NOW + 60, "why"),))
    (one,) = returns(situation(service(**AWAY), rules=rules, verdicts=seen, book=book))
    assert [hold.gate for hold in one.holds] == [Gate.PAUSED]
