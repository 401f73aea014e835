"""How far an operation has come: what Git knows of it, joined with the cluster, or with what Flux reported.

    git           the newest move, one of the history, or an open pull request
    fetched       the revision of the source, or of Argo CD's Application
    applied       the revision that a Kustomization applied as a whole
    the rest      of the pod; see core/safety/rollout

What has come and tells no time of its own came at the latest when a later commit came, or when it was first seen.
"""

from dataclasses import replace

from failover_api.core.catalog.model import Branch
from failover_api.core.planning.state import State
from failover_api.core.rfc3339 import seconds_of
from failover_api.core.safety.hazard import Hazard
from failover_api.core.safety.observed import Kustomization, Source
from failover_api.core.safety.rollout.appliers import GIT_REPOSITORY, Appliers, commit_of
from failover_api.core.safety.rollout.expectation import expectation, substituted_by
from failover_api.core.safety.rollout.stage import ClusterState
from failover_api.core.safety.rollout.steps import (
    UNSEEN,
    Arrival,
    GitFacts,
    Rollout,
    Seen,
    make_rollout,
)
from failover_api.core.safety.rollout.verification import Verification, verification_step
from failover_api.errors import UnknownUrl
from failover_api.reading.flux_reports import KUSTOMIZATION, FluxReport, FluxReports
from failover_api.reading.history import Entry, History
from failover_api.reading.pull_requests import record_for
from failover_api.reading.revisions import Revisions
from failover_api.reading.status import Status
from failover_api.reading.step_times import RevisionTimes, StepTimes, applied_at

_LOOKED_THROUGH = 100  # commits of the service's files, for an operation that is not the newest


