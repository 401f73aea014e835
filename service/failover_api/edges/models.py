"""The bodies of the JSON API, and how they are made from values."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from failover_api.core.message import sentence, unified_diff
from failover_api.core.plan import Change
from failover_api.core.state import Reading
from failover_api.edges.problems import problem
from failover_api.failover import Status, Unreadable
from failover_api.move import Outcome

Scalar = str | bool | int | float | None


class _Body(BaseModel):
    model_config = ConfigDict(populate_by_name=True, ser_json_inf_nan="strings")


class ProblemBody(_Body):
    """RFC 9457, with the outcome."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    outcome: str = "not-applied"


class SwitchBody(_Body):
    """One scalar of one document. `line` counts from 1."""

    file: str
    document: str
    path: str
    line: int
    value: Scalar
    primary: Scalar
    backup: Scalar
    side: str


class StatusBody(_Body):
    """Where a service is."""

    service: str
    side: str
    policy: str
    repository: str
    branch: str
    groups: list[str]
    switches: list[SwitchBody]
    pull_request: dict[str, Any] | None = None
    last_move: dict[str, Any] | None = None


class ListedBody(StatusBody):
    """A status of the list: one that could not be read says why."""

    error: ProblemBody | None = None


class ListBody(_Body):
    """All services, in the order of the catalog."""

    services: list[ListedBody]
    config_error: str | None = None


class ChangeBody(_Body):
    """One scalar that moves."""

    file: str
    document: str
    path: str
    line: int
    old: Scalar
    new: Scalar


class CommitBody(_Body):
    """The commit that was made."""

    sha: str
    url: str
    verified: bool


class OutcomeBody(_Body):
    """What came of a move, or would come of it."""

    service: str
    action: str
    dry_run: bool
    policy: str
    from_: Annotated[str, Field(alias="from")]
    to: str
    changed: bool
    changes: list[ChangeBody]
    diff: str
    commit: CommitBody | None = None
    pull_request: dict[str, Any] | None = None
    operation: str | None = None
    message: str


def status_body(status: Status) -> StatusBody:
    return StatusBody(
        **_heading(status),
        side=status.detection.state.value,
        switches=[_switch(reading) for reading in status.detection.readings],
    )


def list_body(statuses: Sequence[Status | Unreadable], config_error: str | None) -> ListBody:
    return ListBody(services=[_listed(status) for status in statuses], config_error=config_error)


def outcome_body(outcome: Outcome) -> OutcomeBody:
    plan = outcome.plan
    return OutcomeBody(
        service=plan.service.name,
        action=plan.action.value,
        dry_run=outcome.dry_run,
        policy=plan.service.policy.value,
        from_=plan.before.state.value,
        to=plan.after.value,
        changed=outcome.changed,
        changes=[_change(change) for change in plan.changes],
        diff=unified_diff(plan.old, plan.new),
        commit=CommitBody(sha=outcome.commit.sha, url=outcome.commit.url, verified=outcome.commit.verified)
        if outcome.commit
        else None,
        operation=outcome.operation,
        message=sentence(plan, dry_run=outcome.dry_run),
    )


def _heading(status: Status | Unreadable) -> dict[str, Any]:
    service = status.service
    return {
        "service": service.name,
        "policy": service.policy.value,
        "repository": service.branch.repository,
        "branch": service.branch.name,
        "groups": list(service.groups),
    }


def _listed(status: Status | Unreadable) -> ListedBody:
    if isinstance(status, Unreadable):
        error = ProblemBody(**problem(status.error, instance=None))
        return ListedBody(**_heading(status), side="unknown", switches=[], error=error)
    return ListedBody(**status_body(status).model_dump())


def _switch(reading: Reading) -> SwitchBody:
    return SwitchBody(
        file=reading.file,
        document=reading.document,
        path=reading.switch.path_text,
        line=reading.line,
        value=reading.value,
        primary=reading.switch.primary,
        backup=reading.switch.backup,
        side=reading.state.value,
    )


def _change(change: Change) -> ChangeBody:
    return ChangeBody(
        file=change.file,
        document=change.document,
        path=change.path,
        line=change.line,
        old=change.old,
        new=change.new,
    )
