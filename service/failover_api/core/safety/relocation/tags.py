"""Manual tags of VolSync that are ours: `failover-<operation>-<step>-<number>`.

The same tag twice starts nothing, so none is used twice: not in an operation, and not by two.
"""

import re
from dataclasses import dataclass

from failover_api.core.safety.relocation.places import Standing
from failover_api.core.safety.relocation.steps import Step

_TAG = re.compile(r"failover-([0-9a-z]{26})-([13])-([1-9][0-9]{0,5})")
_STEPS = {"1": Step.REVERSE, "3": Step.FINAL_SYNC}


@dataclass(frozen=True, slots=True)
class Tag:
    """The `number`-th of a step of an operation."""

    operation: str
    step: Step
    number: int

    def __str__(self) -> str:
        return f"failover-{self.operation.lower()}-{self.step.number}-{self.number}"


def parse_tag(value: Standing) -> Tag | None:
    """The tag that a value is; None for what is none of ours."""
    match = _TAG.fullmatch(value) if isinstance(value, str) else None
    return Tag(match[1].upper(), _STEPS[match[2]], int(match[3])) if match else None


def next_tag(operation: str, step: Step, standing: Standing) -> Tag:
    """One that has not been used: `standing` is what stands in Git now, which is the newest of the operation."""
    last = parse_tag(standing)
    is_another = last is not None and (last.operation, last.step) == (operation, step)
    return Tag(operation, step, last.number + 1 if last is not None and is_another else 1)
