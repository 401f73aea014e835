"""The way of one commit: proposed, merged, committed, fetched, applied, started, ready, verified.

Only the steps that apply are there: a service that was never moved has a pod, and no commit. Several clocks tell their
times; they are shown so that none runs backwards. Of some only a bound is known: when a later commit was applied, this
one was too, and its pod was not made before. Then the earliest such time is shown, and "at the latest".
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from failover_api.core.planning.state import State
from failover_api.core.safety.hazard import Hazard
from failover_api.core.safety.rollout.causes import Cause
from failover_api.core.safety.rollout.stages import Stage

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.safety.rollout.stage import ClusterState

NOT_SEEN, AT_THE_LATEST = "not seen from here", "at the latest"
FOLLOWED, UNDONE = "a later move followed", "changed in Git since"
_WITH_POD = frozenset({Stage.SERVING, Stage.ROLLING_OUT, Stage.BLOCKED})
_CLOCKS_DIFFER_S = 30.0  # as much is warned of
_CLOCKS_S = 1.0  # times are told to the second
_WHERE = {
    State.PRIMARY: "on primary",
    State.BACKUP: "on backup",
    State.MIXED: "partly on either side",
    State.UNKNOWN: "on neither side",
}
StepName = Literal["proposed", "merged", "committed", "fetched", "applied", "started", "ready", "verified"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """Whether something has come; None: nobody can tell, and `detail` says why. `at` None: when is not known.

    `is_bound`: it came then at the latest, and may have come earlier.
    """

    has_come: bool | None
    at: float | None = None
    detail: str = ""
    is_bound: bool = False


UNSEEN = Arrival(None, detail=NOT_SEEN)


@dataclass(frozen=True, slots=True)
class GitFacts:
    """What Git knows of an operation. `sha` is None while it is only proposed, and so is `committed_at`.

    `pull_request` is its URL; "": there is none. `is_newest`: no later move of the service followed. `head` is where
    the branch has the service now, if that is not where the operation moved it: somebody has changed it since.
    """

    operation: str | None
    sha: str | None = None
    url: str = ""
    committed_at: float | None = None
    pull_request: str = ""
    proposed_at: float | None = None
    is_newest: bool = True
    head: State | None = None

    @property
    def is_known(self) -> bool:
        """Whether there is an operation; else nobody moved the service yet."""
        return self.sha is not None or bool(self.pull_request)

    @property
    def overruled(self) -> str:
        """Why nothing more comes of it, whatever runs; "" while the branch still has what it wrote."""
        if not self.is_newest:
            return FOLLOWED
        return "" if self.head is None else f"{UNDONE}: the branch has the service {_WHERE[self.head]} now"


@dataclass(frozen=True, slots=True)
class Step:
    """`at` is None where it has not come, or nobody can tell when: `detail` says which. `is_bound`: see Arrival."""

    name: StepName
    has_come: bool | None
    at: float | None = None
    detail: str = ""
    is_bound: bool = False


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far an operation has come. `done`: it serves, and nothing more is waited for."""

    git: GitFacts
    stage: Stage
    done: bool
    steps: tuple[Step, ...]
    hazards: tuple[Hazard, ...] = ()
    blocked: Cause | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known beyond Git. `verified` is None where the catalog asks for nothing of it.

    `cluster_ahead_s` is how far the API server's clock is ahead of the one that dates commits.
    """

    state: "ClusterState | None" = None
    fetched: Arrival = UNSEEN
    applied: Arrival = UNSEEN
    verified: Arrival | None = None
    cluster_ahead_s: float = 0.0


def is_overruled(detail: str) -> bool:
    """Whether a step's detail says that nothing more comes of the operation."""
    return detail.startswith((FOLLOWED, UNDONE))


def make_rollout(
    git: GitFacts,
    seen: Seen,
    hazards: Sequence[Hazard] = (),
    *,
    remembered: Callable[[Step], Step] = lambda step: step,
) -> Rollout:
    """What is seen of the app counts for what the branch has now: it says nothing of what was changed since.

    `remembered` gives a step what is known of it from earlier looks.
    """
    stage, ahead_s = _stage(git, seen), seen.cluster_ahead_s
    early_s = None if abs(ahead_s) > _CLOCKS_DIFFER_S else _CLOCKS_S - min(0.0, ahead_s)
    steps = tuple(in_order(map(remembered, _steps(git, seen, stage)), early_s=early_s))
    state = seen.state
    blocked = Cause(state.reason, state.cure, state.since) if state and stage is Stage.BLOCKED else None
    is_due = git.sha is not None or not git.is_known
    return Rollout(git, stage, stage is Stage.SERVING and is_due, steps, tuple(hazards), blocked)


def _stage(git: GitFacts, seen: Seen) -> Stage:
    """That of the cluster; but what runs may be from before the commit, and then it is not what the commit brought."""
    state = seen.state
    if state is None or git.overruled:
        return Stage.UNKNOWN
    if state.stage not in {Stage.SERVING, Stage.ROLLING_OUT}:
        return state.stage
    if state.side is State.UNKNOWN and seen.applied.has_come is False:
        return Stage.WAITING_FOR_APPLY
    is_due = git.sha is not None or not git.is_known
    if state.stage is Stage.SERVING and is_due and _why_not_its(git, seen, state):
        return Stage.ROLLING_OUT if seen.applied.has_come else Stage.WAITING_FOR_APPLY
    return state.stage


