"""Commits, pull requests, and the values that they change."""

from collections.abc import Mapping

from failover_api.core.planning.change import Entries
from failover_api.core.planning.plan import Change
from failover_api.core.splice import Value
from failover_api.core.splice.shown import shown
from failover_api.edges.models.commits import ChangeBody, PullRequestBody
from failover_api.forge.values import PullRequest


def change_body(change: Change) -> ChangeBody:
    """One value that changes."""
    return ChangeBody(
        file=change.file,
        document=change.document,
        path=change.path,
        line=change.line,
        old=_value(change.old),
        new=_value(change.new),
    )


def _value(value: Value | Entries) -> Value:
    """A mapping as a text of YAML."""
    return shown(value) if isinstance(value, Mapping) else value


def pull_request_body(pull: PullRequest) -> PullRequestBody:
    return PullRequestBody(number=pull.number, url=pull.url, branch=pull.branch, state=pull.state)
