"""What the tests of the use cases do again and again."""

from typing import Any

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.moves.outcome import Outcome
from failover_api.moves.progress import OnStep, ignore
from failover_api.wiring import Components

BY_PULL_REQUEST = "policy: pull_request"


async def move(
    components: Components,
    name: str = "sonarr",
    action: Action = Action.PROMOTE,
    *,
    on_step: OnStep = ignore,
    **how: Any,
) -> Outcome:
    """As maria asks, unless `how` says otherwise."""
    request = MoveRequest(**{"by": "maria", **how})
    return await components.failover.move(name, action, request, on_step=on_step)


async def promote(components: Components, name: str = "sonarr", **how: Any) -> Outcome:
    return await move(components, name, Action.PROMOTE, **how)


async def demote(components: Components, name: str = "sonarr", **how: Any) -> Outcome:
    return await move(components, name, Action.DEMOTE, **how)


def number(outcome: Outcome) -> int:
    """Of the pull request that came of it."""
    assert outcome.pull_request is not None
    return outcome.pull_request.number
