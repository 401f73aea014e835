"""Home by itself: the ladder is begun by nobody, carried on by whoever runs, and every byte comes home."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from failover_api.automatic.homecoming import AGAIN_S, Homecoming
from failover_api.core.safety.governance import Return
from failover_api.core.safety.relocation.ladder import State
from failover_api.core.safety.relocation.steps import Step
from failover_api.core.text.trailers import read_all_records
from failover_api.errors import NotPermitted
from tests.support.relocating import ASKED, homelab, until, until_step

if TYPE_CHECKING:
    from pathlib import Path

    from failover_api.core.catalog.model import Side
    from failover_api.core.planning.request import MoveRequest, Permit
    from failover_api.operations.relocation_report import RelocationReport
    from failover_api.wiring import Components
    from tests.support.stage import Stage

HOME = Return("sonarr", "k3s-w1", True, (), True, 1_796_068_800.0)


def homecoming(components: Components, clock: list[float], *, permitted: bool = True) -> Homecoming:
    def permit(_: Return) -> Permit:
        async def check() -> None:
            if not permitted:
                raise NotPermitted("k3s-w1 is not well any more")

        return check

    async def start(name: str, target: Side, request: MoveRequest) -> RelocationReport:
        """What it has left on primary, nobody knows; that it may be overwritten has to be said by a person."""
        accepting = replace(request, accept=frozenset({"unsynced-overwritten"}))
        return await components.failover.relocations.start(name, target, accepting)

    return Homecoming(
        start,
        permit,
        running=components.failover.relocations.running,
        catalog=components.catalog.current,
        monotonic=lambda: clock[0],
    )


async def test_every_byte_comes_home_by_itself(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            clock = [0.0]
            home = homecoming(components, clock)
            home.round([HOME])
            await home.aclose()
            assert await components.failover.relocations.running() == "sonarr"
            written = list(lab.cluster.disk("media/b").journal)
            (record,) = read_all_records(stage.messages[0])
            assert (record.action, record.provenance.by, record.provenance.trigger) == (
                "relocate",
                "automatic",
                "automatic",
            )
            assert "Reason: k3s-w1 is well again" in stage.messages[0]
            assert "Failover-Evidence: node k3s-w1 has been ready" in stage.messages[0]
            clock[0] += AGAIN_S
            home.round([HOME])
            await home.aclose()
            told = await until(lab, components)
            assert {report.state for report in told} == {State.RUNNING, State.DONE}
            assert await components.failover.relocations.running() == ""
    assert len([message for message in lab.messages() if message.startswith("Relocate")]) == 5
    assert lab.cluster.disk("media/a").journal[: len(written)] == written


async def test_nothing_is_written_where_it_is_not_so_any_more_right_before(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            before = lab.messages()
            home = homecoming(components, [0.0], permitted=False)
            home.round([HOME])
            await home.aclose()
            assert [*home.why_not.values()] == ["k3s-w1 is not well any more"]
        assert lab.messages() == before


async def test_whoever_aborts_it_is_not_asked_again(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            clock = [0.0]
            home = homecoming(components, clock)
            home.round([HOME])
            await home.aclose()
            await until_step(lab, components, Step.QUIESCE)
            await components.failover.relocations.abort("sonarr", ASKED)
            lab.pass_by(30)
            messages = lab.messages()
            for _ in range(3):
                clock[0] += AGAIN_S
                home.round([HOME])
                await home.aclose()
            assert lab.messages() == messages


async def test_what_was_left_unsynced_is_overwritten_by_nobody_but_a_person(stage: Stage, tmp_path: Path) -> None:
    """So it is after the death of a node: it asks, once, and says of what."""
    with homelab(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            before = lab.messages()
            home = Homecoming(
                components.failover.relocations.start,
                lambda _: _permitted,
                running=components.failover.relocations.running,
                catalog=components.catalog.current,
            )
            home.round([HOME])
            await home.aclose()
            [why] = home.why_not.values()
            assert "unsynced-overwritten" in why
            assert lab.messages() == before


async def _permitted() -> None:
    return None
