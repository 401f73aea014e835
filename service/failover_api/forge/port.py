"""What the use cases need of a Git host, in plain values.

    read         the files a plan is made from, and the versions they were read at
    write        one compare-and-swap against those versions
    log          what Git's history says
    propose      a branch and a pull request, for what a person has to look at first

Nothing is cloned. A snapshot may come from the cache: `not_before` says how old it may be, and a write made from a
stale one loses its compare-and-swap.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from failover_api.core.catalog import Branch
from failover_api.errors import FileNotFound, ManifestError


@dataclass(frozen=True, slots=True)
class File:
    """A regular file on a branch. `sha` is its Git blob sha."""

    path: str
    data: bytes
    sha: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was read. `head` is the commit all files were read at; None when one file was read by itself.

    A path that is no regular file (or not there) holds the error that says so.
    """

    branch: Branch
    files: Mapping[str, File | ManifestError]
    head: str | None = None

    def file(self, path: str) -> File:
        """Raises FileNotFound or ManifestInvalid when there is no regular file at `path`."""
        match self.files.get(path):
            case File() as file:
                return file
            case ManifestError() as error:
                raise error
            case _:
                raise FileNotFound(f"no such file on {self.branch}", file=path)


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file as a tree lists it."""

    path: str
    sha: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as the host shows it. `verified` when the host signed it."""

    sha: str
    url: str
    verified: bool


@dataclass(frozen=True, slots=True)
class LoggedCommit:
    """A commit of the history. `at` is RFC 3339 in UTC, when it was committed; `by` the author's login, or name."""

    sha: str
    url: str
    verified: bool
    message: str
    by: str
    at: str
    parents: tuple[str, ...]

    @property
    def commit(self) -> Commit:
        return Commit(self.sha, self.url, self.verified)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a commit has beyond another.

    `commits` are oldest first; `files` is {path: blob sha}, None for one that was removed; `is_whole` is False when
    GitHub did not list all of them.
    """

    merge_base: str
    commits: tuple[LoggedCommit, ...]
    files: Mapping[str, str | None]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request. `head` is the commit its branch is at, or was when it was closed.

    `base` is the branch it leads to, `base_head` the commit that was at, when the host says. `merge_commit` is what it
    was merged as; `node_id` is the host's own name for it. `created_at` is RFC 3339, "" when the host does not say.
    """

    number: int
    url: str
    branch: str
    state: Literal["open", "merged", "closed"]
    head: str
    body: str
    node_id: str
    base: str = ""
    base_head: str | None = None
    merge_commit: str | None = None
    created_at: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing an operator could have wrong, and whether it is right."""

    name: str
    ok: bool
    detail: str


class Forge(Protocol):
    """A Git host.

    Every method raises RepositoryNotFound, GitHubError (GitHubPermission), GitHubUnavailable or GitHubRateLimited.
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

    # History

    async def head(self, branch: Branch, *, not_before: float | None) -> str:
        """The commit that the branch is at."""
        ...

    async def read_at(self, branch: Branch, commit: str, paths: Sequence[str]) -> Snapshot:
        """Files as they were at a commit of the branch's repository."""
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

    async def make_commit(self, branch: Branch, parent: str, files: Mapping[str, bytes], message: str) -> Commit:
        """A commit on top of `parent` that no branch has yet. Raises WriteUnknown."""
        ...

    async def move_branch(self, branch: Branch, before: str, after: str) -> None:
        """Puts a branch that is at `before` to `after`, whatever is between. Raises WriteConflict, WriteUnknown."""
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

    async def create_pull_request(self, base: Branch, head: str, *, title: str, body: str, draft: bool) -> PullRequest:
        """Raises WriteConflict when one is open or nothing is to be merged, WriteUnknown."""
        ...

    async def edit_pull_request(self, base: Branch, number: int, *, body: str) -> None:
        """Puts another body in; the title may be a person's by now. Raises WriteUnknown, as the following do."""
        ...

    async def close_pull_request(self, base: Branch, number: int, *, comment: str) -> None:
        """Says why, then closes."""
        ...

    async def add_labels(self, base: Branch, number: int, labels: Sequence[str]) -> None: ...

    async def request_reviewers(
        self, base: Branch, number: int, users: Sequence[str], teams: Sequence[str]
    ) -> None: ...

    async def enable_auto_merge(self, base: Branch, pull_request: PullRequest, method: str | None) -> bool:
        """`method` is squash, merge or rebase; None: the first that the repository allows.

        What has nothing to wait for is merged at once, if its head is still `pull_request.head`: then it is True.
        """
        ...

    # Checks

    def check_self(self) -> Sequence[Check]:
        """What is wrong on our side of the host, by its last answers. Asks nobody."""
        ...

    async def check(self, branch: Branch, *, pulls: bool = False) -> Sequence[Check]:
        """Whether the credentials may do the work on this branch, and which rules hold for it.

        `pulls`: the work goes through pull requests.
        """
        ...


LOG_PAGE = 100


def blob_sha(data: bytes) -> str:
    """The name Git gives to a content. https://git-scm.com/book/en/v2/Git-Internals-Git-Objects"""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
