"""A relocation as JSON: where it is, and what it waits for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from failover_api.edges.bodies.commits import change_body
from failover_api.edges.models.commits import NamedCommitBody
from failover_api.edges.models.relocations import RelocationBody, RelocationStepBody

if TYPE_CHECKING:  # nothing of it is loaded until somebody asks
    from failover_api.operations.relocation_report import RelocationReport, StepReport

_State = Literal["to-come", "running", "done", "stopped"]


def relocation_body(report: "RelocationReport", *, dry_run: bool = False) -> RelocationBody:
    return RelocationBody(
        operation=report.operation,
        service=report.service,
        to=report.target.value,
        step=report.step.value,
        steps=_steps(report),
        state=report.state.value,
        reason=report.reason,
        cure=report.cure,
        waited_s=round(report.waited_s, 1),
        limit_s=report.limit_s,
        awaits_word=report.awaits_word,
        copied_back=report.is_copied_back,
        downtime_s=report.downtime_s,
        dry_run=dry_run,
    )


def _steps(report: "RelocationReport") -> list[RelocationStepBody]:
    """All five, also those that have no commit here."""
    return [
        _step(name.value, [each for each in report.steps if each.step is name], _state(report, name.number))
        for name in type(report.step)
    ]


def _state(report: "RelocationReport", number: int) -> _State:
    """Of one that has stopped no other step is to come."""
    has_begun = report.operation is not None
    if report.state.value == "done" or (has_begun and number < report.step.number):
        return "done"
    if report.state.value == "stopped":
        return "stopped"
    return "running" if has_begun and number == report.step.number else "to-come"


def _step(name: str, made: "Sequence[StepReport]", state: _State) -> RelocationStepBody:
    commits = [NamedCommitBody(sha=each.commit.sha, url=each.commit.url) for each in made if each.commit is not None]
    return RelocationStepBody(
        name=name,
        state=state,
        at=made[-1].at if made else None,
        commits=commits,
        proof=made[-1].proof if made else "",
        changes=[change_body(change) for each in made for change in each.changes],
        diff="".join(each.diff for each in made),
    )
