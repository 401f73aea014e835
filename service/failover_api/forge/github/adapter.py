"""The Forge of GitHub: REST for one file, GraphQL for several.

read one file      GET contents, If-None-Match                        files
list               GET tree of the branch, If-None-Match              trees
read several       GET branch, If-None-Match; GraphQL when it moved   heads
read history       GraphQL at a commit; commits, compare              historical_files, log
write one file     PUT contents: compare-and-swap on the blob sha     commits
write several      createCommitOnBranch: compare-and-swap on the head commits
move a branch      updateRefs: compare-and-swap on its head           branches
pull requests      pulls, labels, reviewers, auto-merge               pulls, review
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from failover_api.core.catalog.model import Branch
from failover_api.errors import ManifestError
from failover_api.forge.github.branches import Branches
from failover_api.forge.github.checks import check_branch, check_client
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.github.commits import Commits
from failover_api.forge.github.files import Files
from failover_api.forge.github.heads import Heads
from failover_api.forge.github.historical_files import HistoricalFiles
from failover_api.forge.github.log import Log
from failover_api.forge.github.objects import Objects
from failover_api.forge.github.pulls import Pulls
from failover_api.forge.github.review import Review
from failover_api.forge.github.trees import Trees
from failover_api.forge.repository.lag import Lag
from failover_api.forge.values import (
    Check,
    Commit,
    CommitPath,
    Comparison,
    Entry,
    File,
    FilePresence,
    Listing,
    LoggedCommit,
    PullRequest,
    RenamesAndRemovals,
    Snapshot,
)


class GitHub:
    """The Forge of GitHub: each method is one of the parts."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client
        lag = Lag()
        self._objects = Objects(client)
        self._log = Log(client, lag)
        self._heads = Heads(client, self._objects, self._log, lag)
        self._files = Files(client, self._objects, self._heads, lag)
        self._history = HistoricalFiles(self._heads, self._objects)
        self._trees = Trees(self._objects, lag)
        self._commits = Commits(client, self._objects, self._heads, self._files, self._history, self._trees, lag)
        self._branches = Branches(client, self._heads)
        self._pulls, self._review = Pulls(client), Review(client)

    # Reading

    async def read(
        self, branch: Branch, paths: Sequence[str], *, not_before: float | None, at_head: bool = False
    ) -> Snapshot:
        if len(paths) == 1 and not at_head:
            return Snapshot(branch, {paths[0]: await self._files.read(branch, paths[0], not_before)})
        head = await self._heads.read(branch, paths, not_before)
        return Snapshot(branch, {path: head.files[path] for path in paths}, head.oid)

    def remember(self, branch: Branch, file: File, *, validated_at: float) -> None:
        self._files.remember(branch, file, validated_at=validated_at)

    def forget(self, branch: Branch, at: str) -> None:
        """The branch is at commit `at` now, as the webhook says: what is known of another head is dropped.

        Copies of files stay: a read that must be current validates them by their ETags.
        """
        self._heads.forget(branch, at)

    async def list_files(self, branch: Branch, *, not_before: float | None) -> Sequence[Entry]:
        return list((await self._trees.read(branch, not_before)).entries)

    async def tree(self, branch: Branch, *, not_before: float | None, head: str | None = None) -> Listing:
        return await self._trees.read(branch, not_before, head)

    def last_listing(self, branch: Branch) -> Listing | None:
        return self._trees.last_listing(branch)

    def is_listing_stale(self, branch: Branch) -> bool:
        return self._trees.is_listing_stale(branch)

    def invalidate_tree(self, branch: Branch) -> None:
        self._trees.invalidate(branch)

    def watch_trees(self, listener: Callable[[Branch], None]) -> None:
        self._trees.watch(listener)

    def confirm(self, branch: Branch, entry: Entry, *, validated_at: float) -> None:
        self._files.confirm(branch, entry, validated_at=validated_at)

    async def read_blobs(
        self, branch: Branch, entries: Sequence[Entry], spare: Sequence[Entry] = ()
    ) -> Mapping[str, bytes]:
        known = {entry.path: file for entry in entries if (file := self._files.copy_of(branch, entry)) is not None}
        unknown = [entry for entry in entries if entry.path not in known]
        fetched = await self._objects.read(branch, unknown, spare)
        return {path: file.data for path, file in {**known, **fetched}.items() if isinstance(file, File)}

    # Writing

    async def commit(
        self, snapshot: Snapshot, files: Mapping[str, bytes], message: str, *, send_by: float | None = None
    ) -> Commit:
        return await self._commits.on_branch(snapshot, files, message, send_by=send_by)

    def write_wait_s(self, branch: Branch, calls: int = 1) -> float:
        return self._client.write_wait_s(branch.repository, calls)

    def unconfirmed_wait_s(self, branch: Branch, files: Mapping[str, bytes], *, writing: bool) -> float:
        return self._commits.unconfirmed.wait_s(branch, files, writing=writing)

    def told_of_head(self, branch: Branch, head: str) -> None:
        self._commits.told_of_head(branch, head)

    def answered_with(self, snapshot: Snapshot) -> None:
        self._commits.answered_with(snapshot)

    def landed(self, snapshot: Snapshot, files: Mapping[str, bytes], commit: str) -> None:
        self._commits.landed(snapshot, files, commit)

    # History

    async def head(self, branch: Branch, *, not_before: float | None) -> str:
        return await self._heads.current(branch, not_before)

    async def read_at(self, branch: Branch, commit: str, paths: Sequence[str]) -> Snapshot:
        return await self._history.read(branch, commit, paths)

    async def read_at_commits(
        self, branch: Branch, places: Collection[CommitPath]
    ) -> Mapping[CommitPath, File | ManifestError]:
        return await self._history.read_at_commits(branch, places)

    async def file_presence(self, branch: Branch, places: Collection[CommitPath]) -> Mapping[CommitPath, FilePresence]:
        return await self._history.file_presence(branch, places)

    async def renames_and_removals(self, branch: Branch, commit: str) -> RenamesAndRemovals:
        return await self._log.renames_and_removals(branch, commit)

    async def log(
        self, branch: Branch, path: str | None = None, *, at: str | None = None, page: int = 1, not_before: float | None
    ) -> Sequence[LoggedCommit]:
        return await self._log.page(branch, path, at, page, not_before)

    async def compare(self, branch: Branch, base: str, head: str) -> Comparison:
        return await self._log.compare(branch, base, head)

    # Branches and pull requests of our own

    async def branch_head(self, branch: Branch) -> str | None:
        return await self._branches.head(branch)

    async def create_branch(self, branch: Branch, commit: str) -> None:
        await self._branches.create(branch, commit)

    async def conflicting_branches(self, branch: Branch) -> Mapping[str, str]:
        return await self._branches.conflicting(branch)

    async def make_commit(self, branch: Branch, parent: str, files: Mapping[str, bytes], message: str) -> Commit:
        return await self._commits.create_detached(branch, parent, files, message)

    async def move_branch(self, branch: Branch, before: str, after: str) -> None:
        await self._branches.move(branch, before, after)

    async def delete_branch(self, branch: Branch, at: str) -> None:
        await self._branches.delete(branch, at)

    async def open_pull_requests(
        self, base: Branch, heads: Collection[str], *, not_before: float | None
    ) -> Sequence[PullRequest]:
        return await self._pulls.open(base, heads, not_before)

    async def pull_requests(
        self, base: Branch, head: str | None, *, not_before: float | None, any_base: bool = False
    ) -> Sequence[PullRequest]:
        return await self._pulls.from_branch(base, head, not_before, any_base=any_base)

    async def pull_request(self, base: Branch, number: int) -> PullRequest:
        return await self._pulls.read(base, number)

    async def create_pull_request(self, base: Branch, head: str, *, title: str, body: str, draft: bool) -> PullRequest:
        return await self._pulls.create(base, head, title=title, body=body, draft=draft)

    async def edit_pull_request(self, base: Branch, number: int, *, body: str, title: str | None = None) -> None:
        await self._pulls.edit(base, number, body=body, title=title)

    async def close_pull_request(self, base: Branch, number: int, *, comment: str) -> bool:
        return await self._pulls.close(base, number, comment=comment)

    async def add_labels(self, base: Branch, number: int, labels: Sequence[str]) -> None:
        await self._review.add_labels(base, number, labels)

    async def request_reviewers(self, base: Branch, number: int, users: Sequence[str], teams: Sequence[str]) -> None:
        await self._review.request_reviewers(base, number, users, teams)

    async def enable_auto_merge(
        self, base: Branch, pull_request: PullRequest, method: str | None, *, message: str = ""
    ) -> bool:
        return await self._review.enable_auto_merge(base, pull_request, method, message=message)

    async def enqueue(self, base: Branch, pull_request: PullRequest) -> bool:
        return await self._review.enqueue(base, pull_request)

    async def reviewed_by(self, base: Branch, number: int) -> Sequence[str]:
        return await self._review.reviewed_by(base, number)

    # Checks

    def check_self(self) -> Sequence[Check]:
        return check_client(self._client)

    async def check(self, branch: Branch, *, pulls: bool = False, own: Collection[str] = ()) -> Sequence[Check]:
        return await check_branch(self._client, branch, pulls=pulls, own=own)
