"""The dead node is well again: what the replica that leads makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from failover_api.core.catalog.notification import Event
from failover_api.events import AutomaticTold
from tests.support.guarded import catalog, guarded

if TYPE_CHECKING:
    from tests.support.stage import Stage

NAMES = ("sonarr",)
W1 = "k3s-w1"


@pytest.mark.long
@pytest.mark.parametrize("failback", ["propose", "act"])
async def test_without_a_copy_to_bring_home_it_is_proposed_once_and_nothing_moves(stage: Stage, failback: str) -> None:
    declared = catalog(NAMES, failback=failback, failback_after="5m", block="1m")
    async with guarded(stage, NAMES, declared=declared) as world:
        (replica,) = world.replicas
        stage.sandbox.clock = lambda: world.cluster.clock.now  # the block is by Git's clock
        told: list[AutomaticTold] = []
        replica.components.events.subscribe(AutomaticTold, told.append)
        await world.pass_(65, step_s=5)
        world.cluster.kill(W1)
        await world.pass_(200, step_s=5, until=lambda: bool(world.commits))
        world.cluster.revive(W1)
        await world.pass_(270, step_s=10)
        assert not [each for each in told if each.about is Event.FAILBACK]
        await world.pass_(200, step_s=10)
        (home,) = [each for each in told if each.about is Event.FAILBACK]
        assert home.services == ("sonarr",)
        assert "`failover demote sonarr`" in home.message
        report = replica.guard.report
        assert report is not None
        ((service, node, acts),) = [(line.service, line.node, line.is_act) for line in report.returns]
        assert (service, node, acts) == ("sonarr", W1, False)
        assert len(world.commits) == 1
        for _ in range(12):  # Git is read often enough for what may go home
            await world.pass_(6, step_s=3)
            assert replica.guard.report is not None
            assert [line.holds for line in replica.guard.report.returns] == [()]
