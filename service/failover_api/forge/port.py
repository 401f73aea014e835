"""Forge: what the use cases need of a Git host.

    reading          the files a plan is made from, and the versions they were read at
    writing          one compare-and-swap against those versions
    history          logs, comparisons, files at earlier commits
    pull requests    and the branches they come from

Nothing is cloned. A snapshot may come from the cache: `not_before` says how old it may be, and a write made from a
stale one loses its compare-and-swap.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from failover_api.core.catalog.model import Branch
from failover_api.errors import ManifestError
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


class Files(Protocol):
    """The files of branches: all that it takes to find a service and to read it.

    Every method raises RepositoryNotFound, ForgeError (ForgePermission), ForgeUnavailable or ForgeRateLimited.
    """

    async def read(
        self, branch: Branch, paths: Sequence[str], *, not_before: float | None, at_head: bool = False
    ) -> Snapshot:
        """Reads files; several, or `at_head`, all at one commit.

        `not_before` is a time of time.monotonic(): a copy that was validated since then will do. None: a copy of any
        age will do.
        """
        ...

    def remember(self, branch: Branch, file: File, *, validated_at: float) -> None:
        """Keeps a file that read_blobs() gave at `validated_at` (time.monotonic()), for the next read()."""
        ...

    async def tree(self, branch: Branch, *, not_before: float | None, head: str | None = None) -> Listing:
        """What files the branch has. Raises RepositoryTooLarge.

        With `head`, a listing at that commit will do, whatever its age. Without, one that was validated since
        `not_before`; or one that our own write updated a few seconds ago, since the host's reply may lag behind it.
        None: any that is not known to be stale.
        """
        ...

    def last_listing(self, branch: Branch) -> Listing | None:
        """The listing as last known, without a request; None when it was never read."""
        ...

    def is_listing_stale(self, branch: Branch) -> bool:
        """Whether it is known that somebody else has moved the branch since its tree was read."""
        ...

    def invalidate_tree(self, branch: Branch) -> None:
        """A file was not where the listing has it: the next tree() asks the host."""
        ...

    def watch_trees(self, listener: Callable[[Branch], None]) -> None:
        """`listener` is called when a write of ours shows that somebody else has moved its branch."""
        ...

    def confirm(self, branch: Branch, entry: Entry, *, validated_at: float) -> None:
        """The branch had this file at `validated_at` (time.monotonic()): a copy with the same sha was current then."""
        ...

    async def read_blobs(
        self, branch: Branch, entries: Sequence[Entry], spare: Sequence[Entry] = ()
    ) -> Mapping[str, bytes]:
        """The contents of files by path; a hundred cost one request, which `spare` ones may fill up.

        A file that could not be read is left out.
        """
        ...

    async def read_at(self, branch: Branch, commit: str, paths: Sequence[str]) -> Snapshot:
        """Files as they were at a commit of the branch's repository."""
        ...


