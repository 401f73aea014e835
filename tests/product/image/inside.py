"""Runs inside of the image, as text given to its Python: prints one line of JSON of what it found there.

Standard library only. Byte code that is not used shows twice: Python compiles the source, and would write it.
"""

import importlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

SCRATCH = tempfile.gettempdir()
FOLDERS = ("/", "/app", "/etc", "/opt/failover", "/usr/local/lib", "/var", SCRATCH)
TOOLS = ("pip", "pip3", "uv", "gcc", "cc", "g++", "ld", "make", "git")
PACKAGES = ("pip", "ensurepip", "setuptools", "hatchling")
SERVED = (
    "failover_api.edges.server",
    "failover_api.edges.app",
    "failover_api.edges.cli.main",
    "uvicorn",
    "apprise",
    "github",
)
SERVED += ("cryptography.hazmat.primitives.serialization", "rich.console", "asyncio", "uvicorn.protocols.http.h11_impl")


def watch(act: Callable[[], object]) -> list[str]:
    """The sources that were compiled, and the files opened to write, while it acted."""
    seen: list[str] = []

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event == "compile" and sys._getframe(1).f_code.co_filename.startswith("<frozen importlib"):
            seen.append(f"compiled {args[1]}")
        elif event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            seen.append(f"wrote {args[0]}")

    sys.addaudithook(hook)
    act()
    return list(seen)


def writable(folder: str) -> bool:
    try:
        Path(folder, "probe").write_text("")
    except OSError:
        return False
    return True


def main() -> None:
    sys.dont_write_bytecode = False  # so that an attempt to write shows
    Path(SCRATCH, "bare.py").touch()  # has no byte code: a watch that does not see it sees nothing
    sys.path.append(SCRATCH)
    found = {
        "uid": os.getuid(),
        "groups": sorted({os.getgid(), *os.getgroups()}),
        "folder": str(Path.cwd()),
        "writable": [folder for folder in FOLDERS if writable(folder)],
        "tools": [tool for tool in TOOLS if shutil.which(tool)],
        "packages": [name for name in PACKAGES if importlib.util.find_spec(name)],
        "unready": watch(lambda: [importlib.import_module(name) for name in SERVED]),
        "modules": len(sys.modules),
        "control": watch(lambda: importlib.import_module("bare")),
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
