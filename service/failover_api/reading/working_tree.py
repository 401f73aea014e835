"""A working tree on disk, read once, as the files of a branch: no Git host, no network."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from failover_api.core.catalog.model import Branch
from failover_api.core.splice import MAX_BYTES
from failover_api.errors import BadRequest
from failover_api.forge.values import Entry, File, Listing, LoggedCommit, PullRequest, Snapshot, blob_sha
from failover_api.reading.folder_index import could_be_manifest

_HEAD = "working tree"


def read_folder(folder: Path, also: Collection[str] = ()) -> dict[str, bytes]:
    """The files of a working tree that could be manifests, and those named in `also`.

    Raises BadRequest where there is no such folder, or a file cannot be read.
    """
    if not folder.is_dir():
        raise BadRequest(f"{folder}: there is no such folder")
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    found = {path.relative_to(folder).as_posix(): path for path in paths}
    try:
        return {
            name: path.read_bytes()
            for name, path in found.items()
            if (could_be_manifest(name) or name in also) and path.stat().st_size <= MAX_BYTES
        }
    except OSError as exc:
        raise BadRequest(f"{exc.filename}: cannot be read ({exc.strerror})") from exc


@dataclass(frozen=True, slots=True)
class TreeBranch(Branch):
    """A working tree in place of a branch: `name` is what it is called."""

    def __str__(self) -> str:
        return self.name


class WorkingTree:
    """Files that were read by read_folder(), as Files of forge/port.py. They do not change, so nothing is stale.

    Of Forge it has what a dry run asks: a branch without history and without pull requests.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = {path: File(path, data, blob_sha(data)) for path, data in files.items()}
        entries = tuple(Entry(file.path, file.sha, len(file.data)) for file in self._files.values())
        self._listing = Listing(entries, (), _HEAD, generation=1, validated_at=time.monotonic())

    async def read(
        self, branch: Branch, paths: Sequence[str], *, not_before: float | None, at_head: bool = False
    ) -> Snapshot:
        return Snapshot(branch, {path: self._files[path] for path in paths if path in self._files}, _HEAD)

    async def read_at(self, branch: Branch, commit: str, paths: Sequence[str]) -> Snapshot:
        return await self.read(branch, paths, not_before=None)

    async def read_blobs(
        self, branch: Branch, entries: Sequence[Entry], spare: Sequence[Entry] = ()
    ) -> Mapping[str, bytes]:
        return {entry.path: self._files[entry.path].data for entry in entries}

    async def tree(self, branch: Branch, *, not_before: float | None, head: str | None = None) -> Listing:
        return self._listing

    def last_listing(self, branch: Branch) -> Listing | None:
        return self._listing

    def is_listing_stale(self, branch: Branch) -> bool:
        return False

    def invalidate_tree(self, branch: Branch) -> None:
        pass

    def watch_trees(self, listener: Callable[[Branch], None]) -> None:
        pass

    def remember(self, branch: Branch, file: File, *, validated_at: float) -> None:
        pass

    def confirm(self, branch: Branch, entry: Entry, *, validated_at: float) -> None:
        pass

    async def head(self, branch: Branch, *, not_before: float | None) -> str:
        return _HEAD

    async def log(
        self, branch: Branch, path: str | None = None, *, at: str | None = None, page: int = 1, not_before: float | None
    ) -> Sequence[LoggedCommit]:
        return ()

    async def open_pull_requests(
        self, base: Branch, heads: Collection[str], *, not_before: float | None
    ) -> Sequence[PullRequest]:
        return ()

    async def pull_requests(
        self, base: Branch, head: str | None, *, not_before: float | None, any_base: bool = False
    ) -> Sequence[PullRequest]:
        return ()

    async def conflicting_branches(self, branch: Branch) -> Mapping[str, str]:
        return {}
