"""The sandbox's own repositories, as Flux's source-controller sees them: a URL, a branch, a commit, its files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from failover_api.sandbox.git.bare import Bare
    from failover_api.sandbox.hosting.repository import Repository


@dataclass(frozen=True, slots=True)
class Checkout:
    """All files of one commit."""

    bare: Bare
    commit: str

    @property
    def tree(self) -> str:
        return self.bare.commit(self.commit).tree

    def files(self, folder: str = "") -> dict[str, bytes]:
        """{path below the repository's root: content}. Raises KeyError when there is no such folder."""
        entry = self.bare.entry(self.tree, folder)
        if entry is None or not entry.is_tree:
            raise KeyError(folder)
        prefix = f"{folder}/" if folder else ""
        walked = self.bare.walk(entry.sha, prefix)
        return {path: self.bare.blob(one.sha) for path, one in walked if one.type == "blob"}


class Repositories:
    """Found by the last two parts of a URL's path; `by_name` has lower case names such as `acme/homelab`."""

    def __init__(self, by_name: Mapping[str, Repository]) -> None:
        self._by_name = by_name

    def head(self, url: str, branch: str) -> Checkout | None:
        """None when there is no such repository or branch."""
        path = urlsplit(url).path if "://" in url else url.partition(":")[2]
        name = "/".join(path.strip("/").removesuffix(".git").split("/")[-2:]).lower()
        repository = self._by_name.get(name)
        sha = repository.bare.head(branch) if repository is not None else None
        return Checkout(repository.bare, sha) if repository is not None and sha is not None else None

    def at(self, url: str, branch: str, commit: str) -> Checkout | None:
        found = self.head(url, branch)
        return Checkout(found.bare, commit) if found is not None else None
