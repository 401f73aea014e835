"""decide(): where a relocation is, and its next step; or what it waits for, and for how long by now.

It is asked again and again, by whoever comes. What it says depends on nothing but its arguments, so two who ask at the
same moment say the same, and the one whose commit comes second is refused by Git and asks again.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from failover_api.core.catalog.replication import ReplicationKind
from failover_api.core.safety.relocation import quiet, values
from failover_api.core.safety.relocation.gitview import GitView
from failover_api.core.safety.relocation.going_up import JUDGES, Go, Known, Wait
from failover_api.core.safety.relocation.places import Place, Values
from failover_api.core.safety.relocation.sight import LOST_AFTER_S, Sight
from failover_api.core.safety.relocation.steps import Ending, Step
from failover_api.core.safety.relocation.subject import STOPPED, Subject
from failover_api.core.safety.relocation.table import AFTER_CUTOVER, BEFORE_CUTOVER, DOWN, Cause, Edge, Position
from failover_api.core.safety.relocation.values import PlannedEdit
from failover_api.core.safety.times import length
from failover_api.core.wording import cut

WORD_EVERY_S = 900.0  # a step without a limit is spoken of again


class State(StrEnum):
    """What people are told."""

    RUNNING = "running"
    WAITING = "waiting"  # something is in the way, or it takes longer than it may; it goes on by itself when it can
    STOPPED = "stopped"  # nothing more is done
    DONE = "done"

    @property
    def is_under_way(self) -> bool:
        """Whether it goes on by itself."""
        return self in {State.RUNNING, State.WAITING}


class Obstacle(Enum):
    """What keeps one from its first step."""

    UNREADABLE = auto()  # a value that it would change
    ELSEWHERE = auto()  # the service is on neither side, or on both
    ASLEEP = auto()  # the app does not run
    UNSEEN = auto()
    NODE_DOWN = auto()


@dataclass(frozen=True, slots=True)
class StepCommit:
    """One commit: `label` is its Failover-Step, `proof` its Failover-Proof."""

    label: str
    edits: tuple[PlannedEdit, ...]
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """`edge` is the way it goes now, with `commit`, which makes it; both None while it waits.

    An edge without a commit has nothing to be written. `step` is the one it is in, or would begin with. `waited_s` is
    for how long it has been in that step, `limit_s` how long it may be, None for as long as it takes. `awaits_word`:
    somebody has to say that the data is there. `obstacle`: it cannot begin.
    """

    position: Position
    state: State
    step: Step
    reason: str = ""
    cure: str = ""
    edge: Edge | None = None
    commit: StepCommit | None = None
    waited_s: float = 0.0
    limit_s: float | None = None
    awaits_word: bool = False
    obstacle: Obstacle | None = None
    proposed: str = ""  # the label of the commit that waits to be merged
    pending: StepCommit | None = None  # what that has to be; None: nobody can tell

    @property
    def words(self) -> int:
        """How many times people should have been told that it waits."""
        return int(self.waited_s // WORD_EVERY_S)


def decide(
    subject: Subject,
    git: GitView,
    sight: Sight,
    *,
    is_aborted: bool = False,
    why_aborted: str = "It was aborted.",
    vouched_by: str = "",
    pending: str = "",
) -> Decision:
    """`is_aborted`: somebody asks for its end; after the cutover that is not heeded. `vouched_by`: see Known.

    `pending`: the next step is written already, and waits for something: to be merged.
    """
    position = position_of(subject, git)
    known = Known(subject, git, sight, vouched_by)
    if position is Position.READY:
        return _begin(known)
    if position.step is None:
        return _over(known, position)
    if git.unreadable:
        return _wait(known, position, Wait(git.unreadable, is_stuck=True))
    if is_aborted and position in BEFORE_CUTOVER:
        return _undo(known, position, Cause.ABORTED, why_aborted)
    if why := _why_changed(known, position.step):
        return _undo(known, position, Cause.CHANGED, why)
    found = JUDGES[position](known)
    if isinstance(found, Go):
        if not pending or found.end is Position.DONE:
            return _go(known, position, found)
        found = Wait(pending)
    return _late(known, position, found) or _wait(known, position, found)


def position_of(subject: Subject, git: GitView) -> Position:
    """Where it is, by Git alone. That the last step has come to its end is seen in the cluster."""
    last = git.last
    if last is None:
        return Position.READY
    if last.ending is not None:
        return Position.STOPPED if last.ending is Ending.HELD else Position(last.ending.value)
    if last.step in {Step.REVERSE, Step.FINAL_SYNC} and values.is_restoring(subject, git):
        return Position.RESTORE if last.step is Step.REVERSE else Position.FINAL_RESTORE
    return Position(last.step.value)


def limit_of(subject: Subject, position: Position) -> float | None:
    """How long a step may take (s); None for as long as it takes."""
    limits = subject.limits
    if position is Position.QUIESCE and subject.kind is ReplicationKind.MANUAL:
        return limits.quiesce_s + limits.final_sync_s  # the person's word is waited for in it
    return {
        Position.QUIESCE: limits.quiesce_s,
        Position.FINAL_SYNC: limits.final_sync_s,
        Position.FINAL_RESTORE: limits.final_sync_s,
        Position.CUTOVER: limits.cutover_s,
    }.get(position)


def _begin(known: Known) -> Decision:
    subject, git = known.subject, known.git
    first = values.steps_of(subject)[0]
    if git.unreadable:
        return _refused(first, Obstacle.UNREADABLE, git.unreadable)
    if all(values.same(git.value(each.place), each.new) for each in subject.switches):
        edge = Edge(Position.READY, Cause.THERE, Position.DONE)
        return Decision(Position.DONE, State.DONE, Step.PROTECT, "It is there already.", edge=edge)
    if found := _obstacle(known):
        return _refused(first, *found)
    wanted = values.reverse(subject, git) if first is Step.REVERSE else values.quiesce(subject, git)
    commit = StepCommit(first.label, values.edits(git, wanted))
    edge = Edge(Position.READY, Cause.BEGUN, Position(first.value))
    return Decision(Position.READY, State.RUNNING, first, edge=edge, commit=commit)


def _obstacle(known: Known) -> tuple[Obstacle, str] | None:
    subject, sight = known.subject, known.sight
    elsewhere = [each.place for each in subject.switches if not values.same(known.git.value(each.place), each.old)]
    if elsewhere:
        name = cut(elsewhere[0].name)
        return Obstacle.ELSEWHERE, f"{name} is not on {subject.origin}: move it by promote or demote first."
    if values.same(known.git.value(subject.quiesce), STOPPED):
        name = cut(subject.quiesce.name)
        return Obstacle.ASLEEP, f"{name} is 0: the app does not run, and nobody could see it serve."
    if sight.unseen:
        return Obstacle.UNSEEN, sight.unseen
    if down := (*sight.origin_down, *sight.target_down):
        return Obstacle.NODE_DOWN, f"Node {', '.join(map(cut, down))} is not ready, and both sides are needed."
    return None


def _refused(step: Step, obstacle: Obstacle, why: str) -> Decision:
    return Decision(Position.READY, State.STOPPED, step, why, obstacle=obstacle)


def _over(known: Known, position: Position) -> Decision:
    last = known.git.last
    assert last is not None, "it has ended"
    return Decision(position, State.STOPPED, last.step, last.proof)


def _why_changed(known: Known, step: Step) -> str:
    if known.git.moved_by:
        return f"Another operation has moved it since: {cut(known.git.moved_by)}."
    if step.number < Step.CUTOVER.number and (elsewhere := _was_elsewhere(known)):
        return f"{cut(elsewhere.name)} was not on {known.subject.origin} when it began."
    theirs = values.foreign(known.subject, known.git, step)
    names = ", ".join(cut(place.name) for place in theirs[:3])
    return f"Somebody has changed {names} since." if theirs else ""


def _was_elsewhere(known: Known) -> Place | None:
    """A switch that was moved between the decision to begin and the first commit, as a proposed one allows."""
    switches = known.subject.switches
    was = known.git.was
    return next((each.place for each in switches if not values.same(was(each.place), each.old)), None)


def _go(known: Known, position: Position, go: Go) -> Decision:
    edge = Edge(position, go.cause, go.end)
    if go.end is Position.DONE:
        return Decision(Position.DONE, State.DONE, Step.PROTECT, edge=edge)
    step = go.end.step
    assert step is not None, "it has a commit"
    wanted = _wanted(known, go.end)
    commit = StepCommit(step.label, values.edits(known.git, wanted), go.proof)
    return Decision(position, State.RUNNING, step, edge=edge, commit=commit)


def _wanted(known: Known, end: Position) -> Values:
    step = {
        Position.REVERSE: values.reverse,
        Position.RESTORE: values.restore,
        Position.QUIESCE: values.quiesce,
        Position.FINAL_SYNC: values.final_sync,
        Position.FINAL_RESTORE: values.restore,
        Position.CUTOVER: values.cutover,
        Position.PROTECT: values.protect,
    }[end]
    return step(known.subject, known.git)


def _late(known: Known, position: Position, wait: Wait) -> Decision | None:
    """The way back of what takes too long, or cannot end, while the app is stopped: it is started where it was.

    One whose app is lost with its node ends too: nothing else may move it while it is under way.
    """
    limit_s, sight = limit_of(known.subject, position), known.sight
    if position not in BEFORE_CUTOVER:
        return None
    if position in DOWN and limit_s is not None and _waited(known, position) > limit_s:
        return _undo(known, position, Cause.LATE, f"It took longer than {length(limit_s)}. {wait.reason}")
    lost = sight.lost if position in DOWN else [name for name in sight.lost if name in sight.origin_down]
    if lost and not sight.unseen:
        names = ", ".join(map(cut, lost))
        why = f"Node {names} has not been ready for over {length(LOST_AFTER_S)}, and it cannot go on without it."
        return _undo(known, position, Cause.LOST, why)
    return None


def _undo(known: Known, position: Position, cause: Cause, why: str) -> Decision:
    """Before the cutover what was is put back; after it only what must not stay is taken away."""
    step = position.step
    assert step is not None, "it runs"
    if position in AFTER_CUTOVER:
        ending, wanted = Ending.LEFT, values.tidied(known.subject, known.git, step)
    else:
        ending = Ending.ABORTED if cause is Cause.ABORTED else Ending.STOPPED
        wanted = values.undone(known.subject, known.git, step)
    edits = values.edits(known.git, wanted)
    commit = StepCommit(ending.label(step), edits, why) if edits else None
    edge = Edge(position, cause, Position(ending.value))
    return Decision(position, State.STOPPED, step, why, edge=edge, commit=commit)


def _wait(known: Known, position: Position, wait: Wait) -> Decision:
    waited_s, limit_s = _waited(known, position), limit_of(known.subject, position)
    step = position.step
    assert step is not None, "it runs"
    is_overdue = limit_s is not None and waited_s > limit_s
    over = f" It takes longer than {length(limit_s)}." if is_overdue and limit_s is not None else ""
    state = State.WAITING if wait.is_stuck or is_overdue else State.RUNNING
    shown = Step.FINAL_SYNC if _asks(known, position) else step
    return Decision(
        position,
        state,
        shown,
        wait.reason + over,
        wait.cure,
        waited_s=waited_s,
        limit_s=limit_s,
        awaits_word=wait.awaits_word,
    )


def _asks(known: Known, position: Position) -> bool:
    """Whether it is a person's word that is waited for: that is its third step."""
    is_manual = known.subject.kind is ReplicationKind.MANUAL and position is Position.QUIESCE
    return is_manual and not quiet.why_not_quiet(known.sight)


def _waited(known: Known, position: Position) -> float:
    """Since the step began, by the host's time and the API server's, or by our own clock if that says more."""
    began = known.git.began(position.step) if position.step is not None else None
    return max(0.0, known.sight.waited_s, known.sight.since(began) if began is not None else 0.0)
