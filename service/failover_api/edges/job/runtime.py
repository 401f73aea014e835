"""The `failover` that the job calls: what FAILOVER_COMMAND names, else this very source with its locked libraries.

FAILOVER_COMMAND is for a runner that has failover-api installed: nothing is downloaded then.
"""

import hashlib
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from failover_api.edges.job.runner import Runner
from failover_api.errors import NotReady

SOURCE = Path(__file__).resolve().parents[3]
LOCK = SOURCE.parent / "requirements" / "runtime.txt"
_PIP = ("--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes")


@dataclass(frozen=True, slots=True)
class Runtime:
    """The words before the command, and what its environment needs besides."""

    words: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)


def find_runtime(environ: Mapping[str, str], runner: Runner, lock: Path = LOCK) -> Runtime:
    """Installs the libraries unless an earlier step of the job has. Raises NotReady."""
    if command := environ.get("FAILOVER_COMMAND"):
        return Runtime((command,))
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    venv = Path(environ.get("RUNNER_TEMP") or SOURCE.parent, f"failover-api-{digest}")
    inside, done = venv / "bin" / "python", venv / "complete"
    if not done.exists():
        runner.say(f"Installing {lock.name} for Python {sys.version.split()[0]}")
        with runner.quoting():
            _run(environ, sys.executable, "-m", "venv", "--clear", str(venv))
            install(inside, lock, environ)
        done.touch()  # last: what was interrupted is made again
    return Runtime((str(inside), "-m", "failover_api"), {"PYTHONPATH": str(SOURCE)})


def install(python: Path, lock: Path, environ: Mapping[str, str]) -> None:
    """Exactly what the lock has, by its hashes. Raises NotReady."""
    _run(environ, str(python), "-m", "pip", "install", *_PIP, "-r", str(lock))


def _run(environ: Mapping[str, str], *command: str) -> None:
    plain = {name: value for name, value in environ.items() if not name.startswith(("INPUT_", "ACTIONS_"))}
    try:
        subprocess.run(command, env=plain, check=True)  # noqa: S603 - the words are ours
    except (OSError, subprocess.CalledProcessError) as exc:
        what = "venv" if "venv" in command else "pip"
        raise NotReady(
            f"failover-api could not be installed: `python3 -m {what}` failed, its message is above"
        ) from exc