def _why_not_its(git: GitFacts, seen: Seen, state: "ClusterState") -> str:
    """Why the pod is not the one that the commit brings, or nobody can tell; "" when it is.

    One that was there before the commit is, where the workload has what Git has because that was applied: then nothing
    else is to come. Where ages cannot be compared, what the workload has tells it alone.
    """
    if state.mismatch or not git.is_known:
        return state.mismatch
    is_compared, has_come = state.side is not State.UNKNOWN, seen.applied.has_come
    if state.is_behind and not is_compared:
        return f"{state.pod} may be of the release before: Flux has not taken up its newest change"
    is_before = is_from_before(git.committed_at, state, cluster_ahead_s=seen.cluster_ahead_s)
    if is_before is False or (is_compared and (has_come or is_before is None)):
        return ""
    if is_before is None:
        return f"whether {state.pod} was there before the commit cannot be told: the cluster's clock is another"
    unseen = "" if has_come is False else ", and whether it is what the commit asks for is not seen from here"
    return f"{state.pod} was there before the commit{unseen}"


def is_from_before(committed_at: float | None, state: "ClusterState", *, cluster_ahead_s: float) -> bool | None:
    """Whether the pod was made before a commit; None where the clocks that tell the two differ too far, or are silent.

    In doubt it was not: they may differ a little.
    """
    if committed_at is None or state.started_at is None or abs(cluster_ahead_s) > _CLOCKS_DIFFER_S:
        return None
    return state.started_at < committed_at + min(0.0, cluster_ahead_s) - _CLOCKS_S


def _steps(git: GitFacts, seen: Seen, stage: Stage) -> Iterator[Step]:
    if git.pull_request:
        yield Step("proposed", True, git.proposed_at, git.pull_request)
        yield Step("merged", git.sha is not None, git.committed_at)
    if git.is_known:
        yield Step("committed", git.sha is not None, git.committed_at, git.url)
        if git.sha is None:
            return
        yield _arrived("fetched", seen.fetched)
        yield _arrived("applied", seen.applied)
    elif seen.state is None:
        return
    yield from _of_pod(git, seen, stage)
    if seen.verified is not None:
        why_not = git.overruled or _why_not_here(git, seen)
        yield Step("verified", None, detail=why_not) if why_not else _arrived("verified", seen.verified)


def _why_not_here(git: GitFacts, seen: Seen) -> str:
    """As _why_not_its(), of a pod that has a node."""
    state = seen.state
    is_there = state is not None and state.stage in _WITH_POD and bool(state.pod and state.node)
    return _why_not_its(git, seen, state) if state is not None and is_there else ""


def _arrived(name: StepName, arrival: Arrival) -> Step:
    return Step(name, arrival.has_come, arrival.at, arrival.detail, arrival.is_bound)


def _of_pod(git: GitFacts, seen: Seen, stage: Stage) -> Iterator[Step]:
    state, why_not = seen.state, _why_not_here(git, seen)
    if state is None or stage is Stage.UNKNOWN:
        detail = git.overruled or why_not or (state.reason if state else "") or NOT_SEEN
        yield Step("started", None, detail=detail)
        yield Step("ready", None, detail=detail)
        return
    is_here = state.stage in _WITH_POD and bool(state.pod and state.node) and not why_not
    where = f"{state.pod} on {state.node}" if is_here else ""
    yield Step("started", is_here, state.started_at if is_here else None, why_not or where)
    is_ready = is_here and (state.is_ready or state.ready_at is not None or state.stage is Stage.SERVING)
    yield Step("ready", is_ready, state.ready_at if is_ready else None, "" if is_ready else state.reason)


def in_order(steps: Iterable[Step], *, early_s: float | None = 0.0) -> Iterator[Step]:
    """No time before the one of the step before it; none at all of a step that has not come.

    What comes later is not doubted: what has to have come before it came then at the latest. But a pod that was there
    before the commit (by more than `early_s`; None: the clocks cannot be compared) tells nothing of it.
    """
    told = [step if step.has_come else replace(step, at=None) for step in steps]
    latest: float | None = None
    bound = False
    for place, step in enumerate(told):
        if step.at is None:
            yield step
            continue
        at, bounded = step.at, step.is_bound
        if step.name in {"fetched", "applied"} and (cap := _cap(told[place:], told, early_s)) is not None and at > cap:
            at, bounded = cap, True
        if latest is not None and at < latest:
            at, bounded = latest, bounded or bound
        latest, bound = at, bounded
        yield _bounded(replace(step, at=at, is_bound=bounded))


def _cap(later: Sequence[Step], steps: Sequence[Step], early_s: float | None) -> float | None:
    """The earliest time at which the commit, or its own app, was seen further on than at the first of `later`."""
    committed_at = next((step.at for step in steps if step.name == "committed"), None)
    if committed_at is None or early_s is None:
        return None
    own = (step.at for step in later[1:] if step.at is not None and not step.is_bound)
    return min((at for at in own if at >= committed_at - early_s), default=None)


def _bounded(step: Step) -> Step:
    if not step.is_bound or AT_THE_LATEST in step.detail:
        return step
    return replace(step, detail=", ".join(filter(None, (step.detail, AT_THE_LATEST))))
