"""A relocation as JSON: where it is, and what it waits for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from failover_api.edges.bodies.commits import change_body
from failover_api.edges.models.commits import NamedCommitBody
from failover_api.edges.models.relocations import RelocationBody, RelocationStepBody

if TYPE_CHECKING:  # nothing of it is loaded until somebody asks
    from failover_api.operations.relocation_report import RelocationReport, StepReport


def relocation_body(report: "RelocationReport", *, dry_run: bool = False) -> RelocationBody:
    return RelocationBody(
        operation=report.operation,
        service=report.service,
        to=report.target.value,
        step=report.step.value,
        steps=_steps(report, dry_run=dry_run),
        state=report.state.value,
        reason=report.reason,
        cure=report.cure,
        waited_s=round(report.waited_s, 1),
        limit_s=report.limit_s,
        awaits_word=report.awaits_word,
        downtime_s=report.downtime_s,
        dry_run=dry_run,
    )


def _steps(report: "RelocationReport", *, dry_run: bool) -> list[RelocationStepBody]:
    """All five, also those that have no commit here."""
    return [
        _step(name.value, [each for each in report.steps if each.step is name], _state(report, name.number, dry_run))
        for name in type(report.step)
    ]


def _state(report: "RelocationReport", number: int, dry_run: bool) -> Literal["to-come", "running", "done"]:
    if report.state.value == "done":
        return "done"
    if dry_run or number > report.step.number or report.operation is None:
        return "to-come"
    if number < report.step.number:
        return "done"
    return "running" if report.is_under_way else "to-come"


def _step(name: str, made: "Sequence[StepReport]", state: Literal["to-come", "running", "done"]) -> RelocationStepBody:
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
