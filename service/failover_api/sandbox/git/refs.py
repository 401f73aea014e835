"""The refs of a bare repository: files below refs/, and packed-refs. https://git-scm.com/docs/gitrepository-layout

Laws: a ref moves by compare-and-swap, and of several all move or none. Git's own lock files are taken for it, so that a
`git push` and we exclude each other; and nothing is kept in memory, so that a push is seen.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dulwich.refs import Ref, check_ref_format

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """A ref from one commit to another; `old` None makes it, `new` None deletes it, both None: it must not be there."""

    name: str
    old: str | None
    new: str | None


class Refs:
    """Safe to share between threads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.RLock()
        self._packed: tuple[tuple[int, int, int] | None, dict[str, str]] = (None, {})

    def get(self, name: str) -> str | None:
        """The commit it is at; None when there is no such ref."""
        if not is_ref_name(name):
            return None
        with self._lock:
            value = _content(f"{self._directory}/{name}")
            if value.startswith("ref: "):
                return self.get(value[5:])
            return value or self._all_packed().get(name)

    def under(self, prefix: str) -> dict[str, str]:
        """{name: sha} of all refs whose names start with `prefix`."""
        with self._lock:
            names = {name for name in self._all_packed() if name.startswith(prefix)}
            names |= {name for name in self._loose() if name.startswith(prefix)}
            shas = {name: self.get(name) for name in sorted(names)}
        return {name: sha for name, sha in shas.items() if sha}

    def move(self, moves: Sequence[RefUpdate]) -> RefUpdate | None:
        """Makes all moves, or none. The one that could not be made, if there is one."""
        with self._lock, contextlib.ExitStack() as locks:
            for move in moves:
                if not locks.enter_context(_locked(self._directory, move)):
                    return move
                if self.get(move.name) != move.old or (move.new and not move.old and self._in_the_way(move.name)):
                    return move
            for move in moves:
                self._set(move)
        return None

    def _set(self, move: RefUpdate) -> None:
        path = f"{self._directory}/{move.name}"
        if move.new:
            os.replace(f"{path}.lock", path)  # noqa: PTH105 - text is made faster than a Path, and this runs thousands of times
            return
        if move.name in self._all_packed():
            self._drop_packed(move.name)
        Path(path).unlink(missing_ok=True)

    def _in_the_way(self, name: str) -> bool:
        """Whether there are refs below this name, or this name is below one: Git has no room for both."""
        path = self._directory / name
        if path.is_dir():
            _remove_empty(path)
        packed = self._all_packed()
        return path.is_dir() or any(other.startswith(f"{name}/") or name.startswith(f"{other}/") for other in packed)

    def _loose(self) -> Iterator[str]:
        root = str(self._directory)
        for folder, _, files in os.walk(f"{root}/refs"):
            below = folder[len(root) + 1 :]
            yield from (f"{below}/{file}" for file in files if not file.endswith(".lock"))

    def _all_packed(self) -> dict[str, str]:
        """What `git gc` has moved into one file; parsed again when that has changed."""
        path = self._directory / "packed-refs"
        try:
            stat = path.stat()
        except FileNotFoundError:
            return {}
        seen = stat.st_mtime_ns, stat.st_size, stat.st_ino
        if self._packed[0] != seen:
            lines = [line.split(" ") for line in path.read_text().splitlines() if line[0] not in "#^"]
            self._packed = seen, {name: sha for sha, name in lines}
        return self._packed[1]

    def _drop_packed(self, name: str) -> None:
        path = self._directory / "packed-refs"
        kept = [line for line in path.read_text().splitlines() if not line.endswith(f" {name}")]
        scratch = path.with_name("packed-refs.new")
        scratch.write_text("\n".join(kept) + "\n")
        scratch.replace(path)


@functools.lru_cache(maxsize=4096)
def is_ref_name(name: str) -> bool:
    """https://git-scm.com/docs/git-check-ref-format"""
    return bool(name) and check_ref_format(Ref(name.encode("utf-8", "replace")))


@contextlib.contextmanager
def _locked(directory: Path, move: RefUpdate) -> Iterator[bool]:
    """Holds Git's lock on a ref, with the new value in it already.

    False when someone else has it, or a ref is where a directory would have to be.
    """
    lock = f"{directory}/{move.name}.lock"
    try:
        file = _new(lock)
    except OSError:
        yield False
        return
    try:
        os.write(file, f"{move.new}\n".encode())
        os.close(file)
        yield True
    finally:
        with contextlib.suppress(FileNotFoundError):  # the move was made: the lock has become the ref
            os.unlink(lock)  # noqa: PTH108 - as above
        _prune(directory, move.name)


def _new(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        return os.open(path, flags, 0o644)
    except FileNotFoundError:  # the first of its directory
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, 0o644)


def _prune(directory: Path, name: str) -> None:
    """Directories that hold no ref any more go, up to refs/heads and its like, which stay."""
    parts = name.split("/")[:-1]
    while len(parts) > len(("refs", "heads")):
        try:
            directory.joinpath(*parts).rmdir()
        except OSError:
            return
        parts.pop()


def _remove_empty(folder: Path) -> None:
    for below, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):
            Path(below).rmdir()


def _content(path: str) -> str:
    """Of a small file; empty when there is none."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        return os.read(file, _LONGEST).decode().strip()
    except IsADirectoryError:
        return ""
    finally:
        os.close(file)
