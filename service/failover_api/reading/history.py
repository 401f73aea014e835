"""What Git says of a service: its moves and people's edits.

What a commit says of itself is believed only when its diff shows it (core/text/audit.py): else it is an edit.

A listing up to one commit never changes, so everything is asked "as of the head" and kept by the forge: while the
branch stands still, history costs no request.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from failover_api.concurrency import together
from failover_api.core.catalog.model import Service
from failover_api.core.planning.request import RELOCATE
from failover_api.core.planning.rollback import Undone
from failover_api.core.text.audit import Finding, Verdict
from failover_api.core.text.trailers import Record, read_all_records
from failover_api.errors import (
    BadRequest,
    ForgeError,
    ForgeRateLimited,
    ForgeUnavailable,
    ManifestError,
    NothingToRollBack,
    RepositoryNotFound,
)
from failover_api.forge.port import Forge
from failover_api.forge.values import LOG_PAGE, LoggedCommit, PullRequest
from failover_api.reading.commit_audit import CommitAudit, CommitClaim, CommitManifests
from failover_api.reading.cursors import LAST_POSITION, Cursors
from failover_api.reading.file_history import FileHistory, ServiceChange
from failover_api.reading.pull_requests import branches_about, looks_merged, may_be_proposed, record_for
from failover_api.reading.services import Observation, ServiceReader
from failover_api.reading.unblocking import Unblocking, UnblockingReader

LOOKED_AT_FIRST = 10  # commits, for the newest move
PAGES_SEARCHED = 5  # of each file's history, when it is not among those
_UNREAD = "GitHub did not show the files of then"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PastStep:
    """A commit of a relocation."""

    logged: LoggedCommit
    record: Record


@dataclass(frozen=True, slots=True)
class Entry:
    """One commit that concerns a service. `record` is None for a person's edit.

    `verified`: the diff was checked, and does what the record says. None: that cannot be proved, and `why` says why;
    or it is an edit that says nothing. False: an edit that says it was a move of ours, and was none. `steps` are the
    commits of a relocation, oldest first, where somebody looked for them.
    """

    logged: LoggedCommit
    record: Record | None
    pull_request: PullRequest | None = None
    verified: bool | None = None
    why: str = ""
    steps: tuple[PastStep, ...] = ()

    @property
    def operation(self) -> str:
        """That it is a part of; "" of an edit."""
        return self.record.operation if self.record is not None else ""

    @property
    def is_settled(self) -> bool:
        """Whether a later look would see the same."""
        return self.why != _UNREAD

    @property
    def by(self) -> str:
        """Who asked for it; of an edit, and where the record does not say, its author."""
        return (self.record and self.record.provenance.by) or self.logged.by

    @property
    def accepted(self) -> tuple[str, ...]:
        """The hazards that were; of a relocation its first commit says it."""
        records = [*(step.record for step in self.steps), *((self.record,) if self.record is not None else ())]
        return tuple(dict.fromkeys(slug for record in records for slug in record.accepted))

    @property
    def subject(self) -> str:
        """The commit's first line."""
        return self.logged.message.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class PastMove:
    """The entry of a move, with its record, and where its files were."""

    entry: Entry
    record: Record
    change: ServiceChange


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first. `next` is the cursor of the page after this one."""

    entries: tuple[Entry, ...]
    next: str | None


class History:
    """Reads Git's history of located services. `cursors` are what it gives out, and takes."""

    def __init__(self, forge: Forge, reader: ServiceReader, cursors: Cursors) -> None:
        self._forge, self._reader, self._cursors = forge, reader, cursors
        self._file_history, self._audit = FileHistory(forge), CommitAudit(forge, reader)
        self._unblockings = UnblockingReader(forge, self._file_history, self._audit, self._pull_requests)

    async def page(self, service: Service, *, limit: int, cursor: str | None, not_before: float) -> Page:
        """Entries, at most `limit`. Raises BadRequest for a cursor that is none of ours."""
        head, start = ("", 0) if cursor is None else self._cursors.read(service.name, cursor)
        head = head or await self._forge.head(service.branch, not_before=not_before)
        end = start + limit
        try:
            commits = (await self._file_history.of(service, head, end + 1)).commits
        except RepositoryNotFound as exc:
            if cursor is None:
                raise
            raise BadRequest(f"cursor: no commit {head[:12]} is in {service.branch.repository}") from exc
        entries = await self._entries(service, commits[:end], not_before, start=start)
        more = len(commits) > end and end <= LAST_POSITION
        return Page(tuple(entries), self._cursors.sign(service.name, head, end) if more else None)

    async def newest_move(
        self, service: Service, head: str, *, not_before: float | None, acting: bool = False
    ) -> PastMove | None:
        """The newest commit of ours that moved the service, as of `head`; None when there is none in reach.

        When nobody can tell what the commits did, because they cannot be read now: raises that if `acting` on it.
        """
        return (await self._newest_move(service, head, not_before, acting=acting))[0]

    async def undoable(self, service: Service, head: str, *, not_before: float | None) -> Undone:
        """What a rollback undoes: the newest move as of `head`, and what it did. Raises NothingToRollBack."""
        move, ends = await self._newest_move(service, head, not_before, acting=True)
        if move is None:
            ends = [*await self._arrivals(service, head), *ends] if ends else ends
            end = f" ({'; '.join(ends)})" if ends else ""
            raise NothingToRollBack(f"no failover commit of {service.name} is in the history of {service.branch}{end}")
        entry, record = move.entry, move.record
        where = f"operation {record.operation} (commit {entry.logged.sha[:12]})"
        if record.action == RELOCATE:
            raise NothingToRollBack(
                f"{where} relocated {service.name}: what was written since is on {record.after} alone, so relocate it "
                f"back to {record.before}"
            )
        if entry.verified is None:
            raise NothingToRollBack(
                f"{where} says that it moved {service.name}, and that cannot be proved: {entry.why}; promote or demote "
                "instead"
            )
        try:
            manifests_around = await self._audit.manifests_around(service, move.change)
        except ManifestError as exc:
            raise NothingToRollBack(f"{where} cannot be undone: the files of then: {exc.detail}") from exc
        manifests_around = await self._with_ends(service, entry.logged, manifests_around)
        return Undone(record.operation, manifests_around.before, manifests_around.after, at=entry.logged.at)

    async def _with_ends(self, service: Service, commit: LoggedCommit, around: CommitManifests) -> CommitManifests:
        ends_around = await self._ends_around(service, commit)
        return CommitManifests({**ends_around.before, **around.before}, {**ends_around.after, **around.after})

    async def _ends_around(self, service: Service, commit: LoggedCommit) -> CommitManifests:
        """The files of what its moves pause, before a commit and with it, as far as they can be read."""
        paths = [file for file in service.files_read if file not in service.files]
        if not paths or not commit.parents:
            return CommitManifests({}, {})
        shas = (commit.parents[0], commit.sha)
        read = await self._forge.read_at_commits(service.branch, [(sha, path) for sha in shas for path in paths])
        return CommitManifests(*(self._reader.readable({path: read[sha, path] for path in paths}) for sha in shas))

    async def unblockings(
        self, observed: Sequence[Observation], head: str, *, not_before: float
    ) -> Mapping[str, Unblocking]:
        """The moves of ours that unblocked these services of one branch, by name; as UnblockingReader.of()."""
        return await self._unblockings.of(observed, head, not_before=not_before)

    async def change(self, service: Service, commit: LoggedCommit, head: str) -> ServiceChange:
        """Where the service's files were with a commit, which may be on a branch of ours, and not in their history."""
        paths = {file: file for file in service.files}
        found = ServiceChange(commit, paths, paths)
        if await self._audit.has_files(service.branch, found):
            return found
        changes = (await self._file_history.of(service, head, LOG_PAGE)).commits
        for change in changes:
            if change.logged.sha == commit.sha:
                return change
        return await self._change_beside(service, commit, head) if commit.parents else found

    async def _change_beside(self, service: Service, commit: LoggedCommit, head: str) -> ServiceChange:
        renamed = (await self._forge.compare(service.branch, commit.parents[0], head)).renamed
        paths = {file: renamed.get(file, file) for file in service.files}
        return ServiceChange(commit, paths, paths)

    async def judge(self, service: Service, change: ServiceChange, record: Record, text: str) -> Finding:
        """What a record of the service is worth that stands in `text`. Raises when that cannot be read now."""
        (finding,) = await self._audit.judge([CommitClaim(service, change, record, text)])
        return finding

    async def manifests_around(self, service: Service, change: ServiceChange) -> CommitManifests:
        """What a commit did, to replication too as far as that can be read. Raises ManifestError for a missing file."""
        return await self._with_ends(service, change.logged, await self._audit.manifests_around(service, change))

    async def _arrivals(self, service: Service, head: str) -> list[str]:
        """Where documents were put into a file that was there: Git does not know where they were before."""
        changes = (await self._file_history.of(service, head, LOG_PAGE)).commits
        try:
            found = await self._audit.arrivals(service, changes)
        except (ForgeError, ForgeUnavailable, ForgeRateLimited):
            return []
        return [f"{file} has its document since commit {sha[:12]}" for file, sha in found.items()]

    async def _newest_move(
        self, service: Service, head: str, not_before: float | None, *, acting: bool
    ) -> tuple[PastMove | None, Sequence[str]]:
        """And where the history of its files ends, when all of it was read."""
        start = 0
        for count in (LOOKED_AT_FIRST, *range(LOG_PAGE, PAGES_SEARCHED * LOG_PAGE + 1, LOG_PAGE)):
            found = await self._file_history.of(service, head, count)
            entries = await self._entries(service, found.commits, not_before, start=start, acting=acting)
            for entry in entries:
                if entry.record is not None:
                    change = next(change for change in found.commits if change.logged.sha == entry.logged.sha)
                    return PastMove(entry, entry.record, change), ()
            if len(found.commits) < count:
                return None, found.ends
            start = count
        return None, ()

    async def _entries(
        self,
        service: Service,
        commits: Sequence[ServiceChange],
        not_before: float | None,
        *,
        start: int = 0,
        acting: bool = False,
    ) -> list[Entry]:
        """From `start` on, without the commits of ours that moved others in the same file.

        Each operation once, as it was merged.
        """
        pulls: Sequence[PullRequest] = ()
        if commits and (may_be_proposed(service) or any(looks_merged(change.logged) for change in commits)):
            pulls = await self._pull_requests(service, not_before)
        by_merge = {pull.merge_commit: pull for pull in pulls if pull.state == "merged"}
        by_operation = {record.operation: pull for pull in pulls if (record := record_for(service.name, pull.body))}
        claims = [_claim(service, change, by_merge.get(change.logged.sha)) for change in commits]
        said = {claim.record.operation for claim in claims[start:] if claim and claim.record}
        merges = [c for c in claims[:start] if c and c.record and c.record.operation in said and _is_merge(c.change)]
        asked = [*merges, *(claim for claim in claims[start:] if claim)]
        findings = await self.findings(asked, acting=acting)
        found = {claim.change.logged.sha: finding for claim, finding in zip(asked, findings, strict=True)}
        entries: list[Entry] = []
        merged = {c.record.operation for c in merges if c.record and found[c.change.logged.sha].is_ours}
        for change, claim in list(zip(commits, claims, strict=True))[start:]:
            sha = change.logged.sha
            if claim is None or claim.record is None:
                if claim is None or not found[sha].is_ours:
                    entries.append(Entry(change.logged, None, by_merge.get(sha)))
                continue
            operation = claim.record.operation
            if found[sha].is_ours and operation in merged:
                continue
            if found[sha].is_ours and _is_merge(change):
                merged.add(operation)
            proposed = by_operation.get(operation) if found[sha].is_ours else None
            entries.append(entry_of(claim, found[sha], by_merge.get(sha) or proposed))
        return entries

    async def findings(self, claims: Sequence[CommitClaim], *, acting: bool) -> Sequence[Finding]:
        """What claims are worth. When that cannot be read now: raises if `acting`, else it is not provable."""
        try:
            return await self._audit.judge(claims)
        except (ForgeError, ForgeUnavailable, ForgeRateLimited) as exc:
            if acting:
                raise
            _log.warning("commits could not be proved", extra={"problem": exc.slug, "detail": exc.detail})
            return [Finding(Verdict.NOT_PROVABLE, _UNREAD) for _ in claims]

    async def _pull_requests(self, service: Service, not_before: float | None) -> list[PullRequest]:
        found = await together(
            self._forge.pull_requests(service.branch, head, not_before=not_before) for head in branches_about(service)
        )
        return [pull for pulls in found for pull in pulls]


def _claim(service: Service, change: ServiceChange, merged: PullRequest | None) -> CommitClaim | None:
    """What a commit says, by its own trailers or those of the pull request that was merged as it; None: nothing."""
    message = change.logged.message
    if (record := record_for(service.name, message)) is not None:
        return CommitClaim(service, change, record, f"{message}\n\n{merged.body}" if merged else message)
    if read_all_records(message):
        return CommitClaim(service, change, None, message)
    if merged is not None and (record := record_for(service.name, merged.body)) is not None:
        return CommitClaim(service, change, record, merged.body)
    return None


def entry_of(claim: CommitClaim, finding: Finding, pull: PullRequest | None) -> Entry:
    """A commit that says it was a move of ours, as it is told."""
    match finding.verdict:
        case Verdict.PROVED:
            return Entry(claim.change.logged, claim.record, pull, verified=True)
        case Verdict.NOT_PROVABLE:
            return Entry(claim.change.logged, claim.record, pull, why=finding.why)
    return Entry(claim.change.logged, None, pull, verified=False, why=finding.why)


def _is_merge(change: ServiceChange) -> bool:
    return len(change.logged.parents) > 1
