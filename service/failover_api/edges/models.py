"""The shapes of the JSON bodies, as OpenAPI shows them: each key with what fields.py says of it.

How they are made from values: bodies.py. What may change in them, and how long a key lives: README.md.
"""

import operator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from failover_api.edges import examples, fields
from failover_api.edges.fields import Scalar as Scalar


class Body(BaseModel):
    """What all have in common: keys that are words of Python are spelled as in the contract."""

    model_config = ConfigDict(populate_by_name=True, ser_json_inf_nan="strings")


def _is_none(value: object) -> bool:
    return value is None


class HazardBody(Body):
    """What may go wrong between the commit and a running app, and what to do about it."""

    slug: fields.HazardSlug
    severity: fields.SeverityWord
    about: fields.About
    where: fields.Where
    detail: fields.HazardDetail
    cure: fields.Cure


class HazardsBody(Body):
    """The hazards of a service in short."""

    slugs: fields.HazardSlugs
    severity: fields.Worst


class ChangeBody(Body):
    """One value that changes. A mapping that comes or goes is a line of YAML, with null on the other side."""

    file: fields.File
    document: fields.Document
    path: fields.Path
    line: fields.Line
    old: fields.OldValue
    new: fields.NewValue


class RefusedBody(Body):
    """A service for whose sake its group was refused, and why."""

    service: fields.Service
    type: fields.ProblemType
    title: fields.Title
    detail: fields.Detail
    hazards: Annotated[list[HazardBody], Field(description="What would make it unsafe.", examples=[[]])]


class ProblemBody(Body):
    """RFC 9457, with the outcome. Type and status of a group's are those of the first service that is refused."""

    type: fields.ProblemType
    title: fields.Title
    status: fields.Status
    detail: fields.Detail
    instance: fields.Instance
    outcome: fields.Applied
    refused: Annotated[
        list[RefusedBody] | None,
        Field(
            exclude_if=_is_none,
            description="Of a group, and only there: all its services that are refused, in its order.",
            examples=[[examples.REFUSED]],
        ),
    ] = None
    hazards: Annotated[
        list[HazardBody] | None,
        Field(exclude_if=_is_none, description="Of an unsafe move: all its hazards.", examples=[[examples.HAZARD]]),
    ] = None
    changes: Annotated[
        list[ChangeBody] | None,
        Field(exclude_if=_is_none, description="Of an unsafe move: what would move.", examples=[[examples.CHANGE]]),
    ] = None
    diff: Annotated[
        str | None,
        Field(exclude_if=_is_none, description="Of an unsafe move: the diff of its dry run.", examples=[examples.DIFF]),
    ] = None
    message: Annotated[
        str | None,
        Field(exclude_if=_is_none, description="Of an unsafe move: what it would do.", examples=[examples.MESSAGE]),
    ] = None


# What others are made of


class NamedCommitBody(Body):
    """A commit, and where to see it."""

    sha: fields.Sha
    url: fields.CommitUrl


class CommitBody(NamedCommitBody):
    """The commit that was made."""

    verified: fields.Signed


class PullRequestBody(Body):
    """A pull request of ours."""

    number: fields.Number
    url: fields.PullRequestUrl
    branch: fields.HeadBranch
    state: fields.PullRequestState


class SwitchBody(Body):
    """One scalar of one document."""

    file: fields.File
    document: fields.Document
    path: fields.Path
    line: fields.Line
    value: fields.Value
    primary: fields.PrimaryValue
    backup: fields.BackupValue
    side: fields.SideNow


Hazards = Annotated[
    list[HazardBody],
    Field(description="What may go wrong between the commit and the running app.", examples=[[examples.HAZARD]]),
]
Changes = Annotated[list[ChangeBody], Field(description="Each value that moves.", examples=[[examples.CHANGE]])]
MadeCommit = Annotated[
    CommitBody | None,
    Field(description="The commit that was made; null: none, or several.", examples=[examples.MADE]),
]
MadePullRequest = Annotated[
    PullRequestBody | None,
    Field(
        description="The pull request that holds it; null: there is none, or several.", examples=[examples.PULL_REQUEST]
    ),
]
OpenPullRequest = Annotated[
    PullRequestBody | None,
    Field(description="The open pull request that moves it; null: there is none.", examples=[examples.PULL_REQUEST]),
]


# Looking


