"""The plain values that pass between the use cases and a Git host: files, listings, commits, pull requests, checks."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from failover_api.core.catalog.model import Branch
from failover_api.errors import FileNotFound, ManifestError

LOG_PAGE = 100  # commits that Forge.log() gives at once


@dataclass(frozen=True, slots=True)
class File:
    """A regular file on a branch. `sha` is its Git blob sha."""

    path: str
    data: bytes
    sha: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files that were read. `head` is the commit all were read at; None when one file was read by itself.

    For a path without a regular file, `files` has the error that says so.
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
class Listing:
    """The files of a branch at commit `head`: its regular files, and the paths of its symlinks.

    `validated_at` is when it was last known to be current (time.monotonic()). Listings of one `generation` have the
    same entries. `written` are files that we have written since: their entries are of before.
    """

    entries: tuple[Entry, ...]
    links: tuple[str, ...]
    head: str
    generation: int
    validated_at: float
    written: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as the host shows it. `verified`: its signature is valid; `parents` if the reply had them."""

    sha: str
    url: str
    verified: bool
    parents: tuple[str, ...] = field(default=(), compare=False)


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

    `commits` are oldest first; `files` is {path: blob sha}, None for a removed one; `renamed` is {path: path before};
    `is_whole` is False when GitHub did not list all of it.
    """

    merge_base: str
    commits: tuple[LoggedCommit, ...]
    files: Mapping[str, str | None]
    is_whole: bool
    renamed: Mapping[str, str] = field(default_factory=dict)


# A commit's sha, and a path in that commit.
CommitPath = tuple[str, str]


@dataclass(frozen=True, slots=True)
class FilePresence:
    """Whether a file exists at a commit (`is_there`), and at the commit's first parent (`was_there`)."""

    is_there: bool
    was_there: bool


@dataclass(frozen=True, slots=True)
class RenamesAndRemovals:
    """The files that a commit renamed, {path now: path before}, and those that it removed."""

    renamed: Mapping[str, str]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request. `head` is the commit its branch is at, or was when it was closed.

    `base` is the branch it leads to, `base_head` the commit of that branch, when the host says. `merge_commit` is the
    commit it was merged as; `node_id` is the host's own id. `created_at` is RFC 3339, "" when the host does not say.
    `reviewers` are those who have not reviewed it yet. `has_conflicts`: it cannot be merged into what the base is now,
    told only where it was read by itself. Title, draft state, labels, reviewers, conflicts and auto-merge do not count
    when two are compared.
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
    title: str = field(default="", compare=False)
    is_draft: bool = field(default=False, compare=False)
    labels: tuple[str, ...] = field(default=(), compare=False)
    reviewers: tuple[str, ...] = field(default=(), compare=False)
    team_reviewers: tuple[str, ...] = field(default=(), compare=False)
    auto_merge: bool = field(default=False, compare=False)
    has_conflicts: bool = field(default=False, compare=False)


class Level(StrEnum):
    """How serious a check's result is, in rising order."""

    OK = "ok"
    WARN = "warn"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing an operator could have wrong, and whether it is right. `is_warning`: it is, and could be better."""

    name: str
    ok: bool
    detail: str
    is_warning: bool = False

    @property
    def level(self) -> Level:
        if not self.ok:
            return Level.FAILED
        return Level.WARN if self.is_warning else Level.OK


def is_name_conflict(name: str, other: str) -> bool:
    """Whether Git cannot have both branches: `a` and `a/b` exclude each other, as file and folder do."""
    return name.startswith(f"{other}/") or other.startswith(f"{name}/")


def blob_sha(data: bytes) -> str:
    """The sha by which Git names a content. https://git-scm.com/book/en/v2/Git-Internals-Git-Objects"""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
