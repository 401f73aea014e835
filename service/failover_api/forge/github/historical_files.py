"""Files as they were at a commit, which never changes: what was read is kept for as long as there is room."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from cachetools import LRUCache

from failover_api.concurrency import together
from failover_api.core.catalog.model import Branch
from failover_api.errors import FailoverError, ForgeError, ForgeRateLimited, ForgeUnavailable
from failover_api.forge.github import queries
from failover_api.forge.github.heads import Heads
from failover_api.forge.github.objects import BATCH_FILES, FileOrError, Objects
from failover_api.forge.values import CommitPath, File, FilePresence, Snapshot

MAX_BYTES = 8 * 1024 * 1024
PRESENCE_KEPT = 8192
COMMITS_BY_REST = 4  # when GraphQL gives nothing: a tree for each
_ENTRY_OVERHEAD_BYTES = 512


class HistoricalFiles:
    """Files by repository, commit and path."""

    def __init__(self, heads: Heads, objects: Objects) -> None:
        self._heads, self._objects = heads, objects
        self._files: LRUCache[tuple[str, str, str], File] = LRUCache(MAX_BYTES, getsizeof=_size)
        self._presence: LRUCache[tuple[str, str, str], FilePresence] = LRUCache(PRESENCE_KEPT)

    async def read(self, branch: Branch, commit: str, paths: Sequence[str]) -> Snapshot:
        """As Forge.read_at()."""
        places = {path: (branch.repository, commit, path) for path in paths}
        known = {path: file for path, place in places.items() if (file := self._files.get(place)) is not None}
        missing = [path for path in places if path not in known]
        if not missing:
            return Snapshot(branch, known, commit)
        found = await self._heads.files_at(branch, missing, commit)
        self._keep(branch, {(commit, path): file for path, file in found.items()})
        return Snapshot(branch, {**known, **found}, commit)

    async def read_at_commits(self, branch: Branch, places: Collection[CommitPath]) -> dict[CommitPath, FileOrError]:
        """As Forge.read_at_commits()."""
        kept = {place: self._files.get((branch.repository, *place)) for place in dict.fromkeys(places)}
        known: dict[CommitPath, FileOrError] = {place: file for place, file in kept.items() if file is not None}
        missing = [place for place in kept if place not in known]
        if not missing:
            return known
        try:
            batches = await together(self._query(branch, batch) for batch in _batches(missing))
            found = {place: file for batch in batches for place, file in batch.items()}
        except (ForgeError, ForgeRateLimited, ForgeUnavailable) as exc:
            found = await self._by_commit(branch, missing, exc)
        self._keep(branch, found)
        return known | found

    async def file_presence(self, branch: Branch, places: Collection[CommitPath]) -> dict[CommitPath, FilePresence]:
        """As Forge.standings()."""
        known = {place: presence for place in places if (presence := self._known_presence(branch, place)) is not None}
        missing = [place for place in dict.fromkeys(places) if place not in known]
        for batch in await together(self._query_presence(branch, batch) for batch in _batches(missing)):
            self._presence.update({(branch.repository, *place): presence for place, presence in batch.items()})
            known |= batch
        return known

    def wrote(self, branch: Branch, parent: str, old: Mapping[str, File], commit: str, new: Mapping[str, File]) -> None:
        """A commit of ours: what it made of files that were `old` at its one parent."""
        self._keep(branch, {(parent, path): file for path, file in old.items()})
        self._keep(branch, {(commit, path): file for path, file in new.items()})
        for path in old.keys() & new.keys():
            self._presence[(branch.repository, commit, path)] = FilePresence(is_there=True, was_there=True)

    def _known_presence(self, branch: Branch, place: CommitPath) -> FilePresence | None:
        return self._presence.get((branch.repository, *place))

    def _keep(self, branch: Branch, found: Mapping[CommitPath, FileOrError]) -> None:
        for place, file in found.items():
            if isinstance(file, File) and _size(file) <= MAX_BYTES:
                self._files[(branch.repository, *place)] = file

    async def _by_commit(
        self, branch: Branch, places: Sequence[CommitPath], refusal: FailoverError
    ) -> dict[CommitPath, FileOrError]:
        """Commit by commit, which may go by REST. Raises `refusal`, GraphQL's reason, when there are many."""
        by_commit: dict[str, list[str]] = {}
        for commit, path in places:
            by_commit.setdefault(commit, []).append(path)
        if len(by_commit) > COMMITS_BY_REST:
            raise refusal
        found = await together(self._heads.files_at(branch, paths, commit) for commit, paths in by_commit.items())
        pairs = zip(by_commit, found, strict=True)
        return {(commit, path): file for commit, files in pairs for path, file in files.items()}

    async def _query(self, branch: Branch, places: Sequence[CommitPath]) -> dict[CommitPath, FileOrError]:
        query, variables = queries.files_at_commits(places)
        what = f"reading {len(places)} files of {branch} as they were"
        repository = await self._objects.query(branch, query, variables, what=what)
        commits = list(dict.fromkeys(commit for commit, _ in places))
        try:
            of_commit = {commit: repository[f"c{j}"] for j, commit in enumerate(commits)}
            entries = [of_commit[commit].get(f"f{i}") for i, (commit, _) in enumerate(places)]
            found = await together(
                self._heads.found(branch, place[1], e) for place, e in zip(places, entries, strict=True)
            )
        except (AttributeError, KeyError, TypeError) as exc:  # a commit may be gone, or not be known yet
            raise ForgeError(f"{what}: GitHub's answer has no files") from exc
        return dict(zip(places, found, strict=True))

    async def _query_presence(self, branch: Branch, places: Sequence[CommitPath]) -> dict[CommitPath, FilePresence]:
        query, variables = queries.presence(places)
        what = f"reading where {len(places)} commits of {branch} have a file"
        repository = await self._objects.query(branch, query, variables, what=what)
        try:
            commits = [repository[f"c{i}"] for i in range(len(places))]
            return {place: _presence_of(commit) for place, commit in zip(places, commits, strict=True)}
        except (AttributeError, KeyError, TypeError) as exc:
            raise ForgeError(f"{what}: GitHub's answer has no commits") from exc


def _presence_of(commit: dict[str, dict[str, list[dict[str, object]]]]) -> FilePresence:
    parents = commit["parents"]["nodes"]
    return FilePresence(is_there=commit["file"] is not None, was_there=any(parent["file"] for parent in parents))


def _batches(places: Sequence[CommitPath]) -> Iterator[Sequence[CommitPath]]:
    for start in range(0, len(places), BATCH_FILES):
        yield places[start : start + BATCH_FILES]


def _size(file: File) -> int:
    return len(file.data) + _ENTRY_OVERHEAD_BYTES