class EntryStepBody(Body):
    """A commit of a relocation."""

    step: fields.EntryStep
    at: fields.Time
    commit: Annotated[NamedCommitBody, Field(description="The commit itself.", examples=[examples.COMMIT])]
    proof: fields.Proof


class EntryBody(Body):
    """A commit of the history: a move, or a person's edit."""

    kind: fields.EntryKind
    time: fields.Time
    action: fields.EntryAction
    from_: fields.EntryBefore
    to: fields.EntryAfter
    by: fields.By
    reason: fields.Reason
    operation: fields.EntryOperation
    commit: Annotated[NamedCommitBody, Field(description="The commit itself.", examples=[examples.COMMIT])]
    pull_request: Annotated[
        PullRequestBody | None,
        Field(description="The one that brought it; null: none.", examples=[examples.PULL_REQUEST]),
    ]
    message: fields.Subject
    verified: fields.Audited
    accepted: Annotated[
        list[str],
        Field(
            exclude_if=operator.not_,
            description="The hazards that arose and were accepted; left out where there are none.",
            examples=[["data-left-behind"]],
        ),
    ] = []
    steps: Annotated[
        list[EntryStepBody],
        Field(
            exclude_if=operator.not_,
            description="Of a relocation its commits, oldest first; left out of anything else.",
            examples=[[examples.ENTRY_STEP]],
        ),
    ] = []


class HistoryBody(Body):
    """A page of the history."""

    entries: Annotated[list[EntryBody], Field(description="Newest first.", examples=[[examples.ENTRY]])]
    next: fields.NextCursor


class NodesBody(Body):
    """The Kubernetes nodes behind each side; none where the catalog does not say."""

    primary: fields.PrimaryNodes
    backup: fields.BackupNodes


class ClusterBody(Body):
    """A service in its cluster. Times come from the cluster's own clocks."""

    seen_at: fields.SeenAt
    side: fields.LiveSide
    stage: fields.StageWord
    node: fields.PodNode
    pod: fields.PodName
    since: fields.Since
    reason: fields.StageReason
    cure: fields.StageCure

    @property
    def lasting(self) -> "ClusterBody":
        """Without what changes with every look: so an ETag names what is shown, not when."""
        return self.model_copy(update={"seen_at": "", "since": None, "cure": ""})


class ReplicationBody(Body):
    """How well its data is copied to the side where it is not. Times come from the cluster's own clocks."""

    kind: fields.ReplicationKindWord
    state: fields.ReplicationStateWord
    data_as_of: fields.DataAsOf
    last_sync: fields.LastSync
    in_flight: fields.InFlight
    reason: fields.ReplicationReason

    @property
    def lasting(self) -> "ReplicationBody":
        """The state alone, as ClusterBody.lasting."""
        return self.model_copy(update={"data_as_of": None, "last_sync": None, "in_flight": False, "reason": ""})


class PlaceBody(Body):
    """Where a service is, in the list and by itself."""

    service: fields.Service
    side: fields.SideNow
    policy: fields.PolicyWord
    repository: fields.Repository
    branch: fields.BranchName
    groups: fields.Groups
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
    config_error: fields.ConfigError


class StepBody(Body):
    """A step on the way from a move to a running app."""

    name: fields.StepName
    at: fields.StepAt
    detail: fields.StepDetail


class BlockedBody(Body):
    """Why it does not go on, and what to do about it."""

    reason: fields.StageReason
    cure: fields.StageCure


