"""Commits, pull requests, and the values that they change."""

from typing import Annotated, Literal

from pydantic import Field

from failover_api.edges import examples, fields
from failover_api.edges.models.body import Body


class ChangeBody(Body):
    """One value that changes. A mapping that comes or goes is a line of YAML, with null on the other side."""

    file: fields.File
    document: fields.Document
    path: fields.Path
    line: fields.Line
    old: Annotated[fields.Scalar, Field(description="The value before the move.", examples=["primary"])]
    new: Annotated[fields.Scalar, Field(description="The value after the move.", examples=["backup"])]


class NamedCommitBody(Body):
    """A commit, and where to see it."""

    sha: Annotated[str, Field(description="The commit's id.", examples=[examples.SHA])]
    url: Annotated[str, Field(description="Where to see the commit.", examples=[examples.COMMIT_URL])]


class CommitBody(NamedCommitBody):
    """The commit that was made."""

    verified: Annotated[bool, Field(description="GitHub says that its signature is good.", examples=[True])]


class PullRequestBody(Body):
    """A pull request of ours."""

    number: Annotated[int, Field(description="The pull request's number.", examples=[12])]
    url: Annotated[str, Field(description="Where to see the pull request.", examples=[examples.PULL_REQUEST_URL])]
    branch: Annotated[str, Field(description="The branch that it comes from.", examples=["failover/sonarr"])]
    state: Annotated[Literal["open", "merged", "closed"], Field(description="What became of it.", examples=["open"])]


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
