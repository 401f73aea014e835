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
    with TemporaryDirectory(prefix="bench-", dir=_IN_MEMORY if in_memory() else None) as folder:
        yield Path(folder)


def in_memory() -> bool:
    """Whether there is such a place, with room enough."""
    if not os.access(_IN_MEMORY, os.W_OK):
        return False
    free = os.statvfs(_IN_MEMORY)
    return free.f_bavail * free.f_frsize > _ENOUGH_BYTES
