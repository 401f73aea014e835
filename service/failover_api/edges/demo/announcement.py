"""How `failover demo kill` finds a running demo: a file of this user in a folder of this user, while the demo serves.

It holds the URL of the demo's simulated cluster, on loopback. A file or a folder of anybody else is not believed.
"""

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from failover_api.errors import BadRequest, NotReady

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_MAX_BYTES = 200


@contextlib.contextmanager
def announced(url: str) -> Iterator[Path]:
    """The demo whose simulated cluster is at `url` can be found until the end. One file for each process."""
    file = _folder() / f"{os.getpid()}.url"
    file.unlink(missing_ok=True)  # of a process long gone that had our number
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
        out.write(url)
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)


def running_demo() -> str:
    """The URL of the one demo's simulated cluster. Raises NotReady for no demo, BadRequest for several."""
    found = [url for file in sorted(_folder().glob("*.url")) if _runs(file) and (url := _read(file))]
    if not found:
        raise NotReady(
            "no demo is running here that has told its story; start one in another terminal: failover demo --serve"
        )
    if len(found) > 1:
        which = f"--cluster {' or '.join(found)}"
        raise BadRequest(f"several demos are running here; say which one, by the cluster of its first lines: {which}")
    return found[0]


def on_loopback(url: str) -> str:
    """A demo's URL, as it was given. Raises BadRequest for what no demo's can be."""
    try:
        parts = urlsplit(url)
        is_ours = parts.scheme == "http" and parts.hostname in _LOOPBACK and parts.port is not None
    except ValueError:
        is_ours = False
    if not is_ours or parts.path.strip("/") or parts.query or parts.username:
        raise BadRequest(f"{url!r} is no demo's cluster; expected http://127.0.0.1:PORT, which the demo prints")
    return url.rstrip("/")


def _folder() -> Path:
    """Made when it is missing. Raises NotReady when it is not ours alone."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    folder = Path(base) / f"failover-demo-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise NotReady(f"{folder} is not a folder of this user alone; remove it")
    return folder


def _runs(file: Path) -> bool:
    """Whether the process that wrote it is there; what a dead one left behind is removed."""
    try:
        os.kill(int(file.stem), 0)
    except PermissionError:
        return False
    except (ProcessLookupError, ValueError, OverflowError):
        file.unlink(missing_ok=True)
        return False
    return True


def _read(file: Path) -> str:
    """The URL in it; "" when there is none that a demo could have."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # it ended just now
        return ""
    with os.fdopen(handle, "rb") as opened:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
            return ""
        text = opened.read(_MAX_BYTES).decode("ascii", "replace")
    with contextlib.suppress(BadRequest):
        return on_loopback(text)
    return ""
