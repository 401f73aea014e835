"""The steps of a move, told to whoever waits for it."""

from collections.abc import Callable
from enum import StrEnum


class Step(StrEnum):
    """What is being done for a caller, in words for him."""

    READING = "reading"
    PLANNING = "planning"
    WRITING = "writing the commit"
    PROPOSING = "opening the pull request"
    FINISHING = "labels, reviewers, auto-merge"
    RETRYING = "it changed meanwhile: again"
    WAITING = "waiting until GitHub takes more writes"
    SETTLING = "waiting until an earlier write can land no more"


OnStep = Callable[[Step], None]


def ignore(step: Step) -> None:
    """For those who do not look on."""
