"""A Python client that openapi-python-client makes of an OpenAPI document, in an environment of its own.

It cannot be in the tests' own: it needs an older typer than the command line. What it is made from is pinned in
requirements/client.txt; the environment stays in .venvs/ until that changes.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.project import ROOT

LOCK = ROOT / "requirements" / "client.txt"
VENV = ROOT / ".venvs" / "client"
INSTALL_S, RUN_S = 300, 120


def environment() -> Path:
    """Its Python. Skips the test where the packages cannot be had."""
    python, stamp = VENV / "bin" / "python", VENV / "made-from"
    wanted = f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()} {sys.version}"
    if not (stamp.exists() and stamp.read_text(encoding="utf-8") == wanted):
        shutil.rmtree(VENV, ignore_errors=True)
        for command in _commands(python):
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_S)
            if done.returncode:
                pytest.skip(f"requirements/client.txt cannot be installed here: {done.stderr.strip()[-300:]}")
        stamp.write_text(wanted, encoding="utf-8")
    return python


def _commands(python: Path) -> list[list[str]]:
    locked = ["--require-hashes", "-r", str(LOCK)]
    if uv := shutil.which("uv"):
        make = [uv, "venv", "--quiet", "--python", sys.executable, str(VENV)]
        return [make, [uv, "pip", "install", "--quiet", "--python", str(python), *locked]]
    make = [sys.executable, "-m", "venv", str(VENV)]
    return [make, [str(python), "-m", "pip", "install", "-qq", "--no-input", "--disable-pip-version-check", *locked]]


class GeneratedClient:
    """The package `failover_api_client` in `folder`."""

    def __init__(self, document: str, folder: Path) -> None:
        self._python, self._folder = environment(), folder
        (folder / "openapi.json").write_text(document, encoding="utf-8")
        words = [
            "--path",
            "openapi.json",
            "--meta",
            "none",
            "--output-path",
            "failover_api_client",
            "--fail-on-warning",
        ]
        self.said = self._run("-m", "openapi_python_client", "generate", *words)

    def run(self, code: str, *words: str) -> Any:
        """What a program that uses it prints, as JSON."""
        return json.loads(self._run("-c", code, *words))

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            [str(self._python), *words], cwd=self._folder, capture_output=True, text=True, check=False, timeout=RUN_S
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