class RolloutBody(Body):
    """How far a move has come."""

    operation: fields.Operation
    commit: Annotated[
        NamedCommitBody | None,
        Field(description="The commit that made the move; null: it is only proposed.", examples=[examples.COMMIT]),
    ]
    stage: fields.StageWord
    done: fields.Done
    steps: Annotated[
        list[StepBody], Field(description="The steps that apply, in their order.", examples=[[examples.STEP]])
    ]
    hazards: Hazards
    blocked: Annotated[
        BlockedBody | None, Field(description="Why it does not go on; null: it is not blocked.", examples=[None])
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


# Moving


class OutcomeBody(Body):
    """What came of a service's move, or would come of it."""

    service: fields.Service
    action: fields.ActionWord
    dry_run: fields.IsDryRun
    policy: fields.PolicyWord
    from_: fields.SideBefore
    to: fields.SideAfter
    changed: fields.Changed
    changes: Changes
    diff: fields.Diff
    commit: MadeCommit
    pull_request: MadePullRequest
    operation: fields.Operation
    message: fields.Message
    warnings: fields.Warnings
    hazards: Hazards
    hazards_complete: fields.HazardsComplete


class MemberBody(Body):
    """A service of a group."""

    service: fields.Service
    from_: fields.MemberBefore
    to: fields.MemberAfter
    changed: fields.Changed


class RefusedMemberBody(MemberBody):
    """A service that was left out (`skip_refused`), and why."""

    error: Annotated[
        ProblemBody,
        Field(
            description="Why it was left out.",
            examples=[{**examples.REFUSED, "status": 409, "instance": None, "outcome": "not-applied"}],
        ),
    ]


class WaveBody(Body):
    """One wave of a move: services that go together, once those that they wait for serve."""

    services: Annotated[list[str], Field(description="Who is in it.", examples=[["paperless-db"]])]
    state: fields.WaveStateWord
    commit: Annotated[
        NamedCommitBody | None,
        Field(description="Its commit; null: there is none, or there are several.", examples=[examples.COMMIT]),
    ]
    reason: fields.WaveReason
    commits: Annotated[
        list[NamedCommitBody] | None,
        Field(
            default=None,
            exclude_if=_is_none,
            description="All of them, only where there are several.",
            examples=[[examples.COMMIT]],
        ),
    ]


Waves = Annotated[
    list[WaveBody] | None,
    Field(
        default=None,
        exclude_if=_is_none,
        description="Only where services wait for others (`after`): who goes when, and how far that is.",
        examples=[[examples.WAVE]],
    ),
]


class RelocationStepBody(Body):
    """One of the five steps. `changes` and `diff` are those of a dry run."""

    name: fields.RelocationStepName
    state: fields.StepStateWord
    at: fields.RelocationStepAt
    commits: Annotated[
        list[NamedCommitBody], Field(description="Its commits, oldest first.", examples=[[examples.COMMIT]])
    ]
    proof: fields.Proof
    changes: Annotated[
        list[ChangeBody], Field(description="In a dry run, what it would change.", examples=[[examples.CHANGE]])
    ]
    diff: fields.Diff


class RelocationBody(Body):
    """How far a relocation is."""

    operation: fields.Operation
    service: fields.Service
    to: fields.RelocationTarget
    step: fields.RelocationStepName
    steps: Annotated[list[RelocationStepBody], Field(description="All five.", examples=[[examples.RELOCATION_STEP]])]
    state: fields.RelocationStateWord
    reason: fields.RelocationReason
    cure: fields.RelocationCure
    waited_s: fields.WaitedS
    limit_s: fields.LimitS
    downtime_s: fields.DowntimeS
    dry_run: fields.IsDryRun


class OperationBody(Body):
    """How far a move in waves is."""

    operation: fields.Operation
    state: fields.OperationStateWord
    waves: Annotated[list[WaveBody], Field(description="First to last.", examples=[[examples.WAVE]])]


class GroupOutcomeBody(Body):
    """What came of a group's move: one commit, or one pull request."""

    group: fields.Group
    action: fields.ActionWord
    dry_run: fields.IsDryRun
    policy: fields.PolicyOrMixed
    services: Annotated[
        list[RefusedMemberBody | MemberBody], Field(description="In the group's order.", examples=[[examples.MEMBER]])
    ]
    to: fields.SideAfter
    changed: fields.Changed
    changes: Changes
    diff: fields.Diff
    commit: MadeCommit
    pull_request: MadePullRequest
    operation: fields.Operation
    message: fields.Message
    warnings: fields.Warnings
    hazards: Hazards
    hazards_complete: fields.HazardsComplete
    waves: Waves


class PartedOutcomeBody(GroupOutcomeBody):
    """The same, of a group on several branches or under both policies (then `policy` is mixed).

    `commit` and `pull_request` are there when there is just one.
    """

    commits: Annotated[list[CommitBody], Field(description="All that were made.", examples=[[examples.MADE]])]
    pull_requests: Annotated[
        list[PullRequestBody], Field(description="All that hold a part of it.", examples=[[examples.PULL_REQUEST]])
    ]


class NodeOutcomeBody(Body):
    """What came of an evacuation: each service by its own action, to its other side."""

    node: fields.NodeName
    action: fields.Evacuate
    dry_run: fields.IsDryRun
    policy: fields.PolicyOrMixed
    services: Annotated[
        list[RefusedMemberBody | MemberBody],
        Field(description="Those that were active on the node, in the catalog's order.", examples=[[examples.MEMBER]]),
    ]
    unplaced: fields.Unplaced
    to: fields.SideAfter
    changed: fields.Changed
    changes: Changes
    diff: fields.Diff
    commit: MadeCommit
    pull_request: MadePullRequest
    operation: fields.Operation
    message: fields.Message
    warnings: fields.Warnings
    hazards: Hazards
    hazards_complete: fields.HazardsComplete
    waves: Waves


class PartedNodeOutcomeBody(NodeOutcomeBody):
    """The same, where it takes several commits or pull requests."""

    commits: Annotated[list[CommitBody], Field(description="All that were made.", examples=[[examples.MADE]])]
    pull_requests: Annotated[
        list[PullRequestBody], Field(description="All that hold a part of it.", examples=[[examples.PULL_REQUEST]])
    ]


# Nodes


class OnNodeBody(Body):
    """The services of a node."""

    active: Annotated[list[str], Field(description="Whose side in Git is on this node.", examples=[["sonarr"]])]
    standby: Annotated[list[str], Field(description="Whose other side is on it.", examples=[["radarr"]])]


class NodeBody(Body):
    """A node of the cluster, or one that the catalog names."""

    name: fields.NodeName
    state: fields.NodeStateWord
    since: Annotated[
        str | None,
        Field(description="Since when, by the cluster's clock; null: not known.", examples=["2026-11-29T21:45:00Z"]),
    ]
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
            exclude_if=_is_none,
            description="When the replica that leads automatic failover judged them so; without it, one look shows it.",
            examples=["2026-11-30T20:00:00Z"],
        ),
    ] = None


