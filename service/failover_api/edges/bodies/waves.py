"""A move in waves."""

from collections.abc import Callable, Sequence
from typing import Any

from failover_api.core.planning.wave_progress import OperationState
from failover_api.edges.models.commits import NamedCommitBody
from failover_api.edges.models.waves import OperationBody, WaveBody
from failover_api.moves.outcome import ReportedWave, WaveReport


def operation_body(report: WaveReport, *, visible: Callable[[str], bool] = lambda _: True) -> OperationBody:
    """`visible` says which services may be named."""
    waves = [wave_body(wave, visible) for wave in report.waves]
    return OperationBody(operation=report.operation, state=report.state, waves=[one for one in waves if one.services])


def wave_body(wave: ReportedWave, visible: Callable[[str], bool] = lambda _: True) -> WaveBody:
    commits = [NamedCommitBody(sha=commit.sha, url=commit.url) for commit in wave.commits]
    services = [name for name in wave.services if visible(name)]
    return wave_of(services, wave.state, commits, wave.reason if len(services) == len(wave.services) else "")


def wave_of(services: list[str], state: OperationState, commits: list[NamedCommitBody], reason: str) -> WaveBody:
    return WaveBody(
        services=services,
        state=state,
        commit=commits[0] if len(commits) == 1 else None,
        commits=commits if len(commits) > 1 else None,
        reason=reason,
    )


def in_waves(said: dict[str, Any], waves: WaveReport | None, warnings: Sequence[str]) -> dict[str, Any]:
    """What is said of a move, with its waves where it has some."""
    told = {**said, "warnings": list(dict.fromkeys((*said["warnings"], *warnings)))}
    if waves is None:
        return told
    message = f"{said['message']} {waves.sentence}"
    operation = waves.operation or said["operation"]
    return {**told, "message": message, "operation": operation, "waves": [wave_body(wave) for wave in waves.waves]}
