"""Writes whose reply was lost: GitHub may still carry them out.

A late write of one file succeeds if the file is then, byte for byte, what it was compared with, whatever it was in
between. A write of several files is compared with the branch's head, to which a branch never returns (but by a
force-push): any commit in between makes it fail.
"""

import time
from collections.abc import Mapping

from failover_api.core.catalog.model import Branch
from failover_api.forge.values import File, Snapshot, blob_sha

LAND_S = 12.0  # GitHub ends a request after 10 s; the rest is the way there

_FileVersion = tuple[Branch, str, str]  # a path and a blob sha


class UnconfirmedWrites:
    """By the file they were compared with: until when (time.monotonic()) each may succeed, and whether by head."""

    def __init__(self) -> None:
        self._lost: dict[_FileVersion, list[tuple[float, bool]]] = {}

    def lost(self, snapshot: Snapshot) -> None:
        """The write that was compared with this snapshot has had no reply."""
        now = time.monotonic()
        pending = {file: [write for write in writes if write[0] > now] for file, writes in self._lost.items()}
        self._lost = {file: writes for file, writes in pending.items() if writes}
        for file in _file_versions(snapshot):
            self._lost.setdefault(file, []).append((now + LAND_S, snapshot.head is not None))

    def landed(self, snapshot: Snapshot) -> None:
        """A write compared with this snapshot was found on the branch. Of several, only one has been carried out."""
        for file in _file_versions(snapshot):
            writes = self._lost.get(file)
            if writes:
                writes.pop()

    def wait_s(self, branch: Branch, files: Mapping[str, bytes], *, writing: bool) -> float:
        """As Forge.unconfirmed_wait_s(). A commit that is `writing` moves the head: writes compared with that fail."""
        if not any(lost_branch == branch for lost_branch, _, _ in self._lost):
            return 0.0
        now = time.monotonic()
        ends = (
            until - now
            for path, data in files.items()
            for until, by_head in self._lost.get((branch, path, blob_sha(data)), ())
            if not (by_head and writing)
        )
        return max(0.0, max(ends, default=0.0))


def _file_versions(snapshot: Snapshot) -> list[_FileVersion]:
    files = (file for file in snapshot.files.values() if isinstance(file, File))
    return [(snapshot.branch, file.path, file.sha) for file in files]
