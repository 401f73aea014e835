"""A relocation that is under way, as a row of the board and a service's page show it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.operations.relocation_report import RelocationReport


@dataclass(frozen=True, slots=True)
class Underway:
    """`step` is as its commit says: "3/5 final-sync"; `is_waiting`: something is in the way, and `reason` says what."""

    operation: str
    target: str
    step: str
    is_waiting: bool
    reason: str


NONE_UNDER_WAY: Mapping[str, Underway] = {}


def underway_of(seen: "Mapping[str, RelocationReport]") -> dict[str, Underway]:
    """Of those that were seen, the ones that go on."""
    return {
        name: Underway(
            report.operation or "",
            report.target.value,
            report.step.label,
            report.state.value == "waiting",
            report.reason,
        )
        for name, report in seen.items()
        if report.is_under_way
    }
