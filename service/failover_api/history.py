"""What Git says of a service: its moves and people's edits.

A listing up to one commit never changes, so everything is asked "as of the head" and kept by the forge: while the
branch stands still, history costs no request.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from failover_api.core.catalog import Branch, Policy, Service
from failover_api.core.trailers import Record, read_records
from failover_api.cursors import LAST_POSITION, Cursors
from failover_api.errors import BadRequest, GitHubError, NothingToRollBack, RepositoryNotFound
from failover_api.forge.concurrency import together
from failover_api.forge.port import LOG_PAGE, Forge, LoggedCommit, PullRequest

PAGES_SEARCHED = 5  # of each file's history, for the newest move
_OF_A_PULL_REQUEST = re.compile(r"\(#[0-9]+\)$|^Merge pull request #")


@dataclass(frozen=True, slots=True)
class Entry:
    """One commit that concerns a service. `record` is None for a person's edit."""

    logged: LoggedCommit
    record: Record | None
    pull_request: PullRequest | None = None

    @property
    def subject(self) -> str:
        """The commit's first line."""
        return self.logged.message.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first. `next` is the cursor of the page after this one."""

    entries: tuple[Entry, ...]
    next: str | None


def branch_of(*, service: str = "", group: str | None = None) -> str:
    """The branch of a pull request of ours. A service's name cannot begin with `group-`."""
    return f"failover/{service}" if group is None else f"failover/group-{group}"


def branches_about(service: Service) -> tuple[str, ...]:
    """The branches whose pull requests can move a service: its own and its groups'."""
    return (branch_of(service=service.name), *(branch_of(group=group) for group in service.groups))


def may_be_proposed(service: Service) -> bool:
    """Whether the catalog lets pull requests move it."""
    return Policy.PULL_REQUEST in {service.policy, service.fallback}


def record_for(service: str, message: str) -> Record | None:
    """What a commit's message, or a pull request's body, says of a service."""
    return next((record for record in read_records(message) if record.service == service), None)


