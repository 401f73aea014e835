"""Automatic failover: what it sees and would do, and what people said about it."""

import operator
from typing import Annotated

from pydantic import Field

from failover_api.core.catalog.automatic import Mode
from failover_api.edges import examples, fields
from failover_api.edges.models.body import Body


class JudgedNodeBody(Body):
    """A node, as automatic failover judges it."""

    name: fields.NodeName
    state: Annotated[
        str,
        Field(
            description="ready, suspect, dead (for long enough to act), flapping, planned (cordoned), unwell or "
            "unknown.",
            examples=["ready"],
        ),
    ]
    since: fields.SinceOrNull
    acts_at: fields.ActsAt
    reason: Annotated[str, Field(description="Why it is in that state; empty: all is well.", examples=[""])]


class HoldBody(Body):
    """A gate that lets no move through."""

    gate: Annotated[str, Field(description="Its name.", examples=["still-serving"])]
    detail: Annotated[str, Field(description="Why.", examples=["sonarr has a Ready pod on k3s-w1."])]
    cure: fields.Cure
    until: Annotated[
        str | None,
        Field(description="When it ends by itself; null: nobody can tell.", examples=["2026-11-30T20:05:00Z"]),
    ]


class PendingBody(Body):
    """A service that would be moved off a node, or is held."""

    service: fields.Service
    node: fields.NodeName
    to: Annotated[str, Field(description="The side it would go to; empty: not known.", examples=["backup"])]
    acts: Annotated[
        bool,
        Field(description="Whether it is moved; false: only said, by `automatic: observe`.", examples=[True]),
    ]
    since: fields.SinceOrNull
    acts_at: fields.ActsAt
    holds: Annotated[list[HoldBody], Field(description="What holds it; none: it moves.", examples=[[examples.HOLD]])]


class BlockedServiceBody(Body):
    """A service that has moved by itself lately."""

    service: fields.Service
    since: fields.SinceOrNull
    until: Annotated[
        str, Field(description="Until then it moves by itself no more.", examples=["2026-11-30T21:00:00Z"])
    ]


class PauseBody(Body):
    """Nothing moves by itself, or some services do not."""

    id: Annotated[str, Field(description="Its name, to end it.", examples=[examples.ULID])]
    reason: Annotated[str, Field(description="Why.", examples=["a new kernel on all nodes"])]
    by: fields.By
    at: Annotated[str, Field(description="Since when.", examples=["2026-11-30T20:00:00Z"])]
    until: Annotated[str, Field(description="When it ends by itself.", examples=["2026-12-01T20:00:00Z"])]
    services: Annotated[list[str], Field(description="Which; none: all.", examples=[["sonarr"]])]


class AttestationBody(Body):
    """A person says that a node is off. It ends by itself when the node is heard of."""

    id: Annotated[str, Field(description="Its name.", examples=[examples.ULID])]
    node: fields.NodeName
    reason: Annotated[str, Field(description="How they know.", examples=["I pulled the plug"])]
    by: fields.By
    at: Annotated[str, Field(description="Since when.", examples=["2026-11-30T20:00:00Z"])]


class AckBody(Body):
    """A person has seen to a service, or to a node; the other is null."""

    service: Annotated[str | None, Field(description="The service.", examples=["sonarr"])]
    node: Annotated[str | None, Field(description="The node.", examples=["k3s-w1"])]
    by: fields.By
    at: Annotated[str, Field(description="When.", examples=["2026-11-30T20:00:00Z"])]


class TallyEventBody(Body):
    """The death of a node with services on it, and what was made of it."""

    node: fields.NodeName
    died_at: Annotated[
        str, Field(description="Since when Kubernetes calls it Unknown.", examples=["2026-11-30T20:00:00Z"])
    ]
    decided_at: Annotated[
        str | None,
        Field(
            description="When the first was moved, or would have been; null: none.", examples=["2026-11-30T20:05:05Z"]
        ),
    ]
    back_at: Annotated[
        str | None, Field(description="When the node was seen again; null: not yet.", examples=["2026-11-30T21:00:00Z"])
    ]
    moved: Annotated[list[str], Field(description="Those that were moved.", examples=[["sonarr"]])]
    would: Annotated[list[str], Field(description="Those that `observe` would have moved.", examples=[["radarr"]])]
    gates: Annotated[list[str], Field(description="The gates that held the others.", examples=[["fence"]])]
    result: Annotated[
        str,
        Field(
            description="right: the node stayed away for ten minutes and more; too-early: it was back before; "
            "came-back-first: before anything would have moved; open: nobody can tell yet.",
            examples=["right"],
        ),
    ]


class TallyBody(Body):
    """The last events: whether it was right, so that one can dare `act`."""

    counts: Annotated[
        dict[str, int],
        Field(description="How often each result came.", examples=[{"right": 2, "came-back-first": 1}]),
    ]
    events: Annotated[list[TallyEventBody], Field(description="The last 50.", examples=[[examples.TALLY_EVENT]])]


class ReturnBody(Body):
    """A service that was moved away by itself, and whose node is well again."""

    service: fields.Service
    node: fields.NodeName
    acts: Annotated[bool, Field(description="It is relocated home by itself.", examples=[False])]
    command: Annotated[
        str, Field(description="What brings it home.", examples=["failover relocate sonarr --to primary"])
    ]
    detail: Annotated[str, Field(description="What refused that the last time; empty: nothing.", examples=[""])]
    holds: Annotated[
        list[HoldBody], Field(description="The gates that hold it; none: it may go.", examples=[[examples.HOLD]])
    ]


class AutomaticBody(Body):
    """Automatic failover: would it act now, and if not, why."""

    mode: Annotated[Mode, Field(description="none, observe or act, as the catalog has it.", examples=["observe"])]
    leader: Annotated[
        str | None,
        Field(description="The replica that leads; null: none does.", examples=["failover-api-7d4b_1_9f86d0"]),
    ]
    view: Annotated[
        str,
        Field(
            description="watching; blind: nothing is heard; storm: too many nodes at once; starting: it looks before "
            "it acts; off.",
            examples=["watching"],
        ),
    ]
    reason: Annotated[str, Field(description="Why the view is so; empty: all is well.", examples=[""])]
    as_of: Annotated[
        str | None,
        Field(description="When the leader saw it so; null: nobody did.", examples=["2026-11-30T20:00:00Z"]),
    ]
    nodes: Annotated[list[JudgedNodeBody], Field(description="All nodes.", examples=[[examples.JUDGED_NODE]])]
    pending: Annotated[
        list[PendingBody], Field(description="What would move, or is held.", examples=[[examples.PENDING]])
    ]
    left_out: Annotated[
        int,
        Field(
            exclude_if=operator.not_,
            description="Services that are pending too, and for which another replica had no room.",
            examples=[40],
        ),
    ] = 0
    blocked: Annotated[
        list[BlockedServiceBody],
        Field(
            description="What moved lately.",
            examples=[[{"service": "sonarr", "since": None, "until": "2026-11-30T21:00:00Z"}]],
        ),
    ]
    failback: Annotated[
        list[ReturnBody],
        Field(
            description="What was moved away by itself and may go home (`automatic.failback`).",
            examples=[[examples.RETURN]],
        ),
    ]
    pauses: Annotated[list[PauseBody], Field(description="Those in force.", examples=[[examples.PAUSE]])]
    attestations: Annotated[
        list[AttestationBody], Field(description="What people say of nodes.", examples=[[examples.ATTESTATION]])
    ]
    tally: Annotated[TallyBody, Field(description="What came of the last events.", examples=[examples.TALLY])]