class RolloutReader:
    """Reads rollouts of services whose status was read. `times` and `arrivals` are what was seen earlier."""

    def __init__(
        self,
        history: History,
        revisions: Revisions,
        reports: FluxReports,
        *,
        times: StepTimes,
        arrivals: RevisionTimes,
    ) -> None:
        self._history, self._revisions, self._reports = history, revisions, reports
        self._times, self._arrivals = times, arrivals

    async def read(
        self,
        status: Status,
        operation: str | None,
        *,
        not_before: float,
        now: float,
        cluster_ahead_s: float = 0.0,
        hazards: tuple[Hazard, ...] = (),
        verification: Verification | None = None,
    ) -> Rollout:
        """Of an operation; None: of the last move. Raises UnknownUrl for one that Git does not know.

        `now` is the wall clock (s): what has come, and tells no time, is dated by when it was first seen. The API
        server's is `cluster_ahead_s` ahead of it.
        """
        git = await self._git(status, operation, not_before)
        seen = await self._seen(status, git, verification)
        seen, name, operation = replace(seen, cluster_ahead_s=cluster_ahead_s), status.service.name, git.operation
        if operation is None:
            return make_rollout(git, seen, hazards)
        now = status.cluster.seen_at if status.cluster is not None else now
        return make_rollout(
            git, seen, hazards, remembered=lambda step: self._times.remembered(name, operation, step, now)
        )

    # Git

    async def _git(self, status: Status, operation: str | None, not_before: float) -> GitFacts:
        last = status.last_move
        if last is not None and (operation is None or _operation_of(last) == operation):
            return replace(_of_entry(last, is_newest=True), head=_head_unlike(last, status))
        proposed = _of_proposal(status)
        if operation is None:
            return proposed or GitFacts(None)
        if proposed is not None and proposed.operation == operation:
            return proposed
        page = await self._history.page(status.service, limit=_LOOKED_THROUGH, cursor=None, not_before=not_before)
        entry = next((entry for entry in page.entries if _operation_of(entry) == operation), None)
        if entry is None:
            raise UnknownUrl(f"the history of {status.service.name} has no operation {operation}")
        return _of_entry(entry, is_newest=False)

    # Cluster

    async def _seen(self, status: Status, git: GitFacts, verification: Verification | None) -> Seen:
        state = status.cluster
        if git.sha is None and git.is_known:
            return Seen(state)
        fetched, applied = await self._arrived(status, git.sha, state) if git.sha is not None else (UNSEEN, UNSEEN)
        asks = status.service.verify is not None
        verified = verification_step(state, verification, git.operation) if asks else None
        return Seen(state, fetched, applied, verified)

    async def _arrived(self, status: Status, sha: str, state: ClusterState | None) -> tuple[Arrival, Arrival]:
        branch = status.service.branch
        appliers = state.appliers if state is not None else Appliers()
        if appliers.kustomization is not None:
            return await self._of_flux(branch, sha, appliers)
        if appliers.application is not None:
            return await self._of_argo(branch, sha, appliers)
        return await self._reported(status, sha)

    async def _of_flux(self, branch: Branch, sha: str, appliers: Appliers) -> tuple[Arrival, Arrival]:
        kustomization, source = appliers.kustomization, appliers.source
        assert kustomization is not None, "there is one"
        kind = kustomization.source[0]
        if kind != GIT_REPOSITORY:
            said = Arrival(None, detail=f"not known: the revision of {kind or 'its source'} is no commit")
            return said, said
        fetched = UNSEEN
        if source is not None:
            fetched = _outdated(source) or await self._arrival(branch, sha, source.revision, source.updated_at)
            fetched = self._with_its_own_time(fetched, source.kind, source, sha)
        applied = _outdated(kustomization) or await self._arrival(
            branch, sha, kustomization.applied_revision, applied_at(kustomization)
        )
        return fetched, self._with_its_own_time(applied, KUSTOMIZATION, kustomization, sha)

    def _with_its_own_time(
        self, arrival: Arrival, kind: str, applier: Kustomization | Source | FluxReport, sha: str
    ) -> Arrival:
        """When it was at this very commit, if anybody looked then."""
        at = self._arrivals.of(kind, applier.namespace, applier.name, sha)
        return replace(arrival, at=at, is_bound=False) if arrival.has_come and at is not None else arrival

    async def _of_argo(self, branch: Branch, sha: str, appliers: Appliers) -> tuple[Arrival, Arrival]:
        application = appliers.application
        assert application is not None, "there is one"
        if application.is_behind:
            said = Arrival(False, detail="Argo CD has not looked at the newest change of the Application yet")
            return said, said
        fetched = await self._arrival(branch, sha, application.revision, None)
        if application.sync == "Synced":
            return fetched, fetched
        return fetched, Arrival(False, detail=application.sync)

    async def _reported(self, status: Status, sha: str) -> tuple[Arrival, Arrival]:
        branch = status.service.branch
        workload = expectation(status.service, status.detection).workload
        report = self._reports.applied(workload, substituted_by(status.detection))
        applied = await self._of_report(branch, sha, report)
        fetched = applied if applied.has_come else UNSEEN
        for source in self._reports.sources():
            found = await self._of_report(branch, sha, source)
            if found.has_come or fetched.has_come is None:
                fetched = found
            if found.has_come:
                break
        return fetched, applied

    async def _of_report(self, branch: Branch, sha: str, report: FluxReport | None) -> Arrival:
        if report is None:
            return UNSEEN
        arrival = await self._arrival(branch, sha, report.revision, report.at)
        arrival = self._with_its_own_time(arrival, report.kind, report, sha)
        if arrival.has_come and report.is_error:
            earlier = await self._of_report(branch, sha, report.good)
            return earlier if earlier.has_come else Arrival(False, detail=report.message)
        return arrival

    async def _arrival(self, branch: Branch, sha: str, revision: str, at: float | None) -> Arrival:
        commit = commit_of(revision)
        if commit is None:
            return Arrival(
                None, detail=f"not known: the revision {revision} is no commit" if revision else "not known yet"
            )
        has_come = await self._revisions.has(branch, commit, sha)
        detail = (
            "" if has_come else f"at {commit[:12]}" if has_come is False else f"{commit[:12]} cannot be compared now"
        )
        return Arrival(has_come, at if has_come else None, detail, is_bound=commit != sha)


def _outdated(applier: Kustomization | Source) -> Arrival | None:
    """Of one whose status is of an older spec; while it is suspended, it takes no newer one up."""
    if not applier.is_behind:
        return None
    kind = applier.kind if isinstance(applier, Source) else KUSTOMIZATION
    name = f"{kind} {applier.namespace}/{applier.name}"
    if applier.is_suspended:
        return Arrival(None, detail=f"not known: {name} is suspended, and was changed since it was last applied")
    return Arrival(False, detail=f"Flux has not taken up the newest change of {name} yet")


def _head_unlike(last: Entry, status: Status) -> State | None:
    """Where the branch has the service, if that is not where its newest move brought it."""
    is_there = last.record is None or last.record.after == status.detection.state.value
    return None if is_there else status.detection.state


def _operation_of(entry: Entry) -> str | None:
    return entry.record.operation if entry.record is not None else None


def _of_entry(entry: Entry, *, is_newest: bool) -> GitFacts:
    pull = entry.pull_request
    return GitFacts(
        operation=_operation_of(entry),
        sha=entry.logged.sha,
        url=entry.logged.url,
        committed_at=seconds_of(entry.logged.at),
        pull_request=pull.url if pull else "",
        proposed_at=seconds_of(pull.created_at) if pull else None,
        is_newest=is_newest,
    )


def _of_proposal(status: Status) -> GitFacts | None:
    pull = status.pull_request
    if pull is None:
        return None
    record = record_for(status.service.name, pull.body)
    operation = record.operation if record is not None else None
    return GitFacts(operation, pull_request=pull.url, proposed_at=seconds_of(pull.created_at))
