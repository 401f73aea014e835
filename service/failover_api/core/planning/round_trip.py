"""Whether a service can be moved to each side and back again."""

from collections.abc import Mapping

from failover_api.core.catalog.model import Action, Service
from failover_api.core.planning.plan import plan
from failover_api.core.splice import Manifest, parse


def try_round_trips(service: Service, manifests: Mapping[str, Manifest]) -> None:
    """Plans a located service both ways, each there and back. Raises what refuses it, as plan()."""
    for action in (Action.PROMOTE, Action.DEMOTE):
        moved = {path: parse(data, file=path) for path, data in plan(service, manifests, action).new.items()}
        plan(service, {**manifests, **moved}, action.opposite, former=manifests)
