"""Pull requests: opening, editing, closing, opening again. https://docs.github.com/en/rest/pulls/pulls"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from failover_api.sandbox.git import history
from failover_api.sandbox.git.refs import RefUpdate
from failover_api.sandbox.github.call import Refused, invalid
from failover_api.sandbox.hosting.following import close, set_head
from failover_api.sandbox.hosting.repository import PullRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from failover_api.sandbox.hosting.repository import Repository


def open_pull(
    repo: Repository, login: str, *, title: str, body: str | None, head: str, base: str, draft: bool = False
) -> PullRequest:
    """Raises Refused 422 with GitHub's texts."""
    owner, colon, branch = head.rpartition(":")
    with repo.lock:
        head_sha, base_sha = repo.bare.head(branch), repo.bare.head(base)
        if head_sha is None or (colon and owner.lower() != repo.owner.lower()):
            raise invalid("PullRequest", field="head", code="invalid")
        if base_sha is None:
            raise invalid("PullRequest", field="base", code="invalid")
        _check_alone(repo, branch, base)
        if draft and not repo.allow_drafts:
            raise invalid("PullRequest", message="Draft pull requests are not supported in this repository.")
        if not history.between(repo.bare, base_sha, head_sha):
            raise invalid("PullRequest", message=f"No commits between {base} and {branch}")
        number = max(repo.pulls, default=0) + 1
        at = repo.now()
        pull = PullRequest(number, title, body, login, branch, base, head_sha, base_sha, at, at, draft)
        repo.pulls[number] = pull
        repo.bare.move([RefUpdate(f"refs/pull/{number}/head", None, head_sha)])
        return pull


def edit(repo: Repository, pull: PullRequest, wish: Mapping[str, Any]) -> None:
    """Title, body, base and state. Raises Refused 422; then nothing has changed."""
    with repo.lock:
        wanted = wish.get("state", pull.state)
        if wanted not in ("open", "closed"):
            raise invalid("PullRequest", field="state", code="invalid")
        base = str(wish.get("base") or pull.base)
        if base != pull.base:
            _check_base(repo, pull, base)
        if wanted == "open" and not pull.is_open:
            _reopen(repo, pull)
        if base != pull.base:
            pull.base, pull.base_sha, pull.auto_merge = base, repo.bare.head(base) or pull.base_sha, None
        pull.title, pull.body = wish.get("title") or pull.title, wish.get("body", pull.body)
        pull.updated_at = repo.now()
        if wanted == "closed" and pull.is_open:
            close(repo, pull)


def reason(refused: Refused) -> str:
    """The one sentence of a validation error."""
    return str(next((error.get("message") for error in refused.errors or ()), None) or refused.message)


def _check_alone(repo: Repository, head: str, base: str) -> None:
    if any((pull.head, pull.base) == (head, base) for pull in repo.open_pulls()):
        raise invalid("PullRequest", message=f"A pull request already exists for {repo.owner}:{head}.")


def _check_base(repo: Repository, pull: PullRequest, base: str) -> None:
    if repo.bare.head(base) is None or not pull.is_open:
        raise invalid("PullRequest", field="base", code="invalid")
    _check_alone(repo, pull.head, base)


def _reopen(repo: Repository, pull: PullRequest) -> None:
    """Only where the head has gone on from where it was: https://github.com/isaacs/github/issues/361"""
    head, base = repo.bare.head(pull.head), repo.bare.head(pull.base)
    if pull.merged_at:
        raise _cannot("Merged pull requests cannot be reopened.")
    if head is None or base is None:
        raise _cannot(f"The {pull.head if head is None else pull.base} branch has been deleted.")
    if not history.between(repo.bare, base, pull.head_sha):
        raise _cannot(f"There are no new commits between {pull.base} and {pull.head}.")
    if not history.is_ancestor(repo.bare, pull.head_sha, head):
        raise _cannot(f"The {pull.head} branch was force-pushed or recreated.")
    _check_alone(repo, pull.head, pull.base)
    pull.state, pull.closed_at, pull.base_sha = "open", None, base
    if head != pull.head_sha:
        set_head(repo, pull, head)


def _cannot(why: str) -> Refused:
    return invalid("PullRequest", field="state", code="invalid", message=f"state cannot be changed. {why}")
