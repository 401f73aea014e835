"""The card of services that may go home: they were moved away by themselves, and their node is well again."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from failover_api.core.access.model import Caller, Verb

if TYPE_CHECKING:  # nothing of it is loaded while nothing moves by itself
    from failover_api.core.automatic.report import HoldLine, Report


@dataclass(frozen=True, slots=True)
class ReturnOnBoard:
    """`command` brings it home; `acts`: that is done by itself. `held` is what keeps it, "" for nothing."""

    service: str
    node: str
    command: str
    acts: bool
    held: str


def cards_of(report: "Report | None", caller: Caller) -> tuple[ReturnOnBoard, ...]:
    """Those that the caller may see."""
    return tuple(
        ReturnOnBoard(
            line.service, line.node, line.command, line.is_act and not line.detail, _held(line.detail, line.holds)
        )
        for line in (report.returns if report is not None else ())
        if caller.may(Verb.VIEW, line.service)
    )


def _held(detail: str, holds: tuple["HoldLine", ...]) -> str:
    return holds[0].detail if holds else detail
