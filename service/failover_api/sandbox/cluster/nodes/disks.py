"""What is on the volumes, byte for byte, and what apps write there.

An app that runs writes a line a second to each of its volumes, and each line counts as acknowledged: a person was told
that it is safe. Lines are written when somebody looks, so they cost nothing before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.times import rfc3339

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.clock import Clock

JOURNAL = "journal"
WRITE_EVERY_S = 1.0


@dataclass(slots=True)
class _Writer:
    pod: str
    began: float
    written: int = 0


@dataclass(slots=True)
class Disk:
    """`files` is what is there now; `acknowledged` all lines that apps ever wrote to it, oldest first."""

    files: dict[str, bytes] = field(default_factory=dict)
    acknowledged: list[bytes] = field(default_factory=list)
    writers: dict[str, _Writer] = field(default_factory=dict)

    @property
    def journal(self) -> list[bytes]:
        """The lines that apps wrote and that are still there."""
        return self.files.get(JOURNAL, b"").splitlines()


class Disks:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._disks: dict[str, Disk] = {}

    def of(self, volume: str) -> Disk:
        """The disk of a PersistentVolume, by its name, as it is at this moment."""
        disk = self._disks.setdefault(volume, Disk())
        for writer in disk.writers.values():
            self._catch_up(disk, writer)
        return disk

    def begin(self, volume: str, uid: str, pod: str) -> None:
        """A container of a pod writes from now on."""
        self.of(volume).writers[uid] = _Writer(pod, self._clock.elapsed)

    def end(self, volume: str, uid: str) -> None:
        self.of(volume).writers.pop(uid, None)

    def replace(self, volume: str, files: dict[str, bytes]) -> None:
        """All that is there is `files` now."""
        self.of(volume).files = dict(files)

    def _catch_up(self, disk: Disk, writer: _Writer) -> None:
        due = int((self._clock.elapsed - writer.began) / WRITE_EVERY_S)
        if due <= writer.written:
            return
        start = self._clock.now - self._clock.elapsed + writer.began
        numbers = range(writer.written + 1, due + 1)
        lines = [f"{rfc3339(start + number * WRITE_EVERY_S)} {writer.pod} {number}".encode() for number in numbers]
        disk.files[JOURNAL] = disk.files.get(JOURNAL, b"") + b"".join(line + b"\n" for line in lines)
        disk.acknowledged += lines
        writer.written = due
