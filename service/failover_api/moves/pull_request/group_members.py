"""The services of a group, and the pull requests that hold some of them."""

import dataclasses

from failover_api.core.planning.plan import Plan
from failover_api.core.text.trailers import read_records
from failover_api.errors import OperationPending
from failover_api.forge.values import PullRequest
from failover_api.moves.group import bound_to
from failover_api.moves.move import Move
from failover_api.moves.pull_request.branch_content import Base, BranchContent


def held_by(pull: PullRequest, move: Move) -> list[str]:
    """Those of the move's services that a pull request moves."""
    moved = {record.service for record in read_records(pull.body)}
    return [service.name for service in move.services if service.name in moved]


def those_of(content: BranchContent, move: Move, base: Base) -> tuple[Move, Base]:
    """The move and its base for only those of a group that the open pull request moves: it gets no others meanwhile."""
    members = tuple(service for service in move.services if service.name in content.records)
    if not members or len(members) == len(move.services):
        return move, base
    part = bound_to(dataclasses.replace(move, services=members), None)  # it is not the whole group's version
    part = part.accepting(content.records.values())
    seen = {service.name: base.seen[service.name] for service in members}
    return part, Base(base.head, seen, part.plan(seen, {}, base.undone), base.undone)


def with_others(whole: Base, part: Base, pull: PullRequest) -> Base:
    """Also what becomes of the services that the group's open pull request does not move; `part` is of those it does.

    They are there already, or are left out until it is merged.
    """
    moved = {plan.service.name: plan for plan in part.move_plan.plans}
    refused = dict(whole.move_plan.refused)
    plans: list[Plan] = []
    for plan in whole.move_plan.plans:
        name = plan.service.name
        if name in moved or not plan.changes:
            plans.append(moved.get(name, plan))
        else:
            refused[name] = OperationPending(f"{name}: {pull.url} is open without it: merge or close that first")
    version = whole.move_plan.version
    move_plan = dataclasses.replace(part.move_plan, plans=tuple(plans), refused=refused, version=version)
    return Base(whole.head, whole.seen, move_plan)
