"""What alerts come to: witnesses kept and taken back, orders handed on, and what is said of each."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from failover_api.automatic.alert_desk import AlertDesk, AlertEnd, Carried, Result, ServiceEnd
from failover_api.core.catalog.automatic import AlertRule, Automatic, Meaning, Mode
from failover_api.core.catalog.model import Catalog
from failover_api.core.safety.alerts import Meant, Unreadable
from failover_api.core.safety.governance import Alert, AlertOrder, Gate, Hold, Witness
from failover_api.errors import (
    ClusterNeeded,
    ClusterUnavailable,
    Conflict,
    FailoverError,
    ForgePermission,
    ForgeUnavailable,
    ManifestDrifted,
    NotPermitted,
    NotReady,
    OutcomeUnknown,
)

BEGAN = 1_796_068_800.0
RULES = (
    AlertRule((("alertname", "NodeOff"),), Meaning.NODE_OFF, node="{node}"),
    AlertRule((("alertname", "NodeGone"),), Meaning.EVACUATE, node="{node}"),
    AlertRule((("alertname", "SonarrDown"),), Meaning.PROMOTE, service="sonarr"),
)
SERVING = Hold(Gate.STILL_SERVING, "It serves.", "None is needed.")
STARTING = Hold(Gate.STARTING, "It has just begun.", "It goes on by itself.", until=BEGAN + 60)
NO_OPT_IN = Hold(Gate.OPT_IN, "It takes no part.", "Write it.")


class Lab:
    """A desk over things that only remember; `ends` is what the mover says, or raises."""

    def __init__(self, *ends: ServiceEnd | Exception, mode: Mode = Mode.ACT) -> None:
        self.catalog = Catalog({}, {}, automatic=Automatic(mode=mode), alerts=RULES)
        self.ends, self.holds = ends, tuple[Hold, ...]()
        self.kept: dict[str, Witness] = {}
        self.orders: list[AlertOrder] = []
        self.trouble: Exception | None = None
        self.why_none = ""
        self.desk = AlertDesk(lambda: self.catalog, lambda: self, lambda: self)

    async def testify(self, witness: Witness) -> str:
        if self.trouble is not None:
            raise self.trouble
        self.kept[witness.fingerprint] = witness
        return self.why_none

    async def take_back(self, fingerprint: str) -> bool:
        if self.trouble is not None:
            raise self.trouble
        return self.kept.pop(fingerprint, None) is not None

    async def carry_out(self, order: AlertOrder) -> Carried:
        self.orders.append(order)
        if self.ends and isinstance(self.ends[0], Exception):
            raise self.ends[0]
        return Carried(tuple(end for end in self.ends if isinstance(end, ServiceEnd)), self.holds)

    async def take(self, *alerts: Alert | Unreadable, may: bool = True) -> list[AlertEnd]:
        return await self.desk.take(alerts, lambda _: may)

    async def one(self, alert: Alert | Unreadable, **how: Any) -> AlertEnd:
        (end,) = await self.take(alert, **how)
        return end


def alert(name: str = "NodeGone", fingerprint: str = "f", *, is_firing: bool = True, **labels: str) -> Alert:
    return Alert(fingerprint, BEGAN, is_firing, {"alertname": name, "node": "k3s-w1", **labels})


async def test_a_node_off_is_a_witness_and_moves_nothing() -> None:
    lab = Lab()
    end = await lab.one(alert("NodeOff"))
    assert (end.result, end.held, end.is_to_come_again) == (Result.WITNESS, None, False)
    assert lab.kept == {"f": Witness("f", "k3s-w1", "NodeOff", BEGAN)}
    assert lab.orders == []


async def test_a_witness_that_counts_for_nothing_says_why() -> None:
    lab = Lab()
    lab.why_none = "the cluster has no node k3s-w1"
    end = await lab.one(alert("NodeOff"))
    assert (end.result, end.detail) == (Result.WITNESS, "the cluster has no node k3s-w1")


async def test_an_alert_that_its_rule_cannot_follow_is_for_people(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab()
    with caplog.at_level(logging.INFO):
        await lab.one(alert("Watchdog"))
        end = await lab.one(alert(node="10.0.0.7:9100"))
    assert (end.result, end.meant) == (Result.IGNORED, None)
    assert [(record.levelname, vars(record)["detail"]) for record in caplog.records] == [("WARNING", end.detail)]


async def test_an_evacuation_is_a_witness_too() -> None:
    lab = Lab(ServiceEnd("sonarr", Result.MOVED, operation="01J"))
    end = await lab.one(alert())
    assert end.result is Result.MOVED
    assert lab.kept["f"].node == "k3s-w1"
    assert lab.orders == [AlertOrder(alert(), node="k3s-w1")]


async def test_what_is_resolved_takes_a_witness_back_and_moves_nothing() -> None:
    lab = Lab(ServiceEnd("sonarr", Result.MOVED))
    ends = await lab.take(alert("NodeOff"), alert("NodeOff", is_firing=False), alert("NodeOff", is_firing=False))
    assert [end.result for end in ends] == [Result.WITNESS, Result.WITHDRAWN, Result.IGNORED]
    assert lab.kept == {}
    assert (await lab.one(alert("SonarrDown", is_firing=False))).result is Result.IGNORED
    assert lab.orders == []


async def test_what_no_rule_fits_is_ignored_and_says_why() -> None:
    end = await Lab().one(alert("Watchdog"))
    assert (end.result, end.meant) == (Result.IGNORED, None)
    assert "no rule" in end.detail
    end = await Lab().one(alert(node="10.0.0.7:9100"))
    assert "expected the name of a Kubernetes node" in end.detail


async def test_what_cannot_be_read_says_why_and_spoils_no_other() -> None:
    ends = await Lab().take(Unreadable("alerts[0]", "startsAt: expected a time"), alert("NodeOff"))
    assert [(end.result, end.detail) for end in ends] == [
        (Result.UNREADABLE, "startsAt: expected a time"),
        (Result.WITNESS, ""),
    ]


async def test_whoever_may_not_neither_moves_nor_testifies() -> None:
    lab = Lab(ServiceEnd("sonarr", Result.MOVED))
    ends = await lab.take(alert(), alert("NodeOff"), alert("SonarrDown"), alert("NodeOff", is_firing=False), may=False)
    assert {end.result for end in ends} == {Result.FORBIDDEN}
    assert (lab.kept, lab.orders) == ({}, [])


async def test_what_is_asked_of_whoever_sent_it_is_what_it_means() -> None:
    lab, asked = Lab(), list[Meant]()

    def may(meant: Meant) -> bool:
        asked.append(meant)
        return True

    await lab.desk.take([alert("SonarrDown"), alert("NodeOff")], may)
    assert [(meant.services, meant.node) for meant in asked] == [(("sonarr",), None), ((), "k3s-w1")]


async def test_where_automatic_failover_is_off_nothing_is_done() -> None:
    lab = Lab(ServiceEnd("sonarr", Result.MOVED), mode=Mode.NONE)
    end = await lab.one(alert())
    assert end.held is not None
    assert (end.result, end.held.gate, end.is_to_come_again) == (Result.HELD, Gate.OPT_IN, False)
    assert (await lab.one(alert(is_firing=False))).result is Result.IGNORED
    assert (lab.kept, lab.orders) == ({}, [])


@pytest.mark.parametrize(
    ("ends", "result"),
    [
        ([], Result.NOTHING_TO_DO),
        ([Result.NOTHING_TO_DO], Result.NOTHING_TO_DO),
        ([Result.HELD], Result.HELD),
        ([Result.WOULD_MOVE, Result.HELD], Result.WOULD_MOVE),
        ([Result.HELD, Result.MOVED, Result.REFUSED], Result.MOVED),
        ([Result.PROPOSED, Result.WOULD_MOVE], Result.PROPOSED),
        ([Result.REFUSED, Result.HELD], Result.REFUSED),
    ],
)
async def test_an_alert_is_told_by_what_was_done_before_what_was_not(ends: list[Result], result: Result) -> None:
    lab = Lab(*(ServiceEnd(f"app-{at}", each) for at, each in enumerate(ends)))
    assert (await lab.one(alert())).result is result


@pytest.mark.parametrize(
    ("holds", "gate", "again"),
    [
        ([(SERVING,)], Gate.STILL_SERVING, False),
        ([(STARTING, SERVING)], Gate.STARTING, True),
        ([(SERVING, STARTING)], Gate.STILL_SERVING, False),
        ([(SERVING,), (STARTING,)], Gate.STARTING, True),
        ([(), (NO_OPT_IN,)], Gate.OPT_IN, False),
    ],
)
async def test_the_gate_that_is_named_is_the_first_and_one_that_passes_before_others(
    holds: list[tuple[Hold, ...]], gate: Gate, again: bool
) -> None:
    lab = Lab(*(ServiceEnd(f"app-{at}", Result.HELD, each) for at, each in enumerate(holds)))
    end = await lab.one(alert())
    assert end.held is not None
    assert (end.held.gate, end.is_to_come_again) == (gate, again)


async def test_an_order_of_which_nobody_can_tell_what_is_meant_is_held_as_a_whole() -> None:
    lab = Lab()
    lab.holds = (STARTING,)
    end = await lab.one(alert())
    assert end.held is not None
    assert (end.result, end.held.gate, end.is_to_come_again) == (Result.HELD, Gate.STARTING, True)


@pytest.mark.parametrize(
    ("error", "gate"),
    [
        (ForgeUnavailable("no answer"), Gate.GIT_UNREACHABLE),
        (Conflict("it kept changing"), Gate.GIT_UNREACHABLE),
        (OutcomeUnknown("it may have landed"), Gate.GIT_UNREACHABLE),
        (NotReady("another replica leads"), Gate.STARTING),
        (NotPermitted("k3s-w2 is not ready any more"), Gate.BLIND),
        (ClusterUnavailable("no answer"), Gate.BLIND),
    ],
)
async def test_what_may_go_better_the_next_time_is_to_come_again(error: FailoverError, gate: Gate) -> None:
    end = await Lab(error).one(alert())
    assert end.held is not None
    assert (end.result, end.held.gate, end.is_to_come_again) == (Result.HELD, gate, True)
    assert error.detail in end.held.detail


@pytest.mark.parametrize("error", [ManifestDrifted("w3 is on neither side"), ForgePermission("contents: write")])
async def test_what_would_be_refused_by_hand_too_is_told_and_not_asked_for_again(error: FailoverError) -> None:
    end = await Lab(error).one(alert())
    assert (end.result, end.held, end.is_to_come_again) == (Result.REFUSED, None, False)
    assert end.detail == f"{error.title}: {error.detail}"


async def test_a_witness_that_cannot_be_kept_is_to_come_again_and_its_order_is_not_given() -> None:
    lab = Lab(ServiceEnd("sonarr", Result.MOVED))
    lab.trouble = NotReady("the Lease is not reached")
    for end in await lab.take(alert(), alert("NodeOff"), alert("NodeOff", is_firing=False)):
        assert end.held is not None
        assert (end.held.gate, end.is_to_come_again) == (Gate.BLIND, True)
    assert lab.orders == []


async def test_without_a_cluster_it_says_so_as_a_whole() -> None:
    lab = Lab()
    lab.trouble = ClusterNeeded("none is configured")
    with pytest.raises(ClusterNeeded):
        await lab.one(alert())


async def test_a_defect_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        await Lab(ZeroDivisionError()).one(alert())
