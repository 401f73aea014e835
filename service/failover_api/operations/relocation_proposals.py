"""Relocations by pull request: what becomes of a step that is proposed, and of one that somebody has closed."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from failover_api.core.catalog.model import Service, Side
from failover_api.core.safety.relocation.ladder import Decision, State
from failover_api.core.safety.relocation.steps import parse_label
from failover_api.core.safety.relocation.table import Position
from failover_api.forge.values import PullRequest
from failover_api.moves.pull_request.step import ProposedStep
from failover_api.operations.relocation_report import RelocationReport


def merges_by_itself(service: Service) -> bool:
    """Whether its pull requests need nobody."""
    return bool(service.pull_request.auto_merge) and not service.pull_request.draft


def as_proposed(decision: Decision, proposed: Mapping[str, PullRequest], again: Callable[..., Decision]) -> Decision:
    """What is left to do of a step that has a commit. `again` decides anew, with more that is known.

    An open one is waited for, as long as its step may wait. Where somebody has closed it, before the cutover what was
    is put back; and what is closed even then, or after it, is for people.
    """
    ends = [pull for label, pull in proposed.items() if _is_end(label)]
    if (back := next((pull for pull in ends if pull.state == "open"), None)) is not None:
        return _held(decision, State.RUNNING, waits_for_merge(back))
    pull = proposed.get(decision.commit.label) if decision.commit is not None else None
    if pull is None or pull.state == "merged":
        return decision
    why = waits_for_merge(pull) if pull.state == "open" else f"{pull.url} was closed."
    other = again(pending=why) if pull.state == "open" else again(is_aborted=True, why_aborted=why)
    if other.commit is None:
        return other
    closed = next((end for end in (*ends, pull) if end.state == "closed"), None)
    if closed is not None and (closed in ends or not _is_end(other.commit.label)):
        return _held(other, State.WAITING, f"{closed.url} was closed, and nothing goes on without it.", "Reopen it.")
    return other


def _is_end(label: str) -> bool:
    parsed = parse_label(label)
    return parsed is not None and parsed[1] is not None


def _held(decision: Decision, state: State, reason: str, cure: str = "") -> Decision:
    return replace(decision, commit=None, edge=None, state=state, reason=reason, cure=cure)


def waits_for_merge(pull: PullRequest) -> str:
    return f"{pull.url} waits to be merged."


def first_report(name: str, first: ProposedStep) -> RelocationReport:
    """Of one that begins once its first pull request is merged."""
    record = first.record
    label = parse_label(record.provenance.step or "")
    assert label is not None, "it is a step's"
    return RelocationReport(
        operation=record.operation,
        service=name,
        target=Side(record.before).other,
        step=label[0],
        state=State.RUNNING,
        position=Position.READY,
        reason=waits_for_merge(first.pull),
        asked=record.provenance,
    )
