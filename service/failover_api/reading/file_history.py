"""The commits that changed a service's files, through renames: Git's own log of a path ends at one.

Where a path appears in the log, the same commit may have taken the file away elsewhere: as what GitHub calls a rename,
or as a removed file, if that held the service's documents.
"""

import contextlib
from collections import Counter, deque
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from cachetools import LRUCache

from failover_api.concurrency import both, together
from failover_api.core.catalog.model import Branch, Service
from failover_api.core.splice import Selector, parse
from failover_api.core.text.trailers import read_records
from failover_api.errors import ForgeError, ForgeRateLimited, ForgeUnavailable, ManifestError
from failover_api.forge.port import Forge
from failover_api.forge.values import LOG_PAGE, CommitPath, File, LoggedCommit

RENAMES_FOLLOWED = 10  # of each file
NAMES_KEPT = 1024
REMOVED_READ = 20  # files that a commit removed, and that may be the one that was renamed

Selectors = tuple[Selector, ...]


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """A commit that changed a file of a service.

    `paths` is where the service's files are at the commit, `before` where they are at its parent: {today's path: path}.
    """

    logged: LoggedCommit
    paths: Mapping[str, str]
    before: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ServiceChanges:
    """The newest commits of a service. `ends` says, in words, where a file's history begins, when that was reached."""

    commits: Sequence[ServiceChange]
    ends: Sequence[str]


@dataclass(slots=True)
class _FileLog:
    """One file's history, as far as it was read: the file was `name` at commit `at`, and is `path` today.

    `names` is {commit that renamed it: its path before}, `listed` are commits that were not yet searched for a rename.
    """

    path: str
    selectors: Selectors
    name: str
    at: str
    commits: list[LoggedCommit] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    listed: Sequence[LoggedCommit] = ()
    end: str = ""

    def possible_renames(self, count: int) -> list[LoggedCommit]:
        """Those of `listed` that may have renamed the file. But not the last wanted one: nothing before counts."""
        return [commit for commit in self.listed[: count - len(self.commits) - 1] if len(commit.parents) == 1]

    def continue_as(self, commit: LoggedCommit, former: str) -> None:
        """Goes on with the path that the file had before this commit."""
        self.commits += self.listed[: self.listed.index(commit) + 1]
        self.names[commit.sha] = former
        self.name, self.at = former, commit.parents[0]

    def finish(self, count: int) -> None:
        self.commits += self.listed
        if self.commits and len(self.commits) < count:
            self.end = f"{self.name} begins with commit {self.commits[-1].sha[:12]}"


