"""The way of one commit: proposed, merged, committed, fetched, applied, started, ready, verified.

Only the steps that apply are there. Several clocks tell their times; they are shown so that none runs backwards.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from failover_api.core.planning.state import State
from failover_api.core.safety.hazard import Hazard
from failover_api.core.safety.rollout.causes import Cause
from failover_api.core.safety.rollout.stages import Stage

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.safety.rollout.stage import ClusterState

NOT_SEEN = "not seen from here"
StepName = Literal["proposed", "merged", "committed", "fetched", "applied", "started", "ready", "verified"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """Whether something has come; None: nobody can tell, and `detail` says why. `at` None: when is not known."""

    has_come: bool | None
    at: float | None = None
    detail: str = ""


UNSEEN = Arrival(None, detail=NOT_SEEN)


@dataclass(frozen=True, slots=True)
class GitFacts:
    """What Git knows of an operation. `sha` is None while it is only proposed, and so is `committed_at`.

    `pull_request` is its URL; "": there is none. `is_newest`: no later move of the service followed.
    """

    operation: str | None
    sha: str | None = None
    url: str = ""
    committed_at: float | None = None
    pull_request: str = ""
    proposed_at: float | None = None
    is_newest: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """`at` is None where it has not come, or where nobody can tell when: `detail` says which."""

    name: StepName
    has_come: bool | None
    at: float | None = None
    detail: str = ""


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
    """What is known beyond Git. `verified` is None where the catalog asks for nothing of it."""

    state: "ClusterState | None" = None
    fetched: Arrival = UNSEEN
    applied: Arrival = UNSEEN
    verified: Arrival | None = None


def make_rollout(git: GitFacts, seen: Seen, hazards: Sequence[Hazard] = ()) -> Rollout:
    """What is seen of the app counts for the newest move alone: it says nothing of an earlier one."""
    stage = _stage(git, seen)
    steps = tuple(in_order(_steps(git, seen, stage)))
    done = stage is Stage.SERVING and git.sha is not None and git.is_newest
    state = seen.state
    blocked = Cause(state.reason, state.cure, state.since) if state and stage is Stage.BLOCKED else None
    return Rollout(git, stage, done, steps, tuple(hazards), blocked)


def _stage(git: GitFacts, seen: Seen) -> Stage:
    """That of the cluster; where nothing of it can be compared with Git, the revision has to have come too."""
    state = seen.state
    if state is None or not git.is_newest:
        return Stage.UNKNOWN
    proves_nothing = state.side is State.UNKNOWN and state.stage in {Stage.SERVING, Stage.ROLLING_OUT}
    return Stage.WAITING_FOR_APPLY if proves_nothing and seen.applied.has_come is False else state.stage


def _steps(git: GitFacts, seen: Seen, stage: Stage) -> Iterator[Step]:
    if git.pull_request:
        yield Step("proposed", True, git.proposed_at, git.pull_request)
        yield Step("merged", git.sha is not None, git.committed_at)
    yield Step("committed", git.sha is not None, git.committed_at, git.url)
    if git.sha is None:
        return
    yield _arrived("fetched", seen.fetched)
    yield _arrived("applied", seen.applied)
    yield from _of_pod(git, seen, stage)
    if seen.verified is not None:
        yield _arrived("verified", seen.verified)


def _arrived(name: StepName, arrival: Arrival) -> Step:
    return Step(name, arrival.has_come, arrival.at, arrival.detail)


def _of_pod(git: GitFacts, seen: Seen, stage: Stage) -> Iterator[Step]:
    state = seen.state
    if state is None or not git.is_newest or stage is Stage.UNKNOWN:
        detail = "a later move followed" if not git.is_newest else (state.reason if state else "") or NOT_SEEN
        yield Step("started", None, detail=detail)
        yield Step("ready", None, detail=detail)
        return
    is_here = stage in {Stage.SERVING, Stage.ROLLING_OUT, Stage.BLOCKED} and bool(state.pod)
    where = f"{state.pod} on {state.node}" if state.node else state.pod
    yield Step("started", is_here and bool(state.node), state.started_at if is_here else None, where if is_here else "")
    is_ready = is_here and state.ready_at is not None
    yield Step("ready", is_ready, state.ready_at if is_ready else None, "" if is_ready else state.reason)


def in_order(steps: Iterable[Step]) -> Iterator[Step]:
    """No time before the one of the step before it; none at all of a step that has not come."""
    latest: float | None = None
    for step in steps:
        at = step.at if step.has_come else None
        if at is not None and latest is not None:
            at = max(at, latest)
        latest = latest if at is None else at
        yield replace(step, at=at)
