"""What came of a move: of a service, of a group, of all that is on a node."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from failover_api.core.planning.plan import Plan
from failover_api.core.planning.state import State
from failover_api.core.safety.hazard import Hazard
from failover_api.core.safety.hazards import once_for_a_group
from failover_api.core.text.diff import unified_diff
from failover_api.edges.bodies.commits import change_body, pull_request_body
from failover_api.edges.bodies.problems import hazard_bodies, problem_body
from failover_api.edges.bodies.waves import in_waves
from failover_api.edges.models.commits import CommitBody, PullRequestBody
from failover_api.edges.models.moves import (
    GroupOutcomeBody,
    MemberBody,
    NodeOutcomeBody,
    OutcomeBody,
    PartedNodeOutcomeBody,
    PartedOutcomeBody,
    RefusedMemberBody,
)
from failover_api.errors import FailoverError
from failover_api.moves.evacuation import NodeOutcome, group_of
from failover_api.moves.outcome import GroupOutcome, Outcome, told


def outcome_body(outcome: Outcome) -> OutcomeBody:
    plan = outcome.plan
    return OutcomeBody(service=plan.service.name, from_=plan.before.state, to=plan.after, **_move([outcome]))


def group_body(outcome: GroupOutcome) -> GroupOutcomeBody:
    """`commits` and `pull_requests` only where there may be several."""
    said = {
        "group": outcome.group,
        "to": State(outcome.action.target.value),
        "services": _members(outcome),
        **in_waves(_move(outcome.parts, group=outcome.group), outcome.waves, outcome.warnings),
    }
    if len(outcome.parts) == 1:
        return GroupOutcomeBody(**said)
    return PartedOutcomeBody(
        **said,
        commits=_commits(outcome.parts),
        pull_requests=_pull_requests(outcome.parts),
    )


def node_outcome_body(outcome: NodeOutcome, *, visible: Callable[[str], bool] = lambda _: True) -> NodeOutcomeBody:
    """`commits` and `pull_requests` only where there may be several; `visible` says which services may be named."""
    name = group_of(outcome.node)
    told: dict[str, Any] = {
        **in_waves(
            _move(outcome.parts, group=name) if outcome.parts else _nothing(name, dry_run=outcome.dry_run),
            outcome.waves,
            outcome.warnings,
        ),
        "node": outcome.node,
        "action": "evacuate",
        "to": outcome.to,
        "services": _members(outcome),
        "unplaced": [service for service in outcome.unplaced if visible(service)],
    }
    if len(outcome.parts) < 2:
        return NodeOutcomeBody(**told)
    return PartedNodeOutcomeBody(**told, commits=_commits(outcome.parts), pull_requests=_pull_requests(outcome.parts))


def _members(outcome: GroupOutcome | NodeOutcome) -> list[MemberBody]:
    """In their order; those who move in a later wave, too."""
    members = {plan.service.name: _member(plan, part) for part in outcome.parts for plan in part.plans}
    refused = {name: _refused(name, error) for part in outcome.parts for name, error in part.refused.items()}
    everybody = {**_later(outcome.later), **members, **refused}
    return [everybody[name] for name in outcome.order]


def _later(later: Mapping[str, tuple[State, State]]) -> dict[str, MemberBody]:
    """Those who move in a later wave: nothing of them is changed yet."""
    return {name: MemberBody(service=name, from_=at, to=to, changed=False) for name, (at, to) in later.items()}


def _nothing(name: str, *, dry_run: bool) -> dict[str, Any]:
    """Of an evacuation without a service."""
    return {
        "dry_run": dry_run,
        "policy": "direct",
        "changed": False,
        "changes": [],
        "diff": "",
        "commit": None,
        "pull_request": None,
        "operation": None,
        "message": f"{name}: no service is active there; nothing to do.",
        "warnings": [],
        "hazards": [],
        "hazards_complete": True,
    }


def _move(parts: Sequence[Outcome], *, group: str | None = None) -> dict[str, Any]:
    """What all outcomes say, as keywords of its body."""
    plans = [plan for part in parts for plan in part.plans]
    policies = {part.policy.value for part in parts}
    commits, pulls = _commits(parts), _pull_requests(parts)
    return {
        "action": parts[0].action,
        "dry_run": any(part.dry_run for part in parts),
        "policy": policies.pop() if len(policies) == 1 else "mixed",
        "changed": any(part.changed for part in parts),
        "changes": [change_body(change) for plan in plans for change in plan.changes],
        "diff": "".join(unified_diff(plan.old, plan.new) for plan in plans),
        "commit": commits[0] if len(commits) == 1 else None,
        "pull_request": pulls[0] if len(pulls) == 1 else None,
        "operation": _operation(parts),
        "message": told(parts, group=group),
        "warnings": list(dict.fromkeys(warning for part in parts for warning in part.all_warnings)),
        "hazards": hazard_bodies(_told_of(parts)),
        "hazards_complete": all(part.hazards_complete for part in parts),
    }


def _operation(parts: Sequence[Outcome]) -> str | None:
    """This call's, where it did something; else the first that was found."""
    done = [part for part in parts if part.changed] or parts
    return next((part.operation for part in done if part.operation is not None), None)


def _member(plan: Plan, part: Outcome) -> MemberBody:
    changed = part.changed and bool(plan.changes)
    return MemberBody(service=plan.service.name, from_=plan.before.state, to=plan.after, changed=changed)


def _refused(name: str, error: FailoverError) -> RefusedMemberBody:
    return RefusedMemberBody(service=name, from_=None, to=None, changed=False, error=problem_body(error))


def _commits(parts: Iterable[Outcome]) -> list[CommitBody]:
    found = (part.commit for part in parts)
    return [CommitBody(sha=one.sha, url=one.url, verified=one.verified) for one in found if one is not None]


def _pull_requests(parts: Iterable[Outcome]) -> list[PullRequestBody]:
    return [pull_request_body(part.pull_request) for part in parts if part.pull_request is not None]


def _told_of(parts: Sequence[Outcome]) -> list[Hazard]:
    """What several parts meet alike is said once."""
    found = [hazard for part in parts for hazard in part.hazards]
    return once_for_a_group(found) if len(parts) > 1 else found
