"""Every position of a relocation, and every way from one to another. Nothing else ever happens.

    ready          begun      reverse | quiesce
    reverse        brought    quiesce
    reverse        backed-up  restore
    reverse        unproved   reverse
    restore        brought    quiesce
    restore        unproved   reverse
    quiesce        quiet      final-sync | cutover
    quiesce        vouched    cutover
    final-sync     backed-up  final-restore
    final-sync     unproved   final-sync
    final-sync     proved     cutover
    final-restore  unproved   final-sync
    final-restore  proved     cutover
    cutover        serving    protect | done
    protect        protected  done
    ready          there      done

From everything before the cutover:

    reverse, restore, quiesce, final-sync, final-restore   aborted  aborted
    reverse, restore, quiesce, final-sync, final-restore   changed  stopped
    quiesce, final-sync, final-restore                     late     stopped
    reverse, restore, quiesce, final-sync, final-restore   lost     stopped

and after it:

    cutover, protect                                       changed  left

`restore` and `final-restore` are the second half of reverse and final-sync by repository. Without VolSync there is
neither reverse nor final-sync: quiet leads to the cutover, or a person's word does.
"""

from dataclasses import dataclass
from enum import StrEnum

from failover_api.core.safety.relocation.steps import Step


class Position(StrEnum):
    """Where a relocation is."""

    READY = "ready"  # not begun
    REVERSE = "reverse"
    RESTORE = "restore"
    QUIESCE = "quiesce"
    FINAL_SYNC = "final-sync"
    FINAL_RESTORE = "final-restore"
    CUTOVER = "cutover"
    PROTECT = "protect"
    DONE = "done"
    ABORTED = "aborted"
    STOPPED = "stopped"
    LEFT = "left"

    @property
    def step(self) -> Step | None:
        """The step of its commit; None before the first, and where it has ended."""
        return _STEPS.get(self)


class Cause(StrEnum):
    """Why it goes on."""

    BEGUN = "begun"
    THERE = "there"
    BROUGHT = "brought"
    BACKED_UP = "backed-up"
    UNPROVED = "unproved"
    QUIET = "quiet"
    VOUCHED = "vouched"
    PROVED = "proved"
    SERVING = "serving"
    PROTECTED = "protected"
    LATE = "late"
    LOST = "lost"  # a node that it cannot go on without
    CHANGED = "changed"
    ABORTED = "aborted"


_STEPS = {
    Position.REVERSE: Step.REVERSE,
    Position.RESTORE: Step.REVERSE,
    Position.QUIESCE: Step.QUIESCE,
    Position.FINAL_SYNC: Step.FINAL_SYNC,
    Position.FINAL_RESTORE: Step.FINAL_SYNC,
    Position.CUTOVER: Step.CUTOVER,
    Position.PROTECT: Step.PROTECT,
}


@dataclass(frozen=True, slots=True)
class Edge:
    """One way from a position to another."""

    start: Position
    cause: Cause
    end: Position


BEFORE_CUTOVER = (
    Position.REVERSE,
    Position.RESTORE,
    Position.QUIESCE,
    Position.FINAL_SYNC,
    Position.FINAL_RESTORE,
)
DOWN = BEFORE_CUTOVER[2:]  # the app is stopped: here nothing may take longer than it may
AFTER_CUTOVER = (Position.CUTOVER, Position.PROTECT)
ENDS = (Position.DONE, Position.ABORTED, Position.STOPPED, Position.LEFT)
# What the cluster must still say right before the commit, which may come late: the app is stopped, or started.
SEEN_TWICE = frozenset({Cause.BEGUN, Cause.BROUGHT, Cause.QUIET, Cause.VOUCHED, Cause.PROVED})

EDGES = frozenset(
    [
        Edge(Position.READY, Cause.BEGUN, Position.REVERSE),
        Edge(Position.READY, Cause.BEGUN, Position.QUIESCE),
        Edge(Position.READY, Cause.THERE, Position.DONE),
        Edge(Position.REVERSE, Cause.BROUGHT, Position.QUIESCE),
        Edge(Position.REVERSE, Cause.BACKED_UP, Position.RESTORE),
        Edge(Position.REVERSE, Cause.UNPROVED, Position.REVERSE),
        Edge(Position.RESTORE, Cause.BROUGHT, Position.QUIESCE),
        Edge(Position.RESTORE, Cause.UNPROVED, Position.REVERSE),
        Edge(Position.QUIESCE, Cause.QUIET, Position.FINAL_SYNC),
        Edge(Position.QUIESCE, Cause.QUIET, Position.CUTOVER),
        Edge(Position.QUIESCE, Cause.VOUCHED, Position.CUTOVER),
        Edge(Position.FINAL_SYNC, Cause.BACKED_UP, Position.FINAL_RESTORE),
        Edge(Position.FINAL_SYNC, Cause.UNPROVED, Position.FINAL_SYNC),
        Edge(Position.FINAL_SYNC, Cause.PROVED, Position.CUTOVER),
        Edge(Position.FINAL_RESTORE, Cause.UNPROVED, Position.FINAL_SYNC),
        Edge(Position.FINAL_RESTORE, Cause.PROVED, Position.CUTOVER),
        Edge(Position.CUTOVER, Cause.SERVING, Position.PROTECT),
        Edge(Position.CUTOVER, Cause.SERVING, Position.DONE),
        Edge(Position.PROTECT, Cause.PROTECTED, Position.DONE),
        *(Edge(start, Cause.ABORTED, Position.ABORTED) for start in BEFORE_CUTOVER),
        *(Edge(start, Cause.CHANGED, Position.STOPPED) for start in BEFORE_CUTOVER),
        *(Edge(start, Cause.LATE, Position.STOPPED) for start in DOWN),
        *(Edge(start, Cause.LOST, Position.STOPPED) for start in BEFORE_CUTOVER),
        *(Edge(start, Cause.CHANGED, Position.LEFT) for start in AFTER_CUTOVER),
    ]
)
