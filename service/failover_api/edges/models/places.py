"""Where services are: a status, the list, groups."""

from typing import Annotated

from pydantic import Field

from failover_api.core.catalog.replication import ReplicationKind
from failover_api.core.planning.state import State
from failover_api.core.safety.replication_states import ReplicationState
from failover_api.edges import examples, fields
from failover_api.edges.models.body import Body
from failover_api.edges.models.commits import OpenPullRequest
from failover_api.edges.models.history import EntryBody
from failover_api.edges.models.problems import HazardBody, HazardsBody, ProblemBody


class SwitchBody(Body):
    """One scalar of one document."""

    file: fields.File
    document: fields.Document
    path: fields.Path
    line: fields.Line
    value: Annotated[
        fields.Scalar, Field(description="The value that stands there, with its YAML type.", examples=["primary"])
    ]
    primary: Annotated[fields.Scalar, Field(description="The value that means primary.", examples=["primary"])]
    backup: Annotated[fields.Scalar, Field(description="The value that means backup.", examples=["backup"])]
    side: fields.SideNow


class NodesBody(Body):
    """The Kubernetes nodes behind each side; none where the catalog does not say."""

    primary: Annotated[
        list[str], Field(description="The Kubernetes nodes behind primary; none: not known.", examples=[["k3s-w1"]])
    ]
    backup: Annotated[
        list[str], Field(description="The Kubernetes nodes behind backup; none: not known.", examples=[["k3s-w2"]])
    ]


class ClusterBody(Body):
    """A service in its cluster. Times come from the cluster's own clocks."""

    seen_at: Annotated[str, Field(description="When it was seen, by the API server's clock.", examples=[examples.SEEN])]
    side: Annotated[
        State, Field(description="The side that what runs belongs to; unknown: nobody can tell.", examples=["backup"])
    ]
    stage: fields.StageWord
    node: Annotated[str | None, Field(description="The node of the pod; null: there is none.", examples=["k3s-w2"])]
    pod: Annotated[str | None, Field(description="The pod; null: there is none.", examples=["sonarr-7d4b9-x2x7k"])]
    since: fields.Since
    reason: fields.StageReason
    cure: fields.StageCure

    @property
    def lasting(self) -> "ClusterBody":
        """Without what changes with every look: so an ETag names what is shown, not when."""
        return self.model_copy(update={"seen_at": "", "since": None, "cure": ""})


class ReplicationBody(Body):
    """How well its data is copied to the side where it is not. Times come from the cluster's own clocks."""

    kind: Annotated[
        ReplicationKind,
        Field(description="As in the catalog: volsync; manual, which nobody sees.", examples=["volsync"]),
    ]
    state: Annotated[
        ReplicationState,
        Field(
            description=(
                "protected (it is copied, and the copy is young enough), stale (older than `max_data_age`, or than a "
                "day), failing (nothing is copied, or the last sync failed), parked (both ends are paused), seeding (a "
                "relocation fills it), unknown (it is not seen, or nobody can tell)."
            ),
            examples=["protected"],
        ),
    ]
    data_as_of: Annotated[
        str | None,
        Field(description="The time of the data in the copy; null: not known.", examples=["2026-11-29T21:45:00Z"]),
    ]
    last_sync: Annotated[
        str | None, Field(description="When the copy was finished; null: not known.", examples=["2026-11-29T21:46:03Z"])
    ]
    in_flight: Annotated[bool, Field(description="Whether a sync has begun and has not ended.", examples=[False])]
    reason: Annotated[str, Field(description="Why it is not protected, in plain words; empty: it is.", examples=[""])]

    @property
    def lasting(self) -> "ReplicationBody":
        """The state alone, as ClusterBody.lasting."""
        return self.model_copy(update={"data_as_of": None, "last_sync": None, "in_flight": False, "reason": ""})


class PlaceBody(Body):
    """Where a service is, in the list and by itself."""

    service: fields.Service
    side: fields.SideNow
    policy: fields.PolicyWord
    repository: Annotated[str, Field(description="Where the manifests are: owner/name.", examples=["acme/homelab"])]
    branch: Annotated[str, Field(description="The branch that the cluster follows.", examples=["main"])]
    groups: Annotated[list[str], Field(description="The groups that the service is in.", examples=[["k3s-w1"]])]
    nodes: Annotated[
        NodesBody,
        Field(description="The nodes behind the sides.", examples=[{"primary": ["k3s-w1"], "backup": ["k3s-w2"]}]),
    ]
    switches: Annotated[
        list[SwitchBody], Field(description="Each value that a move changes.", examples=[[examples.SWITCH]])
    ]
    pull_request: OpenPullRequest
    last_move: Annotated[
        EntryBody | None, Field(description="Its newest move; null: none is known.", examples=[examples.ENTRY])
    ]
    cluster: Annotated[
        ClusterBody | None,
        Field(description="What is seen of it in the cluster; null: nothing is.", examples=[examples.CLUSTER]),
    ]
    replication: Annotated[
        ReplicationBody | None,
        Field(
            description="The copy of its data on the other side; null: the catalog has no `replication`, or its kind "
            "is none.",
            examples=[examples.REPLICATION],
        ),
    ]


class StatusBody(PlaceBody):
    """Where a service is, and what would stand between a move and the running app."""

    hazards_to: Annotated[
        list[HazardBody],
        Field(
            description="Of the move to the other side; of a service that is mixed or unknown, to backup.",
            examples=[[examples.HAZARD]],
        ),
    ]
    hazards_complete: fields.HazardsComplete

    @property
    def lasting(self) -> "StatusBody":
        """As ClusterBody.lasting."""
        seen = {"cluster": self.cluster, "replication": self.replication}
        return self.model_copy(update={name: part.lasting for name, part in seen.items() if part is not None})


class ListedBody(PlaceBody):
    """A status of the list: one that could not be read says why."""

    hazards_to: Annotated[
        HazardsBody,
        Field(
            description="Of the move to the other side, in short.",
            examples=[{"slugs": ["claim-unknown"], "severity": "warn"}],
        ),
    ]
    error: Annotated[
        ProblemBody | None, Field(description="Why it could not be read; null: it could.", examples=[None])
    ]


class ListBody(Body):
    """All services, in the order of the catalog."""

    services: Annotated[
        list[ListedBody], Field(description="Each service that you may see.", examples=[[examples.LISTED]])
    ]
    config_error: Annotated[
        str | None,
        Field(
            description="FILE:LINE: KEY: message, when the newest catalog was refused and the last good one is in "
            "force.",
            examples=["config/services.yaml:12: deploiment: unknown key"],
        ),
    ]


class GroupBody(Body):
    """Services that are moved together."""

    name: fields.Group
    services: Annotated[
        list[str], Field(description="Its services, in the order of the catalog.", examples=[["sonarr", "radarr"]])
    ]


class GroupsBody(Body):
    """All groups, in the order of the catalog."""

    groups: Annotated[
        list[GroupBody],
        Field(
            description="Each group of which you may see every service.",
            examples=[[{"name": "k3s-w1", "services": ["sonarr", "radarr"]}]],
        ),
    ]
