"""A move, planned."""

from typing import Any

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.moves.move import Move
from failover_api.reading.services import Observation, ServiceReader
from tests.support.builders import provenance
from tests.support.stage import Stage


class Untouched(Observation):
    """What another move of the batch is about."""

    @property
    def version(self) -> str:
        raise AssertionError("a hundred moves that look at each other are ten thousand looks")


async def test_a_move_of_a_batch_looks_at_its_own_services_only(stage: Stage) -> None:
    async with stage.open() as components:
        catalog: Any = components.catalog.current()
        seen: dict[str, Any] = dict(
            await ServiceReader(components.github).observe_all(
                catalog.branches[0], [*catalog.services.values()], not_before=None
            )
        )
    other: Any = seen["radarr"]
    seen["radarr"] = Untouched(other.service, other.snapshot, other.manifests)
    move = Move((catalog.service("sonarr"),), Action.PROMOTE, MoveRequest("maria"), provenance())
    assert move.plan(seen, {}).version == seen["sonarr"].version
