"""What came of a move: of a service, of a group, of all that is on a node."""

from typing import Annotated, Literal

from pydantic import Field

from failover_api.core.planning.state import State
from failover_api.edges import examples, fields
from failover_api.edges.models.body import Body
from failover_api.edges.models.commits import AllCommits, AllPullRequests, Changes, MadeCommit, MadePullRequest
from failover_api.edges.models.problems import Hazards, ProblemBody
from failover_api.edges.models.waves import Waves


class _Ended(Body):
    """What is said of every move. As the first base it comes last: pydantic takes fields from the last base on."""

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


class _ServiceMove(Body):
    service: fields.Service
    action: fields.ActionWord
    dry_run: fields.IsDryRun
    policy: fields.PolicyWord
    from_: Annotated[State, Field(alias="from", description="Where it was.", examples=["primary"])]


class OutcomeBody(_Ended, _ServiceMove):
    """What came of a service's move, or would come of it."""


class MemberBody(Body):
    """A service of a group."""

    service: fields.Service
    from_: Annotated[
        State | None, Field(alias="from", description="Where it was; null: it was left out.", examples=["primary"])
    ]
    to: Annotated[State | None, Field(description="Where it is moved to; null: left out.", examples=["backup"])]
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


class _GroupMove(Body):
    group: fields.Group
    action: fields.ActionWord
    dry_run: fields.IsDryRun
    policy: fields.PolicyOrMixed
    services: Annotated[
        list[RefusedMemberBody | MemberBody], Field(description="In the group's order.", examples=[[examples.MEMBER]])
    ]


class GroupOutcomeBody(_Ended, _GroupMove):
    """What came of a group's move: one commit, or one pull request."""

    waves: Waves


class PartedOutcomeBody(GroupOutcomeBody):
    """The same, of a group on several branches or under both policies (then `policy` is mixed).

    `commit` and `pull_request` are there when there is just one.
    """

    commits: AllCommits
    pull_requests: AllPullRequests


class _Evacuation(Body):
    node: fields.NodeName
    action: Annotated[Literal["evacuate"], Field(description="What was asked for.", examples=["evacuate"])]
    dry_run: fields.IsDryRun
    policy: fields.PolicyOrMixed
    services: Annotated[
        list[RefusedMemberBody | MemberBody],
        Field(description="Those that were active on the node, in the catalog's order.", examples=[[examples.MEMBER]]),
    ]
    unplaced: Annotated[
        list[str], Field(description="Services of which nobody knows the node; they stay.", examples=[["plex"]])
    ]


class NodeOutcomeBody(_Ended, _Evacuation):
    """What came of an evacuation: each service by its own action, to its other side."""

    waves: Waves


class PartedNodeOutcomeBody(NodeOutcomeBody):
    """The same, where it takes several commits or pull requests."""

    commits: AllCommits
    pull_requests: AllPullRequests
