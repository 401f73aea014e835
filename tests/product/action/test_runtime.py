"""Installing in the runner: the lock's hashes decide, and a second step of the job finds what the first installed."""

import hashlib
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from failover_api.edges.job.runner import Runner
from failover_api.edges.job.runtime import LOCK, SOURCE, Runtime, find_runtime, install
from failover_api.errors import NotReady
from tests.support.project import ROOT


def wheel(folder: Path, version: str) -> str:
    """The smallest one that pip takes; gives its hash."""
    path = folder / f"tiny-{version}-py3-none-any.whl"
    info = f"tiny-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("tiny.py", f"version = {version!r}\n")
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", f"tiny.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lock(folder: Path, version: str, digest: str) -> Path:
    path = folder / "runtime.txt"
    path.write_text(f"tiny=={version} \\\n    --hash=sha256:{digest}\n")
    return path


def run(runtime: Runtime, script: str) -> list[str]:
    command = [runtime.words[0], "-c", script]
    return subprocess.run(command, env=dict(runtime.environ), capture_output=True, text=True, check=True).stdout.split()


def test_a_command_that_is_named_is_used_as_it_is(tmp_path: Path) -> None:
    runtime = find_runtime({"FAILOVER_COMMAND": "/opt/failover", "RUNNER_TEMP": str(tmp_path)}, Runner({}))
    assert runtime == Runtime(("/opt/failover",))
    assert not list(tmp_path.iterdir())


def test_exactly_the_lock_is_installed_and_only_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ensurepip", reason="Debian's python3 makes no venv without python3-venv")
    environ = {"RUNNER_TEMP": str(tmp_path), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}  # no network
    environ |= {"PIP_NO_COMPILE": "1", "PYTHONPYCACHEPREFIX": os.environ["PYTHONPYCACHEPREFIX"]}  # pip itself is large
    file = lock(tmp_path, "1.0", wheel(tmp_path, "1.0"))
    runtime = find_runtime(environ, Runner({}), file)
    script = "import tiny, failover_api; print(tiny.version, failover_api.__file__)"
    assert run(runtime, script) == ["1.0", str(SOURCE / "failover_api" / "__init__.py")]
    assert runtime.words[1:] == ("-m", "failover_api")
    assert find_runtime(environ, Runner({}), file) == runtime
    assert capfd.readouterr().out.count("Installing runtime.txt for Python") == 1
    wheel(tmp_path, "2.0")
    for bad in (lock(tmp_path, "2.0", "0" * 64), tmp_path / "bare.txt"):
        (tmp_path / "bare.txt").write_text("tiny==2.0\n")
        with pytest.raises(NotReady, match="`python3 -m pip` failed"):
            install(Path(runtime.words[0]), bad, environ)
    assert run(runtime, script)[0] == "1.0"


def test_what_is_installed_is_the_lock_of_this_source() -> None:
    assert LOCK == ROOT / "requirements" / "runtime.txt"
    assert LOCK.exists()
