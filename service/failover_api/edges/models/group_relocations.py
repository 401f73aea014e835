"""Relocations of a group or a node, one service after the other."""

from typing import Annotated

from pydantic import Field

from failover_api.core.planning.wave_progress import OperationState
from failover_api.edges import examples, fields
from failover_api.edges.models.body import Body, is_none
from failover_api.edges.models.problems import RefusedBody
from failover_api.edges.models.relocations import RelocationBody
from failover_api.edges.models.waves import WaveBody


class GroupRelocationBody(Body):
    """How far the relocations of a group or a node are. `waves` are the same in short: each is one service."""

    operation: fields.Operation
    group: Annotated[
        str | None,
        Field(
            default=None,
            exclude_if=is_none,
            description="Of a group, for who may see all of it: its name.",
            examples=["office"],
        ),
    ]
    node: Annotated[
        str | None,
        Field(default=None, exclude_if=is_none, description="Of a node: its name.", examples=["k3s-w1"]),
    ]
    state: Annotated[
        OperationState,
        Field(
            description="running: something is still to come; done: all of them are there; stopped: one could not be "
            "relocated, and those after it were not begun.",
            examples=["running"],
        ),
    ]
    reason: Annotated[
        str,
        Field(description='What it waits for, or what stopped it; "": nothing is to be said.', examples=[""]),
    ]
    waves: Annotated[list[WaveBody], Field(description="First to last.", examples=[[examples.WAVE]])]
    relocations: Annotated[
        list[RelocationBody],
        Field(
            description="Of each service, first to last; `operation` is null until it has begun.",
            examples=[[examples.RELOCATION]],
        ),
    ]
    refused: Annotated[
        list[RefusedBody],
        Field(description="Services that were left out (`skip_refused`), and why.", examples=[[examples.REFUSED]]),
    ]
    unplaced: Annotated[
        list[str] | None,
        Field(
            default=None,
            exclude_if=is_none,
            description="Of a node: services of which nobody knows the node; they stay.",
            examples=[["plex"]],
        ),
    ]
    warnings: fields.Warnings
    dry_run: fields.IsDryRun
