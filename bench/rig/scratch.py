"""A folder to measure in: in memory where the system has such a place, so that no disk is measured."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of an unguessable name is made in it
_ENOUGH_BYTES = 1 << 30


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone at the end."""
    with TemporaryDirectory(prefix="bench-", dir=_IN_MEMORY if _is_roomy(_IN_MEMORY) else None) as folder:
        yield Path(folder)


def _is_roomy(folder: Path) -> bool:
    if not os.access(folder, os.W_OK):
        return False
    free = os.statvfs(folder)
    return free.f_bavail * free.f_frsize > _ENOUGH_BYTES
