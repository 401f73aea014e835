"""The nodes under the services."""

from typing import Annotated

from pydantic import Field

from failover_api.core.safety.node_states import NodeState
from failover_api.edges import examples, fields
from failover_api.edges.models.body import Body, is_none


class OnNodeBody(Body):
    """The services of a node."""

    active: Annotated[list[str], Field(description="Whose side in Git is on this node.", examples=[["sonarr"]])]
    standby: Annotated[list[str], Field(description="Whose other side is on it.", examples=[["radarr"]])]


class NodeBody(Body):
    """A node of the cluster, or one that the catalog names."""

    name: fields.NodeName
    state: Annotated[
        NodeState,
        Field(
            description="ready; suspect: not heard of, or not ready; dead: not heard of for `dead_for`; flapping: it "
            "comes and goes; unwell: it says itself that it is not ready; planned: cordoned; unknown: not seen.",
            examples=["ready"],
        ),
    ]
    since: fields.SinceOrNull
    ready: Annotated[bool | None, Field(description="Its condition Ready; null: not seen.", examples=[True])]
    renewed_at: Annotated[
        str | None,
        Field(description="Its last heartbeat, by its own clock; null: not seen.", examples=["2026-11-30T20:00:05Z"]),
    ]
    unschedulable: Annotated[
        bool | None, Field(description="Whether it is cordoned; null: not seen.", examples=[False])
    ]
    services: Annotated[
        OnNodeBody, Field(description="What is on it.", examples=[{"active": ["sonarr"], "standby": ["radarr"]}])
    ]


class NodesListBody(Body):
    """All nodes, by name."""

    nodes: Annotated[list[NodeBody], Field(description="Each once.", examples=[[examples.NODE]])]
    as_of: Annotated[
        str | None,
        Field(
            exclude_if=is_none,
            description="When the replica that leads automatic failover judged them so; without it, one look shows it.",
            examples=["2026-11-30T20:00:00Z"],
        ),
    ] = None
