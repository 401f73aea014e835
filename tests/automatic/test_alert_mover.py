"""An alert's order, decided by the gates and written by the guard."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from failover_api.automatic.alert_desk import Carried, Result, ServiceEnd
from failover_api.automatic.alert_mover import AS_BEFORE_S, AlertMover, Written
from failover_api.core.catalog.automatic import Mode
from failover_api.core.catalog.model import Side
from failover_api.core.safety.governance import (
    Act,
    Alert,
    AlertOrder,
    Gate,
    GitFacts,
    Hold,
    LastMove,
    PodFact,
    Situation,
)
from failover_api.core.safety.judgement import ViewState
from failover_api.errors import ForgeUnavailable
from tests.core.safety.alerts.situations import CLOCK, NOW, RULES, W1, W2, service, situation, verdicts

ALERT = Alert("f", NOW - 30, labels={"alertname": "NodeGone", "node": W1})
EVACUATE = AlertOrder(ALERT, node=W1)


class Guard:
    """It writes what it is told to, and says what it was told to say."""

    def __init__(self, now: Situation, written: Written | None = None) -> None:
        self.now, self.written = now, written or Written("01J")
        self.acts: list[tuple[Act, AlertOrder | None]] = []
        self.clock, self.looks = 0.0, 0
        self.mover = AlertMover(self, monotonic=lambda: self.clock)

    async def situation(self, order: AlertOrder) -> Situation:
        self.looks += 1
        await asyncio.sleep(0)
        return self.now

    async def write(self, act: Act, order: AlertOrder | None = None) -> Written:
        if isinstance(self.written, Exception):
            raise self.written
        self.acts.append((act, order))
        return self.written

    async def carry_out(self, order: AlertOrder) -> list[ServiceEnd]:
        self.clock += AS_BEFORE_S
        return list((await self.mover.carry_out(order)).services)


async def test_what_is_free_moves_together_and_the_rest_says_why_not() -> None:
    serving = service("radarr", pods=(PodFact("radarr-1", W2, is_ready=True),))
    guard = Guard(situation(service("sonarr"), serving, service("plex"), service("far", active=W2, targets=(W1,))))
    moved, held, other = await guard.carry_out(EVACUATE)
    assert (moved, other) == (
        ServiceEnd("sonarr", Result.MOVED, operation="01J"),
        ServiceEnd("plex", Result.MOVED, operation="01J"),
    )
    assert (held.service, held.result, held.holds[0].gate) == ("radarr", Result.HELD, Gate.STILL_SERVING)
    ((act, order),) = guard.acts
    assert (act.services, act.node, act.trigger, act.key) == (("sonarr", "plex"), W1, "alert", ALERT.key)
    assert order == EVACUATE
    assert "alert NodeGone fires since" in act.evidence[0]


async def test_a_storm_of_repeats_is_one_move() -> None:
    """What has moved is not on the node any more, so the same alert finds nothing to do."""
    guard = Guard(situation(service("sonarr")))
    assert [end.result for end in await guard.carry_out(EVACUATE)] == [Result.MOVED]
    last = LastMove(NOW, "alert", is_automatic=True)
    guard.now = situation(service("sonarr", side=Side.BACKUP, active=W2, targets=(W1,), last_move=last))
    for _ in range(50):
        assert await guard.carry_out(EVACUATE) == []
    assert len(guard.acts) == 1


async def test_alerts_at_once_that_ask_for_the_same_are_one_look_and_one_move() -> None:
    guard = Guard(situation(service("sonarr"), service("radarr", mode=Mode.NONE)))
    orders = [replace(EVACUATE, alert=replace(ALERT, fingerprint=f"{number}")) for number in range(30)]
    first, *others = await asyncio.gather(*(guard.mover.carry_out(order) for order in orders))
    assert [end.result for end in first.services] == [Result.MOVED, Result.HELD]
    assert [[end.service for end in each.services] for each in others] == [["radarr"]] * 29
    assert (guard.looks, len(guard.acts)) == (1, 1)


async def test_of_a_stale_alert_and_a_new_one_at_once_the_new_one_is_looked_at() -> None:
    guard = Guard(situation(service("sonarr")))
    old, older = (replace(EVACUATE, alert=replace(ALERT, starts_at=NOW - ago_s)) for ago_s in (4000, 5000))
    assert [end.result for end in (await guard.mover.carry_out(old)).services] == [Result.HELD]
    assert [end.result for end in (await guard.mover.carry_out(older)).services] == [Result.HELD]
    assert guard.looks == 1
    assert [end.result for end in (await guard.mover.carry_out(EVACUATE)).services] == [Result.MOVED]


async def test_of_a_held_alert_and_a_stale_one_at_once_the_stale_one_says_so() -> None:
    guard = Guard(situation(service("sonarr", pods=(PodFact("sonarr-1", W2, is_ready=True),))))
    old = replace(EVACUATE, alert=replace(ALERT, starts_at=NOW - 4000))
    gates = [[end.holds[0].gate for end in (await guard.mover.carry_out(each)).services] for each in (EVACUATE, old)]
    assert gates == [[Gate.STILL_SERVING], [Gate.STALE_ALERT]]


async def test_what_failed_is_asked_for_anew() -> None:
    guard = Guard(situation(service("sonarr")))
    written, guard.written = guard.written, ForgeUnavailable("no answer")  # type: ignore[assignment]  # it is raised
    with pytest.raises(ForgeUnavailable):
        await guard.mover.carry_out(EVACUATE)
    guard.written = written
    assert [end.result for end in (await guard.mover.carry_out(EVACUATE)).services] == [Result.MOVED]


async def test_an_alert_that_began_before_the_last_move_moves_nothing() -> None:
    last = LastMove(NOW - 10, "somebody", is_automatic=False)
    guard = Guard(situation(service("sonarr", last_move=last)))
    (end,) = await guard.carry_out(EVACUATE)
    assert (end.result, [hold.gate for hold in end.holds]) == (Result.HELD, [Gate.STALE_ALERT])
    assert guard.acts == []


async def test_in_observe_it_says_what_it_would_do() -> None:
    guard = Guard(situation(service("sonarr", mode=Mode.OBSERVE), service("plex")))
    assert [(end.service, end.result) for end in await guard.carry_out(EVACUATE)] == [
        ("sonarr", Result.WOULD_MOVE),
        ("plex", Result.MOVED),
    ]
    assert guard.acts[0][0].services == ("plex",)


async def test_under_a_view_that_cannot_be_trusted_nothing_is_written() -> None:
    for view, gate in (
        (ViewState.BLIND, Gate.BLIND),
        (ViewState.STORM, Gate.STORM),
        (ViewState.STARTING, Gate.STARTING),
    ):
        guard = Guard(situation(service("sonarr"), verdicts=verdicts(view)))
        (end,) = await guard.carry_out(EVACUATE)
        assert end.holds[0].gate is gate
        assert guard.acts == []


async def test_what_the_last_look_found_is_told() -> None:
    hold = Hold(Gate.TARGET, "k3s-w2 is not ready", "Bring it up.")
    written = Written(
        "01J", holds={"plex": (hold,)}, there=("radarr",), refused={"tdarr": "a value is on neither side"}
    )
    guard = Guard(situation(*map(service, ("sonarr", "plex", "radarr", "tdarr"))), written)
    assert await guard.carry_out(EVACUATE) == [
        ServiceEnd("sonarr", Result.MOVED, operation="01J"),
        ServiceEnd("plex", Result.HELD, (hold,)),
        ServiceEnd("radarr", Result.NOTHING_TO_DO),
        ServiceEnd("tdarr", Result.REFUSED, detail="a value is on neither side"),
    ]


async def test_a_pull_request_is_told_as_one() -> None:
    guard = Guard(situation(service("sonarr")), Written("01J", is_pending=True))
    assert [end.result for end in await guard.carry_out(EVACUATE)] == [Result.PROPOSED]


async def test_where_nothing_is_on_the_node_it_says_so() -> None:
    guard = Guard(situation(service("sonarr", active=W2, targets=(W1,))))
    assert await AlertMover(guard).carry_out(EVACUATE) == Carried(detail="no service is active on k3s-w1")


async def test_a_node_that_is_none_of_the_cluster_is_told_as_that() -> None:
    guard = Guard(situation(service("sonarr")))
    carried = await AlertMover(guard).carry_out(AlertOrder(ALERT, node="10.0.0.7"))
    assert carried == Carried(detail="the cluster has no node 10.0.0.7: expected a node's name in Kubernetes")
    promote = AlertOrder(ALERT, services=("sonarr",))
    guard = Guard(situation(service("sonarr", side=Side.BACKUP, active=W2, targets=(W1,))))
    assert await AlertMover(guard).carry_out(promote) == Carried(detail="it is on backup already")


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ({"verdicts": verdicts(ViewState.BLIND)}, Gate.BLIND),
        ({"verdicts": verdicts(ViewState.STARTING)}, Gate.STARTING),
        ({"git": GitFacts(NOW, failed_at=CLOCK, detail="no answer")}, Gate.GIT_UNREACHABLE),
        ({"git": GitFacts(None)}, Gate.GIT_UNREACHABLE),
    ],
)
async def test_what_nobody_can_tell_is_not_called_nothing_to_do(changes: dict[str, Any], gate: Gate) -> None:
    """Git has not been read yet, or the nodes are not seen, so it is not known what is on the node."""
    unplaced = service("sonarr", active=None, targets=())
    (unknown,) = await Guard(situation(unplaced, **changes)).carry_out(EVACUATE)
    assert (unknown.service, unknown.result, unknown.holds[0].gate) == ("sonarr", Result.HELD, gate)
    unread = Situation(**{"verdicts": verdicts(), "rules": RULES, "git": GitFacts(NOW), "services": (), **changes})
    carried = await AlertMover(Guard(unread)).carry_out(EVACUATE)
    assert (carried.services, carried.holds[0].gate) == ((), gate)
    promote = AlertOrder(ALERT, services=("sonarr",))
    carried = await AlertMover(Guard(unread)).carry_out(promote)
    if "git" in changes:
        (end,) = carried.services
        assert (end.service, end.result, end.holds[0].gate) == ("sonarr", Result.HELD, gate)


async def test_a_service_that_git_could_not_be_read_for_is_refused() -> None:
    promote = AlertOrder(ALERT, services=("radarr", "sonarr"))
    sonarr, radarr = await Guard(situation(service("sonarr"))).carry_out(promote)
    assert (sonarr.service, sonarr.result) == ("sonarr", Result.MOVED)
    assert radarr == ServiceEnd(
        "radarr", Result.REFUSED, detail="it could not be read from Git, or the catalog has it in another cluster"
    )
