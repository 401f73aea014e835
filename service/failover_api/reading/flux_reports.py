"""What Flux's notifications said: which revision each of its objects fetched or applied. Kept for a while, in memory.

It is all that is known of `fetched` and `applied` where no right in the cluster is given.
https://fluxcd.io/flux/components/notification/providers/#generic-webhook-with-hmac
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from cachetools import LRUCache

from failover_api.core.catalog.runtime import WorkloadName
from failover_api.reading.step_times import RevisionTimes

MAX_OBJECTS, MAX_APPLIED = 256, 4096
_AHEAD_S = 300.0  # a time further ahead was told by a clock that is wrong
KUSTOMIZATION, GIT_REPOSITORY = "Kustomization", "GitRepository"
# In the message of a Kustomization: "Deployment/media/sonarr configured". It says what it applies.
_APPLIED = re.compile(r"\b([A-Z][A-Za-z]{1,40})/([a-z0-9.-]{1,253})/([a-z0-9.-]{1,253}) (?:configured|created)\b")

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class FluxReport:
    """One event of Flux. `revision` is "" where it is about none; `at` is by the cluster's clock (s)."""

    kind: str
    namespace: str
    name: str
    revision: str
    at: float | None
    is_error: bool
    message: str


class FluxReports:
    """The newest of each object. A later one without a revision leaves what is known of revisions.

    `arrivals` is told since when each object has had its revision; `now` is the wall clock (s).
    """

    def __init__(self, arrivals: RevisionTimes, now: Callable[[], float]) -> None:
        self._arrivals, self._now = arrivals, now
        self._newest: LRUCache[tuple[str, Key], FluxReport] = LRUCache(MAX_OBJECTS)
        self._applies: LRUCache[tuple[str, str, str], Key] = LRUCache(MAX_APPLIED)
        self._listing: LRUCache[Key, bool] = LRUCache(MAX_OBJECTS)  # Kustomizations that say what they apply

    def take(self, report: FluxReport) -> None:
        """Keeps it. One that is older than what is known of its object changes nothing: they come in any order."""
        if report.at is not None and report.at > self._now() + _AHEAD_S:
            report = replace(report, at=None)  # else nothing that comes later would count until then
        key = (report.kind, (report.namespace, report.name))
        known = self._newest.get(key)
        if report.kind == KUSTOMIZATION and not report.is_error:
            for kind, namespace, name in _APPLIED.findall(report.message):
                self._applies[kind, namespace, name] = key[1]
                self._listing[key[1]] = True
        self._note(report)
        is_older = known is not None and known.at is not None and report.at is not None and report.at < known.at
        if report.revision and not is_older:
            self._newest[key] = report

    def _note(self, report: FluxReport) -> None:
        from failover_api.core.safety.rollout.appliers import commit_of  # not loaded before there is an event

        commit = commit_of(report.revision)
        if commit is not None and report.at is not None and not report.is_error:
            self._arrivals.note(report.kind, report.namespace, report.name, commit, report.at)

    @property
    def has_any(self) -> bool:
        """Whether Flux tells us of what it does."""
        return bool(self._newest)

    def sources(self) -> Iterator[FluxReport]:
        """Of each GitRepository, the newest."""
        return (report for (kind, _), report in self._newest.items() if kind == GIT_REPOSITORY)

    def applied(self, workload: WorkloadName | None, substituted_by: Key | None = None) -> FluxReport | None:
        """Of the Kustomization that applies the workload; None where nobody can tell which that is.

        `substituted_by` is the one whose variables the switches are, where the catalog names no workload. If there is
        only one Kustomization, and it never said what it applies, it is that one.
        """
        of = {name: report for (kind, name), report in self._newest.items() if kind == KUSTOMIZATION}
        if workload is None and substituted_by is not None:
            named = [report for key, report in of.items() if _is_named(key, substituted_by)]
            return named[0] if len(named) == 1 else None
        appliers = self._appliers(workload) if workload is not None else set()
        if appliers:
            return of.get(next(iter(appliers))) if len(appliers) == 1 else None
        return next((report for key, report in of.items() if key not in self._listing), None) if len(of) == 1 else None

    def _appliers(self, workload: WorkloadName) -> set[Key]:
        """Those that said that they apply it. Without a namespace any will do."""
        if workload.namespace:
            name = self._applies.get((workload.kind, workload.namespace, workload.name))
            return set() if name is None else {name}
        same = (workload.kind, workload.name)
        return {key for (kind, _, name), key in self._applies.items() if (kind, name) == same}


def _is_named(key: Key, wanted: Key) -> bool:
    """Without a namespace any will do."""
    return key[1] == wanted[1] and wanted[0] in {"", key[0]}
