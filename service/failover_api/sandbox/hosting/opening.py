"""Pull requests: opening, editing, closing, opening again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from failover_api.sandbox.git import history
from failover_api.sandbox.git.refs import RefUpdate
from failover_api.sandbox.hosting.following import close, set_head
from failover_api.sandbox.hosting.refusal import Refusal
from failover_api.sandbox.hosting.repository import PullRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from failover_api.sandbox.hosting.repository import Repository


def open_pull(
    repo: Repository, login: str, *, title: str, body: str | None, head: str, base: str, draft: bool = False
) -> PullRequest:
    """Raises Refusal."""
    owner, colon, branch = head.rpartition(":")
    with repo.lock:
        head_sha, base_sha = repo.bare.head(branch), repo.bare.head(base)
        if head_sha is None or (colon and owner.lower() != repo.owner.lower()):
            raise Refusal("unknown_head")
        if base_sha is None:
            raise Refusal("unknown_base")
        _check_alone(repo, branch, base)
        if draft and not repo.allow_drafts:
            raise Refusal("drafts_not_supported")
        if not history.between(repo.bare, base_sha, head_sha):
            raise Refusal("no_commits", base=base, head=branch)
        number = max(repo.pulls, default=0) + 1
        at = repo.now()
        pull = PullRequest(number, title, body, login, branch, base, head_sha, base_sha, at, at, draft)
        repo.pulls[number] = pull
        repo.bare.move([RefUpdate(f"refs/pull/{number}/head", None, head_sha)])
        return pull


def edit(repo: Repository, pull: PullRequest, fields: Mapping[str, Any]) -> None:
    """Title, body, base and state, each where it is named. Raises Refusal; then nothing has changed."""
    with repo.lock:
        state = fields.get("state", pull.state)
        if state not in ("open", "closed"):
            raise Refusal("unknown_state")
        base = str(fields.get("base") or pull.base)
        if base != pull.base:
            _check_base(repo, pull, base)
        if state == "open" and not pull.is_open:
            _reopen(repo, pull)
        if base != pull.base:
            pull.base, pull.base_sha, pull.auto_merge = base, repo.bare.head(base) or pull.base_sha, None
        pull.title, pull.body = fields.get("title") or pull.title, fields.get("body", pull.body)
        pull.updated_at = repo.now()
        if state == "closed" and pull.is_open:
            close(repo, pull)


def _check_alone(repo: Repository, head: str, base: str) -> None:
    if any((pull.head, pull.base) == (head, base) for pull in repo.open_pulls()):
        raise Refusal("already_open", owner=repo.owner, head=head)


def _check_base(repo: Repository, pull: PullRequest, base: str) -> None:
    if repo.bare.head(base) is None or not pull.is_open:
        raise Refusal("unknown_base")
    _check_alone(repo, pull.head, base)


def _reopen(repo: Repository, pull: PullRequest) -> None:
    """Only where the head has gone on from where it was: https://github.com/isaacs/github/issues/361"""
    head, base = repo.bare.head(pull.head), repo.bare.head(pull.base)
    if pull.merged_at:
        raise Refusal("already_merged")
    if head is None or base is None:
        raise Refusal("branch_deleted", branch=pull.head if head is None else pull.base)
    if not history.between(repo.bare, base, pull.head_sha):
        raise Refusal("no_new_commits", base=pull.base, head=pull.head)
    if not history.is_ancestor(repo.bare, pull.head_sha, head):
        raise Refusal("head_rewritten", head=pull.head)
    _check_alone(repo, pull.head, pull.base)
    pull.state, pull.closed_at, pull.base_sha = "open", None, base
    if head != pull.head_sha:
        set_head(repo, pull, head)
