"""The shapes of the JSON bodies, as OpenAPI shows them. How they are made from values: bodies.py."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Scalar = str | bool | int | float | None
From = Field(alias="from")


class Body(BaseModel):
    """What all have in common: keys that are words of Python are spelled as in the contract."""

    model_config = ConfigDict(populate_by_name=True, ser_json_inf_nan="strings")


def _is_none(value: object) -> bool:
    return value is None


class RefusedBody(Body):
    """A service for whose sake its group was refused, and why."""

    service: str
    type: str
    title: str
    detail: str
    hazards: list[dict[str, str | None]]


class ProblemBody(Body):
    """RFC 9457, with the outcome. `refused` is of a group: all its services that are refused, in its order.

    Type and status are then those of the first of them.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    outcome: str = "not-applied"
    refused: list[RefusedBody] | None = Field(default=None, exclude_if=_is_none)


# What others are made of


class NamedCommitBody(Body):
    """A commit, and where to see it."""

    sha: str
    url: str


class CommitBody(NamedCommitBody):
    """The commit that was made."""

    verified: bool


class PullRequestBody(Body):
    """A pull request. `state`: open, merged or closed."""

    number: int
    url: str
    branch: str
    state: str


class SwitchBody(Body):
    """One scalar of one document. `line` counts from 1."""

    file: str
    document: str
    path: str
    line: int
    value: Scalar
    primary: Scalar
    backup: Scalar
    side: str


class ChangeBody(Body):
    """One value that changes. Where a mapping comes or goes, null is on the other side, and a line of YAML on its own.

    `line` is where it stood before, or where what it is put behind stands.
    """

    file: str
    document: str
    path: str
    line: int
    old: Scalar
    new: Scalar


class HazardBody(Body):
    """What may go wrong between the commit and a running app, and what to do about it.

    `severity`: info, warn or stop. `about` is the document; `where` its file and line, null when it is no one place.
    """

    slug: str
    severity: str
    about: str
    where: str | None
    detail: str
    cure: str


class HazardsBody(Body):
    """The hazards of a service in short. `severity` is the highest, null where there is none."""

    slugs: list[str]
    severity: str | None


# Looking


class EntryBody(Body):
    """A commit of the history. `kind`: failover, or edit for a person's, which has no action.

    `time` is RFC 3339 in UTC; `message` the commit's first line. `verified` is about what the commit did, not about who
    signed it. Of a failover: true, its diff was checked and does what its trailers say; null, that cannot be proved
    (the catalog has changed since, or GitHub did not show the files of then). Of an edit: false, its trailers say that
    it was a failover, and its diff does something else; null, it says nothing of the kind.
    """

    kind: str
    time: str
    action: str | None
    from_: Annotated[str | None, From]
    to: str | None
    by: str
    reason: str | None
    operation: str | None
    commit: NamedCommitBody
    pull_request: PullRequestBody | None
    message: str
    verified: bool | None


class HistoryBody(Body):
    """Entries, newest first. `next` is the cursor of the page after this one."""

    entries: list[EntryBody]
    next: str | None


class NodesBody(Body):
    """The Kubernetes nodes behind each side; none where the catalog does not say."""

    primary: list[str]
    backup: list[str]


class PlaceBody(Body):
    """Where a service is, in the list and by itself."""

    service: str
    side: str
    policy: str
    repository: str
    branch: str
    groups: list[str]
    nodes: NodesBody
    switches: list[SwitchBody]
    pull_request: PullRequestBody | None = None
    last_move: EntryBody | None = None


class StatusBody(PlaceBody):
    """Where a service is. `hazards_to` are of the move to the other side; of one that is mixed or unknown, to backup.

    `hazards_complete`: all was looked at that they are found in. False: the repository's other manifests were not.
    """

    hazards_to: list[HazardBody]
    hazards_complete: bool


class ListedBody(PlaceBody):
    """A status of the list: one that could not be read says why."""

    hazards_to: HazardsBody
    error: ProblemBody | None = None


class ListBody(Body):
    """All services, in the order of the catalog."""

    services: list[ListedBody]
    config_error: str | None = None


class GroupBody(Body):
    """Services that are moved together, in the order of the catalog."""

    name: str
    services: list[str]


class GroupsBody(Body):
    """All groups, in the order of the catalog."""

    groups: list[GroupBody]


# Moving


class OutcomeBody(Body):
    """What came of a move, or would come of it.

    `warnings` are of what went wrong beside the move, and of what the opposite move will not bring back byte for byte.
    `hazards` are what may go wrong between the commit and the running app; `hazards_complete`: all was looked at that
    they are found in. False: the repository's other manifests were not.
    """

    service: str
    action: str
    dry_run: bool
    policy: str
    from_: Annotated[str, From]
    to: str
    changed: bool
    changes: list[ChangeBody]
    diff: str
    commit: CommitBody | None
    pull_request: PullRequestBody | None
    operation: str | None
    message: str
    warnings: list[str]
    hazards: list[HazardBody]
    hazards_complete: bool


class MemberBody(Body):
    """A service of a group."""

    service: str
    from_: Annotated[str | None, From]
    to: str | None
    changed: bool


class RefusedMemberBody(MemberBody):
    """A service that was left out (`skip_refused`), and why."""

    error: ProblemBody


class GroupOutcomeBody(Body):
    """What came of a group's move: one commit, or one pull request. `services` are in the group's order."""

    group: str
    action: str
    dry_run: bool
    policy: str
    services: list[RefusedMemberBody | MemberBody]
    to: str
    changed: bool
    changes: list[ChangeBody]
    diff: str
    commit: CommitBody | None
    pull_request: PullRequestBody | None
    operation: str | None
    message: str
    warnings: list[str]
    hazards: list[HazardBody]
    hazards_complete: bool


class PartedOutcomeBody(GroupOutcomeBody):
    """The same, of a group on several branches or under both policies (then `policy` is mixed).

    `commit` and `pull_request` are there when there is just one.
    """

    commits: list[CommitBody]
    pull_requests: list[PullRequestBody]