class Forge(Files, Protocol):
    """A Git host. What its methods raise: as those of Files."""

    async def list_files(self, branch: Branch, *, not_before: float | None) -> Sequence[Entry]:
        """All regular files of the branch. Raises RepositoryTooLarge."""
        ...

    async def commit(
        self, snapshot: Snapshot, files: Mapping[str, bytes], message: str, *, send_by: float | None = None
    ) -> Commit:
        """Writes `files` ({path: bytes}) in one commit, if the versions of the snapshot still hold.

        Nothing is sent after `send_by` (time.monotonic()), not even again: what it was based on is old then. Raises
        WriteConflict (nothing written: read again), WriteUnknown (reply lost: read back), BranchProtected.
        """
        ...

    def write_wait_s(self, branch: Branch, calls: int = 1) -> float:
        """How long to wait (s) until `calls` writes may be sent; 0 when they may be sent now.

        The host limits requests that create content. When it has itself asked for a long wait, this is 0: the write
        then fails at once, and the caller is told how long.
        """
        ...

    def unconfirmed_wait_s(self, branch: Branch, files: Mapping[str, bytes], *, writing: bool) -> float:
        """How long (s) a write without a reply may still be carried out on these files ({path: bytes}); 0: none may.

        It is carried out where it finds the content it was compared with. `writing`: a commit of ours is about to
        create these contents.
        """
        ...

    def told_of_head(self, branch: Branch, head: str) -> None:
        """The reply to a write named this commit as the head of a branch: reads may lag behind it."""
        ...

    def answered_with(self, snapshot: Snapshot) -> None:
        """A caller was told the state of this snapshot, which another replica wrote: a later read must not be older."""
        ...

    def landed(self, snapshot: Snapshot, files: Mapping[str, bytes], commit: str) -> None:
        """The last commit() from this snapshot had no reply, but is on the branch: a later read must not be older."""
        ...

    # History

    async def head(self, branch: Branch, *, not_before: float | None) -> str:
        """The commit that the branch is at."""
        ...

    async def read_at_commits(
        self, branch: Branch, places: Collection[CommitPath]
    ) -> Mapping[CommitPath, File | ManifestError]:
        """Files of several commits; a hundred cost one request."""
        ...

    async def file_presence(self, branch: Branch, places: Collection[CommitPath]) -> Mapping[CommitPath, FilePresence]:
        """Whether files exist at commits and at their first parents; a hundred commits cost one request."""
        ...

    async def renames_and_removals(self, branch: Branch, commit: str) -> RenamesAndRemovals:
        """What a commit renamed and removed, compared with its first parent."""
        ...

    async def log(
        self, branch: Branch, path: str | None = None, *, at: str | None = None, page: int = 1, not_before: float | None
    ) -> Sequence[LoggedCommit]:
        """LOG_PAGE commits a page, newest first: those that changed `path`, or all; up to commit `at`, or the head."""
        ...

    async def compare(self, branch: Branch, base: str, head: str) -> Comparison:
        """What commit `head` has beyond commit `base`."""
        ...

    # Branches and pull requests of our own

    async def branch_head(self, branch: Branch) -> str | None:
        """As head(), asked now; None when there is no such branch."""
        ...

    async def create_branch(self, branch: Branch, commit: str) -> None:
        """Makes a branch at a commit. Raises WriteConflict when there is one of that name, WriteUnknown."""
        ...

    async def conflicting_branches(self, branch: Branch) -> Mapping[str, str]:
        """{name: head}, asked now, of the branch itself and of all whose names conflict with it (is_name_conflict)."""
        ...

    async def make_commit(self, branch: Branch, parent: str, files: Mapping[str, bytes], message: str) -> Commit:
        """A commit on top of `parent` that no branch has yet. Raises WriteUnknown."""
        ...

    async def move_branch(self, branch: Branch, before: str, after: str) -> None:
        """Moves a branch from `before` to `after`, fast-forward or not. Raises WriteConflict, WriteUnknown."""
        ...

    async def delete_branch(self, branch: Branch, at: str) -> None:
        """Deletes a branch that is at commit `at`, unless the host does so itself after a merge. Raises as above."""
        ...

    async def open_pull_requests(
        self, base: Branch, heads: Collection[str], *, not_before: float | None
    ) -> Sequence[PullRequest]:
        """The open pull requests into `base` from these branches of the same repository, oldest first."""
        ...

    async def pull_requests(
        self, base: Branch, head: str | None, *, not_before: float | None, any_base: bool = False
    ) -> Sequence[PullRequest]:
        """The newest hundred pull requests into `base` from branch `head` (None: any), in any state, newest first.

        `any_base`: those into other branches of the repository too.
        """
        ...

    async def pull_request(self, base: Branch, number: int) -> PullRequest:
        """One of them as it is now."""
        ...

    async def create_pull_request(self, base: Branch, head: str, *, title: str, body: str, draft: bool) -> PullRequest:
        """A `draft` is opened ready where there are no drafts.

        Raises WriteConflict when one is open or nothing is to be merged, WriteUnknown.
        """
        ...

    async def edit_pull_request(self, base: Branch, number: int, *, body: str, title: str | None = None) -> None:
        """Replaces the body, and the title unless it is None. Raises WriteUnknown, as the following do."""
        ...

    async def close_pull_request(self, base: Branch, number: int, *, comment: str) -> bool:
        """Comments, then closes it. False when it was merged before that."""
        ...

    async def add_labels(self, base: Branch, number: int, labels: Sequence[str]) -> None: ...

    async def request_reviewers(
        self, base: Branch, number: int, users: Sequence[str], teams: Sequence[str]
    ) -> None: ...

    async def enable_auto_merge(
        self, base: Branch, pull_request: PullRequest, method: str | None, *, message: str = ""
    ) -> bool:
        """`method` is squash, merge or rebase; None: the first that the repository allows.

        `message` is the body of the commit that a squash makes; "": as the repository has it, which may leave it blank.

        True: it had nothing to wait for, and was merged at once, if its head is still `pull_request.head`. Where there
        is a merge queue, it is put into that. Raises Conflict when the base or the head moved meanwhile.
        """
        ...

    async def enqueue(self, base: Branch, pull_request: PullRequest) -> bool:
        """Puts it into the merge queue, now or when it is ready; False where there is none."""
        ...

    async def reviewed_by(self, base: Branch, number: int) -> Sequence[str]:
        """Who has reviewed it: they are not among its `reviewers` any more, nor is a team of theirs."""
        ...

    # Checks

    def check_self(self) -> Sequence[Check]:
        """Checks of our own side (credentials, share, clock), from the host's last replies, without a request."""
        ...

    async def check(self, branch: Branch, *, pulls: bool = False, own: Collection[str] = ()) -> Sequence[Check]:
        """Whether the credentials may do the work on this branch, and which rules hold for it.

        `pulls`: the work goes through pull requests, from branches named `own`.
        """
        ...
