"""What the use cases need of a Git host, in plain values.

    read         the files a plan is made from, and the versions they were read at
    write        one compare-and-swap against those versions
    log          what Git's history says
    propose      a branch and a pull request, for what a person has to look at first

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


class Forge(Protocol):
    """A Git host.

    Every method raises RepositoryNotFound, ForgeError (ForgePermission), ForgeUnavailable or ForgeRateLimited.
    """

    async def read(
        self, branch: Branch, paths: Sequence[str], *, not_before: float | None, at_head: bool = False
    ) -> Snapshot:
        """Reads files; several, or `at_head`, are all at one commit.

        `not_before` is a time of time.monotonic(): what was validated since then is not asked for again. None: a copy
        of any age will do.
        """
        ...

    def remember(self, branch: Branch, file: File, *, validated_at: float) -> None:
        """Keeps a file that was read otherwise at `validated_at` (time.monotonic()): read() need not ask for it."""
        ...

    async def list_files(self, branch: Branch, *, not_before: float | None) -> Sequence[Entry]:
        """All regular files of the branch. Raises RepositoryTooLarge."""
        ...

    async def tree(self, branch: Branch, *, not_before: float | None, head: str | None = None) -> Listing:
        """What the branch lists. Raises RepositoryTooLarge.

        One at commit `head` will do, whatever its age; without a `head`, one that was validated since `not_before`, or
        that a write of ours has brought on within the seconds in which GitHub may still show what was before. None:
        any that nobody is known to have changed since.
        """
        ...

    def last_listing(self, branch: Branch) -> Listing | None:
        """What the branch listed when that was last asked; None when it never was."""
        ...

    def is_listing_stale(self, branch: Branch) -> bool:
        """Whether a write of ours has shown that somebody else moved the branch since its tree was read."""
        ...

    def invalidate_tree(self, branch: Branch) -> None:
        """A file was not where the branch listed it: the next tree() asks."""
        ...

    def watch_trees(self, listener: Callable[[Branch], None]) -> None:
        """`told` is called as soon as a branch is_listing_stale()."""
        ...

    def confirm(self, branch: Branch, entry: Entry, *, validated_at: float) -> None:
        """The branch had this file at `validated_at` (time.monotonic()): a copy that is the same is current then."""
        ...

    async def read_blobs(
        self, branch: Branch, entries: Sequence[Entry], spare: Sequence[Entry] = ()
    ) -> Mapping[str, bytes]:
        """The contents of files by path; a hundred cost one request, and `spare` ones may fill it up.

        What could not be read is left out.
        """
        ...

    async def commit(self, snapshot: Snapshot, files: Mapping[str, bytes], message: str) -> Commit:
        """Writes `files` ({path: bytes}) in one commit, if the versions of the snapshot still hold.

        Raises WriteConflict (nothing written: read again), WriteUnknown (reply lost: read back), BranchProtected.
        """
        ...

    def write_wait_s(self, branch: Branch, calls: int = 1) -> float:
        """How long to wait before so many writes would be sent; 0 when there is nothing to wait for.

        The host counts what creates content, and refuses what is too much. A wait that it asked for itself is worth
        waiting for only when it is short: else this is 0, and whoever asks is told at once.
        """
        ...

    def unconfirmed_wait_s(self, branch: Branch, files: Mapping[str, bytes], *, writing: bool) -> float:
        """How long a write whose reply was lost may still land on top of these files ({path: bytes}); 0: none will.

        It lands where it finds what it was made from. `writing`: the files are to be what a commit makes of them.
        """
        ...

    def answered_with(self, snapshot: Snapshot) -> None:
        """Somebody was told what another replica's commit made of the branch: reads may lag behind that, too."""
        ...

    def landed(self, snapshot: Snapshot, files: Mapping[str, bytes], commit: str) -> None:
        """The last commit() of this snapshot, which had no reply, was found on the branch: reads may lag behind it."""
        ...

    # History

    async def head(self, branch: Branch, *, not_before: float | None) -> str:
        """The commit that the branch is at."""
        ...

    async def read_at(self, branch: Branch, commit: str, paths: Sequence[str]) -> Snapshot:
        """Files as they were at a commit of the branch's repository."""
        ...

    async def read_at_commits(
        self, branch: Branch, places: Collection[CommitPath]
    ) -> Mapping[CommitPath, File | ManifestError]:
        """Files of several commits; a hundred cost one request."""
        ...

    async def file_presence(self, branch: Branch, places: Collection[CommitPath]) -> Mapping[CommitPath, FilePresence]:
        """Where files came and went: a hundred commits cost one request."""
        ...

    async def renames_and_removals(self, branch: Branch, commit: str) -> RenamesAndRemovals:
        """What a commit renamed and removed, as against its first parent."""
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
        """The branch of this name, and those beside which there is no room for it: {name: head}, asked now."""
        ...

    async def make_commit(self, branch: Branch, parent: str, files: Mapping[str, bytes], message: str) -> Commit:
        """A commit on top of `parent` that no branch has yet. Raises WriteUnknown."""
        ...

    async def move_branch(self, branch: Branch, before: str, after: str) -> None:
        """Puts a branch that is at `before` to `after`, whatever is between. Raises WriteConflict, WriteUnknown."""
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
        """Puts another body in; None leaves the title. Raises WriteUnknown, as the following do."""
        ...

    async def close_pull_request(self, base: Branch, number: int, *, comment: str) -> bool:
        """Says why, then closes. False when it was merged before that."""
        ...

    async def add_labels(self, base: Branch, number: int, labels: Sequence[str]) -> None: ...

    async def request_reviewers(
        self, base: Branch, number: int, users: Sequence[str], teams: Sequence[str]
    ) -> None: ...

    async def enable_auto_merge(self, base: Branch, pull_request: PullRequest, method: str | None) -> bool:
        """`method` is squash, merge or rebase; None: the first that the repository allows.

        What has nothing to wait for is merged at once, if its head is still `pull_request.head`: then it is True. Where
        a merge queue merges, it is put into that. Raises Conflict when the base or the head moved meanwhile.
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
        """What is wrong on our side of the host, by its last answers. Asks nobody."""
        ...

    async def check(self, branch: Branch, *, pulls: bool = False, own: Collection[str] = ()) -> Sequence[Check]:
        """Whether the credentials may do the work on this branch, and which rules hold for it.

        `pulls`: the work goes through pull requests, from branches named `own`.
        """
        ...
