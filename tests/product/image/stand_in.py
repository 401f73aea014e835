"""A stand-in for python:3.13-slim, where no registry can be reached: debootstrap and this machine's own CPython.

It is like the real one in what the Dockerfile meets: pip, no byte code, no compiler, CA certificates. It is older.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import dev
from tests.product.image.engine import Trouble, output

NAME = "localhost/python-stand-in:3.13"
PACKAGES = "ca-certificates,netbase,tzdata"
LEFT_OUT = ("*.pyc", "__pycache__", "*.a", "test", "tests", "idlelib", "turtledemo", "tkinter", "_tkinter*", "config-*")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def make() -> str:
    """The stand-in's name; it is made once. Raises Trouble."""
    if subprocess.run(["buildah", "inspect", NAME], capture_output=True, check=False).returncode:
        with tempfile.TemporaryDirectory(prefix="stand-in-") as folder:
            root = Path(folder, "root")
            output("debootstrap", "--variant=minbase", f"--include={PACKAGES}", _suite(), root)
            _copy_python(Path(dev.interpreter("3.13") or sys.executable), root)
            _commit(root)
    return NAME


def _suite() -> str:
    """This machine's own release of Debian: its CPython is linked with these libraries."""
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    names = [line.partition("=")[2].strip('"') for line in lines if line.startswith("VERSION_CODENAME=")]
    if not names:
        raise Trouble("/etc/os-release names no release that debootstrap could make")
    return names[0]


def _copy_python(python: Path, root: Path) -> None:
    """Into /usr/local, with pip and nothing else that is installed, and the libraries that it is linked with."""
    words = "import sys, sysconfig; print(sysconfig.get_path('stdlib'), sys.base_prefix, sys.version_info[1])"
    library, prefix, minor = output(python, "-c", words).split()
    to, name = root / "usr/local/lib" / f"python3.{minor}", f"python3.{minor}"
    shutil.copytree(library, to, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT, "site-packages"))
    for pip in Path(library, "site-packages").glob("pip*"):
        shutil.copytree(pip, to / "site-packages" / pip.name, ignore=shutil.ignore_patterns(*LEFT_OUT))
    shutil.copy(Path(prefix, "bin", name), root / "usr/local/bin" / name)
    for alias in ("python", "python3"):
        (root / "usr/local/bin" / alias).symlink_to(name)
    _copy_libraries([root / "usr/local/bin" / name, *to.glob("lib-dynload/*.so")], Path(prefix, "lib"), root)
    shutil.copy(CERTIFICATES, root / str(CERTIFICATES).lstrip("/"))
    output("chroot", root, "ldconfig")
    output("chroot", root, "python", "-c", "import ctypes, lzma, sqlite3, ssl, pip")


def _copy_libraries(binaries: list[Path], own: Path, root: Path) -> None:
    """What Debian's minimum has not; CPython's own (libpython) go to /usr/local/lib."""
    for line in output("ldd", *binaries).splitlines():
        found = line.partition("=> ")[2].partition(" (")[0]
        if found.startswith("/"):
            to = root / ("usr/local/lib" if Path(found).is_relative_to(own) else "usr/lib/x86_64-linux-gnu")
            if not (to / Path(found).name).exists():
                shutil.copy(found, to)


def _commit(root: Path) -> None:
    container = output("buildah", "from", "scratch").strip()
    try:
        output("buildah", "add", "--quiet", container, root, "/")
        output("buildah", "config", "--cmd", "python3", "--env", "PATH=/usr/local/bin:/usr/bin:/bin", container)
        output("buildah", "commit", "--quiet", container, NAME)
    finally:
        output("buildah", "rm", container)
