"""What the tests of the use cases do again and again."""

from typing import Any

from failover_api.core.catalog import Action
from failover_api.failover import Wish
from failover_api.outcome import Outcome
from failover_api.wiring import House

BY_PULL_REQUEST = "policy: pull_request"


async def move(house: House, name: str = "sonarr", action: Action = Action.PROMOTE, **how: Any) -> Outcome:
    """As maria asks, unless `how` says otherwise."""
    return await house.failover.move(name, action, Wish(**{"by": "maria", **how}))


async def promote(house: House, name: str = "sonarr", **how: Any) -> Outcome:
    return await move(house, name, Action.PROMOTE, **how)


async def demote(house: House, name: str = "sonarr", **how: Any) -> Outcome:
    return await move(house, name, Action.DEMOTE, **how)


def number(outcome: Outcome) -> int:
    """Of the pull request that came of it."""
    assert outcome.pull_request is not None
    return outcome.pull_request.number
