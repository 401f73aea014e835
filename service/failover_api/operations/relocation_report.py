"""How far a relocation is, as it is told: its steps, what it waits for, and for how long by now. And of several."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from failover_api.core.catalog.model import Side
from failover_api.core.planning.change import Change
from failover_api.core.planning.request import Provenance
from failover_api.core.safety.relocation.ladder import State
from failover_api.core.safety.relocation.proofs import downtime_s
from failover_api.core.safety.relocation.steps import Step
from failover_api.core.safety.relocation.table import BEFORE_CUTOVER, Position
from failover_api.errors import FailoverError
from failover_api.forge.values import Commit
from failover_api.moves.outcome import joined_version

if TYPE_CHECKING:  # who shows a report has not read one
    from failover_api.core.safety.relocation.ladder import Decision
    from failover_api.reading.relocations import Relocation

MAX_REASON = 2000  # characters


@dataclass(frozen=True, slots=True)
class StepReport:
    """A step that was made, or, in a dry run, would be: that one has `changes`, a `diff` and the files of it.

    `at` is RFC 3339; `old` and `new` are {path: bytes}.
    """

    step: Step
    label: str
    at: str | None = None
    commit: Commit | None = None
    proof: str = ""
    changes: tuple[Change, ...] = ()
    diff: str = ""
    old: Mapping[str, bytes] = field(default_factory=dict)
    new: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RelocationReport:
    """How far a relocation is. `operation` is None where there is none: it is there, or it is a dry run.

    `asked` is what its first commit tells of who asked for it; `accepted` are hazards that a dry run met so.
    """

    operation: str | None
    service: str
    target: Side
    step: Step
    state: State
    position: Position
    reason: str = ""
    cure: str = ""
    steps: tuple[StepReport, ...] = ()
    waited_s: float = 0.0
    limit_s: float | None = None
    awaits_word: bool = False  # somebody has to say that the data is there
    is_copied_back: bool = False  # from the target, once all is done
    words: int = 0  # how many times people should have been told that it waits
    changed: bool = False
    version: str = ""
    asked: Provenance | None = None
    accepted: tuple[str, ...] = ()

    @property
    def is_under_way(self) -> bool:
        """Whether it goes on by itself."""
        return self.operation is not None and self.state.is_under_way

    @property
    def downtime_s(self) -> float | None:
        """For how long the app served nowhere, as it was seen; None: not known, or not yet."""
        return downtime_s(step.proof for step in self.steps)

    @property
    def services(self) -> tuple[str, ...]:
        """Whom it is about."""
        return (self.service,)

    @property
    def is_part(self) -> bool:
        """Whether it is one of several that are made one after the other."""
        return self.asked is not None and self.asked.wave is not None

    @property
    def may_be_aborted(self) -> bool:
        """Whether what was can be put back: not once it has cut over."""
        return self.is_under_way and self.position in BEFORE_CUTOVER


@dataclass(frozen=True, slots=True)
class GroupRelocationReport:
    """How far the relocations of a group or a node are, which are made one after the other.

    `relocations` are in their order; `operation` is None where there is none: all are there, or it is a dry run.
    `refused` are the services that were left out, `unplaced` those of which nobody knows the node. `at` is the service
    that `reason` is about.
    """

    operation: str | None
    name: str
    node: str
    state: State
    relocations: tuple[RelocationReport, ...]
    at: str = ""
    reason: str = ""
    refused: Mapping[str, FailoverError] = field(default_factory=dict)
    unplaced: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def is_under_way(self) -> bool:
        """Whether it goes on by itself."""
        return self.operation is not None and self.state.is_under_way

    @property
    def services(self) -> tuple[str, ...]:
        """Whom it is about, in their order."""
        return tuple(report.service for report in self.relocations)

    @property
    def version(self) -> str:
        return joined_version([report.version for report in self.relocations])


def report_of(relocation: "Relocation", decision: "Decision", *, changed: bool = False) -> RelocationReport:
    subject = relocation.subject
    steps = tuple(
        StepReport(
            step.made.step, step.record.provenance.step or "", step.logged.at, step.logged.commit, step.made.proof
        )
        for step in relocation.steps
    )
    has_begun = bool(relocation.steps) or changed
    return RelocationReport(
        operation=relocation.operation if has_begun else None,
        service=relocation.service.name,
        target=subject.target,
        step=decision.step,
        state=decision.state,
        position=decision.position,
        reason=decision.reason[:MAX_REASON],
        cure=decision.cure,
        steps=steps,
        waited_s=decision.waited_s,
        limit_s=decision.limit_s,
        awaits_word=decision.awaits_word,
        is_copied_back=subject.away is not None,
        words=decision.words,
        changed=changed,
        version=relocation.version,
        asked=relocation.first.provenance if relocation.first is not None else None,
        accepted=relocation.accepted,
    )
