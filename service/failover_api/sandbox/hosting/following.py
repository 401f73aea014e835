"""What becomes of open pull requests when branches move.

    the head has new commits      it has a new head, and its checks start anew
    the base has all its commits  it was merged, though by no button
    the head has none of its own  it is closed, for good
    a branch is gone              it is closed

Seen at GitHub: https://github.com/dimikot/git-grok/pull/30 and https://github.com/Avarok-Cybersecurity/atlas/pull/952
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.git import history
from failover_api.sandbox.git.refs import RefUpdate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from failover_api.sandbox.git.bare import Bare
    from failover_api.sandbox.hosting.repository import PullRequest, Repository


def follow(repo: Repository, by: str) -> None:
    """Brings every open pull request to where its branches are now. `by` moved them."""
    with repo.lock:
        pulls = repo.open_pulls()
        branches = {name for pull in pulls for name in (pull.head, pull.base)}
        heads = {branch: repo.bare.head(branch) for branch in branches}
        for pull in pulls:
            _follow(repo, pull, by, heads)


def close(repo: Repository, pull: PullRequest) -> None:
    """Without merging. Its branch stays."""
    pull.state, pull.auto_merge, pull.is_queued = "closed", None, False
    pull.closed_at = pull.updated_at = repo.now()


def mark_merged(repo: Repository, pull: PullRequest, by: str, sha: str, commits: frozenset[str]) -> None:
    """`sha` is what it was merged as, `commits` all that came with it."""
    pull.state, pull.merged_by, pull.merge_sha, pull.merged_commits = "closed", by, sha, commits
    pull.is_queued = False
    pull.merged_at = pull.closed_at = pull.updated_at = repo.now()


def set_head(repo: Repository, pull: PullRequest, sha: str) -> None:
    """Where the head is now. Checks are a commit's, so they are to be passed again; approvals are kept."""
    name = f"refs/pull/{pull.number}/head"
    repo.bare.move([RefUpdate(name, repo.bare.ref(name), sha)])
    pull.head_sha, pull.is_queued = sha, False
    pull.passed_checks.clear()
    pull.updated_at = repo.now()


def _follow(repo: Repository, pull: PullRequest, by: str, heads: Mapping[str, str | None]) -> None:
    head, base = heads[pull.head], heads[pull.base]
    if (head, base) == (pull.head_sha, pull.base_sha):
        return
    arrived = next((tip for tip in (head, pull.head_sha) if tip and base and _arrived(repo, pull, tip, base)), None)
    if arrived and base:
        pull.head_sha = arrived
        commits = history.between(repo.bare, pull.base_sha, base)
        mark_merged(repo, pull, by, _brought(repo.bare, arrived, base), frozenset(commit.sha for commit in commits))
        return
    if head and head != pull.head_sha:
        set_head(repo, pull, head)
    if head is None or base is None or history.is_ancestor(repo.bare, head, base):
        close(repo, pull)
        return
    pull.base_sha = base


def _arrived(repo: Repository, pull: PullRequest, tip: str, base: str) -> bool:
    """Whether the base came by the commits of the head only now."""
    bare = repo.bare
    return (
        base != pull.base_sha
        and history.is_ancestor(bare, tip, base)
        and not history.is_ancestor(bare, tip, pull.base_sha)
    )


def _brought(bare: Bare, tip: str, base: str) -> str:
    """The commit of the base that came with `tip`: a merge, or `tip` itself where the base went straight on to it."""
    parents = bare.commit(base).parents
    while parents and history.is_ancestor(bare, tip, parents[0]):
        base = parents[0]
        parents = bare.commit(base).parents
    return base