# Automatic failover


class JudgedNodeBody(Body):
    """A node, as automatic failover judges it."""

    name: fields.NodeName
    state: fields.JudgedState
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
    died_at: Annotated[str, Field(description="When Kubernetes last heard of it.", examples=["2026-11-30T20:00:00Z"])]
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

    mode: fields.ModeWord
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


# The process


class AliveBody(Body):
    """The process lives; it depends on nothing."""

    status: fields.Alive


class ReadyBody(Body):
    """The catalog is loaded, and the credentials can be read."""

    status: fields.Ready


class VersionBody(Body):
    """What runs here."""

    version: fields.ProductVersion
    api: fields.ApiVersion
    python: fields.PythonVersion


class AlertServiceBody(Body):
    """What an alert came to for one service."""

    service: fields.Service
    result: fields.AlertResult
    held: fields.HeldBy
    holds: Annotated[
        list[HoldBody], Field(description="The gates that hold it, in their order.", examples=[[examples.HOLD]])
    ]
    operation: Annotated[
        str | None, Field(description="The operation that moves it; null: none does.", examples=[examples.ULID])
    ]
    detail: Annotated[str, Field(description="Why it was refused; empty: it was not.", examples=[""])]


class AlertBody(Body):
    """What one alert came to. Of one that could not be read `fingerprint` is null, and `detail` says why."""

    fingerprint: Annotated[str | None, Field(description="As it came.", examples=["c1f2a3b4d5e6f708"])]
    alertname: Annotated[str, Field(description="Its label of that name; empty: it has none.", examples=["NodeGone"])]
    status: Annotated[str | None, Field(description="firing or resolved, as it came.", examples=["firing"])]
    means: fields.MeansOrNull
    node: Annotated[str | None, Field(description="The node that it is about.", examples=["k3s-w1"])]
    group: Annotated[str | None, Field(description="The group that it is about.", examples=[None])]
    result: fields.AlertResult
    held: fields.HeldBy
    detail: Annotated[str, Field(description="More of it, in words.", examples=["it began before the last move"])]
    cure: Annotated[str, Field(description="What to do about what holds it; empty: nothing.", examples=[""])]
    services: Annotated[
        list[AlertServiceBody],
        Field(
            description="What it came to for each service that it would move, in order.",
            examples=[[examples.ALERT_SERVICE]],
        ),
    ]


class AlertsBody(Body):
    """What the alerts of a delivery came to."""

    alerts: Annotated[list[AlertBody], Field(description="In the order of the delivery.", examples=[[examples.ALERT]])]
    left_out: Annotated[int, Field(description="Alerts that are known to be missing from the delivery.", examples=[0])]
