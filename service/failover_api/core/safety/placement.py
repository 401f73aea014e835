"""On which node each side of a service is, by what Git and the catalog say, and by the labels of a cluster's nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from failover_api.core.catalog.model import Service, Side
from failover_api.core.planning.state import Detection, State, state_of

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.safety.observed import Node


@dataclass(frozen=True, slots=True)
class Placement:
    """`active` is the node of the side where Git has the service, None: nobody can tell. `standby` are the others."""

    active: str | None
    standby: frozenset[str]


def placement(
    service: Service, detection: Detection, nodes: Mapping[str, "Node"], running_on: str | None = None
) -> Placement:
    """`nodes` are those of the cluster, by name; none: it is not seen. `running_on` is the node of the service's pod.

    Of several nodes of a side it is the one on which the pod runs; and where nobody says which a side has.
    """
    if detection.state.value not in set(Side):
        return Placement(None, frozenset())
    side = Side(detection.state.value)
    own, other = (nodes_of_side(service, detection, each, nodes) for each in (side, side.other))
    active = next(iter(own)) if len(own) == 1 else running_on if running_on in (own or nodes) else None
    return Placement(active, other - {active} if active else other)


def nodes_of_side(service: Service, detection: Detection, side: Side, nodes: Mapping[str, "Node"]) -> frozenset[str]:
    """The names of the nodes of a side; none where nobody can tell. `nodes` as in placement().

    Where none has the side's labels, those that the catalog names and the cluster has not: they were deleted.
    """
    named = frozenset(service.nodes(side))
    if not nodes:
        return named
    from failover_api.core.safety.rollout.expectation import expectation
    from failover_api.core.safety.rollout.place import side_nodes

    return side_nodes(expectation(service, on_side(detection, side)), nodes) or named - nodes.keys()


def on_side(detection: Detection, side: Side) -> Detection:
    """What Git would say with every switch on a side."""
    readings = tuple(
        replace(reading, value=value, state=state_of(reading.switch, value))
        for reading in detection.readings
        for value in [reading.switch.value(side)]
    )
    return Detection(State(side.value), readings)
