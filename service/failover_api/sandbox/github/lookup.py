"""What a GraphQL request means: a repository by name or id, a pull request by id; and how a refusal looks."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from graphql import GraphQLError

from failover_api.sandbox.github import nodes
from failover_api.sandbox.hosting.merging import settle
from failover_api.sandbox.hosting.people import MARIA_LOGIN

if TYPE_CHECKING:
    from failover_api.sandbox.github.call import Call
    from failover_api.sandbox.hosting.repository import PullRequest


def refuse(kind: str, message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"type": kind})


def named(call: Call, full_name: str) -> Call:
    """The same call, about one repository."""
    repo = call.world.repositories.get(full_name.lower())
    if repo is None or not call.actor.sees(repo.full_name):
        raise refuse("NOT_FOUND", f"Could not resolve to a Repository with the name '{full_name}'.")
    if not call.actor.may("contents=read"):
        raise refuse("FORBIDDEN", "Resource not accessible by integration")
    if repo.pulls:
        settle(repo, MARIA_LOGIN)
    return dataclasses.replace(call, repository=repo)


def by_id(call: Call, node_id: str) -> Call:
    """As `named`, by the repository's node id."""
    for repo in call.world.repositories.values():
        if repo.node_id == node_id:
            return named(call, repo.full_name)
    raise unknown(node_id)


def pull_request(call: Call, node_id: str) -> tuple[Call, PullRequest]:
    for repo in call.world.repositories.values():
        on = dataclasses.replace(call, repository=repo)
        for pull in repo.pulls.values():
            if nodes.pull_id(on, pull) == node_id and call.actor.sees(repo.full_name):
                return named(call, repo.full_name), pull
    raise unknown(node_id)


def unknown(node_id: str) -> GraphQLError:
    return refuse("NOT_FOUND", f"Could not resolve to a node with the global id of '{node_id}'.")


def require(call: Call, needed: str) -> None:
    """Raises FORBIDDEN. `needed` as in `Actor.may`."""
    if not call.actor.may(needed):
        raise refuse("FORBIDDEN", "Resource not accessible by integration")
