"""Pull requests: opening, whether they can be merged, merging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from failover_api.sandbox import history
from failover_api.sandbox.call import Refused, invalid
from failover_api.sandbox.objects import Person, now
from failover_api.sandbox.repository import MergeMethod, PullRequest, Repository
from failover_api.sandbox.writing import GITHUB, email

if TYPE_CHECKING:
    from failover_api.sandbox.objects import Commit

State = Literal["clean", "dirty", "blocked", "draft", "unknown"]

_MERGE_URL = "https://docs.github.com/rest/pulls/pulls#merge-a-pull-request"


def open_pull(
    repo: Repository, login: str, *, title: str, body: str | None, head: str, base: str, draft: bool = False
) -> PullRequest:
    """Raises Refused 422 with GitHub's texts."""
    owner, colon, branch = head.rpartition(":")
    head_sha, base_sha = repo.bare.head(branch), repo.bare.head(base)
    if head_sha is None or (colon and owner.lower() != repo.owner.lower()):
        raise invalid("PullRequest", field="head", code="invalid")
    if base_sha is None:
        raise invalid("PullRequest", field="base", code="invalid")
    if any(pull.head == branch and pull.base == base and pull.state == "open" for pull in repo.pulls.values()):
        raise invalid("PullRequest", message=f"A pull request already exists for {repo.owner}:{branch}.")
    if not history.between(repo.bare, base_sha, head_sha):
        raise invalid("PullRequest", message=f"No commits between {base} and {branch}")
    number = max(repo.pulls, default=0) + 1
    at = now()
    pull = PullRequest(number, title, body, login, branch, base, head_sha, base_sha, at, at, draft)
    repo.pulls[number] = pull
    repo.bare.move(f"refs/pull/{number}/head", None, head_sha)
    return pull


def reason(refused: Refused) -> str:
    """The one sentence of a validation error."""
    return str(next((error.get("message") for error in refused.errors or ()), None) or refused.message)


def head(repo: Repository, pull: PullRequest) -> str:
    current = repo.bare.head(pull.head) if pull.state == "open" else None
    return current or pull.head_sha


def base(repo: Repository, pull: PullRequest) -> str:
    current = repo.bare.head(pull.base) if pull.state == "open" else None
    return current or pull.base_sha


def commits(repo: Repository, pull: PullRequest) -> list[Commit]:
    """Oldest first."""
    return history.between(repo.bare, base(repo, pull), head(repo, pull))


def changes(repo: Repository, pull: PullRequest) -> dict[str, history.Change]:
    """What the pull request changes, seen from where it left the base."""
    meeting = history.merge_base(repo.bare, base(repo, pull), head(repo, pull))
    old = repo.bare.commit(meeting).tree if meeting else None
    return history.diff(repo.bare, old, repo.bare.commit(head(repo, pull)).tree)


def state(repo: Repository, pull: PullRequest) -> State:
    """GitHub's mergeable_state."""
    if pull.state == "closed":
        return "unknown"
    if history.merged_tree(repo.bare, base(repo, pull), head(repo, pull)) is None:
        return "dirty"
    if pull.draft:
        return "draft"
    return "blocked" if _missing(repo, pull) else "clean"


def merge(
    repo: Repository,
    pull: PullRequest,
    login: str,
    method: MergeMethod = "merge",
    *,
    title: str | None = None,
    message: str | None = None,
) -> str:
    """Merges and closes. Raises Refused 405 when it cannot be. Returns the new head of the base branch."""
    _check(repo, pull, method)
    at, tip = base(repo, pull), head(repo, pull)
    sha = _rebased(repo, pull, login) if method == "rebase" else _merged(repo, pull, login, method, title, message)
    if not repo.bare.move(f"refs/heads/{pull.base}", at, sha):
        raise Refused(405, "Base branch was modified. Review and try the merge again.", url=_MERGE_URL)
    pull.head_sha, pull.base_sha, pull.merge_sha = tip, at, sha
    pull.state, pull.merged_by = "closed", login
    pull.merged_at = pull.closed_at = pull.updated_at = now()
    if repo.delete_branch_on_merge:
        repo.bare.move(f"refs/heads/{pull.head}", tip, None)
    return sha


def merge_if_ready(repo: Repository, pull: PullRequest) -> None:
    """What auto-merge does whenever something about the pull request changes."""
    if pull.auto_merge and state(repo, pull) == "clean":
        merge(repo, pull, pull.auto_merge_by, pull.auto_merge)


def _missing(repo: Repository, pull: PullRequest) -> str | None:
    rule = repo.rules.get(pull.base)
    return rule.missing(frozenset(pull.passed_checks), len(pull.approvals)) if rule else None


def _check(repo: Repository, pull: PullRequest, method: MergeMethod) -> None:
    if not repo.allows(method):
        names = {"merge": "Merge commits are", "squash": "Squash merges are", "rebase": "Rebase merges are"}
        raise Refused(405, f"{names[method]} not allowed on this repository.", url=_MERGE_URL)
    match state(repo, pull):
        case "draft":
            raise Refused(405, "Pull Request is still a draft", url=_MERGE_URL)
        case "dirty" | "unknown":
            raise Refused(405, "Pull Request is not mergeable", url=_MERGE_URL)
    if missing := _missing(repo, pull):
        ruleset = repo.rules[pull.base].kind == "ruleset"
        text = f"Repository rule violations found\n\n{missing}\n\n" if ruleset else missing
        raise Refused(405, text, url=_MERGE_URL)


def _merged(
    repo: Repository, pull: PullRequest, login: str, method: MergeMethod, title: str | None, message: str | None
) -> str:
    at, tip = base(repo, pull), head(repo, pull)
    tree = history.merged_tree(repo.bare, at, tip) or repo.bare.commit(tip).tree
    parents: tuple[str, ...] = (at,) if method == "squash" else (at, tip)
    if method == "squash":
        headline, text = f"{pull.title} (#{pull.number})", _squashed(commits(repo, pull))
    else:
        headline, text = f"Merge pull request #{pull.number} from {repo.owner}/{pull.head}", pull.title
    author = pull.author if method == "squash" else login
    text = f"{title or headline}\n\n{text if message is None else message}".rstrip("\n")
    by = Person(author, email(author), now())
    sha = repo.bare.put_commit(tree, parents, text, by, Person(*GITHUB, now()))
    repo.signed.add(sha)
    return sha


def _squashed(found: list[Commit]) -> str:
    if len(found) == 1:
        return found[0].message.partition("\n")[2].strip("\n")
    return "\n\n".join(f"* {commit.message}" for commit in found)


def _rebased(repo: Repository, pull: PullRequest, login: str) -> str:
    """The pull request's commits again, one by one, on the base's head."""
    tip = base(repo, pull)
    for commit in commits(repo, pull):
        tree = history.merged_tree(repo.bare, tip, commit.sha, next(iter(commit.parents), None))
        if tree is None:
            raise Refused(405, "This branch can't be rebased", url=_MERGE_URL)
        committer = Person(login, email(login), now())
        tip = repo.bare.put_commit(tree, (tip,), commit.message, commit.author, committer)
    return tip
