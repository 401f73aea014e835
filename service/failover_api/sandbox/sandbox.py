"""The sandbox itself: repositories, one App, one person's token, and a log of what was asked.

A person's acts (read, commit, merge, protect, suspend, ...) go to it directly, without HTTP and past every rule.
"""

from __future__ import annotations

import contextlib
import itertools
import time
import weakref
from typing import TYPE_CHECKING, Literal

from failover_api.sandbox.git import history
from failover_api.sandbox.git.bare import Bare
from failover_api.sandbox.git.objects import SUBMODULE, SYMLINK, Commit, Entry, NewFile
from failover_api.sandbox.git.refs import RefUpdate
from failover_api.sandbox.github.app import create_app
from failover_api.sandbox.github.identity import Identities
from failover_api.sandbox.hosting import following, merging, opening, people
from failover_api.sandbox.hosting.faults import Faults
from failover_api.sandbox.hosting.limits import Limits
from failover_api.sandbox.hosting.pushing import push
from failover_api.sandbox.hosting.repository import Repository, Rule
from failover_api.sandbox.http.serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from starlette.types import ASGIApp

    from failover_api.sandbox.hosting.repository import MergeMethod, PullRequest
    from failover_api.sandbox.http.exchange import Request

TREE_LIMIT = 100_000
_TRIES = 1000

Content = bytes | NewFile | Entry | None


