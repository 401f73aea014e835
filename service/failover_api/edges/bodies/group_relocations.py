"""Relocations of a group or a node as JSON."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from failover_api.core.planning.wave_progress import OperationState
from failover_api.edges.bodies.problems import refused_body
from failover_api.edges.bodies.relocations import relocation_body
from failover_api.edges.bodies.waves import wave_of
from failover_api.edges.models.commits import NamedCommitBody
from failover_api.edges.models.group_relocations import GroupRelocationBody
from failover_api.edges.models.waves import WaveBody

if TYPE_CHECKING:  # nothing of it is loaded until somebody asks
    from failover_api.operations.relocation_report import GroupRelocationReport, RelocationReport

_STATES = {"running": OperationState.RUNNING, "waiting": OperationState.RUNNING, "done": OperationState.DONE}


def group_relocation_body(
    report: "GroupRelocationReport", *, dry_run: bool = False, visible: Callable[[str], bool] = lambda _: True
) -> GroupRelocationBody:
    """`visible` says which services may be named."""
    dry_run = dry_run and report.operation is None
    shown = [one for one in report.relocations if visible(one.service)]
    is_whole = len(shown) == len(report.relocations)
    reason = f"{report.at}: {report.reason}" if report.at and report.reason else report.reason
    return GroupRelocationBody(
        operation=report.operation,
        group=report.name if is_whole and not report.node else None,
        node=report.node or None,
        state=_STATES.get(report.state.value, OperationState.STOPPED),
        reason=reason if is_whole else "",
        waves=[_wave(one) for one in shown],
        relocations=[relocation_body(one, dry_run=dry_run) for one in shown],
        refused=[refused_body(name, error) for name, error in report.refused.items() if visible(name)],
        unplaced=[name for name in report.unplaced if visible(name)] if report.node else None,
        warnings=list(report.warnings) if is_whole else [],
        dry_run=dry_run,
    )


def _wave(report: "RelocationReport") -> WaveBody:
    commits = [NamedCommitBody(sha=one.commit.sha, url=one.commit.url) for one in report.steps if one.commit]
    has_begun = report.operation is not None or report.state.value in {"done", "stopped"}
    state = _STATES.get(report.state.value, OperationState.STOPPED) if has_begun else OperationState.WAITING
    return wave_of([report.service], state, commits, report.reason)
