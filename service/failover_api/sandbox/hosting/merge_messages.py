"""The words of a merge that names none of its own.

https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/incorporating-changes-from-a-pull-request/about-pull-request-merges
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from failover_api.sandbox.hosting.people import is_bot, login_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from failover_api.sandbox.git.objects import Commit, Person
    from failover_api.sandbox.hosting.repository import PullRequest, Repository

_TRAILER = re.compile(r"[\w-]+: ")


def of_merge(repo: Repository, pull: PullRequest) -> tuple[str, str]:
    """Headline and body."""
    return f"Merge pull request #{pull.number} from {repo.owner}/{pull.head}", pull.title


def of_squash(repo: Repository, pull: PullRequest, commits: Sequence[Commit]) -> tuple[str, str]:
    """Headline and body: a single commit keeps its own, several are listed."""
    alone = commits[0] if len(commits) == 1 else None
    title = alone.headline if alone and repo.squash_title == "COMMIT_OR_PR_TITLE" else pull.title
    match repo.squash_message:
        case "PR_BODY":
            text = pull.body or ""
        case "BLANK":
            text = ""
        case "COMMIT_MESSAGES":
            text = alone.body if alone else "\n\n".join(f"* {commit.message.rstrip()}" for commit in commits)
    named = _co_authors(pull, commits)
    if named and len(commits) > 1 and text:
        text = f"{text}\n\n---------"
    return f"{title} (#{pull.number})", _with_trailers(text, named)


def _co_authors(pull: PullRequest, commits: Sequence[Commit]) -> list[str]:
    """Whoever wrote a commit, save the author of the whole; an App is named even then."""
    authors = {commit.author.email: commit.author for commit in commits}
    return [f"Co-authored-by: {one.name} <{one.email}>" for one in authors.values() if _is_named(one, pull)]


def _is_named(author: Person, pull: PullRequest) -> bool:
    login = login_of(author)
    return login is None or login != pull.author or is_bot(login)


def _with_trailers(text: str, trailers: Sequence[str]) -> str:
    """Trailers join those that the text ends with already."""
    if not text or not trailers:
        return text + "\n".join(trailers)
    last = text.rpartition("\n\n")[2].splitlines()
    gap = "\n" if all(_TRAILER.match(line) for line in last) else "\n\n"
    return text + gap + "\n".join(trailers)
