"""How refs move, whoever moves them: the API, a person, a merge. Pull requests follow at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.git.objects import Entry, NewFile
from failover_api.sandbox.git.refs import RefUpdate
from failover_api.sandbox.hosting import people
from failover_api.sandbox.hosting.merging import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from failover_api.sandbox.hosting.repository import Repository

_TRIES = 1000

Content = bytes | NewFile | Entry | None


def push(repo: Repository, moves: Sequence[RefUpdate], by: str) -> RefUpdate | None:
    """Makes all moves, or none. The one that could not be made, if there is one."""
    with repo.lock:
        refused = repo.bare.move(moves)
        if refused is None:
            settle(repo, by)
        return refused


def move_branch(repo: Repository, branch: str, to: Callable[[str | None], str | None]) -> str | None:
    """A person moves a branch to what `to` makes of its head, again while others are faster. Where it is now."""
    for _ in range(_TRIES):
        head = repo.bare.head(branch)
        sha = to(head)
        if not push(repo, [RefUpdate(f"refs/heads/{branch}", head, sha)], people.MARIA_LOGIN):
            return sha
    raise ValueError(f"branch {branch} cannot be moved: Git holds a lock, or has a branch above or below it")


def commit(repo: Repository, branch: str, changes: Mapping[str, Content], message: str) -> str:
    """A person commits {path: content}, None deletes; the sha. A new branch starts at the default one."""

    def on(head: str | None) -> str:
        return write_commit(repo, head or repo.bare.head(repo.default_branch), changes, message)

    return str(move_branch(repo, branch, on))


def write_commit(repo: Repository, parent: str | None, changes: Mapping[str, Content], message: str) -> str:
    """Writes a person's commit, without moving a ref."""
    bare = repo.bare
    files = {path: NewFile(new) if isinstance(new, bytes) else new for path, new in changes.items()}
    with bare.batch():
        tree = bare.change(bare.commit(parent).tree if parent else None, files)
        by = people.by(people.MARIA_LOGIN, repo.now())
        return bare.put_commit(tree, (parent,) if parent else (), message, by)
