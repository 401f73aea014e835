"""Writes whose reply was lost, and that GitHub may carry out yet.

A write of one file lands late if the file is then, byte for byte, what it was made from, whatever it was in between. A
write of several files is compared with the branch's head, which never comes back (but by a force-push): any commit in
between keeps it from landing.
"""

import time
from collections.abc import Mapping

from failover_api.core.catalog.model import Branch
from failover_api.forge.values import File, Snapshot, blob_sha

LAND_S = 12.0  # GitHub ends a request after 10 s; the rest is the way there

_FileVersion = tuple[Branch, str, str]  # a blob sha at a path


class UnconfirmedWrites:
    """By what they were made from: until when (time.monotonic()) each of them may land, and whether by the head."""

    def __init__(self) -> None:
        self._lost: dict[_FileVersion, list[tuple[float, bool]]] = {}

    def lost(self, snapshot: Snapshot) -> None:
        """Nobody waits any more for the reply of the write that was compared with this."""
        now = time.monotonic()
        known = {place: [one for one in writes if one[0] > now] for place, writes in self._lost.items()}
        self._lost = {place: writes for place, writes in known.items() if writes}
        for place in _file_versions(snapshot):
            self._lost.setdefault(place, []).append((now + LAND_S, snapshot.head is not None))

    def landed(self, snapshot: Snapshot) -> None:
        """It was found: it will not land again. Of several only one is known to have landed."""
        for place in _file_versions(snapshot):
            writes = self._lost.get(place)
            if writes:
                writes.pop()

    def wait_s(self, branch: Branch, files: Mapping[str, bytes], *, writing: bool) -> float:
        """How long until none can land where the files are these; a commit that is `writing` moves the head."""
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
