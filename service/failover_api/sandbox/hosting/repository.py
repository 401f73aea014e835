"""What a host knows of a repository beyond Git: its rules, settings, people and pull requests."""

from __future__ import annotations

import fnmatch
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from failover_api.sandbox.git.bare import Bare

MergeMethod = Literal["merge", "squash", "rebase"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A branch nobody may write to but by a pull request. Classic protection and rulesets are refused differently.

    `queue`: pull requests are merged by a merge queue, and by nothing else.
    """

    kind: Literal["ruleset", "classic"]
    approvals: int = 1
    checks: tuple[str, ...] = ()
    queue: bool = False

    def is_met_by(self, pull: PullRequest) -> bool:
        return len(pull.approvals) >= self.approvals and pull.passed_checks.issuperset(self.checks)


@dataclass(slots=True)
class Comment:
    id: int
    author: str
    body: str
    at: int


@dataclass(frozen=True, slots=True)
class AutoMerge:
    """A merge that waits for a pull request to become clean. None: the host's own words."""

    method: MergeMethod
    by: str
    title: str | None = None
    message: str | None = None


@dataclass(slots=True)
class PullRequest:
    """`head_sha` and `base_sha` are where its branches are, as of the last look; they stay when it is closed.

    `merge_sha` is what it was merged as; `merged_commits` is all that this brought to the base. `trial` is the merge
    that a host makes to see whether it can: base, head, commit.
    """

    number: int
    title: str
    body: str | None
    author: str
    head: str
    base: str
    head_sha: str
    base_sha: str
    created_at: int
    updated_at: int
    draft: bool = False
    state: Literal["open", "closed"] = "open"
    closed_at: int | None = None
    merged_at: int | None = None
    merged_by: str | None = None
    merge_sha: str | None = None
    merged_commits: frozenset[str] = frozenset()
    trial: tuple[str, str, str | None] | None = None
    auto_merge: AutoMerge | None = None
    is_queued: bool = False  # in the merge queue
    labels: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    approvals: set[str] = field(default_factory=set)
    passed_checks: set[str] = field(default_factory=set)

    @property
    def is_open(self) -> bool:
        return self.state == "open"


class Repository:
    """One repository: the bare one on disk, and what only the host knows.

    Whoever changes pull requests holds `lock`; it is taken before any of `bare`.
    """

    def __init__(self, number: int, full_name: str, bare: Bare, branch: str, clock: Callable[[], float]) -> None:
        self.id = 3000 + number
        self.full_name = full_name
        self.owner, _, self.name = full_name.partition("/")
        self.bare = bare
        self.default_branch = branch
        self.lock = threading.RLock()
        self.rules: dict[str, Rule] = {}
        self.signed: set[str] = set()
        self.pulls: dict[int, PullRequest] = {}
        self.collaborators = ["sandbox-user", "maria", "jonas"]
        self.teams = ["operators"]
        self.allow_merge_commit = True
        self.allow_squash_merge = True
        self.allow_rebase_merge = True
        self.allow_auto_merge = True
        self.allow_drafts = True
        self.delete_branch_on_merge = False
        self.squash_title: Literal["COMMIT_OR_PR_TITLE", "PR_TITLE"] = "COMMIT_OR_PR_TITLE"
        self.squash_message: Literal["COMMIT_MESSAGES", "PR_BODY", "BLANK"] = "COMMIT_MESSAGES"
        self.archived = False
        self._clock = clock
        self.created_at = self.now()

    @property
    def node_id(self) -> str:
        return f"R_sandbox{self.id}"

    def now(self) -> int:
        return int(self._clock())

    def allows(self, method: MergeMethod) -> bool:
        allowed = {"merge": self.allow_merge_commit, "squash": self.allow_squash_merge}
        return allowed.get(method, self.allow_rebase_merge)

    def branches(self) -> dict[str, str]:
        prefix = "refs/heads/"
        return {name.removeprefix(prefix): sha for name, sha in self.bare.refs(prefix).items()}

    def rule(self, branch: str) -> Rule | None:
        """The one for this very branch, else the first whose pattern fits, such as `failover/*`."""
        fitting = (rule for pattern, rule in self.rules.items() if fnmatch.fnmatchcase(branch, pattern))
        return self.rules.get(branch) or next(fitting, None)

    def open_pulls(self) -> list[PullRequest]:
        return [pull for pull in self.pulls.values() if pull.is_open]
