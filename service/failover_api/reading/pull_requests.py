"""Pull requests of ours: the names of their branches, which of them can move a service, and which are open."""

import re
from collections.abc import Mapping, Sequence

from failover_api.core.catalog.model import Branch, Policy, Service
from failover_api.core.text.trailers import Record, read_all_records, read_records
from failover_api.forge.port import Forge
from failover_api.forge.values import LoggedCommit, PullRequest

OWN_BRANCHES = "failover/"  # what the branch of a pull request of ours begins with
_OF_A_PULL_REQUEST = re.compile(r"\(#[0-9]+\)$|^Merge pull request #")


def branch_of(*, service: str = "", group: str | None = None) -> str:
    """The branch of a pull request of ours. A service's name cannot begin with `group-`."""
    return f"{OWN_BRANCHES}{service}" if group is None else f"{OWN_BRANCHES}group-{group}"


def branches_about(service: Service) -> tuple[str, ...]:
    """The branches whose pull requests can move a service: its own and its groups'."""
    return (branch_of(service=service.name), *(branch_of(group=group) for group in service.groups))


def may_be_proposed(service: Service) -> bool:
    """Whether the catalog lets pull requests move it."""
    return Policy.PULL_REQUEST in {service.policy, service.fallback}


def record_for(service: str, message: str) -> Record | None:
    """What a commit's message, or a pull request's body, says of a service."""
    return next((record for record in read_records(message) if record.service == service), None)


def looks_merged(commit: LoggedCommit) -> bool:
    """Whether it may be a pull request's merge that carries no trailers."""
    subject = commit.message.partition("\n")[0]
    return not read_all_records(commit.message) and _OF_A_PULL_REQUEST.search(subject) is not None


async def open_for(
    forge: Forge, branch: Branch, services: Sequence[Service], *, not_before: float
) -> Mapping[str, PullRequest]:
    """The open pull requests into `branch` that move a service, the oldest by each service's name.

    Asks for those of services only that pull requests may move.
    """
    able = [service for service in services if may_be_proposed(service)]
    if not able:
        return {}
    heads = dict.fromkeys(name for service in able for name in branches_about(service))
    pulls = await forge.open_pull_requests(branch, list(heads), not_before=not_before)
    by_service: dict[str, PullRequest] = {}
    for pull in pulls:
        moved = {record.service for record in read_records(pull.body)}
        for service in able:
            if pull.branch == branch_of(service=service.name) or service.name in moved:
                by_service.setdefault(service.name, pull)
    return by_service
