"""Pull requests: whether they can be merged, and merging."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal

from failover_api.sandbox.git import history
from failover_api.sandbox.git.objects import Person
from failover_api.sandbox.git.refs import RefUpdate
from failover_api.sandbox.git.three_way import merged_tree
from failover_api.sandbox.hosting import merge_messages, people
from failover_api.sandbox.hosting.following import follow, mark_merged
from failover_api.sandbox.hosting.refusal import Refusal

if TYPE_CHECKING:
    from failover_api.sandbox.git.objects import Commit
    from failover_api.sandbox.hosting.repository import MergeMethod, PullRequest, Repository

State = Literal["clean", "dirty", "blocked", "draft", "unknown"]


def commits(repo: Repository, pull: PullRequest) -> list[Commit]:
    """Oldest first."""
    return history.between(repo.bare, pull.base_sha, pull.head_sha)


def changes(repo: Repository, pull: PullRequest) -> dict[str, history.Change]:
    """What the pull request changes, seen from where it left the base."""
    meeting = history.diverge(repo.bare, pull.base_sha, pull.head_sha).meeting
    old = repo.bare.commit(meeting).tree if meeting else None
    return history.diff(repo.bare, old, repo.bare.commit(pull.head_sha).tree)


def trial(repo: Repository, pull: PullRequest) -> str | None:
    """The merge that a host makes to see whether it can, and shows until there is a real one; None: it cannot."""
    tried = pull.trial
    if tried is None or tried[:2] != (pull.base_sha, pull.head_sha):
        tree = merged_tree(repo.bare, pull.base_sha, pull.head_sha)
        tried = pull.trial = pull.base_sha, pull.head_sha, _trial(repo, pull, tree) if tree else None
    return tried[2]


def state(repo: Repository, pull: PullRequest) -> State:
    """Whether it can be merged, and if not, why."""
    if not pull.is_open:
        return "unknown"
    if trial(repo, pull) is None:
        return "dirty"
    if pull.draft:
        return "draft"
    rule = repo.rule(pull.base)
    return "clean" if rule is None or rule.is_met_by(pull) else "blocked"


def merge(
    repo: Repository,
    pull: PullRequest,
    login: str,
    method: MergeMethod = "merge",
    *,
    title: str | None = None,
    message: str | None = None,
    past_rules: bool = False,
    by_queue: bool = False,
) -> str:
    """Merges and closes. Raises Refusal when it cannot be. Returns the new head of the base branch."""
    with repo.lock:
        _check(repo, pull, method, past_rules=past_rules, by_queue=by_queue)
        before, own = pull.base_sha, commits(repo, pull)
        sha = _rebased(repo, pull, login) if method == "rebase" else _merged(repo, pull, login, method, title, message)
        if repo.bare.move([RefUpdate(f"refs/heads/{pull.base}", before, sha)]):
            raise Refusal("base_moved")
        brought = {commit.sha for commit in history.between(repo.bare, before, sha)}
        mark_merged(repo, pull, login, sha, frozenset(brought | {commit.sha for commit in own}))
        if repo.delete_branch_on_merge:
            _delete_branch(repo, pull)
        follow(repo, login)
        return sha


def settle(repo: Repository, by: str) -> None:
    """What a host does on its own: pull requests follow their branches, and those that waited are merged once clean."""
    with repo.lock:
        follow(repo, by)
        for pull in repo.open_pulls():
            if (auto := pull.auto_merge) and state(repo, pull) == "clean":
                rule = repo.rule(pull.base)
                if rule and rule.queue:
                    pull.is_queued = True
                    continue
                with contextlib.suppress(Refusal):  # it may be clean, and its method no longer allowed
                    merge(repo, pull, auto.by, auto.method, title=auto.title, message=auto.message)


def run_queue(repo: Repository, by: str) -> None:
    """Merges what waits in the queue."""
    with repo.lock:
        settle(repo, by)
        for pull in repo.open_pulls():
            if pull.is_queued:
                merge(repo, pull, by, "squash", by_queue=True)


def _check(repo: Repository, pull: PullRequest, method: MergeMethod, *, past_rules: bool, by_queue: bool) -> None:
    if not repo.allows(method):
        raise Refusal("method_not_allowed", method=method)
    match state(repo, pull):
        case "draft":
            raise Refusal("still_a_draft")
        case "dirty" | "unknown":
            raise Refusal("not_mergeable")
    rule = repo.rule(pull.base)
    if rule is None or past_rules:
        return
    if rule.queue and not by_queue:
        raise Refusal("merge_queue_only")
    if not rule.is_met_by(pull):
        raise Refusal("rule_unmet", rule=rule, pull=pull)


def _trial(repo: Repository, pull: PullRequest, tree: str) -> str:
    text = f"Merge {pull.head_sha} into {pull.base_sha}"
    by = Person(*people.GITHUB, repo.now())
    return repo.bare.put_commit(tree, (pull.base_sha, pull.head_sha), text, by)


def _merged(
    repo: Repository, pull: PullRequest, login: str, method: MergeMethod, title: str | None, message: str | None
) -> str:
    """A commit of the merge that `trial` has made already."""
    merge_commit = trial(repo, pull)
    assert merge_commit, "checked by the caller"
    squash = method == "squash"
    words = merge_messages.of_squash(repo, pull, commits(repo, pull)) if squash else merge_messages.of_merge(repo, pull)
    text = f"{title or words[0]}\n\n{words[1] if message is None else message}".rstrip("\n")
    author = people.by(pull.author if squash else login, repo.now())
    parents = (pull.base_sha,) if squash else (pull.base_sha, pull.head_sha)
    tree = repo.bare.commit(merge_commit).tree
    sha = repo.bare.put_commit(tree, parents, text, author, Person(*people.GITHUB, repo.now()))
    repo.signed.add(sha)
    return sha


def _rebased(repo: Repository, pull: PullRequest, login: str) -> str:
    """The pull request's commits again, one by one, on the base's head. Unsigned, as with GitHub."""
    tip = pull.base_sha
    for commit in commits(repo, pull):
        tree = merged_tree(repo.bare, tip, commit.sha, next(iter(commit.parents), None))
        if tree is None:
            raise Refusal("not_rebasable")
        tip = repo.bare.put_commit(tree, (tip,), commit.message, commit.author, people.by(login, repo.now()))
    return tip


def _delete_branch(repo: Repository, pull: PullRequest) -> None:
    """Pull requests that were to go into the branch go into its base now."""
    for other in repo.open_pulls():
        if other.base == pull.head:
            other.base = pull.base
    repo.bare.move([RefUpdate(f"refs/heads/{pull.head}", pull.head_sha, None)])
