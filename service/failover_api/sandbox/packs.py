"""New objects on disk: one pack and its index for all that is written together. https://git-scm.com/docs/pack-format

Two files however many objects, where loose ones are a file each, and a directory for most. Of many small packs one is
made, as `git gc` does. The index comes last, and goes first: without it Git does not see the pack.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MANY = 50
_SMALL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Packed:
    """An object as a pack has it."""

    kind: int
    head: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is: `head` bytes from `start` on, and then `size` bytes of zlib."""

    path: str
    kind: int
    start: int
    head: int
    size: int

    def read(self) -> Packed:
        """Raises FileNotFoundError when the pack is gone."""
        file = os.open(self.path, os.O_RDONLY)
        try:
            whole = os.pread(file, self.head + self.size, self.start)
        finally:
            os.close(file)
        return Packed(self.kind, whole[: self.head], whole[self.head :])


class Packs:
    """The packs that were written here. Any number of threads may read while one adds."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._places: dict[str, Place] = {}
        self._recent: dict[str, Place] = {}
        self._count = 0

    def read(self, sha: str) -> tuple[int, bytes] | None:
        """Kind and content; None when it was not written here, or `git gc` has put it elsewhere."""
        while place := self._places.get(sha):
            try:
                packed = place.read()
            except FileNotFoundError:
                if self._places.get(sha) is place:
                    del self._places[sha]
                continue
            return packed.kind, zlib.decompress(packed.data)
        return None

    def add(self, objects: Mapping[str, tuple[int, bytes]]) -> None:
        """Writes `objects` ({sha: (kind, content)})."""
        places = _write(self._directory, {sha: _packed(*objects[sha]) for sha in sorted(objects)})
        self._places |= places
        self._recent |= places
        self._count += 1
        if self._count >= _MANY:
            self._gather()

    def _gather(self) -> None:
        """One pack in the place of the recent ones."""
        recent, self._recent, self._count = self._recent, {}, 0
        try:
            packed = {sha: recent[sha].read() for sha in sorted(recent)}
        except FileNotFoundError:  # `git gc` was faster
            return
        self._places |= _write(self._directory, packed)
        for path in {place.path for place in recent.values()}:
            Path(path).with_suffix(".idx").unlink(missing_ok=True)
            Path(path).unlink(missing_ok=True)


def _packed(kind: int, raw: bytes) -> Packed:
    return Packed(kind, _head(kind, len(raw)), zlib.compress(raw, 1 if len(raw) > _SMALL_BYTES else 0))


def _head(kind: int, size: int) -> bytes:
    """Three bits of kind and the size, least significant part first; the top bit says that another byte follows."""
    head = bytearray([kind << 4 | size & 15])
    size >>= 4
    while size:
        head[-1] |= 0x80
        head.append(size & 0x7F)
        size >>= 7
    return bytes(head)


def _write(directory: Path, objects: Mapping[str, Packed]) -> dict[str, Place]:
    """Writes a pack of `objects`, sorted by their names, and says where each is."""
    stem = f"{directory}/pack-{hashlib.sha1(''.join(objects).encode(), usedforsecurity=False).hexdigest()}"
    whole = bytearray(struct.pack(">4sII", b"PACK", 2, len(objects)))
    places, index = {}, []
    for name, packed in objects.items():
        places[name] = Place(f"{stem}.pack", packed.kind, len(whole), len(packed.head), len(packed.data))
        index.append((name, zlib.crc32(packed.head + packed.data), len(whole)))
        whole += packed.head
        whole += packed.data
    checksum = hashlib.sha1(whole, usedforsecurity=False).digest()
    _write_file(f"{stem}.pack", whole + checksum)
    _write_file(f"{stem}.tmp", _index(index, checksum))
    os.replace(f"{stem}.tmp", f"{stem}.idx")  # noqa: PTH105 - a Path for each of thousands costs as much as the write
    return places


def _index(objects: list[tuple[str, int, int]], checksum: bytes) -> bytes:
    """Version 2: how many names start with at most each byte, names, CRCs, offsets, checksums."""
    firsts = [0] * 256
    for name, _, _ in objects:
        firsts[int(name[:2], 16)] += 1
    parts = [b"\377tOc", struct.pack(">I256I", 2, *itertools.accumulate(firsts))]
    parts += [bytes.fromhex(name) for name, _, _ in objects]
    parts += [struct.pack(f">{len(objects)}I", *column) for column in list(zip(*objects, strict=True))[1:]]
    whole = b"".join([*parts, checksum])
    return whole + hashlib.sha1(whole, usedforsecurity=False).digest()


def _write_file(path: str, content: bytes | bytearray) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o444)
    try:
        os.write(file, content)
    finally:
        os.close(file)
