"""Groups: a task for each branch and policy of its services, all of them planned before one is written."""

from collections.abc import Sequence

from failover_api.core.catalog import Action, Branch, Policy, Service
from failover_api.core.message import Asked
from failover_api.errors import CannotPlan, FailoverError, OutcomeUnknown, PreconditionFailed
from failover_api.moves.task import Task
from failover_api.outcome import GroupOutcome, Outcome


def parts_of(
    services: Sequence[Service], action: Action, asked: Asked, *, skip_refused: bool, supersede: bool
) -> list[Task]:
    """A task for each branch and policy, in the order of the group."""
    members: dict[tuple[Branch, Policy], list[Service]] = {}
    for service in services:
        members.setdefault((service.branch, service.policy), []).append(service)
    return [
        Task(tuple(part), action, asked, skip_refused=skip_refused, supersede=supersede) for part in members.values()
    ]


def check_branches(group: str, tasks: Sequence[Task]) -> None:
    """A group has one branch for its pull request in a repository, and that leads to one branch."""
    bases: dict[str, str] = {}
    for task in tasks:
        if task.policy is Policy.PULL_REQUEST:
            other = bases.setdefault(task.branch.repository, task.branch.name)
            if other != task.branch.name:
                raise CannotPlan(
                    f"{group} has services on {other} and on {task.branch.name} of {task.branch.repository}, both by "
                    "pull request; make it two groups"
                )


def check_versions(outcome: GroupOutcome, versions: frozenset[str] | None) -> None:
    is_repeat = any(part.is_repeat for part in outcome.parts)
    if versions is not None and outcome.version not in versions and not is_repeat:
        raise PreconditionFailed(f"the manifests of {outcome.group} are not those of the If-Match; look again")


def half_done(group: str, done: Sequence[Outcome], failed: Task, error: FailoverError) -> OutcomeUnknown:
    """Several repositories or branches cannot be written at once: what was done, and what was not."""
    made = "; ".join(f"{one.plans[0].service.branch}: {_where(one)}" for one in done if one.changed)
    return OutcomeUnknown(
        f"{group} was moved in part. Done: {made}. Not done: {failed.branch} ({error.slug}: {error.detail}). "
        "Ask again: what is done is left as it is"
    )


def _where(outcome: Outcome) -> str:
    if outcome.pull_request is not None:
        return outcome.pull_request.url
    return f"commit {outcome.commit.sha[:12]}" if outcome.commit else "nothing to do"
