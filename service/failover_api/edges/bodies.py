"""The JSON bodies, made from what the use cases return. Their shapes: models/."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

from failover_api.core.planning.change import Entries
from failover_api.core.planning.plan import Change, Plan
from failover_api.core.planning.state import Reading, State
from failover_api.core.rfc3339 import rfc3339
from failover_api.core.safety.hazard import Hazard, worst
from failover_api.core.safety.hazards import once_for_a_group
from failover_api.core.safety.node_states import NodeHealth, NodeState
from failover_api.core.safety.replication_states import ReplicationStatus
from failover_api.core.safety.rollout.steps import Rollout
from failover_api.core.splice import Value
from failover_api.core.splice.shown import shown
from failover_api.core.text.diff import unified_diff
from failover_api.edges.models.commits import ChangeBody, CommitBody, NamedCommitBody, PullRequestBody
from failover_api.edges.models.history import EntryBody, EntryStepBody, HistoryBody
from failover_api.edges.models.moves import (
    GroupOutcomeBody,
    MemberBody,
    NodeOutcomeBody,
    OutcomeBody,
    PartedNodeOutcomeBody,
    PartedOutcomeBody,
    RefusedMemberBody,
)
from failover_api.edges.models.nodes import NodeBody, NodesListBody, OnNodeBody
from failover_api.edges.models.places import (
    ClusterBody,
    GroupBody,
    GroupsBody,
    ListBody,
    ListedBody,
    NodesBody,
    ReplicationBody,
    StatusBody,
    SwitchBody,
)
from failover_api.edges.models.problems import HazardBody, HazardsBody, ProblemBody
from failover_api.edges.models.rollouts import BlockedBody, RolloutBody, StepBody
from failover_api.edges.models.waves import OperationBody, WaveBody
from failover_api.edges.problems import problem
from failover_api.errors import FailoverError
from failover_api.forge.values import PullRequest
from failover_api.moves.evacuation import NodeOutcome, group_of
from failover_api.moves.outcome import GroupOutcome, Outcome, ReportedWave, WaveReport, told
from failover_api.reading.history import Entry, Page, PastStep
from failover_api.reading.nodes import NodeReport, Nodes
from failover_api.reading.status import Status, Unreadable

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.automatic.report import NodeLine, Report
    from failover_api.core.safety.rollout.stage import ClusterState

# Looking


def status_body(status: Status, *, groups: Set[str] | None = None) -> StatusBody:
    """`groups`: only these are named; None: all."""
    return StatusBody(
        **_place(status, groups),
        hazards_to=_hazards(status.hazards_to),
        hazards_complete=status.hazards_complete,
    )


def list_body(
    statuses: Sequence[Status | Unreadable], config_error: str | None, *, groups: Set[str] | None = None
) -> ListBody:
    """`groups` as in status_body()."""
    return ListBody(services=[_listed(status, groups) for status in statuses], config_error=config_error)


def groups_body(groups: Mapping[str, Sequence[str]]) -> GroupsBody:
    """`groups` is {name: names of its services}."""
    return GroupsBody(groups=[GroupBody(name=name, services=list(members)) for name, members in groups.items()])


def history_body(page: Page) -> HistoryBody:
    return HistoryBody(entries=[_entry(entry) for entry in page.entries], next=page.next)


def _heading(status: Status | Unreadable, groups: Set[str] | None) -> dict[str, Any]:
    service = status.service
    return {
        "service": service.name,
        "policy": service.policy.value,
        "repository": service.branch.repository,
        "branch": service.branch.name,
        "groups": [name for name in service.groups if groups is None or name in groups],
        "nodes": NodesBody(primary=list(service.primary_nodes), backup=list(service.backup_nodes)),
    }


def _place(status: Status, groups: Set[str] | None) -> dict[str, Any]:
    return {
        **_heading(status, groups),
        "side": status.detection.state,
        "switches": [_switch(reading) for reading in status.detection.readings],
        "pull_request": _pull_request(status.pull_request) if status.pull_request else None,
        "last_move": _entry(status.last_move) if status.last_move else None,
        "cluster": _cluster(status.cluster) if status.cluster else None,
        "replication": _replication(status.replication) if status.replication else None,
    }


def _listed(status: Status | Unreadable, groups: Set[str] | None) -> ListedBody:
    """Of hazards only the slugs and the highest severity."""
    found = () if isinstance(status, Unreadable) else status.hazards_to
    severity = worst(found)
    in_short = HazardsBody(slugs=list(dict.fromkeys(hazard.slug for hazard in found)), severity=severity)
    if isinstance(status, Unreadable):
        problem = _problem(status.error)
        place = {**_heading(status, groups), "side": State.UNKNOWN, "switches": [], "pull_request": None}
        return ListedBody(**place, last_move=None, cluster=None, replication=None, hazards_to=in_short, error=problem)
    return ListedBody(**_place(status, groups), hazards_to=in_short, error=None)


def _switch(reading: Reading) -> SwitchBody:
    return SwitchBody(
        file=reading.file,
        document=reading.document,
        path=reading.switch.path_text,
        line=reading.line,
        value=reading.value,
        primary=reading.switch.primary,
        backup=reading.switch.backup,
        side=reading.state,
    )


def _entry(entry: Entry) -> EntryBody:
    record, logged = entry.record, entry.logged
    return EntryBody(
        kind="failover" if record else "edit",
        time=logged.at,
        action=record.action if record else None,
        from_=record.before if record else None,
        to=record.after if record else None,
        by=entry.by,
        reason=(record and record.provenance.reason) or None,
        operation=record.operation if record else None,
        commit=NamedCommitBody(sha=logged.sha, url=logged.url),
        pull_request=_pull_request(entry.pull_request) if entry.pull_request else None,
        message=entry.subject,
        verified=entry.verified,
        accepted=list(record.accepted) if record else [],
        steps=[_entry_step(step) for step in entry.steps],
    )


def _entry_step(step: PastStep) -> EntryStepBody:
    commit = NamedCommitBody(sha=step.logged.sha, url=step.logged.url)
    return EntryStepBody(
        step=step.record.provenance.step or "", at=step.logged.at, commit=commit, proof=step.record.proof
    )


def rollout_body(rollout: Rollout) -> RolloutBody:
    git, blocked = rollout.git, rollout.blocked
    return RolloutBody(
        operation=git.operation,
        commit=NamedCommitBody(sha=git.sha, url=git.url) if git.sha else None,
        stage=rollout.stage,
        done=rollout.done,
        steps=[StepBody(name=step.name, at=_time(step.at), detail=step.detail) for step in rollout.steps],
        hazards=_hazards(rollout.hazards),
        blocked=BlockedBody(reason=blocked.reason, cure=blocked.cure) if blocked else None,
    )


def _cluster(state: "ClusterState") -> ClusterBody:
    return ClusterBody(
        seen_at=rfc3339(state.seen_at),
        side=state.side,
        stage=state.stage,
        node=state.node or None,
        pod=state.pod or None,
        since=_time(state.since),
        reason=state.reason,
        cure=state.cure,
    )


def _replication(status: ReplicationStatus) -> ReplicationBody:
    return ReplicationBody(
        kind=status.kind,
        state=status.state,
        data_as_of=_time(status.data_as_of),
        last_sync=_time(status.last_sync_at),
        in_flight=status.in_flight,
        reason=status.reason,
    )


def _time(at: float | None) -> str | None:
    return None if at is None else rfc3339(at)


_STATES = frozenset(NodeState)


def nodes_body(
    nodes: Nodes, *, visible: Callable[[str], bool] = lambda _: True, judged: "Report | None" = None
) -> NodesListBody:
    """`visible` says which services may be named; `judged` is what automatic failover makes of the nodes."""
    return NodesListBody(
        nodes=[_node(report, visible, judged.node(report.name) if judged else None) for report in nodes.reports],
        as_of=_time(judged.as_of) if judged else None,
    )


def _node(report: NodeReport, visible: Callable[[str], bool], judged: "NodeLine | None") -> NodeBody:
    health = NodeHealth(NodeState(judged.state), judged.since) if judged and judged.state in _STATES else report.health
    on_it = OnNodeBody(
        active=[name for name in report.active if visible(name)],
        standby=[name for name in report.standby if visible(name)],
    )
    return NodeBody(
        name=report.name,
        state=health.state,
        since=_time(health.since),
        ready=report.ready,
        renewed_at=_time(report.renewed_at),
        unschedulable=report.is_unschedulable,
        services=on_it,
    )


# Moving


def outcome_body(outcome: Outcome) -> OutcomeBody:
    plan = outcome.plan
    return OutcomeBody(service=plan.service.name, from_=plan.before.state, to=plan.after, **_move([outcome]))


def group_body(outcome: GroupOutcome) -> GroupOutcomeBody:
    """`commits` and `pull_requests` only where there may be several."""
    members = {plan.service.name: _member(plan, part) for part in outcome.parts for plan in part.plans}
    refused = {name: _refused(name, error) for part in outcome.parts for name, error in part.refused.items()}
    said = {
        "group": outcome.group,
        "to": State(outcome.action.target.value),
        "services": [{**_later(outcome.later), **members, **refused}[name] for name in outcome.order],
        **_in_waves(_move(outcome.parts, group=outcome.group), outcome.waves, outcome.warnings),
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
    members = {plan.service.name: _member(plan, part) for part in outcome.parts for plan in part.plans}
    refused = {name: _refused(name, error) for part in outcome.parts for name, error in part.refused.items()}
    told: dict[str, Any] = {
        **_in_waves(
            _move(outcome.parts, group=name) if outcome.parts else _nothing(name, dry_run=outcome.dry_run),
            outcome.waves,
            outcome.warnings,
        ),
        "node": outcome.node,
        "action": "evacuate",
        "to": outcome.to,
        "services": [{**_later(outcome.later), **members, **refused}[member] for member in outcome.order],
        "unplaced": [service for service in outcome.unplaced if visible(service)],
    }
    if len(outcome.parts) < 2:
        return NodeOutcomeBody(**told)
    return PartedNodeOutcomeBody(**told, commits=_commits(outcome.parts), pull_requests=_pull_requests(outcome.parts))


def operation_body(report: WaveReport, *, visible: Callable[[str], bool] = lambda _: True) -> OperationBody:
    """`visible` says which services may be named."""
    waves = [_wave(wave, visible) for wave in report.waves]
    return OperationBody(operation=report.operation, state=report.state, waves=[one for one in waves if one.services])


def _wave(wave: ReportedWave, visible: Callable[[str], bool] = lambda _: True) -> WaveBody:
    commits = [NamedCommitBody(sha=commit.sha, url=commit.url) for commit in wave.commits]
    services = [name for name in wave.services if visible(name)]
    return WaveBody(
        services=services,
        state=wave.state,
        commit=commits[0] if len(commits) == 1 else None,
        commits=commits if len(commits) > 1 else None,
        reason=wave.reason if len(services) == len(wave.services) else "",
    )


def _later(later: Mapping[str, tuple[State, State]]) -> dict[str, MemberBody]:
    """Those who move in a later wave: nothing of them is changed yet."""
    return {name: MemberBody(service=name, from_=at, to=to, changed=False) for name, (at, to) in later.items()}


def _in_waves(said: dict[str, Any], waves: WaveReport | None, warnings: Sequence[str]) -> dict[str, Any]:
    """What is said of a move, with its waves where it has some."""
    told = {**said, "warnings": list(dict.fromkeys((*said["warnings"], *warnings)))}
    if waves is None:
        return told
    message = f"{said['message']} {waves.sentence}"
    operation = waves.operation or said["operation"]
    return {**told, "message": message, "operation": operation, "waves": [_wave(wave) for wave in waves.waves]}


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
        "hazards": _hazards(_told_of(parts)),
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
    return RefusedMemberBody(service=name, from_=None, to=None, changed=False, error=_problem(error))


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


# What both are made of


def _commits(parts: Iterable[Outcome]) -> list[CommitBody]:
    found = (part.commit for part in parts)
    return [CommitBody(sha=one.sha, url=one.url, verified=one.verified) for one in found if one is not None]


def _pull_requests(parts: Iterable[Outcome]) -> list[PullRequestBody]:
    return [_pull_request(part.pull_request) for part in parts if part.pull_request is not None]


def _told_of(parts: Sequence[Outcome]) -> list[Hazard]:
    """What several parts meet alike is said once."""
    found = [hazard for part in parts for hazard in part.hazards]
    return once_for_a_group(found) if len(parts) > 1 else found


def _hazards(hazards: Iterable[Hazard]) -> list[HazardBody]:
    return [
        HazardBody(
            slug=hazard.slug,
            severity=hazard.severity,
            about=hazard.about,
            where=hazard.where,
            detail=hazard.detail,
            cure=hazard.cure,
        )
        for hazard in hazards
    ]


def _pull_request(pull: PullRequest) -> PullRequestBody:
    return PullRequestBody(number=pull.number, url=pull.url, branch=pull.branch, state=pull.state)


def _problem(error: FailoverError) -> ProblemBody:
    return ProblemBody(**problem(error, instance=None))