class History:
    """Reads Git's history of located services. `cursors` are what it gives out, and takes."""

    def __init__(self, forge: Forge, cursors: Cursors) -> None:
        self._forge, self._cursors = forge, cursors
        self._last: dict[Branch, tuple[str, dict[str, Entry | None]]] = {}
        self._proposable: set[str] = set()  # the services that were seen to be moved by pull requests, perhaps

    async def page(self, service: Service, *, limit: int, cursor: str | None, not_before: float) -> Page:
        """Entries, at most `limit`. Raises BadRequest for a cursor that is none of ours."""
        head, start = ("", 0) if cursor is None else self._cursors.read(service.name, cursor)
        head = head or await self._forge.head(service.branch, not_before=not_before)
        end = start + limit
        try:
            commits = await self._commits(service, head, end + 1)
        except RepositoryNotFound as exc:
            if cursor is None:
                raise
            raise BadRequest(f"cursor: no commit {head[:12]} is in {service.branch.repository}") from exc
        entries = await self._entries(service, commits[:end], not_before)
        before = {commit.sha for commit in commits[:start]}
        return Page(
            tuple(entry for entry in entries if entry.logged.sha not in before),
            self._cursors.made(service.name, head, end) if len(commits) > end and end <= LAST_POSITION else None,
        )

    async def newest_move(self, service: Service, head: str, *, not_before: float | None) -> Entry | None:
        """The newest commit of ours that moved the service, as of `head`; None when there is none in reach."""
        for page in range(1, PAGES_SEARCHED + 1):
            commits = await self._commits(service, head, page * LOG_PAGE)
            for entry in await self._entries(service, commits, not_before):
                if entry.record is not None:
                    return entry
            if len(commits) < page * LOG_PAGE:
                break
        return None

    async def undoable(self, service: Service, head: str, *, not_before: float | None) -> tuple[Entry, Record, str]:
        """The newest move, its record, and the commit it was made on. Raises NothingToRollBack."""
        entry = await self.newest_move(service, head, not_before=not_before)
        if entry is None or entry.record is None or not entry.logged.parents:
            raise NothingToRollBack(f"no failover commit of {service.name} is in the history of {service.branch}")
        return entry, entry.record, entry.logged.parents[0]

    async def last_moves(
        self, branch: Branch, services: Sequence[Service], head: str, *, thorough: bool, not_before: float
    ) -> Mapping[str, Entry]:
        """The newest move of each service as of `head`, the branch's head; without those that have none.

        What is not known yet is looked for among the newest commits of the branch or, when `thorough`, of the
        service's own files.
        """
        self._proposable.update(service.name for service in services if may_be_proposed(service))
        known = await self._known(branch, head)
        missing = [service for service in services if service.name not in known]
        newest: dict[str, Entry | None] = {}
        if thorough:
            found = await together(self.newest_move(service, head, not_before=not_before) for service in missing)
            known |= {service.name: entry for service, entry in zip(missing, found, strict=True)}
        elif missing:
            newest = _moves(await self._forge.log(branch, at=head, not_before=None))
            missing_names = {service.name for service in missing} - self._proposable  # those may have been merged
            known |= {name: entry for name, entry in newest.items() if name in missing_names}
        return {name: entry for name, entry in {**newest, **known}.items() if entry is not None}

    async def _known(self, branch: Branch, head: str) -> dict[str, Entry | None]:
        """What is known as of `head`; when the branch moved on, by the commits that are new."""
        old_head, old = self._last.get(branch, ("", {}))
        if old_head == head:
            return old
        known: dict[str, Entry | None] = {}
        if old:
            known = await self._brought_on(branch, old_head, old, head)
        self._last[branch] = (head, known)
        return known

    async def _brought_on(
        self, branch: Branch, old_head: str, old: Mapping[str, Entry | None], head: str
    ) -> dict[str, Entry | None]:
        try:
            beyond = await self._forge.compare(branch, old_head, head)
        except GitHubError:  # the old head may be gone
            return {}
        if beyond.merge_base != old_head or not beyond.is_whole:
            return {}
        newest = _moves(beyond.commits[::-1])
        merged = any(not read_records(commit.message) for commit in beyond.commits)
        in_doubt = self._proposable if merged else self._proposable.intersection(newest)
        return {name: entry for name, entry in {**old, **newest}.items() if name not in in_doubt}

    async def _commits(self, service: Service, head: str, count: int) -> list[LoggedCommit]:
        """The newest `count` commits or more, those that changed a file of the service, newest first."""
        listings = await together(self._of_file(service.branch, path, head, count) for path in service.files)
        return merged_listings(listings)[:count]

    async def _of_file(self, branch: Branch, path: str, head: str, count: int) -> list[LoggedCommit]:
        commits: list[LoggedCommit] = []
        while len(commits) < count:
            page = await self._forge.log(branch, path, at=head, page=len(commits) // LOG_PAGE + 1, not_before=None)
            commits += page
            if len(page) < LOG_PAGE:
                break
        return commits

    async def _entries(
        self, service: Service, commits: Sequence[LoggedCommit], not_before: float | None
    ) -> list[Entry]:
        """Without the commits of ours that moved others in the same file; each operation once, as it was merged."""
        pulls: Sequence[PullRequest] = ()
        if commits and (may_be_proposed(service) or any(_looks_merged(commit) for commit in commits)):
            pulls = await self._pull_requests(service, not_before)
        by_merge = {pull.merge_commit: pull for pull in pulls if pull.state == "merged"}
        by_operation = {record.operation: pull for pull in pulls if (record := record_for(service.name, pull.body))}
        entries: list[Entry] = []
        seen: set[str] = set()
        for commit in commits:
            record, pull = record_for(service.name, commit.message), by_merge.get(commit.sha)
            if record is None and read_records(commit.message):
                continue
            if record is None and pull is not None:
                record = record_for(service.name, pull.body)
            if record is not None:
                if record.operation in seen:
                    continue
                seen.add(record.operation)
                pull = pull or by_operation.get(record.operation)
            entries.append(Entry(commit, record, pull))
        return entries

    async def _pull_requests(self, service: Service, not_before: float | None) -> list[PullRequest]:
        found = await together(
            self._forge.pull_requests(service.branch, head, not_before=not_before) for head in branches_about(service)
        )
        return [pull for pulls in found for pull in pulls]


def _looks_merged(commit: LoggedCommit) -> bool:
    """Whether it may be a pull request's merge that carries no trailers."""
    subject = commit.message.partition("\n")[0]
    return not read_records(commit.message) and _OF_A_PULL_REQUEST.search(subject) is not None


def _moves(commits: Iterable[LoggedCommit]) -> dict[str, Entry | None]:
    """The first move of each service among these commits, which are newest first."""
    moves: dict[str, Entry | None] = {}
    for commit in commits:
        for record in read_records(commit.message):
            moves.setdefault(record.service, Entry(commit, record))
    return moves


def merged_listings(listings: Sequence[Sequence[LoggedCommit]]) -> list[LoggedCommit]:
    """Several files' histories as one, newest first, each commit once.

    Commits of one second keep the order of the listings: one that stands further down in another listing waits.
    """
    rests = [deque(listing) for listing in listings]
    standing = Counter(commit.sha for listing in listings for commit in listing)
    merged: dict[str, LoggedCommit] = {}
    while heads := Counter(rest[0].sha for rest in rests if rest):
        first = [rest[0] for rest in rests if rest]
        ready = [commit for commit in first if heads[commit.sha] == standing[commit.sha]]
        newest = max(ready or first, key=lambda commit: commit.at)
        merged.setdefault(newest.sha, newest)
        for rest in rests:
            if rest and rest[0].sha == newest.sha:
                rest.popleft()
                standing[newest.sha] -= 1
    return list(merged.values())
