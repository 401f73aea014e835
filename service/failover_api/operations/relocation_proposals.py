"""Relocations by pull request: what becomes of a step that is proposed, and of one that somebody has closed."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from failover_api.core.catalog.model import Service, Side
from failover_api.core.catalog.replication import ReplicationKind
from failover_api.core.safety.relocation.ladder import Decision, State
from failover_api.core.safety.relocation.steps import Ending, Step, parse_label
from failover_api.core.safety.relocation.subject import Subject
from failover_api.core.safety.relocation.table import AFTER_CUTOVER, ENDS, Position
from failover_api.forge.values import PullRequest
from failover_api.moves.pull_request.step import WITHDRAWN, ProposedStep
from failover_api.operations.relocation_report import RelocationReport


def merges_by_itself(service: Service) -> bool:
    """Whether its pull requests need nobody."""
    return bool(service.pull_request.auto_merge) and not service.pull_request.draft


def as_proposed(
    subject: Subject,
    decision: Decision,
    proposed: Mapping[str, PullRequest],
    again: Callable[..., Decision],
    *,
    is_asked: bool = False,
) -> Decision:
    """What is left to do of a step that has a commit. `again` decides anew, with more that is known.

    An open one is waited for, as long as its step may wait; one that puts back what was, as long as that is possible:
    somebody has asked for it, or it was decided already. Where somebody has closed a step, before the cutover what was
    is put back; and what is closed even then, or after it, is for people: nothing more is opened until one asks for it
    anew (`is_asked`).
    """
    if decision.position in ENDS:
        return decision
    end = _open_end(decision.position, proposed)
    if end is not None and decision.position.step is not end[1]:  # another step was merged before it
        decision = again(is_aborted=True)
    elif end is not None:
        waiting = _waiting(decision, proposed[end[0]])
        return replace(waiting, proposed=end[0], pending=again(is_aborted=True).commit)
    if decision.commit is None:
        return decision
    if not decision.commit.edits:  # there is no pull request without a change: what is in Git is all of it
        return replace(decision, commit=None, position=Position.DONE, state=State.DONE)
    label = decision.commit.label
    is_open = any(pull.state == "open" for pull in proposed.values())
    closed = [pull for end, pull in proposed.items() if _ending(end) is not None and pull.state == "closed"]
    if closed and not is_open and not is_asked:
        return _stuck(subject, decision, closed[0])
    own = proposed.get(label)
    if own is None or own.state == "merged" or (own.state == "closed" and is_asked):
        return decision
    if own.state == "open":
        other = again(pending=waits_for_merge(own))
        return other if other.commit is not None else replace(other, proposed=label, pending=decision.commit)
    other = again(is_aborted=True, why_aborted=f"{own.url} was closed.")
    is_end = other.commit is None or _ending(other.commit.label) is not None
    return other if is_end else _stuck(subject, decision, own)


def _open_end(position: Position, proposed: Mapping[str, PullRequest]) -> tuple[str, Step] | None:
    """The label and the step of the open one that ends it; not one of before the cutover once that is merged."""
    for label, pull in proposed.items():
        ending = _ending(label)
        if pull.state == "open" and ending is not None and (ending[1] is Ending.LEFT) is (position in AFTER_CUTOVER):
            return label, ending[0]
    return None


def _waiting(decision: Decision, pull: PullRequest) -> Decision:
    return replace(decision, commit=None, edge=None, state=State.RUNNING, reason=waits_for_merge(pull))


def _stuck(subject: Subject, decision: Decision, pull: PullRequest) -> Decision:
    """Whoever asks again has another opened."""
    why = f"{pull.url} was closed, and nothing goes on without it."
    again = f"--to {subject.target}" if decision.position in AFTER_CUTOVER else "--abort"
    cure = f"Reopen it, or have another opened: `failover relocate {subject.service} {again}`."
    return replace(decision, commit=None, edge=None, state=State.WAITING, reason=why, cure=cure)


def _ending(label: str) -> tuple[Step, Ending] | None:
    """The step at which a label ends a relocation, and how; None for another's."""
    parsed = parse_label(label)
    return None if parsed is None or parsed[1] is None else (parsed[0], parsed[1])


def is_end(label: str) -> bool:
    """Whether a label is of what ends a relocation."""
    return _ending(label) is not None


def vouched_in(subject: Subject, proposed: Mapping[str, PullRequest]) -> str:
    """Whoever has said that the data is there, while the cutover that this led to waits to be merged."""
    pull = proposed.get(Step.CUTOVER.label)
    is_asked = subject.kind is ReplicationKind.MANUAL and pull is not None and pull.state != "merged"
    return "somebody" if is_asked else ""


def stale(decision: Decision, proposed: Mapping[str, PullRequest]) -> list[PullRequest]:
    """Those that are open and no longer due: merged later they would be no compare-and-swap."""
    due = {decision.proposed, decision.commit.label if decision.commit is not None else ""} - {WITHDRAWN}
    return [pull for label, pull in proposed.items() if pull.state == "open" and label not in due]


def waits_for_merge(pull: PullRequest) -> str:
    return f"{pull.url} waits to be merged."


def first_report(name: str, first: ProposedStep) -> RelocationReport:
    """Of one that begins once its first pull request is merged."""
    record = first.record
    return RelocationReport(
        operation=record.operation,
        service=name,
        target=Side(record.before).other,
        step=first.step,
        state=State.RUNNING,
        position=Position.READY,
        reason=waits_for_merge(first.pull),
        asked=record.provenance,
    )
