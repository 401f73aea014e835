"""Which folders are built with a file: what their kustomization.yaml names, and what that names in turn.

A folder without one is built by Flux with all that is below it, but for folders that have one of their own.
https://fluxcd.io/flux/components/kustomize/kustomizations/#generate-kustomizationyaml
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from failover_api.core.search.kustomize_files import KustomizeFile

MAX_FOLDERS = 1000  # that are gone through for one file


@dataclass(frozen=True, slots=True)
class FolderGraph:
    """Of one branch. Folders end with "/", "" is the whole repository.

    `named_by` are the folders whose kustomization.yaml names a file, or a folder without its final "/". `built` are
    all folders that have one.
    """

    named_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    built: frozenset[str] = frozenset()

    @property
    def count(self) -> int:
        """How much is kept."""
        return sum(map(len, self.named_by.values())) + len(self.built)

    def namers(self, path: str) -> tuple[str, ...]:
        """The folders whose kustomization.yaml names the file itself, as a resource or a patch."""
        return self.named_by.get(path, ())

    def building(self, path: str) -> set[str]:
        """The folders with a kustomization.yaml that are built with the file in them: at most MAX_FOLDERS."""
        found: set[str] = set()
        pending = list(self.namers(path))
        while pending and len(found) < MAX_FOLDERS:
            folder = pending.pop()
            if folder not in found:
                found.add(folder)
                pending += self.named_by.get(folder.removesuffix("/"), ())
        return found

    def holding(self, path: str) -> Iterator[str]:
        """The folders around a file or folder that take it without naming it, from the inside: those that have no
        kustomization.yaml, as far as the next that has one.
        """
        for folder in folders_around(path):
            if folder in self.built:
                return
            yield folder


def folder_graph(files: Mapping[str, KustomizeFile]) -> FolderGraph:
    """`files` are the kustomization.yaml, by their paths."""
    named: dict[str, list[str]] = {}
    folders = {path: folder_of(path) for path in files}
    for path, file in files.items():
        for one in dict.fromkeys(_targets(folders[path], (*file.built, *file.patches))):
            named.setdefault(one, []).append(folders[path])
    return FolderGraph({one: tuple(namers) for one, namers in named.items()}, frozenset(folders.values()))


def folder_of(path: str) -> str:
    """The folder that a file is in, or a folder (with its final "/") itself is in."""
    return path[: path.rstrip("/").rfind("/") + 1]


def folders_around(path: str) -> Iterator[str]:
    """From the inside to the whole repository."""
    while path:
        path = folder_of(path)
        yield path


def _targets(folder: str, named: Iterable[str]) -> Iterator[str]:
    """Paths in the repository, without a final "/"; none that lead out of it. "" is the whole repository."""
    for one in named:
        path = posixpath.normpath(posixpath.join(folder, one))
        if not path.startswith(".."):
            yield "" if path == "." else path
