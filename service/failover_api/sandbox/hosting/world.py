"""The state of a host: repositories, the person with a token, limits, faults, a log of requests, a clock."""

from __future__ import annotations

import itertools
import time
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

from failover_api.sandbox.git.bare import Bare
from failover_api.sandbox.git.refs import RefUpdate
from failover_api.sandbox.hosting.faults import Faults
from failover_api.sandbox.hosting.limits import Limits
from failover_api.sandbox.hosting.pushing import write_commit
from failover_api.sandbox.hosting.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

TREE_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. `status` is what the endpoint answered, even if a fault kept it back; None: it never ran."""

    method: str
    path: str
    query: str
    status: int | None
    authorization: str
    if_none_match: str | None
    operation: str | None
    fault: str | None
    body: bytes


class World:
    """What the endpoints of every dialect work on.

    To be set as a test likes: `clock` (seconds since the epoch, also of commits and pull requests), `tree_limit`
    (entries), `write_delay_s` (between reading and writing; such writes run in threads), `names_stale_refs` (False:
    updateRefs says only that something went wrong when a ref is not at its `beforeOid`), and the attributes of
    `limits` and of each of the `repositories`.
    """

    def __init__(self, directory: Path, token: str) -> None:
        self.git_dir = directory
        self.clock: Callable[[], float] = time.time
        self.login, self.token = "sandbox-user", token
        self.limits = Limits(self.now)
        self.faults = Faults()
        self.requests: list[Request] = []
        self.tree_limit = TREE_LIMIT
        self.write_delay_s = 0.0
        self.names_stale_refs = True
        self.repositories: dict[str, Repository] = {}
        self._bares: list[Bare] = []
        self._numbers = itertools.count(1)
        weakref.finalize(self, _close, self._bares)

    def now(self) -> float:
        """By the clock that is set at the moment."""
        return self.clock()

    @property
    def repository(self) -> Repository:
        """The first one."""
        return next(iter(self.repositories.values()))

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

    def _add(self, name: str, directory: Path, files: Mapping[str, bytes], branch: str) -> Repository:
        bare = Bare.create(directory, branch)
        self._bares.append(bare)
        repo = Repository(next(self._numbers), name, bare, branch, self.now)
        self.repositories[name.lower()] = repo
        bare.move([RefUpdate(f"refs/heads/{branch}", None, write_commit(repo, None, files, "Initial commit"))])
        return repo


def _close(bares: list[Bare]) -> None:
    while bares:
        bares.pop().close()
