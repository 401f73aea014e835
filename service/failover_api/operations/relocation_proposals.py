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

MAX_LABELS = 3  # a step, what puts back what it was to change, and one more


def merges_by_itself(service: Service) -> bool:
    """Whether its pull requests need nobody."""
    return bool(service.pull_request.auto_merge) and not service.pull_request.draft


def as_proposed(decision: Decision, proposed: Mapping[str, PullRequest], again: Callable[..., Decision]) -> Decision:
    """What is left to do where a step is made by pull request. `again` decides anew, with more that is known.

    An open one is waited for, as long as its step may wait. Of one that somebody has closed nothing more comes: before
    the cutover what was is put back, and what is closed even then is for people.
    """
    for _ in range(MAX_LABELS):
        pull = proposed.get(decision.commit.label) if decision.commit is not None else None
        if pull is None or pull.state == "merged":
            return decision
        if pull.state == "open":
            other = again(pending=waits_for_merge(pull))
        else:
            other = again(is_aborted=True, why_aborted=f"{pull.url} was closed.")
        if other.commit is None:
            return other
        if decision.commit is None or other.commit.label == decision.commit.label:
            is_open = pull.state == "open"
            why = waits_for_merge(pull) if is_open else f"{pull.url} was closed, and nothing goes on without it."
            cure = "" if is_open else "Reopen it."
            state = State.RUNNING if is_open else State.WAITING
            return replace(decision, commit=None, edge=None, state=state, reason=why, cure=cure)
        decision = other
    return decision


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
