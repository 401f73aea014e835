"""The services of a group, and the pull requests that hold some of them."""

import dataclasses

from failover_api.core.plan import Plan
from failover_api.core.trailers import read_records
from failover_api.errors import OperationPending
from failover_api.forge.port import PullRequest
from failover_api.moves.task import Task, Thought
from failover_api.moves.tip import Base, Tip


def held_by(pull: PullRequest, task: Task) -> list[str]:
    """Those of the task's services that a pull request moves."""
    moved = {record.service for record in read_records(pull.body)}
    return [service.name for service in task.services if service.name in moved]


def those_of(tip: Tip, task: Task, base: Base) -> tuple[Task, Base]:
    """The task and its base for only those of a group that the open pull request moves: it gets no others meanwhile."""
    members = tuple(service for service in task.services if service.name in tip.records)
    if not members or len(members) == len(task.services):
        return task, base
    part = dataclasses.replace(task, services=members, versions=None)
    seen = {service.name: base.seen[service.name] for service in members}
    return part, Base(base.head, seen, part.think(seen, {}))


def with_others(whole: Base, part: Base, pull: PullRequest) -> Base:
    """Also what becomes of the services that the group's open pull request does not move; `part` is of those it does.

    They are there already, or are left out until it is merged.
    """
    moved = {plan.service.name: plan for plan in part.thought.plans}
    refused = dict(whole.thought.refused)
    plans: list[Plan] = []
    for plan in whole.thought.plans:
        name = plan.service.name
        if name in moved or not plan.changes:
            plans.append(moved.get(name, plan))
        else:
            refused[name] = OperationPending(f"{name}: {pull.url} is open without it: merge or close that first")
    return Base(whole.head, whole.seen, Thought(tuple(plans), refused, whole.thought.version))
