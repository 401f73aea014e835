"""Pull requests of ours: the names of their branches, and which of them can move a service."""

from failover_api.core.catalog.model import Policy, Service
from failover_api.core.text.trailers import Record, read_records

OWN_BRANCHES = "failover/"  # what the branch of a pull request of ours begins with


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
