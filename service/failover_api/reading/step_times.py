"""When the steps of rollouts came, as far as this process saw it: kept in memory, for a while.

A cluster shows its newest revision and its newest pod only. What is behind an older commit is known to whoever looked
while that was the newest; nobody else can tell more than when it came at the latest.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from cachetools import LRUCache

from failover_api.core.safety.rollout.steps import Step, StepName, is_overruled

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.safety.observed import Kustomization, Source
    from failover_api.core.safety.rollout.appliers import Appliers
    from failover_api.core.safety.rollout.stage import ClusterState

MAX_OPERATIONS, MAX_REVISIONS = 1024, 4096
_Known = dict[StepName, tuple[float, bool]]  # when (s), and whether that is only a bound


class RevisionTimes:
    """Since when an applier of Flux has had a commit (s, the cluster's clock): the earliest that it told."""

    def __init__(self) -> None:
        self._times: LRUCache[tuple[str, str, str, str], float] = LRUCache(MAX_REVISIONS)

    def note(self, kind: str, namespace: str, name: str, commit: str, at: float) -> None:
        key = (kind, namespace, name, commit)
        if at < self._times.get(key, float("inf")):
            self._times[key] = at

    def of(self, kind: str, namespace: str, name: str, commit: str) -> float | None:
        """None: it was never seen at that commit."""
        return self._times.get((kind, namespace, name, commit))

    def saw(self, appliers: "Appliers") -> None:
        """What a look showed."""
        for kind, applier, commit, at in _arrivals(appliers):
            self.note(kind, applier.namespace, applier.name, commit, at)


def _arrivals(appliers: "Appliers") -> Iterator[tuple[str, "Kustomization | Source", str, float]]:
    from failover_api.core.safety.rollout.appliers import commit_of

    source, kustomization = appliers.source, appliers.kustomization
    if source is not None and (commit := commit_of(source.revision)) and source.updated_at is not None:
        yield source.kind, source, commit, source.updated_at
    if kustomization is None or not (commit := commit_of(kustomization.applied_revision)):
        return
    if (at := applied_at(kustomization)) is not None:
        yield "Kustomization", kustomization, commit, at


def applied_at(kustomization: "Kustomization") -> float | None:
    """When what is applied was applied (s), at the latest: each reconciliation says it anew."""
    ready = kustomization.ready_now
    return ready.since if ready is not None and ready.is_true else None


class StepTimes:
    """The steps of each operation, by service."""

    def __init__(self) -> None:
        self._known: LRUCache[tuple[str, str], _Known] = LRUCache(MAX_OPERATIONS)

    def saw(self, service: str, operation: str, state: "ClusterState") -> None:
        """What a look showed of the pod that the operation brought."""
        known = self._of(service, operation)
        if state.started_at is not None:
            _note(known, "started", state.started_at, is_bound=False)
        if state.ready_at is not None:
            _note(known, "ready", state.ready_at, is_bound=False)

    def remembered(self, service: str, operation: str, step: Step, now: float) -> Step:
        """The step with what is known of it, which is kept; a time that it does not tell is no later than `now` (s)."""
        known = self._of(service, operation)
        if not step.has_come:
            return _as_it_was(step, known)
        at, is_bound = _note(
            known, step.name, now if step.at is None else step.at, is_bound=step.at is None or step.is_bound
        )
        return replace(step, at=at, is_bound=is_bound)

    def _of(self, service: str, operation: str) -> _Known:
        return self._known.setdefault((service, operation), {})


def _note(known: _Known, name: StepName, at: float, *, is_bound: bool) -> tuple[float, bool]:
    """The first of its own times; else the earliest of those at which it had come."""
    before = known.get(name)
    if before is None or (before[1] and (not is_bound or at < before[0])):
        known[name] = (at, is_bound)
    return known[name]


def _as_it_was(step: Step, known: _Known) -> Step:
    """Of an operation that another followed: what is seen now is not its own, and what was seen then was."""
    found = known.get(step.name)
    if found is None or not is_overruled(step.detail):
        return replace(step, at=None)
    return replace(step, has_come=True, at=found[0], is_bound=found[1])
