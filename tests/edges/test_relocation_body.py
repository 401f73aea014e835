"""A relocation as JSON, and in lines: what each of its steps is."""

import pytest

from failover_api.core.catalog.model import Side
from failover_api.core.safety.relocation.ladder import State
from failover_api.core.safety.relocation.steps import Step
from failover_api.core.safety.relocation.table import Position
from failover_api.edges.bodies.relocations import relocation_body
from failover_api.edges.cli.relocations import lines
from failover_api.forge.values import Commit
from failover_api.operations.relocation_report import RelocationReport, StepReport


@pytest.mark.parametrize(
    ("report", "states"),
    [
        ((Step.QUIESCE, State.RUNNING, "01J"), ["done", "running", "to-come", "to-come", "to-come"]),
        ((Step.QUIESCE, State.STOPPED, "01J"), ["done", "stopped", "stopped", "stopped", "stopped"]),
        ((Step.PROTECT, State.DONE, "01J"), ["done"] * 5),
        ((Step.REVERSE, State.RUNNING, None), ["to-come"] * 5),  # a dry run
        ((Step.REVERSE, State.STOPPED, None), ["stopped"] * 5),  # one of several, which never begins
    ],
)
def test_a_step_of_a_relocation_that_has_stopped_is_not_to_come(
    report: tuple[Step, State, str | None], states: list[str]
) -> None:
    step, state, operation = report
    body = relocation_body(RelocationReport(operation, "sonarr", Side.PRIMARY, step, state, Position(step.value)))
    assert [each.state for each in body.steps] == states


def test_the_commit_that_ended_it_is_told_as_that() -> None:
    def made(step: Step, sha: str, proof: str = "") -> StepReport:
        return StepReport(step, step.label, "2026-11-30T04:00:00Z", Commit(sha, f"https://x/{sha}", True), proof)

    steps = (
        made(Step.REVERSE, "a" * 40),
        made(Step.QUIESCE, "b" * 40),
        made(Step.QUIESCE, "c" * 40, "It was aborted."),
    )
    plain = ("01J", "sonarr", Side.PRIMARY, Step.QUIESCE, State.STOPPED, Position.ABORTED)
    body = relocation_body(RelocationReport(*plain, steps=steps)).model_dump(mode="json")
    assert list(lines(body)) == ["1/5 reverse aaaaaaaaaaaa", "2/5 quiesce stopped cccccccccccc: It was aborted."]
