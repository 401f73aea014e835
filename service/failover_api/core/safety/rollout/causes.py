"""A reason and a cure, in plain words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something does not go on, and what to do about it. `since` is by the cluster's clocks (s), None: not known.

    `is_final`: it will not go on by itself.
    """

    reason: str
    cure: str = ""
    since: float | None = None
    is_final: bool = True
