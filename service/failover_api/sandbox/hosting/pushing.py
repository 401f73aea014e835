"""How refs move, whoever moves them: the API, a person, a merge. Pull requests follow at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.hosting.merging import settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from failover_api.sandbox.git.refs import RefUpdate
    from failover_api.sandbox.hosting.repository import Repository


def push(repo: Repository, moves: Sequence[RefUpdate], by: str) -> RefUpdate | None:
    """Makes all moves, or none. The one that could not be made, if there is one."""
    with repo.lock:
        refused = repo.bare.move(moves)
        if refused is None:
            settle(repo, by)
        return refused
