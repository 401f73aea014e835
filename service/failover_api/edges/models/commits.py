"""Commits, pull requests, and the values that they change."""

from typing import Annotated

from pydantic import Field

from failover_api.edges import examples, fields
from failover_api.edges.models.body import Body


class ChangeBody(Body):
    """One value that changes. A mapping that comes or goes is a line of YAML, with null on the other side."""

    file: fields.File
    document: fields.Document
    path: fields.Path
    line: fields.Line
    old: fields.OldValue
    new: fields.NewValue


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
AllCommits = Annotated[list[CommitBody], Field(description="All that were made.", examples=[[examples.MADE]])]
AllPullRequests = Annotated[
    list[PullRequestBody], Field(description="All that hold a part of it.", examples=[[examples.PULL_REQUEST]])
]
OpenPullRequest = Annotated[
    PullRequestBody | None,
    Field(description="The open pull request that moves it; null: there is none.", examples=[examples.PULL_REQUEST]),
]
