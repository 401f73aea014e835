"""The dead node is well again: what the replica that leads makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from failover_api.core.catalog.notification import Event
from failover_api.core.safety.governance import Return
from failover_api.errors import NotPermitted
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


class Turns:
    """In place of the relocations of groups: sonarr's turn is to come."""

    async def to_come(self) -> dict[str, str]:
        return {"sonarr": "01JG"}


async def test_what_is_relocated_with_others_does_not_go_home_before_its_turn(stage: Stage) -> None:
    async with guarded(stage, NAMES) as world:
        (replica,) = world.replicas
        replica.failover._group_relocations = Turns()  # type: ignore[assignment]  # all that is asked of it
        with pytest.raises(NotPermitted, match="with operation 01JG, once its turn comes"):
            await replica.guard._may_return(Return("sonarr", W1, True))()
