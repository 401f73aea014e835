"""What the use cases need of a Git host, in plain values.

    read         the files a plan is made from, and the versions they were read at
    write        one compare-and-swap against those versions

Nothing is cloned. A snapshot may come from the cache: `not_before` says how old it may be, and a write made from a
stale one loses its compare-and-swap.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

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

    async def find_commit(self, branch: Branch, operation: str, path: str) -> Commit | None:
        """The commit that carries the operation's trailer, among the newest that changed `path`."""
        ...

    async def check(self, branch: Branch) -> Sequence[Check]:
        """Whether the credentials may do the work on this branch, and which rules hold for it."""
        ...


def blob_sha(data: bytes) -> str:
    """The name Git gives to a content. https://git-scm.com/book/en/v2/Git-Internals-Git-Objects"""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
