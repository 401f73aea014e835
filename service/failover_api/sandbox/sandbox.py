"""The sandbox: the state of a host, served in its dialect, and a person's acts. Only this file knows every dialect.

A person's acts (read, commit, merge, protect, suspend, ...) go to it directly, without HTTP and past every rule.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal

from failover_api.sandbox.git import history
from failover_api.sandbox.git.objects import SUBMODULE, SYMLINK, Commit, Entry, NewFile
from failover_api.sandbox.github.app import create_app
from failover_api.sandbox.github.identity import Identities
from failover_api.sandbox.hosting import following, merging, opening, people, pushing
from failover_api.sandbox.hosting.repository import Repository, Rule
from failover_api.sandbox.hosting.world import World
from failover_api.sandbox.http.serving import serving
from failover_api.sandbox.pages.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from starlette.types import ASGIApp

    from failover_api.sandbox.hosting.pushing import Content
    from failover_api.sandbox.hosting.repository import MergeMethod, PullRequest
    from failover_api.sandbox.hosting.world import Request


class Sandbox(World):
    """A small GitHub over bare repositories. What can be set is in World."""

    def __init__(self, directory: Path, *, app_id: str = "1001", token: str = "sandbox-token") -> None:  # noqa: S107 - opens nothing but this sandbox
        super().__init__(directory, token)
        self.identities = Identities(app_id, self)

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

    # How others reach it

    @property
    def app(self) -> ASGIApp:
        """API and pages as an ASGI application; the API at / and at /api/v3 (as GitHub Enterprise Server has it)."""
        return create_app(self, self.identities, Site(self).answer)

    @contextlib.contextmanager
    def serve(self, port: int = 0) -> Iterator[str]:
        """Serves API and pages on 127.0.0.1 from a thread; gives the base URL."""
        with serving(self.app, port) as url:
            yield url

    @property
    def app_id(self) -> str:
        return self.identities.app_id

    @property
    def private_key_pem(self) -> str:
        return self.identities.private_key_pem

    @property
    def permissions(self) -> dict[str, str]:
        """What the installation was granted; change it in place."""
        return self.identities.permissions

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
        return pushing.commit(repo, branch or repo.default_branch, changes, message)

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
        pushing.move_branch(self._repository(repository), branch, lambda _: sha)

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
        self.identities.suspended_at = self.now()

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

    def _repository(self, name: str | None) -> Repository:
        return self.repositories[name.lower()] if name else self.repository