class Sandbox:
    """A small GitHub over bare repositories.

    To be set as a test likes: `clock` (seconds since the epoch, also of commits and pull requests), `tree_limit`
    (entries), `write_delay_s` (between reading and writing; such writes run in threads), `names_stale_refs` (False:
    updateRefs says only that something went wrong when a ref is not at its `beforeOid`), and the attributes of
    `limits` and of each of the `repositories`.
    """

    def __init__(self, directory: Path, *, app_id: str = "1001", token: str = "sandbox-token") -> None:  # noqa: S107 - opens nothing but this sandbox
        self.git_dir = directory
        self.clock: Callable[[], float] = time.time
        self.identities = Identities(app_id, token, "sandbox-user", self._now)
        self.limits = Limits(self._now)
        self.faults = Faults()
        self.requests: list[Request] = []
        self.tree_limit = TREE_LIMIT
        self.write_delay_s = 0.0
        self.names_stale_refs = True
        self.repositories: dict[str, Repository] = {}
        self._bares: list[Bare] = []
        self._numbers = itertools.count(1)
        weakref.finalize(self, _close, self._bares)

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        repository: str = "acme/homelab",
        branch: str = "main",
        files: Mapping[str, bytes],
        app_id: str = "1001",
        token: str = "sandbox-token",  # noqa: S107 - opens nothing but this sandbox
    ) -> Sandbox:
        """A sandbox with one repository at `directory`, and in it one commit, by a person."""
        sandbox = cls(directory, app_id=app_id, token=token)
        sandbox._add(repository, directory, files, branch)
        return sandbox

    def add_repository(self, name: str, files: Mapping[str, bytes], branch: str = "main") -> Repository:
        """Another one, beside the first: its directory is named after it."""
        directory = self.git_dir.parent / f"{self.git_dir.name}-{name.replace('/', '-')}"
        return self._add(name, directory, files, branch)

    def remove_repository(self, name: str) -> None:
        """As if it had been deleted; what is on disk stays."""
        bare = self.repositories.pop(name.lower()).bare
        self._bares.remove(bare)
        bare.close()

    def close(self) -> None:
        _close(self._bares)

    # How others reach it

    @property
    def app(self) -> ASGIApp:
        """The API as an ASGI application, at / and at /api/v3 (as GitHub Enterprise Server has it)."""
        return create_app(self)

    @contextlib.contextmanager
    def serve(self, port: int = 0) -> Iterator[str]:
        """Serves the API on 127.0.0.1 from a thread; gives the base URL."""
        with serving(self.app, port) as url:
            yield url

    @property
    def app_id(self) -> str:
        return self.identities.app_id

    @property
    def token(self) -> str:
        return self.identities.token

    @property
    def private_key_pem(self) -> str:
        return self.identities.private_key_pem

    @property
    def permissions(self) -> dict[str, str]:
        """What the installation was granted; change it in place."""
        return self.identities.permissions

    @property
    def repository(self) -> Repository:
        """The first one."""
        return next(iter(self.repositories.values()))

    # A person's acts

    def read(self, path: str, branch: str | None = None, *, repository: str | None = None) -> bytes | None:
        repo = self._repository(repository)
        entry = repo.bare.entry(self.commit_at(branch, repository).tree, path)
        return repo.bare.blob(entry.sha) if entry and entry.type == "blob" else None

    def commit(
        self,
        changes: Mapping[str, Content],
        message: str,
        branch: str | None = None,
        *,
        repository: str | None = None,
    ) -> str:
        """Commits {path: content}, None deletes, and returns the sha. A new branch starts at the default one."""
        repo = self._repository(repository)

        def on(head: str | None) -> str:
            return _commit(repo, head or repo.bare.head(repo.default_branch), changes, message)

        return str(_move(repo, branch or repo.default_branch, on))

    def add_symlink(self, path: str, target: str, branch: str | None = None) -> str:
        return self.commit({path: NewFile(target.encode(), SYMLINK)}, f"Link {path} to {target}", branch)

    def add_submodule(self, path: str, branch: str | None = None) -> str:
        """A submodule that points to a commit elsewhere, with its .gitmodules."""
        modules = f'[submodule "{path}"]\n\tpath = {path}\n\turl = https://example.com/{path}.git\n'
        changes: dict[str, Content] = {path: Entry(SUBMODULE, "1" * 40), ".gitmodules": modules.encode()}
        return self.commit(changes, f"Add submodule {path}", branch)

    def head(self, branch: str | None = None, *, repository: str | None = None) -> str:
        return self.commit_at(branch, repository).sha

    def log(self, branch: str | None = None, *, repository: str | None = None) -> list[Commit]:
        """Newest first."""
        return list(history.log(self._repository(repository).bare, self.head(branch, repository=repository)))

    def commit_at(self, branch: str | None = None, repository: str | None = None) -> Commit:
        """The commit a branch is at. Raises KeyError when there is no such branch."""
        repo = self._repository(repository)
        head = repo.bare.head(branch or repo.default_branch)
        if head is None:
            raise KeyError(branch)
        return repo.bare.commit(head)

    def set_branch(self, branch: str, sha: str | None, *, repository: str | None = None) -> None:
        """Makes a branch, moves it by force, or deletes it (None)."""
        _move(self._repository(repository), branch, lambda _: sha)

    # A person's acts on pull requests

    def pull(self, number: int, *, repository: str | None = None) -> PullRequest:
        """As it is now. Raises KeyError when there is none."""
        repo = self._repository(repository)
        merging.settle(repo, people.MARIA_LOGIN)
        return repo.pulls[number]

    def open_pull(
        self,
        head: str,
        base: str | None = None,
        *,
        title: str = "By hand",
        body: str = "",
        repository: str | None = None,
    ) -> int:
        """Opens a pull request; its number."""
        repo = self._repository(repository)
        base = base or repo.default_branch
        return opening.open_pull(repo, people.MARIA_LOGIN, title=title, body=body, head=head, base=base).number

    def close_pull(self, number: int, *, repository: str | None = None) -> None:
        """Without merging."""
        repo = self._repository(repository)
        with repo.lock:
            following.close(repo, self.pull(number, repository=repository))

    def merge(
        self,
        number: int,
        method: MergeMethod = "merge",
        *,
        title: str | None = None,
        message: str | None = None,
        repository: str | None = None,
    ) -> str:
        """Merges past the rules, as an administrator may; the new head of the base. None: GitHub's own words."""
        repo = self._repository(repository)
        pull = self.pull(number, repository=repository)
        return merging.merge(repo, pull, people.MARIA_LOGIN, method, title=title, message=message, past_rules=True)

    def approve(self, number: int, login: str = "maria", *, repository: str | None = None) -> None:
        """A person approves a pull request; auto-merge goes on where it was waiting for that.

        Who was asked for a review is asked no more.
        """
        pull = self.pull(number, repository=repository)
        pull.approvals.add(login)
        pull.reviewers = [reviewer for reviewer in pull.reviewers if reviewer != login]
        self.pull(number, repository=repository)

    def run_queue(self, *, repository: str | None = None) -> None:
        """The merge queue merges what waits in it."""
        merging.run_queue(self._repository(repository), people.MARIA_LOGIN)

    def pass_check(self, number: int, check: str, *, repository: str | None = None) -> None:
        """A required check of a pull request's head turns green."""
        self.pull(number, repository=repository).passed_checks.add(check)
        self.pull(number, repository=repository)

    # Rules and the App

    def protect(
        self,
        branch: str | None = None,
        kind: Literal["ruleset", "classic"] = "ruleset",
        *,
        approvals: int = 1,
        checks: tuple[str, ...] = (),
        queue: bool = False,
        repository: str | None = None,
    ) -> None:
        """From now on the branch changes by pull request only, or only by its merge queue."""
        repo = self._repository(repository)
        repo.rules[branch or repo.default_branch] = Rule(kind, approvals, checks, queue)

    def unprotect(self, branch: str | None = None, *, repository: str | None = None) -> None:
        repo = self._repository(repository)
        repo.rules.pop(branch or repo.default_branch, None)

    def suspend(self) -> None:
        self.identities.suspended_at = self._now()

    def unsuspend(self) -> None:
        self.identities.suspended_at = None

    def uninstall(self) -> None:
        self.identities.installed = False

    def revoke_tokens(self) -> None:
        """Every installation token in use answers 401 from now on."""
        self.identities.revoke()

    def operations(self, operation: str) -> list[Request]:
        """The GraphQL requests that asked for this field, such as createCommitOnBranch."""
        return [request for request in self.requests if request.operation == operation]

    def _now(self) -> float:
        return self.clock()

    def _repository(self, name: str | None) -> Repository:
        return self.repositories[name.lower()] if name else self.repository

    def _add(self, name: str, directory: Path, files: Mapping[str, bytes], branch: str) -> Repository:
        bare = Bare.create(directory, branch)
        self._bares.append(bare)
        repo = Repository(next(self._numbers), name, bare, branch, self._now)
        self.repositories[name.lower()] = repo
        bare.move([RefUpdate(f"refs/heads/{branch}", None, _commit(repo, None, files, "Initial commit"))])
        return repo


def _move(repo: Repository, branch: str, to: Callable[[str | None], str | None]) -> str | None:
    """Moves a branch to what `to` makes of its head, again while others are faster. Where it is now."""
    for _ in range(_TRIES):
        head = repo.bare.head(branch)
        sha = to(head)
        if not push(repo, [RefUpdate(f"refs/heads/{branch}", head, sha)], people.MARIA_LOGIN):
            return sha
    raise ValueError(f"branch {branch} cannot be moved: Git holds a lock, or has a branch above or below it")


def _commit(repo: Repository, parent: str | None, changes: Mapping[str, Content], message: str) -> str:
    """Writes a person's commit, without moving a ref."""
    bare = repo.bare
    files = {path: NewFile(new) if isinstance(new, bytes) else new for path, new in changes.items()}
    with bare.batch():
        tree = bare.change(bare.commit(parent).tree if parent else None, files)
        by = people.by(people.MARIA_LOGIN, repo.now())
        return bare.put_commit(tree, (parent,) if parent else (), message, by)


def _close(bares: list[Bare]) -> None:
    while bares:
        bares.pop().close()
