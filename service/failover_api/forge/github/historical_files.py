"""Files as they were at commits. A commit never changes, so what was read is kept for as long as there is room."""

from collections.abc import Collection, Mapping, Sequence

from cachetools import LRUCache

from failover_api.concurrency import batches, together
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
        missing_files = await self._heads.files_at(branch, missing, commit)
        self._keep(branch, {(commit, path): file for path, file in missing_files.items()})
        return Snapshot(branch, {**known, **missing_files}, commit)

    async def read_at_commits(self, branch: Branch, places: Collection[CommitPath]) -> dict[CommitPath, FileOrError]:
        """As Forge.read_at_commits()."""
        kept = {place: self._files.get((branch.repository, *place)) for place in dict.fromkeys(places)}
        known: dict[CommitPath, FileOrError] = {place: file for place, file in kept.items() if file is not None}
        missing = [place for place in kept if place not in known]
        if not missing:
            return known
        try:
            by_batch = await together(self._query(branch, batch) for batch in batches(missing, BATCH_FILES))
            fetched = {place: file for files in by_batch for place, file in files.items()}
        except (ForgeError, ForgeRateLimited, ForgeUnavailable) as exc:
            fetched = await self._by_commit(branch, missing, exc)
        self._keep(branch, fetched)
        return known | fetched

    async def file_presence(self, branch: Branch, places: Collection[CommitPath]) -> dict[CommitPath, FilePresence]:
        """As Forge.file_presence()."""
        known = {place: presence for place in places if (presence := self._known_presence(branch, place)) is not None}
        missing = [place for place in dict.fromkeys(places) if place not in known]
        for batch in await together(self._query_presence(branch, batch) for batch in batches(missing, BATCH_FILES)):
            self._presence.update({(branch.repository, *place): presence for place, presence in batch.items()})
            known |= batch
        return known

    def wrote(self, branch: Branch, parent: str, old: Mapping[str, File], commit: str, new: Mapping[str, File]) -> None:
        """Keeps the files of a commit of ours, and of its only parent, which had the `old` ones."""
        self._keep(branch, {(parent, path): file for path, file in old.items()})
        self._keep(branch, {(commit, path): file for path, file in new.items()})
        for path in old.keys() & new.keys():
            self._presence[(branch.repository, commit, path)] = FilePresence(is_there=True, was_there=True)

    def _known_presence(self, branch: Branch, place: CommitPath) -> FilePresence | None:
        return self._presence.get((branch.repository, *place))

    def _keep(self, branch: Branch, files: Mapping[CommitPath, FileOrError]) -> None:
        for place, file in files.items():
            if isinstance(file, File) and _size(file) <= MAX_BYTES:
                self._files[(branch.repository, *place)] = file

    async def _by_commit(
        self, branch: Branch, places: Sequence[CommitPath], refusal: FailoverError
    ) -> dict[CommitPath, FileOrError]:
        """The files commit by commit, which may use REST. Raises `refusal`, GraphQL's error, when there are many."""
        by_commit: dict[str, list[str]] = {}
        for commit, path in places:
            by_commit.setdefault(commit, []).append(path)
        if len(by_commit) > COMMITS_BY_REST:
            raise refusal
        files_of_commits = await together(
            self._heads.files_at(branch, paths, commit) for commit, paths in by_commit.items()
        )
        pairs = zip(by_commit, files_of_commits, strict=True)
        return {(commit, path): file for commit, files in pairs for path, file in files.items()}

    async def _query(self, branch: Branch, places: Sequence[CommitPath]) -> dict[CommitPath, FileOrError]:
        query, variables = queries.files_at_commits(places)
        what = f"reading {len(places)} files of {branch} as they were"
        repository = await self._objects.query(branch, query, variables, what=what)
        commits = list(dict.fromkeys(commit for commit, _ in places))
        try:
            of_commit = {commit: repository[f"c{j}"] for j, commit in enumerate(commits)}
            entries = [of_commit[commit].get(f"f{i}") for i, (commit, _) in enumerate(places)]
            files = await together(
                self._heads.file_of_entry(branch, place[1], e) for place, e in zip(places, entries, strict=True)
            )
        except (AttributeError, KeyError, TypeError) as exc:  # a commit may be gone, or not be known yet
            raise ForgeError(f"{what}: GitHub's answer has no files") from exc
        return dict(zip(places, files, strict=True))

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


def _size(file: File) -> int:
    return len(file.data) + _ENTRY_OVERHEAD_BYTES