class FileHistory:
    """Reads histories of files."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._names: LRUCache[tuple[Branch, str, str, Selectors], str] = LRUCache(NAMES_KEPT)

    async def of(self, service: Service, head: str, count: int) -> ServiceChanges:
        """The newest `count` commits, those up to `head` that changed a file of a located service, newest first."""
        file_logs = await self._file_logs(service, head, count)
        paths = {file_log.path: file_log.path for file_log in file_logs}
        changes: list[ServiceChange] = []
        for logged in merged_listings([file_log.commits for file_log in file_logs])[:count]:
            before = {file_log.path: file_log.names.get(logged.sha, paths[file_log.path]) for file_log in file_logs}
            changes.append(ServiceChange(logged, paths, before))
            paths = before
        return ServiceChanges(changes, [file_log.end for file_log in file_logs if file_log.end])

    async def _file_logs(self, service: Service, head: str, count: int) -> list[_FileLog]:
        """The files' histories, all read in step, so that one request asks for all of them."""
        branch = service.branch
        file_logs = [_FileLog(path, _selectors(service, path), path, head) for path in service.files]
        waiting = file_logs
        for _ in range(RENAMES_FOLLOWED):
            for file_log, listed in zip(
                waiting, await together(self._listed(branch, file_log, count) for file_log in waiting), strict=True
            ):
                file_log.listed = listed
            arrived = await self._arrivals(branch, waiting, count)
            formers = await together(self._renamed(branch, file_log, arrived) for file_log in waiting)
            for file_log, renamed in zip(waiting, formers, strict=True):
                if renamed is None:
                    file_log.finish(count)
                else:
                    file_log.continue_as(*renamed)
            waiting = [file_log for file_log, renamed in zip(waiting, formers, strict=True) if renamed is not None]
            waiting = [file_log for file_log in waiting if len(file_log.commits) < count]
        for file_log in waiting:
            file_log.end = f"{RENAMES_FOLLOWED} renames of {file_log.path} were followed, back to {file_log.name}"
        return file_logs

    async def _listed(self, branch: Branch, file_log: _FileLog, count: int) -> list[LoggedCommit]:
        commits: list[LoggedCommit] = []
        while len(file_log.commits) + len(commits) < count:
            number = len(commits) // LOG_PAGE + 1
            page = await self._forge.log(branch, file_log.name, at=file_log.at, page=number, not_before=None)
            commits += page
            if len(page) < LOG_PAGE:
                break
        return commits

    async def _arrivals(self, branch: Branch, file_logs: Sequence[_FileLog], count: int) -> Set[CommitPath]:
        """The commits at which a path appeared. When that cannot be asked, the last commit of each log is taken."""
        asked = {file_log.path: file_log.possible_renames(count) for file_log in file_logs}
        places = [(commit.sha, file_log.name) for file_log in file_logs for commit in asked[file_log.path]]
        if not places:
            return set()
        try:
            presence, _ = await both(
                self._forge.file_presence(branch, places), self._read_soon(branch, file_logs, asked)
            )
        except (ForgeError, ForgeUnavailable, ForgeRateLimited):
            return {(file_log.listed[-1].sha, file_log.name) for file_log in file_logs if file_log.listed}
        return {place for place in places if presence[place].is_there and not presence[place].was_there}

    async def _read_soon(
        self, branch: Branch, file_logs: Sequence[_FileLog], asked: Mapping[str, Sequence[LoggedCommit]]
    ) -> None:
        """Reads ahead what the audit of these commits will need: beside the other request, it costs no time."""
        places = [
            (sha, file_log.name)
            for file_log in file_logs
            for commit in asked[file_log.path]
            if read_records(commit.message)
            for sha in (commit.parents[0], commit.sha)
        ]
        with contextlib.suppress(ForgeError, ForgeUnavailable, ForgeRateLimited):
            await self._forge.read_at_commits(branch, places)

    async def _renamed(
        self, branch: Branch, file_log: _FileLog, arrived: Set[CommitPath]
    ) -> tuple[LoggedCommit, str] | None:
        """The newest commit that renamed the file, and its path before; None when none did."""
        for commit in file_log.listed:
            if (commit.sha, file_log.name) in arrived and len(commit.parents) == 1:
                former = await self._former(branch, file_log.name, commit, file_log.selectors)
                if former is not None:
                    return commit, former
        return None

    async def _former(self, branch: Branch, path: str, logged: LoggedCommit, selectors: Selectors) -> str | None:
        key = (branch, logged.sha, path, selectors)
        if key not in self._names:
            self._names[key] = await self._find_former(branch, path, logged, selectors) or ""
        return self._names[key] or None

    async def _find_former(self, branch: Branch, path: str, logged: LoggedCommit, selectors: Selectors) -> str | None:
        changes = await self._forge.renames_and_removals(branch, logged.sha)
        renamed = [changes.renamed[path]] if path in changes.renamed else []
        removed = [former for former in (*changes.removed, *changes.renamed.values()) if former not in renamed]
        is_named = all(selector.name for selector in selectors)  # else too many files have such a document
        candidates = [*renamed, *(_likely(removed, path) if is_named else ())]
        if not candidates:
            return None
        places = {former: (logged.parents[0], former) for former in candidates}
        files = await self._forge.read_at_commits(branch, list(places.values()))
        return next((former for former, place in places.items() if _has_documents(files[place], selectors)), None)


def _selectors(service: Service, path: str) -> Selectors:
    return tuple(dict.fromkeys(switch.selector for switch in service.switches if switch.file == path))


def _likely(paths: Sequence[str], path: str) -> list[str]:
    """The manifests among removed files, those of the same name first."""
    name = path.rpartition("/")[2]
    manifests = [other for other in paths if other.lower().endswith((".yaml", ".yml", ".json"))]
    return sorted(manifests, key=lambda other: other.rpartition("/")[2] != name)[:REMOVED_READ]


def _has_documents(file: File | ManifestError, selectors: Selectors) -> bool:
    if not isinstance(file, File):
        return False
    try:
        manifest = parse(file.data, file=file.path)
        for selector in selectors:
            manifest.select(selector)
    except ManifestError:
        return False
    return True


def merged_listings(listings: Sequence[Sequence[LoggedCommit]]) -> list[LoggedCommit]:
    """Several files' histories as one, newest first, each commit once.

    Times are in whole seconds, so commits of one second keep the order of the listings: a commit is taken only when it
    is first in every listing that still has it. Listings that contradict each other lose nothing.
    """
    rests = [deque(listing) for listing in listings]
    occurrences = Counter(commit.sha for listing in listings for commit in listing)
    merged: dict[str, LoggedCommit] = {}
    while heads := Counter(rest[0].sha for rest in rests if rest):
        first = [rest[0] for rest in rests if rest]
        ready = [commit for commit in first if heads[commit.sha] == occurrences[commit.sha]]
        newest = max(ready or first, key=lambda commit: commit.at)
        merged.setdefault(newest.sha, newest)
        for rest in rests:
            if rest and rest[0].sha == newest.sha:
                rest.popleft()
                occurrences[newest.sha] -= 1
    return list(merged.values())
