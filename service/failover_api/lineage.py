"""The commits that changed a service's files, and where these files were then: Git's log of a path ends at a rename.

Where a file appears under its name, it is asked what was taken away in the same commit: a file that GitHub calls
renamed, or one that was removed, if the documents of the service are in it.
"""

import contextlib
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cachetools import LRUCache

from failover_api.core.catalog import Branch, Service
from failover_api.core.splice import Selector, parse
from failover_api.core.trailers import read_records
from failover_api.errors import GitHubError, GitHubRateLimited, GitHubUnavailable, ManifestError
from failover_api.forge.concurrency import both, together
from failover_api.forge.port import LOG_PAGE, File, Forge, LoggedCommit

RENAMES_FOLLOWED = 10  # of each file
NAMES_KEPT = 1024
REMOVED_READ = 20  # files that a commit removed, and that may be the one that appeared

Selectors = tuple[Selector, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """A commit that changed a file of a service.

    `paths` is where the service's files are with it, `before` where they were before it: {path of today: path then}.
    """

    logged: LoggedCommit
    paths: Mapping[str, str]
    before: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Traces:
    """The newest commits of a service. `ends` says where a file's history begins, when all of it was read."""

    commits: Sequence[Trace]
    ends: Sequence[str]


@dataclass(slots=True)
class _Line:
    """One file's history: `names` is {commit that renamed it: its name before}."""

    path: str
    commits: list[LoggedCommit]
    names: dict[str, str]
    end: str = ""


class Lineage:
    """Reads histories of files."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._names: LRUCache[tuple[Branch, str, str, Selectors], str] = LRUCache(NAMES_KEPT)

    async def of(self, service: Service, head: str, count: int) -> Traces:
        """The newest `count` commits, those up to `head` that changed a file of a located service, newest first."""
        lines = await together(self._line(service, path, head, count) for path in service.files)
        paths = {line.path: line.path for line in lines}
        traces: list[Trace] = []
        for logged in merged_listings([line.commits for line in lines])[:count]:
            before = {line.path: line.names.get(logged.sha, paths[line.path]) for line in lines}
            traces.append(Trace(logged, paths, before))
            paths = before
        return Traces(traces, [line.end for line in lines if line.end])

    async def _line(self, service: Service, path: str, head: str, count: int) -> _Line:
        selectors = tuple(dict.fromkeys(switch.selector for switch in service.switches if switch.file == path))
        line, name, at = _Line(path, [], {}), path, head
        for _ in range(RENAMES_FOLLOWED + 1):
            listed = await self._listed(service.branch, name, at, count - len(line.commits))
            cut, former = await self._renamed(service.branch, name, listed, count - len(line.commits), selectors)
            if former is None:
                line.commits += listed
                if listed and len(line.commits) < count:
                    line.end = f"{name} begins with commit {listed[-1].sha[:12]}"
                break
            line.commits += listed[: cut + 1]
            line.names[listed[cut].sha] = former
            name, at = former, listed[cut].parents[0]
        return line

    async def _listed(self, branch: Branch, path: str, at: str, count: int) -> list[LoggedCommit]:
        commits: list[LoggedCommit] = []
        while len(commits) < count:
            page = await self._forge.log(branch, path, at=at, page=len(commits) // LOG_PAGE + 1, not_before=None)
            commits += page
            if len(page) < LOG_PAGE:
                break
        return commits

    async def _renamed(
        self, branch: Branch, path: str, listed: Sequence[LoggedCommit], count: int, selectors: Selectors
    ) -> tuple[int, str | None]:
        """The newest of the commits that brought the file from elsewhere, and from where; None: none did.

        What is further back than `count` commits is not asked for.
        """
        wanted = [i for i, commit in enumerate(listed[: count - 1]) if len(commit.parents) == 1]
        for i in await self._appeared(branch, path, listed, wanted):
            former = await self._former(branch, path, listed[i], selectors)
            if former is not None:
                return i, former
        return 0, None

    async def _appeared(
        self, branch: Branch, path: str, listed: Sequence[LoggedCommit], wanted: Sequence[int]
    ) -> Sequence[int]:
        """Those of `wanted` with which the file came. When nobody can tell, the last one."""
        places = {i: (listed[i].sha, path) for i in wanted}
        try:
            found, _ = await both(
                self._forge.standings(branch, list(places.values())),
                self._read_soon(branch, path, [listed[i] for i in wanted]),
            )
        except (GitHubError, GitHubUnavailable, GitHubRateLimited):
            return [i for i in wanted if i == len(listed) - 1]
        return [i for i, place in places.items() if found[place].is_there and not found[place].was_there]

    async def _read_soon(self, branch: Branch, path: str, commits: Sequence[LoggedCommit]) -> None:
        """What the proof of these commits will ask for; asked beside the other question, it costs no time."""
        claiming = [commit for commit in commits if read_records(commit.message)]
        places = [(sha, path) for commit in claiming for sha in (commit.parents[0], commit.sha)]
        with contextlib.suppress(GitHubError, GitHubUnavailable, GitHubRateLimited):
            await self._forge.read_past(branch, places)

    async def _former(self, branch: Branch, path: str, logged: LoggedCommit, selectors: Selectors) -> str | None:
        key = (branch, logged.sha, path, selectors)
        if key not in self._names:
            self._names[key] = await self._find_former(branch, path, logged, selectors) or ""
        return self._names[key] or None

    async def _find_former(self, branch: Branch, path: str, logged: LoggedCommit, selectors: Selectors) -> str | None:
        gone = await self._forge.departures(branch, logged.sha)
        renamed = [gone.renamed[path]] if path in gone.renamed else []
        removed = [one for one in (*gone.removed, *gone.renamed.values()) if one not in renamed]
        is_named = all(selector.name for selector in selectors)  # else many a file has such a document
        candidates = [*renamed, *(_likely(removed, path) if is_named else ())]
        if not candidates:
            return None
        places = {one: (logged.parents[0], one) for one in candidates}
        found = await self._forge.read_past(branch, list(places.values()))
        return next((one for one, place in places.items() if _holds(found[place], selectors)), None)


def _likely(paths: Sequence[str], path: str) -> list[str]:
    """The manifests among files that went, those of the same name first."""
    name = path.rpartition("/")[2]
    manifests = [one for one in paths if one.lower().endswith((".yaml", ".yml", ".json"))]
    return sorted(manifests, key=lambda one: one.rpartition("/")[2] != name)[:REMOVED_READ]


def _holds(found: File | ManifestError, selectors: Selectors) -> bool:
    if not isinstance(found, File):
        return False
    try:
        manifest = parse(found.data, file=found.path)
        for selector in selectors:
            manifest.select(selector)
    except ManifestError:
        return False
    return True


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
