"""The names of the steps, as trailers have them: "3/5 final-sync". What ends a relocation early is named alike."""

import re
from enum import StrEnum


class Step(StrEnum):
    """In the order in which they are made."""

    REVERSE = "reverse"
    QUIESCE = "quiesce"
    FINAL_SYNC = "final-sync"
    CUTOVER = "cutover"
    PROTECT = "protect"

    @property
    def number(self) -> int:
        return list(Step).index(self) + 1

    @property
    def label(self) -> str:
        """As it stands in a commit: "3/5 final-sync"."""
        return f"{self.number}/{len(Step)} {self.value}"


class Ending(StrEnum):
    """A commit that ends a relocation before its last step."""

    ABORTED = "aborted"  # somebody asked for it: what was is put back
    STOPPED = "stopped"  # it took too long, or somebody else changed what it works on: the same
    LEFT = "left"  # after the cutover nothing is put back; only what it must not leave behind is taken away
    HELD = "held"  # one of several, which does not begin: its commit changes no file

    def label(self, at: Step) -> str:
        """As it stands in a commit: "3/5 stopped"."""
        return f"{at.number}/{len(Step)} {self.value}"


_LABEL = re.compile(rf"([1-{len(Step)}])/{len(Step)} ([a-z-]+)")


def parse_label(label: str) -> tuple[Step, Ending | None] | None:
    """The step that a label names, and how the relocation ended there; None for what is no label of ours."""
    match = _LABEL.fullmatch(label)
    if match is None:
        return None
    step = list(Step)[int(match[1]) - 1]
    if match[2] == step:
        return step, None
    return (step, Ending(match[2])) if match[2] in set(Ending) else None
