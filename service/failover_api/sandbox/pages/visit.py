"""One look at one repository: the links of its pages, and what the end of a path means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

if TYPE_CHECKING:
    from failover_api.sandbox.hosting.repository import Repository
    from failover_api.sandbox.http.exchange import Message


class NotThere(Exception):
    """What the path names is not there; in a sentence."""


@dataclass(frozen=True, slots=True)
class Place:
    """A path at a commit; `ref` is how the commit was named."""

    ref: str
    sha: str
    path: str


@dataclass(frozen=True, slots=True)
class Visit:
    repo: Repository
    message: Message

    # Links

    @property
    def root(self) -> str:
        return f"/{quote(self.repo.full_name)}"

    def link(self, kind: Literal["tree", "blob", "raw", "commits"], ref: str, path: str = "") -> str:
        below = f"/{_quoted(path)}" if path else ""
        return f"{self.root}/{kind}/{_quoted(ref)}{below}"

    def commit_link(self, sha: str) -> str:
        return f"{self.root}/commit/{sha}"

    def pull_link(self, number: int) -> str:
        return f"{self.root}/pull/{number}"

    # What a path names

    def place(self, text: str) -> Place:
        """Reads `REF/PATH`: a branch or a tag, whose name may have slashes, or a commit. Raises NotThere."""
        names = text.split("/")
        for end in range(1, len(names) + 1):
            ref = "/".join(names[:end])
            if sha := self._resolved(ref):
                return Place(ref, sha, "/".join(names[end:]))
        raise NotThere(f"There is no branch, tag or commit at the start of {text}.")

    def resolve(self, ref: str) -> str:
        """The commit that a branch, a tag or a sha means. Raises NotThere."""
        if sha := self._resolved(ref):
            return sha
        raise NotThere(f"There is no branch, tag or commit {ref}.")

    def _resolved(self, ref: str) -> str | None:
        bare = self.repo.bare
        sha = bare.head(ref) or bare.ref(f"refs/tags/{ref}")
        return sha or (ref if bare.kind(ref) == "commit" else None)


def _quoted(path: str) -> str:
    return quote(path, errors="surrogateescape")
