"""A wish, thought through."""

from typing import Any

from failover_api.core.catalog import Action
from failover_api.core.message import Asked
from failover_api.moves.task import Task
from failover_api.observation import Observation, Observer
from tests.stage import Stage


class Untouched(Observation):
    """What another task of the batch is about."""

    @property
    def version(self) -> str:
        raise AssertionError("a hundred tasks that look at each other are ten thousand looks")


async def test_a_task_of_a_batch_looks_at_its_own_services_only(stage: Stage) -> None:
    async with stage.house() as house:
        catalog: Any = house.catalog.current()
        seen: dict[str, Any] = dict(
            await Observer(house.github).observe_all(catalog.branches[0], [*catalog.services.values()], not_before=None)
        )
    other: Any = seen["radarr"]
    seen["radarr"] = Untouched(other.service, other.snapshot, other.manifests)
    task = Task((catalog.service("sonarr"),), Action.PROMOTE, Asked("01A", "maria", "2026-11-24T00:00:00Z"))
    assert task.think(seen, {}).version == seen["sonarr"].version
